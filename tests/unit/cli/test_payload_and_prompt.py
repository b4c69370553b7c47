"""Flags and files become the payload; a mutating run on everybody is asked about first."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.actions import catalogue
from ses_fleet.actions.catalogue import ACTIONS, payload_names
from ses_fleet.runs.models import ConfigVersion
from ses_fleet.runs.preview import Preview
from ses_fleet_cli import confirm, payload
from ses_fleet_cli.ahead import Ahead, DryRun
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.invoke import Target
from tests.unit.cli.stored import NOW, S3


@pytest.mark.parametrize(
    ("action", "text", "parsed"),
    [
        ("import-aws-contact", "username=null", "null"),
        ("import-aws-contact-all", "username=12345", "12345"),
        ("import-aws-contact", "username=true", "true"),
        ("import-aws-contact", "username=[1]", "[1]"),
        ("import-aws-contact", "username=", ""),
        ("import-aws-contact", "username=a=b=c", "a=b=c"),
        ("import-aws-contact", 'username="12345"', "12345"),
        ("import-aws-contact", 'username="', '"'),
        ("import-aws-contact", 'username="a"b"', '"a"b"'),
        ("import-aws-contact", "sync_topics=true", True),
        ("restore-list", "backup=20261126", "20261126"),
        ("restore-list", "overwrite_unsubscribes=false", False),
        ("list-contacts-all", "topic=true", "true"),
        ("list-contacts-all", "topic=null", "null"),
        ("list-contacts-all", "status=OPT_IN", "OPT_IN"),
        ("list-contacts-all", "changed_since=2026", "2026"),
        ("list-contacts-all", "unsubscribed=true", True),
        ("list-contacts-all", "unsubscribed=null", "null"),  # text where a boolean should be: refused
        ("list-contacts-all", "unsubscribed=0", "0"),
        ("set-suppressed-all", "confirm_people=3", 3),
        ("set-suppressed-all", "confirm_people=null", "null"),
        ("set-suppressed-all", "confirm_people=1.0", "1.0"),
        ("check-health-all", "complaint_failed_percent=0.25", 0.25),
        ("check-health-all", "bounce_finding_percent=3", 3.0),
        ("check-health-all", "bounce_finding_percent=1e2", "1e2"),
        ("check-health-all", 'domains=["a.example"]', ["a.example"]),
        ("set-suppressed-all", "confirm_people=" + "9" * 5_000, "9" * 5_000),
        ("describe-list", "unknown=5", 5),
        ("describe-list", "unknown=[1, 2]", [1, 2]),
        ("describe-list", "unknown=abc", "abc"),
        ("no-such-action", "x=true", True),
    ],
)
def test_a_parameters_declared_type_decides_how_it_is_read(action: str, text: str, parsed: Any) -> None:
    """A user called null or 12345 is one; only what no action has is JSON if it parses."""
    name = text.partition("=")[0]
    found = payload.build(action, None, {}, [text])["params"]
    assert found == {name: parsed}
    assert type(found[name]) is type(parsed)


@pytest.mark.parametrize(
    ("action", "name"), [(name, field) for name, (a, _) in payload_names().items() for field in a.params.model_fields]
)
def test_null_is_no_value_of_any_parameter(action: str, name: str) -> None:
    """As text it is a name like any other, or refused; it never becomes JSON's null, which would filter nothing."""
    built = payload.build(action, None, {}, [f"{name}=null"])
    assert built["params"] == {name: "null"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=" + "[" * 100_000, "--param x is nested too deeply"),
        ('x={"a": 1, "a": 2}', "$.a: the key is there more than once in --param x"),
        ("x=NaN", "NaN is not a JSON value in --param x"),
        ('x="\\ud83d"', "is not text that UTF-8 can hold"),
        ("topic=\udcff", "$.params.topic: is not text that UTF-8 can hold"),
        ("\udcff=1", "$.params.\\udcff: the key is not text that UTF-8 can hold"),
        ("novalue", '--param "novalue" must be name=value'),
        ("=5", '--param "=5" must be name=value'),
    ],
)
def test_a_parameter_that_could_not_be_sent_is_refused(text: str, message: str) -> None:
    """On one line, with exit code 2, before anything is sent."""
    with pytest.raises(CommandError) as error:
        payload.build("list-contacts-all", None, {}, [text])
    assert error.value.exit_code == 2
    assert message in error.value.message
    assert error.value.message.isprintable()


