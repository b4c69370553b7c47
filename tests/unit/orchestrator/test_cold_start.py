"""What the start of an environment loads, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = "import json, sys; from ses_fleet.orchestrator import handler; print(json.dumps(list(sys.modules)))"
DATA = "ses_fleet.actions.data."


def test_the_start_loads_the_data_that_a_run_reads() -> None:
    """Those of describe-topics and of the first phase of an import; help alone needs all."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120)
    loaded = {name.removeprefix(DATA) for name in json.loads(ended.stdout) if name.startswith(DATA)}
    known = {"base", "describe_topics", "described_topic", "marks", "read_identity_center", "topic_comparison"}
    assert loaded == known


def test_the_start_loads_no_rows_of_people() -> None:
    """Most runs have no people file."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120)
    people = "ses_fleet.people."
    loaded = {name.removeprefix(people) for name in json.loads(ended.stdout) if name.startswith(people)}
    assert loaded == {"erasure", "kinds", "pinned"}
