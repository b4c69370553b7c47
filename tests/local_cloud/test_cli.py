"""The `ses-fleet` command as a person or a script uses it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.runs import hub_policies
from tests.local_cloud.conftest import HUB, ORCHESTRATOR, SAMPLE, SES_FLEET, WORKER, Cloud, ses_fleet
from tests.local_cloud.test_policies import Session


def test_blocks_as_customers_finish_then_the_summary(cloud: Cloud) -> None:
    """The seed's output, the exit code of the Summary."""
    ended = ses_fleet(cloud, "invoke", "describe-list-all")
    assert ended.returncode == 1
    text = ended.stdout
    assert text.startswith("🔄 Processing 6 customers concurrently... (run ")
    for code in SAMPLE["customer_mappings"]:
        assert text.count(f"{'═' * 63}\nCustomer: {code}\n{'═' * 63}\n") == 1
    for line in (
        "📊 Summary:",
        "   Total customers: 6",
        "   ✅ Successful: 3",
        "   ❌ Failed: 2",
        "   ⏭️  Skipped: 1",
        "   ⏱️  Total time: ",
    ):
        assert f"\n{line}" in text
    assert text.index("Customer: globex") < text.index("📊 Summary:")
    assert ended.stderr == ""


def test_json_output_is_the_summary_and_nothing_else(cloud: Cloud) -> None:
    """Notices go to stderr."""
    ended = ses_fleet(cloud, "invoke", "describe-list-all", "--output", "json", "--run-id", "json-1")
    summary = json.loads(ended.stdout)
    assert (summary["run_id"], summary["exit_code"], ended.returncode) == ("json-1", 1, 1)
    assert "Processing 6 customers" in ended.stderr


def test_a_run_is_an_event_with_an_id_of_its_own(cloud: Cloud) -> None:
    """One asynchronous Invoke; the rest is reading."""
    mark = cloud.mark()
    assert ses_fleet(cloud, "invoke", "describe-list-all", "--include", "globex").returncode == 0
    ours = [e for e in cloud.journal(mark) if e["environment"] is None]
    assert [e["http_status"] for e in ours if e["operation"] == "Invoke"] == [202]
    assert {e["operation"] for e in ours} == {"GetFunctionConfiguration", "Invoke", "GetObject", "ListObjectsV2"}


def test_flags_become_the_payload(cloud: Cloud, tmp_path: Path) -> None:
    """And override the payload's fields; --param takes JSON or text."""
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps({"action": "describe-list-all", "include": ["acme"], "dry_run": True}))
    ended = ses_fleet(cloud, "invoke", "--payload", str(payload), "--include", "globex", "--include", "acme")
    assert "DRY RUN MODE" in ended.stdout
    assert "📊 Dry-run complete: 2 customers would be processed" in ended.stdout
    arguments = ("--customer-code", "acme", "--param", "count_contacts=false", "--output", "json")
    ended = ses_fleet(cloud, "invoke", "describe-list", *arguments)
    assert json.loads(ended.stdout)["results"][0]["data"]["contacts"] is None
    ended = ses_fleet(cloud, "invoke", "--payload", "-", stdin='{"action": "describe-list", "customer_code": "globex"}')
    assert ended.returncode == 0


