"""The last step of set-suppressed: whether the suppression list is as this run wrote it."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.worker import suppression
from ses_fleet.worker.context import State
from ses_fleet.worker.suppressing.work import Step, Work

_MISSING, _THERE = "not on the suppression list afterwards", "still on the suppression list afterwards"


def verify(work: Work) -> Step:
    """Read back every address that this run wrote; one that is not as it was written failed.

    It is read again, with pauses, because reads may lag.
    """
    state = work.progress.read_back or {"left": work.written, "round": 0}
    while state["left"]:
        work.progress.read_back = state
        wrong = _wrong(work, state)
        if not wrong or state["round"] == len(limits.READ_BACK_PAUSES_SECONDS):
            _judge(work, wrong)
            break
        pause = limits.READ_BACK_PAUSES_SECONDS[state["round"]]
        state = work.progress.read_back = {"left": wrong, "round": state["round"] + 1}
        work.context.ses.pause(pause)
    else:
        _judge(work, [])
    return "done"


def _wrong(work: Work, state: State) -> list[int]:
    """Return those of the rows that SES does not show as they were written."""
    ses, numbers = work.context.ses, state["left"]
    lookup = work.new_lookup(numbers, state.get("lookup"))
    wrong: list[int] = state.setdefault("wrong", [])
    try:
        lookup.read(ses)
        for number in numbers[state.get("asked", 0) :]:
            is_known = lookup.is_known(number)
            entry = lookup.entry(number) if is_known else suppression.get(ses, work.rows[number].email)
            if (entry is not None) != (work.rows[number].state == "present"):
                wrong.append(number)
            state["asked"] = state.get("asked", 0) + 1
    finally:
        state["lookup"] = lookup.state()
    return wrong


def _judge(work: Work, wrong: list[int]) -> None:
    """Count the addresses of the import job that are there as added, and all that are wrong as failed."""
    for number in work.progress.in_job:
        if number not in wrong:
            work.end(number, "added")
    for number in wrong:
        work.fail(number, _MISSING if work.rows[number].state == "present" else _THERE)
