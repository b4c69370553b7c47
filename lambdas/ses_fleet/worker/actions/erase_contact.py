"""erase-contact: delete people from a list wherever it has them, see that they are gone, and keep them out of it.

The first phase only reads. The second begins when every customer of the run has finished the first. It writes the
tombstones, which keep imports from bringing anybody back, before it deletes, and it deletes while no import job runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ses_fleet import clock
from ses_fleet.actions.data.erase_contact import EraseContactData, ErasedPerson
from ses_fleet.actions.params import EraseContactParams
from ses_fleet.errors import CustomerError
from ses_fleet.worker import steps
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.erasing.bury import bury, wait
from ses_fleet.worker.erasing.delete import delete_by_address, delete_by_list, forget, look, walk_again
from ses_fleet.worker.erasing.estimate import estimate, say
from ses_fleet.worker.erasing.find import ask, find
from ses_fleet.worker.erasing.work import Step, Work

_FIRST_PHASE: dict[Step, Callable[[Work], Step]] = {"find": find, "ask": ask}
_SECOND_PHASE: dict[Step, Callable[[Work], Step]] = {
    "bury": bury,
    "wait": wait,
    "delete": delete_by_address,
    "walk": delete_by_list,
    "walk_again": walk_again,
    "look": look,
    "forget": forget,
}


def run(context: ActionContext, params: EraseContactParams, state: State) -> Outcome:
    """Find the people of the file, and in the second phase delete them and read back."""
    work = Work(context, params, state)
    try:
        if work.progress.step not in _FIRST_PHASE:
            steps.run(work, _SECOND_PHASE)
            return _done(work)
        steps.run(work, _FIRST_PHASE)
    except SliceTimeoutError:
        return More(work.state())
    met = sum(bool(count) for count in work.progress.found.values())
    context.log(f"🔎 Customer {context.code}: {met} of {len(work.rows)} people are in the list")
    return _done(work) if context.dry_run else More(work.state(), phase_over=True)


def _done(work: Work) -> Done:
    now = clock.iso(clock.now())
    people = tuple(_person(work, line, now) for line in work.rows)
    counts = {kind: sum(one.outcome == kind for one in people) for kind in ("erased", "was_absent", "would_erase")}
    left = len(work.progress.still_there)
    data = EraseContactData(
        contact_list=work.scan.found and work.scan.found.name,
        not_proven=left,
        forgotten=work.progress.forgotten,
        people=people,
        estimate=estimate(work) if work.context.dry_run else None,
        **counts,
    )
    told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items() if count) or "nobody"
    work.context.log(f"🗑️  Customer {work.context.code}: {told}")
    if data.estimate is not None:
        say(work, data.estimate)
    return Done(data, failure=_failure(work, left))


def _failure(work: Work, left: int) -> CustomerError | None:
    if not left:
        return None
    text = (
        f"{left} of {len(work.rows)} people are still in the list of {work.context.code} after they were deleted "
        f"{work.progress.rounds} times: something adds them again; run this customer again when that is found"
    )
    return CustomerError("operation", "StillThere", text, retryable=True)


def _person(work: Work, line: int, now: str) -> ErasedPerson:
    removed = work.progress.removed.get(line, 0)
    outcome: Literal["erased", "was_absent", "not_proven", "would_erase"]
    if work.context.dry_run:
        removed = work.progress.found.get(line, 0)
        outcome = "would_erase" if removed else "was_absent"
    elif line in work.progress.still_there:
        outcome = "not_proven"
    else:
        outcome = "erased" if removed else "was_absent"
    return ErasedPerson(row=line, outcome=outcome, at=now, contacts=removed, suppressed=_suppressed(work, line))


def _suppressed(work: Work, line: int) -> Literal["kept", "erased", "would_erase", "no"] | None:
    found = work.progress.suppressed.get(line)
    goes = work.context.dry_run and work.params.suppression == "erase"
    return "would_erase" if goes and found == "kept" else found