def in_matrix(*cases: tuple[list[str], str]) -> Iterator[Any]:
    """Cases that only `make test-all` runs: each is a process, and the logic behind it has unit tests."""
    return (pytest.param(*case, marks=pytest.mark.matrix) for case in cases)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe-list-al"], 'did you mean "describe-list-all"?'),
        (["describe-list-all", "--customer-code", "acme"], 'use "include" (--include) to select customers'),
        *in_matrix(
            (["describe-list-all", "--include", "acmee"], 'did you mean "acme"?'),
            (["describe-list-all", "--max-failures", "x"], "$.max_failures (--max-failures): must be an integer"),
            (["describe-list-all", "--param", "colour=1"], "$.params.colour (--param colour): unknown parameter"),
            (["describe-list-all", "--environment", "qa"], "there are: nonprod, prod"),
            (["describe-list-all", "--environment", ""], "there are: nonprod, prod"),
            (["describe-list", "--customer-code", ""], 'config.json has no customer ""'),
            (
                ["list-contacts-all", "--param", "unsubscribed=null"],
                "$.params.unsubscribed (--param unsubscribed): must be true or false, not a string",
            ),
        ),
    ],
)
def test_a_refused_run_is_exit_2(arguments: list[str], message: str, cloud: Cloud) -> None:
    """The function's own words, with the flags, on stderr; with --output json the Summary is stdout."""
    ended = ses_fleet(cloud, "invoke", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "❌ The run was refused:" in ended.stderr
    assert message in ended.stderr
    ended = ses_fleet(cloud, "invoke", *arguments, "--output", "json")
    assert ended.returncode == json.loads(ended.stdout)["exit_code"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no action"),
        (["describe-list-all", "--max-customer-concurrency", "many"], "Input should be a valid integer"),
        (["describe-list-all", "--output", "xml"], "--output is text or json"),
        (["describe-list-all", "--config", "examples/config.json"], "--config can only be given with --local"),
        *in_matrix(
            (["describe-list-all", "--output", ""], '--output is text or json, not ""'),
            (["describe-list-all", "--payload", ""], '--payload "" cannot be the name of a file'),
            (["describe-list-all", "--param", "novalue"], "must be name=value"),
            (["describe-list-all", "--param", "x=" + "[" * 100_000], "--param x is nested too deeply"),
            (["describe-list-all", "--payload", "-"], "--payload - is not JSON"),
            (["describe-list-all", "--include", "\udcff"], "is not text that UTF-8 can hold"),
            (["describe-list-all", "--run-id", ""], "--run-id must be 1 to 40"),
            (["describe-list-all", "--function-name", ""], "cannot be the name of a function"),
            (["describe-list-all", "--run-id", "a/b"], "--run-id must be 1 to 40"),
            (["describe-list-all", "--payload", "not-there.json"], "No such file"),
            (["describe-list-all", "--payload", "Makefile"], "is not JSON"),
            (["describe-list-all", "--payload", "examples/events/help.json"], 'but the payload says "help"'),
            (["describe-list-all", "--colour"], "No such option"),
            (["describe-list-all", "--local", "--scenario", "examples/config.json"], "examples/config.json: $."),
            (["describe-list-all", "--local", "--function-name", "x"], "--local runs functions of its own"),
        ),
    ],
)
def test_a_wrong_command_line_is_exit_2_and_sends_nothing(arguments: list[str], message: str, cloud: Cloud) -> None:
    """One message on stderr."""
    mark = cloud.mark()
    ended = ses_fleet(cloud, "invoke", *arguments, COLUMNS="200", TERM="dumb")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [e for e in cloud.journal(mark) if e["operation"] == "Invoke"] == []


def test_the_id_of_another_request_is_refused(cloud: Cloud) -> None:
    """Somebody else's result is never shown as the answer."""
    assert ses_fleet(cloud, "invoke", "describe-list-all", "--include", "globex", "--run-id", "mine").returncode == 0
    ended = ses_fleet(cloud, "invoke", "describe-list-all", "--include", "globex", "--run-id", "mine")
    assert ended.returncode == 0
    ended = ses_fleet(cloud, "invoke", "describe-list-all", "--include", "acme", "--run-id", "mine")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "was started with another request" in ended.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"},
        {"AWS_ENDPOINT_URL": "not a url"},
    ],
)
def test_no_summary_is_exit_3(variables: dict[str, str], cloud: Cloud) -> None:
    """Unreachable, or not let in: one line, no traceback."""
    ended = ses_fleet(cloud, "invoke", "describe-list-all", **variables)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert len(ended.stderr.splitlines()) == 1


def test_the_region_is_aws_region(cloud: Cloud) -> None:
    """As for the AWS CLI, whatever AWS_DEFAULT_REGION says: boto3 alone would not look at it."""
    there = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "eu-central-1"}
    assert ses_fleet(cloud, "runs", "list", **there).returncode == 0
    elsewhere = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-1"}
    assert ses_fleet(cloud, "runs", "list", **elsewhere).returncode == 3


def test_without_credentials_is_exit_3() -> None:
    """And without a Region, too."""
    environment = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    for more in ({}, {"AWS_REGION": "us-east-1"}):
        ended = ses_fleet(None, "invoke", "describe-list-all", **environment, **more)
        assert ended.returncode == 3, ended.stderr
        assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "profile",
    [
        "login_session = arn:aws:sts::123456789012:assumed-role/x/y",  # as `aws login` writes it
        *(
            pytest.param(profile, marks=pytest.mark.matrix)
            for profile in (
                "credential_process = /nonexistent/program",
                "credential_process = echo no-json",
                "sso_session = missing\nsso_account_id = 123456789012\nsso_role_name = x",
                "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = missing",
                "web_identity_token_file = /nonexistent/token\nrole_arn = arn:aws:iam::123456789012:role/x",
            )
        ),
    ],
)
def test_a_profile_whose_credentials_cannot_be_had_is_exit_3(profile: str, cloud: Cloud, tmp_path: Path) -> None:
    """One line that says what is missing, whatever kind of profile it is."""
    (tmp_path / "config").write_text(f"[default]\nregion = us-east-1\n{profile}\n")
    environment = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    environment["AWS_ENDPOINT_URL"] = cloud.url
    ended = ses_fleet(None, "invoke", "describe-list-all", **environment)
    assert ended.returncode == 3, ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "awscrt" not in ended.stderr


