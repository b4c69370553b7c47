"""`ses-fleet config check`: a line for every finding, then what is in the file; exit code 1 when one is an error."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ses_fleet_cli import main

ROOT = Path(__file__).resolve().parents[2]
SES_FLEET = str(Path(sys.executable).parent / "ses-fleet")
CONFIG: Any = typer.main.get_command(main.app).commands["config"]  # type: ignore[attr-defined]
SAMPLE = json.loads((ROOT / "examples" / "config.json").read_text())


def check(*files: str) -> tuple[int, list[str]]:
    """Exit code and lines, of a call in this process; nothing on stderr."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
        code = CONFIG.main(["check", *files], standalone_mode=False)
    assert errors.getvalue() == ""
    return code, out.getvalue().splitlines()


def check_by_command(*files: str) -> tuple[int, list[str]]:
    """The same of a process."""
    ended = subprocess.run(
        [SES_FLEET, "config", "check", *files], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout.splitlines()


def test_the_examples_findings() -> None:
    """Kind told by content; warnings alone are no failure."""
    code, lines = check_by_command("examples/config.json", "examples/SESConfig.json")
    assert code == 1
    assert lines[:4] == [
        "examples/config.json: $.customer_mappings.initech: warning: is skipped: no ses_role_arn in config.json",
        (
            "examples/config.json: $.customer_mappings.umbrella.ses_role_arn: error: "
            '"arn:aws-us-gov:iam::123412341234:role/contact-manager" is of partition aws-us-gov; '
            "this deployment runs in aws, and credentials do not cross partitions"
        ),
        "examples/config.json: 6 customers (1 skipped, 1 with errors)",
        "examples/SESConfig.json: 9 topics, as manage-topic gives them to every list:",
    ]
    assert "   wiz-announce (default OPT_IN)" in lines
    assert "      WIZ Change Announcements: Announce WIZ what, why and when for changes" in lines
    assert "   finops-announce (default OPT_OUT; opted in by role: finance)" in lines
    code, lines = check_by_command("examples/SESConfig.json")
    assert (code, len(lines)) == (0, 19)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "$: error: file.json is not JSON: "),
        ('{"customer_mappings": {"a": {}, "a": {}}}', "$.customer_mappings.a: error: the key is there more than once"),
        ("[]", "$: error: must be a JSON object, not a list"),
        ('{"customer_mappings": {}}', "$.customer_mappings: error: no customers are configured"),
        ('{"topics": [{}]}', "$.topics[0].TopicName: error: missing"),
    ],
)
def test_a_broken_file_is_an_error_with_its_path(content: str, expected: str, tmp_path: Path) -> None:
    """In either kind of file."""
    path = tmp_path / "file.json"
    path.write_text(content)
    code, lines = check(str(path))
    assert code == 1
    assert lines[0].startswith(f"{path}: {expected}")


def test_all_customers_faults_are_found_at_once(tmp_path: Path) -> None:
    """A misspelt role of a customer without one among them; what is only odd is a warning."""
    mappings: dict[str, Any] = {
        "one": {"ses_role_arn": "x", "region": "nowhere"},
        "two": {"customer_code": "three", "ses_role_arm": "x"},
        "bad\ncode": {"ses_role_arn": "arn:aws:iam::111122223333:role/r"},
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"customer_mappings": mappings}))
    code, lines = check(str(path))
    assert code == 1
    levels = [line.removeprefix(f"{path}: ").split(": ")[:2] for line in lines]
    assert ["$.customer_mappings.one.ses_role_arn", "error"] in levels
    assert ["$.customer_mappings.one.region", "error"] in levels
    assert ["$.customer_mappings.two.ses_role_arm", "error"] in levels
    assert ["$.customer_mappings.bad\\u000acode", "error"] in levels


ROLE = "arn:aws:iam::111122223333:role/r"


@pytest.mark.parametrize(
    ("document", "code", "finding"),
    [
        ({"topics": None}, 0, "$: warning: has no topics"),
        (
            {"a": {"ses_role_arn": ROLE.replace("arn:aws:", "arn:aws-foo:"), "region": "us-east-1"}},
            1,
            f'$.customer_mappings.a.ses_role_arn: error: "{ROLE.replace("arn:aws:", "arn:aws-foo:")}" is of partition',
        ),
        ({"topics": [{"TopicName": "n", "DisplayName": "\ud83d"}]}, 1, "$.topics[0].DisplayName: error: is not text"),
        ({"a": {"ses_role_arn": ROLE, "region": "us-east-3"}}, 1, '$.customer_mappings.a.region: error: "us-east-3"'),
        (
            {code: {"ses_role_arn": ROLE, "region": "us-east-1"} for code in ("a", "b")},
            0,
            "$.customer_mappings.b: warning: a, b have the same account 111122223333 and Region us-east-1",
        ),
        (
            {"a": {"ses_role_arn": ROLE, "region": "us-east-1", "external_id": ""}},
            0,
            "$.customer_mappings.a.external_id: warning: is empty",
        ),
    ],
)
def test_what_would_surprise_in_a_run_is_found_before(document: Any, code: int, finding: str, tmp_path: Path) -> None:
    """As an error where a run would fail, as a warning where it would not do what was meant."""
    path = tmp_path / "file.json"
    path.write_text(json.dumps(document if "topics" in document else {"customer_mappings": document}))
    found, lines = check(str(path))
    assert found == code
    assert any(line.startswith(f"{path}: {finding}") for line in lines), lines


def test_a_file_of_another_partition_is_checked_as_one(tmp_path: Path) -> None:
    """All of its roles say where the deployment is; where they do not, it is said with --partition."""
    role = "arn:aws-eusc:iam::444455556666:role/team//x"
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"customer_mappings": {"a": {"ses_role_arn": role, "region": "eusc-de-east-1"}}}))
    fine = (0, [f"{path}: 1 customer"])
    assert check(str(path)) == check("--partition", "aws-eusc", str(path)) == fine
    assert check("--partition", "aws", str(path))[0] == 1


@pytest.mark.parametrize("command", ["check", "push"])
def test_a_file_that_cannot_be_read_is_a_wrong_command_line(command: str) -> None:
    """The same line and exit code of both commands, before another file is looked at and without any AWS."""
    arguments = [SES_FLEET, "config", command, "examples/config.json", "not-there.json"]
    environment = {"HOME": "/nonexistent", "PATH": "/usr/bin"}
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "ses-fleet: not-there.json cannot be read: No such file or directory\n"
