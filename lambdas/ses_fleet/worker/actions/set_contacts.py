"""set-contacts: make people's contacts what a people file says, nobody against their own choice.

What is to be done is decided once and lies in S3; a slice continues at the step where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.actions.data.set_contacts import SetContactsData
from ses_fleet.actions.params import SetContactsParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import estimates, steps
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.setting.change import change, hear
from ses_fleet.worker.setting.decide import decide
from ses_fleet.worker.setting.estimate import estimate
from ses_fleet.worker.setting.verify import verify
from ses_fleet.worker.setting.work import Ending, Step, Work

_STEPS: dict[Step, Callable[[Work], Step]] = {
    "decide": decide,
    "hear": hear,
    "change": change,
    "verify": verify,
}
_COUNTS: tuple[Ending, ...] = ("created", "updated", "unchanged", "left_out", "failed", "erased_before")


def run(context: ActionContext, params: SetContactsParams, state: State) -> Outcome:
    """Set the people's contacts. What became of each row is at `data_location`, as JSON Lines in `rows-*`."""
    work = Work(context, params, state)
    try:
        steps.run(work, _STEPS)
    except SliceTimeoutError:
        context.log(f"⏳ Customer {context.code}: {_shown(work)} so far; continuing in another slice")
        return More(work.state())
    except (AwsCallError, CustomerError) as failure:
        failure.outcome_unknown |= work.job_under_way
        raise
    return _done(work)


def _done(work: Work) -> Done:
    context, progress = work.context, work.progress
    work.endings.flush()
    data = SetContactsData(
        **{name: progress.counts.get(name, 0) for name in _COUNTS},
        kept_choice=progress.kept_choice,
        reasons=progress.reasons,
        estimate=estimate(work) if context.dry_run else None,
    )
    _say(work, data)
    failure = work.subscribed_again or _failure(work)
    return Done(data, data_location=context.results.location(context.data_prefix), failure=failure)


def _say(work: Work, data: SetContactsData) -> None:
    context, planned = work.context, data.estimate
    if planned is None:
        context.log(f"👥 Customer {context.code}: {_shown(work)}")
        return
    how = "the new contacts by one import job" if planned.import_job else "every contact by itself"
    context.log(f"🔍 Customer {context.code}: Would set contacts: {_shown(work)}")
    estimates.say(context, planned, f"people {planned.looked_up}, {how}")


def _shown(work: Work) -> str:
    counts = work.progress.counts
    shown = [f"{counts[name]} {name.replace('_', ' ')}" for name in _COUNTS if counts.get(name)]
    kept = work.progress.kept_choice
    return ", ".join([*shown, f"{kept} kept their choice"] if kept else shown) or "nobody"


def _failure(work: Work) -> CustomerError | None:
    failed = work.progress.counts.get("failed", 0)
    if not failed:
        return None
    reasons = work.progress.most_reasons()
    text = f"{failed} people of {work.context.code} could not be set: {reasons}. The others were set"
    return CustomerError("operation", "ContactsNotSet", text)
