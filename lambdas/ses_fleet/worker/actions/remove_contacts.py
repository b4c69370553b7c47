"""remove-contacts: remove people's contacts, saved before, and nobody whose choice would be forgotten.

Who is to be removed is looked up once and lies in S3; a slice continues at the step where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.actions.data.estimate import Estimate
from ses_fleet.actions.data.remove_contacts import RemoveContactsData
from ses_fleet.actions.params import RemoveContactsParams
from ses_fleet.errors import CustomerError
from ses_fleet.worker import estimates, steps
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.removing.look import look
from ses_fleet.worker.removing.remove import remove, save
from ses_fleet.worker.removing.verify import verify
from ses_fleet.worker.removing.work import Ending, Step, Work

_STEPS: dict[Step, Callable[[Work], Step]] = {"look": look, "save": save, "remove": remove, "verify": verify}
_COUNTS: tuple[Ending, ...] = ("removed", "kept_choice", "absent", "left_out", "failed")


def run(context: ActionContext, params: RemoveContactsParams, state: State) -> Outcome:
    """Remove the people's contacts. What became of each row is at `data_location`, as JSON Lines in `rows-*`."""
    work = Work(context, params, state)
    try:
        steps.run(work, _STEPS)
    except SliceTimeoutError:
        context.log(f"⏳ Customer {context.code}: {_shown(work)} so far; continuing in another slice")
        return More(work.state())
    return _done(work)


def _done(work: Work) -> Done:
    context, progress = work.context, work.progress
    work.flush()
    planned = _estimate(work) if context.dry_run else None
    data = RemoveContactsData(
        **{name: progress.counts.get(name, 0) for name in _COUNTS},
        reasons=progress.reasons,
        backup=progress.backup,
        estimate=planned,
    )
    if planned is None:
        context.log(f"👥 Customer {context.code}: {_shown(work)}")
    else:
        context.log(f"🔍 Customer {context.code}: Would remove contacts: {_shown(work)}")
        estimates.say(context, planned, f"people {planned.looked_up}")
    failure = work.still_there or _failure(work)
    return Done(data, data_location=context.results.location(context.data_prefix), failure=failure)


def _estimate(work: Work) -> Estimate:
    requests, pages = work.progress.requests, work.progress.pages
    return estimates.estimate(work.context, requests, pages, "one by one" if pages is None else "by pages")


def _shown(work: Work) -> str:
    counts = work.progress.counts
    return ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in _COUNTS if counts.get(name)) or "nobody"


def _failure(work: Work) -> CustomerError | None:
    failed = work.progress.counts.get("failed", 0)
    if not failed:
        return None
    reasons = work.progress.most_reasons()
    text = f"{failed} people of {work.context.code} could not be removed: {reasons}. The others were removed"
    return CustomerError("operation", "ContactsNotRemoved", text)
