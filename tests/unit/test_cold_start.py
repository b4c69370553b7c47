"""The garbage collector in the init phase of an environment, and after it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import gc, json
collected = []
gc.callbacks.append(lambda phase, _: collected.append(phase))
from ses_fleet.{part} import handler
print(json.dumps([len(collected), gc.isenabled(), gc.get_freeze_count()]))
"""


@pytest.mark.parametrize("part", ["orchestrator", "worker"])
def test_the_collector_visits_nothing_that_was_loaded_at_the_start(part: str) -> None:
    """It is off meanwhile, leaves out the services' models, and runs for what comes after them."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(part=part)], capture_output=True, text=True, check=True, timeout=120
    )
    runs, enabled, frozen = json.loads(ended.stdout)
    assert enabled
    assert frozen > 50_000
    assert runs < 50  # of the interpreter's own first imports; hundreds when it stays on
