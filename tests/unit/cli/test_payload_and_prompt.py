"""Flags and files become the payload; a mutating run on everybody is asked about first."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import Any

import pytest

from cli import invoke, payload
from cli.errors import CommandError
from shared import actions
from shared.actions import ACTIONS


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("count=5", ("count", 5)),
        ("on=true", ("on", True)),
        ("name=abc", ("name", "abc")),
        ('name="5"', ("name", "5")),
        ("list=[1, 2]", ("list", [1, 2])),
        ("empty=", ("empty", "")),
        ("a=b=c", ("a", "b=c")),
    ],
)
def test_a_param_is_json_if_it_parses(text: str, parsed: tuple[str, Any]) -> None:
    """Else it is the text."""
    assert payload.parse_param(text) == parsed


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("10%", "10%"), ("-1", -1), ("x", "x"), (None, None)])
def test_max_failures_is_left_to_the_function_to_judge(text: str | None, value: int | str | None) -> None:
    """A number is a number."""
    assert payload.max_failures(text) == value


def test_flags_override_the_file_and_params_merge(tmp_path: Any) -> None:
    """Only those that were given."""
    path = tmp_path / "p.json"
    path.write_text('{"action": "a", "include": ["x"], "params": {"one": 1, "two": 2}}')
    built = payload.build(None, str(path), {"include": ["y"], "dry_run": False, "exclude": []}, ["two=3"])
    assert built == {"action": "a", "include": ["y"], "params": {"one": 1, "two": 3}}


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
    monkeypatch.setitem(actions.ACTIONS, "describe-list", changed)
    return iter([None])


def ask(monkeypatch: pytest.MonkeyPatch, answer: str, *, terminal: bool = True, **more: Any) -> str:
    """Confirm a run; what was shown."""
    shown = Terminal(is_terminal=terminal)
    monkeypatch.setattr("sys.stdin", Terminal(answer, is_terminal=terminal))
    monkeypatch.setattr("sys.stderr", shown)
    invoke.confirm({"action": "describe-list-all", **more}, yes=False)
    return shown.getvalue()


@pytest.mark.usefixtures("mutating")
def test_a_mutating_run_on_everybody_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it will touch is shown; only yes goes on."""
    assert "describe-list-all on every customer of config.json. Go on? [y/N]" in ask(monkeypatch, "y\n")
    assert 'on {"include": ["acme"]}. Go on?' in ask(monkeypatch, "YES\n", include=["acme"])
    shown = ask(monkeypatch, "y\n", prune=True, confirm_customers=12, params={"username": "ana"})
    assert 'on every customer of config.json, with {"username": "ana"}; it REMOVES what is not wanted there' in shown
    assert "(12 customers confirmed)" in shown
    for answer in ("\n", "n\n", "", "nonsense\n"):
        with pytest.raises(CommandError, match="nothing was started"):
            ask(monkeypatch, answer)


@pytest.mark.usefixtures("mutating")
def test_without_a_terminal_only_yes_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script must say so; exit code 2."""
    with pytest.raises(CommandError, match="give --yes") as error:
        ask(monkeypatch, "y\n", terminal=False)
    assert error.value.exit_code == 2
    invoke.confirm({"action": "describe-list-all"}, yes=True)


@pytest.mark.usefixtures("mutating")
@pytest.mark.parametrize("more", [{"dry_run": True}, {"action": "describe-list", "customer_code": "acme"}])
def test_a_dry_run_and_a_single_customer_are_not_asked_about(more: dict[str, Any]) -> None:
    """Nor is what only reads."""
    invoke.confirm({"action": "describe-list-all", **more}, yes=False)


def test_reading_is_not_asked_about() -> None:
    """As the catalogue says."""
    invoke.confirm({"action": "describe-list-all"}, yes=False)
    invoke.confirm({"action": "unknown"}, yes=False)