@pytest.mark.parametrize("field", ["run_id", "environment", "customer_code", "ses_role_arn", "include", "exclude"])
def test_no_flag_is_half_a_character(field: str) -> None:
    """What is not UTF-8 on the command line would break the sending of it."""
    value: Any = ["\udcff"] if field in ("include", "exclude") else "\udcff"
    with pytest.raises(CommandError, match="not text that UTF-8 can hold") as error:
        payload.build("describe-list-all", None, {field: value}, [])
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"action": "a", "action": "b"}', "$.action: the key is there more than once"),
        (b'{"action": "a", "params": {"topic": "\\ud83d"}}', "$.params.topic: is not text that UTF-8 can hold"),
        (b'{"action": "a", "x": NaN}', "$.x: NaN is not a JSON value"),
        (b'{"action": ' + b"9" * 5_000 + b"}", "$.action: a number of 5000 characters is too large"),
        (b"\xff", "is not UTF-8 (byte 0)"),
        (b"", "is not JSON"),
        (b"[]", "must hold a JSON object"),
    ],
)
def test_a_payload_file_that_could_not_be_sent_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    """The same reader as for the configuration; one line that names the file."""
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(CommandError) as error:
        payload.build(None, str(path), {}, [])
    assert error.value.exit_code == 2
    assert message in error.value.message
    assert "p.json" in error.value.message
    assert error.value.message.isprintable()


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    """As in config.json."""
    path = tmp_path / "p.json"
    path.write_bytes(b'\xef\xbb\xbf{"action": "help"}')
    assert payload.build(None, str(path), {}, []) == {"action": "help"}


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("10%", "10%"), ("-1", -1), ("x", "x"), (None, None)])
def test_max_failures_is_left_to_the_function_to_judge(text: str | None, value: int | str | None) -> None:
    """A number is a number."""
    assert payload.number_or_share(text) == value


def test_flags_override_the_file_and_params_merge(tmp_path: Any) -> None:
    """Only those that were given."""
    path = tmp_path / "p.json"
    path.write_text('{"action": "a", "include": ["x"], "params": {"one": 1, "two": 2}}')
    built = payload.build(None, str(path), {"include": ["y"], "dry_run": None, "exclude": None}, ["two=3"])
    assert built == {"action": "a", "include": ["y"], "params": {"one": 1, "two": 3}}


FLAGS = {"include": None, "prune": True, "confirm_customers": None, "customer_code": None, "people": None}


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("$.confirm_customers: missing, but 2", "$.confirm_customers (--confirm-customers): missing, but 2"),
        ("$.include[0]: config.json has no", "$.include[0] (--include): config.json has no"),
        ("$.params.colour: unknown parameter", "$.params.colour (--param colour): unknown parameter"),
        ("$.params.confirm_people: says 2, but", "$.params.confirm_people (--confirm-people): says 2, but"),
        ("$.people: missing: it needs a file", "$.people (--person or --people): missing: it needs a file"),
        ("$.params.include: unknown parameter", "$.params.include (--param include): unknown parameter"),
        ("$.params: unknown parameter", "$.params: unknown parameter"),
        ('$.x: use "include", or "x"', '$.x: use "include" (--include), or "x"'),
        ("$.trigger.scheduled_time: x", "$.trigger.scheduled_time: x"),
        ("$: include and exclude select nobody", "$: include and exclude select nobody"),
    ],
)
def test_a_problem_names_the_flag_beside_the_field(problem: str, said: str) -> None:
    """Of a payload that was made of flags, whichever of them was given."""
    fields = payload.fields_of_flags(None, FLAGS, [])
    assert payload.with_flags(problem, fields) == said


