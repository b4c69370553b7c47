"""What ses-fleet is measured against is pinned, and has the same SDK."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def pinned(name: str) -> dict[str, str]:
    """The packages of a requirements file and their versions."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if re.match(r"[a-z]", line))


def test_everybody_is_measured_with_the_same_sdk() -> None:
    """A faster boto3 on one side would be told as a faster tool."""
    peers, ours = pinned("bench/peers_requirements.txt"), pinned("requirements-dev.txt")
    assert {name: peers[name] for name in ("boto3", "botocore")} == {name: ours[name] for name in ("boto3", "botocore")}
    assert pinned("lambdas/requirements.txt")["botocore"] == ours["botocore"]


def test_the_tools_are_run_and_never_depended_on() -> None:
    """botocove is LGPL."""
    assert not {"botocove", "awsrun"} & pinned("requirements-dev.txt").keys()
    assert {"botocove", "awsrun"} <= pinned("bench/peers_requirements.txt").keys()
