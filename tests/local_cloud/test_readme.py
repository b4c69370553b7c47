"""What the README shows is what the product does."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

MASKS = [
    (r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r'("\w+_seconds": )[0-9.]+', r"\1SECONDS"),
    (r'("config": )"[^"]+"', r'\1"VERSION"'),
]


def masked(text: str) -> str:
    """Ids, times and durations differ from run to run."""
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The script that writes the README's summary."""
    return runpy.run_path(str(ROOT / "docs" / "update_readme.py"))


def test_the_summary_in_the_readme_is_a_real_one(script: dict[str, Any]) -> None:
    """`make readme` writes it anew."""
    assert masked(script["documented"]()) == masked(script["printed"]())


def test_the_readmes_command_is_the_one_that_made_it(script: dict[str, Any]) -> None:
    """So that a reader gets the same."""
    assert f".venv/bin/ses-fleet {script['COMMAND']}\n" in (ROOT / "README.md").read_text()


def test_every_payload_in_the_examples_is_named_by_a_file_that_is_there() -> None:
    """And the README's links lead somewhere."""
    text = (ROOT / "README.md").read_text()
    for path in re.findall(r"fileb://(\S+)", text) + re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / path).exists(), path


ONE_LINER = re.compile(r"^python3 -c '([^']+)'$", re.MULTILINE)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('{"exit_code": 0}', 0),
        ('{"exit_code": 1, "results": []}', 1),
        ('{"exit_code": 2}', 2),
        ('{"exit_code": null}', 3),
        ("{}", 3),
        ('{"errorType": "RequestError", "errorMessage": "$.action: missing"}', 2),
        ('{"errorType": "ConfigurationError", "errorMessage": "$: x"}', 2),
        ('{"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"}', 3),
        ('{"errorType": "Runtime.OutOfMemory"}', 3),
    ],
)
def test_the_readmes_one_liner_ends_as_the_command_would(answer: str, code: int, tmp_path: Path) -> None:
    """0 only for a Summary that says so; no summary yet is no success."""
    (program,) = ONE_LINER.findall((ROOT / "README.md").read_text())
    (tmp_path / "out.json").write_text(answer)
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == code


@pytest.mark.parametrize("answer", ["", "null", "[]", "not JSON"])
def test_the_readmes_one_liner_takes_nothing_else_for_success(answer: str, tmp_path: Path) -> None:
    """An empty file, as an Event leaves it; and a file of an earlier call is not looked at when this one failed."""
    text = (ROOT / "README.md").read_text()
    (program,) = ONE_LINER.findall(text)
    (tmp_path / "out.json").write_text(answer)
    assert subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=False, stderr=subprocess.DEVNULL
    ).returncode
    assert f" out.json &&\npython3 -c '{program}'" in text