def test_a_function_that_is_no_orchestrator_is_exit_3(cloud: Cloud) -> None:
    """Its runs could not be followed."""
    ended = ses_fleet(cloud, "invoke", "describe-list-all", "--function-name", WORKER)
    assert ended.returncode == 3
    assert "is it ses-fleet's orchestrator?" in ended.stderr


def test_help_is_an_answer_and_no_run(cloud: Cloud) -> None:
    """As text, and as the function gives it."""
    assert "describe-list-all  (changes nothing)" in ses_fleet(cloud, "invoke", "help").stdout
    ended = ses_fleet(cloud, "invoke", "help", "--output", "json")
    assert json.loads(ended.stdout)["exit_code"] == ended.returncode == 0


def test_a_local_cloud_for_one_call(tmp_path: Path) -> None:
    """Says so on stderr, uses the files given, with a byte order mark or without, and is gone afterwards."""
    config = tmp_path / "config.json"
    config.write_text("\ufeff" + json.dumps({"customer_mappings": {"globex": SAMPLE["customer_mappings"]["globex"]}}))
    ended = ses_fleet(None, "invoke", "describe-list-all", "--local", "--config", str(config), "--output", "json")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.startswith("started a local cloud at http://127.0.0.1:")
    assert "\nno --scenario was given: no customer's account has a contact list or contacts" in ended.stderr
    assert json.loads(ended.stdout)["total_customers"] == 1


def test_a_broken_config_in_a_local_cloud_is_exit_2(tmp_path: Path) -> None:
    """The run is refused as it would be in AWS."""
    config = tmp_path / "config.json"
    config.write_text('{"customer_mappings": }')
    ended = ses_fleet(None, "invoke", "describe-list-all", "--local", "--config", str(config))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "at line 1, column 23" in ended.stderr


def on_a_terminal(
    cloud: Cloud, *arguments: str, columns: int = 80, typed: bytes = b"", who: Session | None = None
) -> tuple[int, str]:
    """Run the command with a terminal for everything it prints and reads, as this person or as the administrator."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [SES_FLEET, *arguments],
        env={**cloud.environment(), **({} if who is None else who.environment()), "TERM": "xterm"},
        stdout=terminal,
        stderr=terminal,
        stdin=terminal,
    )
    os.close(terminal)
    os.write(controller, typed)
    shown = b""
    while True:
        try:
            data = os.read(controller, 65536)
        except OSError:
            break
        shown += data
    os.close(controller)
    cloud.spoken.append(shown.decode())
    return process.wait(), shown.decode()


def test_who_may_only_start_runs_is_asked_before_something_is_changed(cloud: Cloud) -> None:
    """They see where, whom and the last dry run; what would be refused is refused before, and nothing is recorded."""
    function = f"arn:aws:lambda:us-east-1:{HUB}:function:{ORCHESTRATOR}"
    results_bucket = f"arn:aws:s3:::{cloud.results_bucket}"
    who = Session(cloud, HUB, *hub_policies.invoker_statements(orchestrator=function, results_bucket=results_bucket))
    changing = ("invoke", "manage-topic-all", "--include", "globex", "--include", "initech")
    same = {"action": "manage-topic-all", "include": ["globex", "initech"], "on_deadline": "continue"}
    run_id = cloud.run(**same, dry_run=True)["run_id"]
    before = cloud.keys("runs/")
    code, shown = on_a_terminal(cloud, *changing, typed=b"n\n", who=who)
    assert code == 2, shown
    lines = shown.replace("\r", "").splitlines()
    assert f"  Hub account: {HUB}, us-east-1" in lines
    assert lines[lines.index("  Customers:   1: globex") + 1] == "  Skipped:     1: initech"
    (told,) = [line for line in lines if line.startswith("  Dry run: ")]
    assert told.startswith(f"  Dry run:     {run_id}, "), shown
    assert "exit code 0" in told, shown
    assert lines[-1].endswith("ses-fleet: not confirmed: nothing was started")
    code, shown = on_a_terminal(cloud, *changing, "--include", "hooly", typed=b"y\n", who=who)
    assert (code, "[y/N]" in shown, 'did you mean "hooli"?' in shown) == (2, False, True)
    assert cloud.keys("runs/") == before


def test_a_terminal_gets_a_progress_bar(cloud: Cloud) -> None:
    """And whole blocks between."""
    code, shown = on_a_terminal(cloud, "invoke", "describe-list-all")
    assert code == 1
    assert "customers" in shown
    assert "/6" in shown
    plain: Any = shown.replace("\r", "")
    assert f"{'═' * 63}\nCustomer: globex\n{'═' * 63}\n" in plain


def test_a_terminal_narrower_than_the_blocks(cloud: Cloud) -> None:
    """Boundaries fit it; lines wrap as the terminal does, and nothing is lost."""
    shown = on_a_terminal(cloud, "invoke", "describe-list-all", "--include", "globex", columns=40)[1].replace("\r", "")
    assert f"{'═' * 40}\nCustomer: globex\n{'═' * 40}\n" in shown
    assert "═" * 41 not in shown
    assert "👥 Customer globex: 3 contacts, 1 unsubscribed from everything" in shown


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\u200b\nINFO forged"


def test_no_escape_reaches_the_terminal(cloud: Cloud) -> None:
    """Names, codes and ARNs of config.json are anybody's text."""
    globex = SAMPLE["customer_mappings"]["globex"]
    cloud.put_config(
        {
            "customer_mappings": {
                "globex": {**globex, "customer_name": HOSTILE},
                HOSTILE: {"ses_role_arn": HOSTILE, "region": HOSTILE, "ses_role_arm": HOSTILE},
                "long": {"ses_role_arn": "x" * 10_000},
            }
        }
    )
    for output in ("text", "json"):
        ended = ses_fleet(cloud, "invoke", "describe-list-all", "--output", output)
        assert ended.returncode == 1
        for text in (ended.stdout, ended.stderr):
            assert not [c for c in text if not c.isprintable() and c != "\n"]
            assert "\nINFO forged" not in text
    ended = ses_fleet(cloud, "invoke", f"x{HOSTILE}", "--include", HOSTILE)
    assert ended.returncode == 2
    assert not [c for c in ended.stderr if not c.isprintable() and c != "\n"]
    for message in cloud.log_messages():
        assert "\x1b" not in message
        assert "\u202e" not in message


