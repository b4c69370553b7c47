"""What is installed where: the command's needs are its own, and nothing more is shipped to Lambda."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def pinned(name: str) -> dict[str, str]:
    """The packages of a requirements file and their versions."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if re.match(r"[a-z0-9]", line))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_profile_of_aws_login_can_be_used_by_the_command(name: str) -> None:
    """botocore signs for one with awscrt, of just the version that its extra names."""
    wanted = [text for text in importlib.metadata.requires("botocore") or () if text.startswith("awscrt")]
    (version,) = re.findall(r"==([0-9.]+)", " ".join(wanted))
    assert pinned(name)["awscrt"] == version
    assert f'"awscrt=={version}"' in (ROOT / "pyproject.toml").read_text()
    assert importlib.metadata.version("awscrt") == version


def test_it_is_not_shipped_to_lambda() -> None:
    """The functions have roles and need none of it: megabytes of a cold start."""
    assert "awscrt" not in pinned("lambdas/requirements.txt")
