"""un-erase: let people be added to a list again who were erased from it. Nothing is called in customers' accounts."""

from __future__ import annotations

from collections import Counter

from ses_fleet import clock
from ses_fleet.actions.data.un_erase import UnEraseData
from ses_fleet.actions.params import UnEraseParams
from ses_fleet.worker.context import ActionContext, Done, Outcome, State
from ses_fleet.worker.erased import Why


def run(context: ActionContext, params: UnEraseParams, state: State) -> Outcome:  # noqa: ARG001  # as all actions
    """Overwrite the tombstones of these people; each says when it was lifted, by which run and under which ticket."""
    why = Why(context.run_id, params.ticket, clock.iso(clock.now()))
    counts: Counter[str] = Counter()
    for row in context.rows:
        if context.dry_run:
            counts["lifted" if context.erased.is_erased(row.email) else "was_not_erased"] += 1
        else:
            counts[context.erased.lift(row.email, why)] += 1
    verb = "may be added again" if not context.dry_run else "would be let back"
    context.log(f"🔓 Customer {context.code}: {counts['lifted']} people {verb}, {counts['was_not_erased']} not erased")
    return Done(UnEraseData.model_validate(counts))