def test_ctrl_c_says_which_run_goes_on(cloud: Cloud) -> None:
    """And how to follow it; the run itself is not disturbed."""
    cloud.control("PUT", "faults", b'[{"operation": "GetContactList", "fault": "delay", "seconds": 3}]')
    try:
        # Whoever runs the tests in the background has Ctrl-C ignored, and so would the command.
        heeding = (
            "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
        )
        command = [SES_FLEET, "invoke", "describe-list-all", "--include", "globex", "--run-id", "interrupted"]
        process = subprocess.Popen(
            [sys.executable, "-c", heeding, *command],
            env=cloud.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=10)[1]
    finally:
        cloud.control("PUT", "faults", b"[]")
    assert process.returncode == 130
    assert "run interrupted goes on. " in errors
    assert "--run-id interrupted" in errors
    assert "Traceback" not in errors
    ended = ses_fleet(cloud, "invoke", "describe-list-all", "--include", "globex", "--run-id", "interrupted")
    assert ended.returncode == 0


def test_a_lost_answer_to_the_start_is_followed_by_the_runs_id(cloud: Cloud) -> None:
    """The Event was taken: the Summary of that run is the answer, and its id is said."""
    with cloud.faults({"service": "lambda", "operation": "Invoke", "fault": "drop_after", "times": 1}):
        ended = ses_fleet(cloud, "invoke", "describe-list-all", "--include", "globex", "--run-id", "answer-lost")
    assert ended.returncode == 0, ended.stderr
    assert "it is not known whether run answer-lost was started" in ended.stderr
    assert "✅ Successful: 1" in ended.stdout


@pytest.mark.parametrize("command", ["invoke help", "runs list"])
def test_a_reader_that_has_seen_enough_is_no_failure(command: str, cloud: Cloud) -> None:
    """`ses-fleet … | head -1` ends as if everything had been read."""
    script = f"{SES_FLEET} {command} | head -1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", script],  # noqa: S607  # a shell's pipe is what is tested
        env=cloud.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_reader_that_goes_away_is_no_traceback(cloud: Cloud) -> None:
    """`ses-fleet invoke … | head -1`: the run is followed to its end all the same."""
    command = f"{SES_FLEET} invoke describe-list-all | head -1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", command],  # noqa: S607  # a shell's pipe is what is tested
        env=cloud.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.startswith("🔄 Processing")
    assert (ended.returncode, ended.stderr) == (1, "")
