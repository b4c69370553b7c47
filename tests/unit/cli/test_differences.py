"""`--detailed-exitcode`: 4 when something differs, 0 only when it is known that nothing does."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet_cli import differences
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.show import Screen, summary_lines


def summary(**fields: Any) -> Summary:
    """The Summary of a run over two customers."""
    counts = {"total_customers": 2, "successful_count": 2, "failed_count": 0, "skipped_count": 0}
    known = {"run_id": "r", "action": "describe-topics-all", "dry_run": False, "started_at": "2026-01-01T00:00:00Z"}
    more = {"total_duration_seconds": 1.0, "not_started_count": 0, "results": (), "exit_code": 0}
    return Summary.model_validate({**known, **counts, **more, **fields})


@pytest.mark.parametrize(
    ("exit_code", "differs", "detailed", "ended"),
    [
        (0, True, 4, 0),
        (0, False, 0, 0),
        (0, None, 3, 0),
        (1, True, 1, 1),
        (1, None, 1, 1),
        (2, None, 2, 2),
        (None, None, 1, 1),
    ],
)
def test_failures_come_before_differences(
    exit_code: int | None, differs: bool | None, detailed: int, ended: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is not known is no 0; without the flag nothing changes."""
    found, screen = summary(exit_code=exit_code, differs=differs), Screen(text=True)
    assert differences.exit_code(found, screen, detailed=False) == ended
    assert capsys.readouterr().err == ""
    assert differences.exit_code(found, screen, detailed=True) == detailed
    assert ("it is not known whether anything differs" in capsys.readouterr().err) == (detailed == 3)


def test_why_it_is_not_known_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody ran, or there was nothing to compare with."""
    differences.exit_code(summary(successful_count=0, skipped_count=2), Screen(text=True), detailed=True)
    assert "every customer was skipped" in capsys.readouterr().err
    differences.exit_code(summary(), Screen(text=True), detailed=True)
    assert "no valid SESConfig.json" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.scopes])
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_cannot_be_known_is_refused_before_the_run(name: str, dry_run: bool) -> None:
    """The flag would answer a question that the run does not ask."""
    action = ACTIONS[name]
    payload = {"action": f"{name}-all" if "all" in action.scopes else name, "dry_run": dry_run}
    if action.mutates == dry_run and (action.mutates or action.compares):
        differences.check(payload)
        return
    with pytest.raises(CommandError) as error:
        differences.check(payload)
    assert error.value.exit_code == 2
    assert error.value.message.startswith(f"--detailed-exitcode: {payload['action']}")


def test_who_differs_is_named() -> None:
    """A line of the Summary; none where it is not known."""
    differing = [
        CustomerResult(customer_code=code, customer_name=code, account_id=None, region=None, status="successful",
                       differs=code != "b")
        for code in "abc"
    ]  # fmt: skip
    lines = summary_lines(summary(results=tuple(differing), differs=True, differing_count=2))
    assert "   🔀 Differing: 2 (a, c)" in lines
    assert "   🔀 Differing: 0" in summary_lines(summary(differs=False))
    assert not any("Differing" in line for line in summary_lines(summary()))