def test_only_flags_that_were_given_are_named_beside_a_payload_file() -> None:
    """Whoever wrote the other fields into the file knows them by their names."""
    fields = payload.fields_of_flags("payload.json", FLAGS, [])
    assert fields == {"prune"}
    for unchanged in ("$.include: x", "$.people: x", "$.params.colour: x", "$.params.confirm_people: x"):
        assert payload.with_flags(unchanged, fields) == unchanged
    assert payload.with_flags("$.prune: x", fields) == "$.prune (--prune): x"
    assert payload.fields_of_flags("payload.json", FLAGS, ["colour=1"]) == {"prune", "params"}


class Terminal(io.StringIO):
    """Standard input or output that is a terminal, or is not."""

    def __init__(self, text: str = "", *, is_terminal: bool = True) -> None:
        super().__init__(text)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def mutating(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """describe-list, if it changed something."""
    changed = dataclasses.replace(ACTIONS["describe-list"], mutates=True)
    monkeypatch.setitem(catalogue.ACTIONS, "describe-list", changed)
    return iter([None])


def ask(monkeypatch: pytest.MonkeyPatch, answer: str, *, terminal: bool = True, **more: Any) -> str:
    """Confirm a run; what was shown, on a terminal of 80 characters."""
    shown = Terminal(is_terminal=terminal)
    monkeypatch.setattr("sys.stdin", Terminal(answer, is_terminal=terminal))
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("COLUMNS", "80")
    client = S3().bucket.s3
    asked = {"action": "describe-list-all", **more}
    found = asked.pop("found", Ahead(Preview(customers=("acme", "globex"))))
    if confirm.is_needed(asked, yes=False):
        target = Target("f", "arn:aws:lambda:eu-west-1:123456789012:function:f", {}, client, client, NOW)
        confirm.ask(asked, target, found)
    return shown.getvalue()


@pytest.mark.usefixtures("mutating")
def test_what_is_changed_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where, whom and what is shown, and that nobody looked before; only yes goes on."""
    assert ask(monkeypatch, "y\n").splitlines() == [
        "describe-list-all: the contact list, its topics, and how many contacts are opted",
        "in to each",
        "  Hub account: 123456789012, eu-west-1",
        "  Customers:   2: acme, globex",
        "  Dry run:     none of this request in the last 7 days; --dry-run shows what",
        "               would be done",
        "Go on? [y/N] ",
    ]
    assert "Go on?" in ask(monkeypatch, " YES\n")
    for answer in ("\n", "n\n", "", "nonsense\n"):
        with pytest.raises(CommandError, match="not confirmed: nothing was started") as error:
            ask(monkeypatch, answer)
        assert error.value.exit_code == 2


@pytest.mark.usefixtures("mutating")
def test_the_question_says_all_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ten customers, who is left out and why, parameters, people, and the last dry run of the request."""
    codes = tuple(f"c{number:02d}" for number in range(1, 14))
    was = DryRun("r1", "2026-03-01T03:00:00Z", 1, ConfigVersion(config="1", ses_config="1"))
    preview = Preview(
        customers=codes,
        skipped={"off": "disabled"},
        failed={"bad": "its role\x1b is wrong"},
        people_rows=1_200,
        config_version=ConfigVersion(config="2", ses_config="1"),
    )
    found = Ahead(preview, alias="corp\x1b", dry_run=was)
    told = ask(monkeypatch, "y\n", found=found, params={"username": "\x1b"}, include=list(codes))
    assert "  Hub account: 123456789012 (corp\\u001b), eu-west-1\n" in told
    assert "  Customers:   13: c01, c02, c03, c04, c05, c06, c07, c08, c09, c10 and 3 more\n" in told
    assert "  Skipped:     1: off\n  Cannot run:  1: bad: its role\\u001b is wrong\n" in told
    assert "  People:      1,200 rows of the people file\n" in told
    assert "  Dry run:     r1, 3 h ago, exit code 1; config.json changed since\n" in told
    assert "\x1b" not in told
    open_ = dataclasses.replace(was, exit_code=None, started_at="2026-03-01T06:09:30Z")
    assert "r1, 30 s ago, not over; config" in ask(monkeypatch, "y\n", found=dataclasses.replace(found, dry_run=open_))
    other = dataclasses.replace(found, dry_run=dataclasses.replace(was, other_upload=True))
    assert "r1, 3 h ago, exit code 1; of another upload of a people file; config.json" in " ".join(
        ask(monkeypatch, "y\n", found=other).split()
    )
    assert "ses-fleet apply" not in told
    plan = dataclasses.replace(found, dry_run=dataclasses.replace(was, is_plan=True))
    offered = " ".join(ask(monkeypatch, "y\n", found=plan).split())
    assert "config.json changed since; `ses-fleet apply r1` does exactly what it showed" in offered
    by_config = {"ramp": [1, "100%"], "failure_mode": "strict", "max_failures": "5%"}
    defaults = dataclasses.replace(found, preview=preview.model_copy(update={"defaults": by_config}))
    fast = ask(monkeypatch, "y\n", found=defaults, ramp=[2, "100%"], max_failures=1)
    assert "  In stages:   2, 100%\n  Failures:    strict (config.json), at most 1\n" in fast
    assert "  In stages:   1, 100% (config.json)\n" in ask(monkeypatch, "y\n", found=defaults, plan="p")
    unknown = dataclasses.replace(found, why_not="could not be looked for (X)")
    assert "  Dry run:     could not be looked for (X)\n" in ask(monkeypatch, "y\n", found=unknown)


@pytest.mark.parametrize(
    ("action", "what"),
    [("manage-topic-all", "topics that SESConfig.json does not have"), ("import-aws-contact-all", "people who left")],
)
def test_a_prune_says_what_it_removes(monkeypatch: pytest.MonkeyPatch, action: str, what: str) -> None:
    """Whatever else is said."""
    told = ask(monkeypatch, "y\n", action=action, prune=True)
    assert f"  REMOVES:     {what}; they are saved before\n" in told
    told = ask(monkeypatch, "y\n", action=action)
    assert "REMOVES" not in told
    assert "  Removes:     nothing, as --prune is not given\n" in told


def test_who_interrupts_the_question_is_told_that_nothing_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exit code of an interrupt."""

    def interrupt(_: Terminal) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Terminal, "readline", interrupt)
    with pytest.raises(CommandError, match=r"^interrupted: nothing was started$") as error:
        ask(monkeypatch, "", action="manage-topic-all")
    assert error.value.exit_code == 130


@pytest.mark.usefixtures("mutating")
def test_without_a_terminal_only_yes_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script must say so before it changes every customer, exit code 2; one customer is named, which says it."""
    with pytest.raises(CommandError, match="it needs --yes") as error:
        ask(monkeypatch, "y\n", terminal=False)
    assert error.value.exit_code == 2
    assert ask(monkeypatch, "", terminal=False, action="describe-list", customer_code="acme") == ""
    assert "Go on?" in ask(monkeypatch, "y\n", action="describe-list", customer_code="acme")
    for name in ("describe-list-all", "describe-list"):
        assert not confirm.is_needed({"action": name}, yes=True)


@pytest.mark.usefixtures("mutating")
def test_a_dry_run_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes nothing, and so needs no terminal."""
    assert ask(monkeypatch, "", terminal=False, dry_run=True) == ""


def test_reading_is_not_asked_about() -> None:
    """As the catalogue says."""
    assert not confirm.is_needed({"action": "describe-list-all"}, yes=False)
    assert not confirm.is_needed({"action": "unknown"}, yes=False)
