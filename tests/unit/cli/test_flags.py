"""Every flag's zero, false and empty value reaches the payload, or is refused: none is dropped on the way."""

from __future__ import annotations

from typing import Any

import click
import pytest
import typer.main

from ses_fleet.runs.models import RunRequest
from ses_fleet_cli import main
from ses_fleet_cli.commands import starting

INVOKE: Any = typer.main.get_command(main.app).commands["invoke"]  # type: ignore[attr-defined]
# What is about the command itself, or is tested by other promises, as whom a run is for; a switch has no value.
NOT_FIELDS = {
    "people",
    "person",
    "confirm_people",
    "action",
    "param",
    "payload",
    "output",
    "yes",
    "detailed_exitcode",
    "local",
    "config",
    "ses_config",
    "scenario",
    "conditions",
}
FLAGS = [option for option in INVOKE.params if option.name not in {*NOT_FIELDS, "function_name"}]
ZEROES = {"max_failures": ["0", "0%", ""], "max_customer_concurrency": ["0", "-1"], "confirm_customers": ["0"]}


class SentError(Exception):
    """Stands for the sending: carries the payload."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The payload that a command line would send."""

    def invoke(function_name: str, built: dict[str, Any], *_: Any, **__: Any) -> int:
        raise SentError(function_name, built)

    monkeypatch.setattr(starting, "start", invoke)

    def run(*arguments: str) -> dict[str, Any]:
        with pytest.raises(SentError) as error:
            INVOKE.main(["describe-list-all", *arguments], standalone_mode=False)
        return dict(error.value.args[1])

    return run


def test_every_field_of_a_payload_that_has_a_flag_is_walked() -> None:
    """A new flag is tested without being named here."""
    assert {flag.name for flag in FLAGS} <= set(RunRequest.model_fields)
    assert len(FLAGS) >= 10


@pytest.mark.parametrize(
    ("flag", "value"),
    [(flag, value) for flag in FLAGS if not flag.is_flag for value in ZEROES.get(flag.name, [""])],
    ids=lambda value: getattr(value, "name", repr(value)),
)
def test_a_zero_and_an_empty_text_are_sent(flag: click.Option, value: str, sent: Any) -> None:
    """0 customers confirmed, no failure allowed, an environment without a name: all were said."""
    built = sent(flag.opts[0], value)
    assert flag.name in built
    given = built[flag.name]
    assert str(given[0] if flag.multiple else given) == value
    if value.lstrip("-").isdecimal():
        assert isinstance(given, int)


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.is_flag], ids=lambda flag: flag.name)
def test_a_switch_is_sent_when_it_is_given(flag: click.Option, sent: Any) -> None:
    """And leaves the payload's own value alone when it is not."""
    assert sent(flag.opts[0])[flag.name] is True
    assert flag.name not in sent()


def test_what_is_not_given_is_not_sent(sent: Any) -> None:
    """The function has its own defaults."""
    assert sent() == {"action": "describe-list-all"}


def test_an_empty_parameter_is_sent(sent: Any) -> None:
    """The action judges it."""
    assert sent("--param", "count_contacts=")["params"] == {"count_contacts": ""}


def test_the_number_of_people_is_a_parameter(sent: Any) -> None:
    """It is sent as one, beside those that --param gives."""
    assert sent("--confirm-people", "0", "--param", "more=1")["params"] == {"confirm_people": 0, "more": 1}
    assert "params" not in sent()
