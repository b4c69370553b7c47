"""What README.md and docs/reference.md show is what the product does."""

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
    (r"(Total time: )[0-9.]+s", r"\1SECONDS"),
    (r'("config": )"[^"]+"', r'\1"VERSION"'),
]


def masked(text: str) -> str:
    """Ids, times and durations differ from run to run."""
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text


SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "update_readme.py"))


@pytest.mark.parametrize("shown", SCRIPT["SHOWN"], ids=lambda shown: shown.page.name)
def test_the_output_on_the_page_is_a_real_one(shown: Any) -> None:
    """`make readme` writes it anew."""
    documented = SCRIPT["documented"](shown)
    assert documented
    assert masked(documented) == masked(SCRIPT["printed"](shown))


@pytest.mark.parametrize("shown", SCRIPT["SHOWN"], ids=lambda shown: shown.page.name)
def test_the_pages_command_is_the_one_that_made_it(shown: Any) -> None:
    """So that a reader gets the same."""
    assert re.search(rf"\.venv/bin/ses-fleet {re.escape(shown.command)}[`\n]", shown.page.read_text())


@pytest.mark.parametrize("page", ["README.md", "docs/reference.md"])
def test_every_payload_that_a_page_names_is_a_file_that_is_there(page: str) -> None:
    """From the repository's root, where its commands are run, unless a command before it writes the file."""
    text = (ROOT / page).read_text()
    for path in re.findall(r"fileb://(\S+)", text):
        assert (ROOT / path).exists() or f"> {path}\n" in text.partition(f"fileb://{path}")[0], path


REFERENCE = (ROOT / "docs" / "reference.md").read_text()
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
def test_the_one_liner_for_the_aws_cli_ends_as_the_command_would(answer: str, code: int, tmp_path: Path) -> None:
    """0 only for a Summary that says so; no summary yet is no success."""
    (program,) = ONE_LINER.findall(REFERENCE)
    (tmp_path / "out.json").write_text(answer)
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == code


@pytest.mark.parametrize("answer", ["", "null", "[]", "not JSON"])
def test_the_one_liner_for_the_aws_cli_takes_nothing_else_for_success(answer: str, tmp_path: Path) -> None:
    """An empty file, as an Event leaves it; and a file of an earlier call is not looked at when this one failed."""
    (program,) = ONE_LINER.findall(REFERENCE)
    (tmp_path / "out.json").write_text(answer)
    assert subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=False, stderr=subprocess.DEVNULL
    ).returncode
    assert f" out.json &&\npython3 -c '{program}'" in REFERENCE
