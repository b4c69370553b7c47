"""import-aws-contact: bring Identity Center's people into the customer's list, nobody against their own choice.

What is to be done is decided once and lies in S3; a slice continues at the step where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.actions.data.import_aws_contact import ImportData
from ses_fleet.actions.params import ImportParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import steps
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.importing.add import add, await_job
from ses_fleet.worker.importing.decide import decide
from ses_fleet.worker.importing.prune import remove, save
from ses_fleet.worker.importing.update import update
from ses_fleet.worker.importing.verify import verify
from ses_fleet.worker.importing.work import Ending, Step, Work

_STEPS: dict[Step, Callable[[Work], Step]] = {
    "decide": decide,
    "add": add,
    "hear": await_job,
    "update": update,
    "save": save,
    "remove": remove,
    "verify": verify,
}
_COUNTS: tuple[Ending, ...] = ("created", "updated", "removed", "unchanged")


def run(context: ActionContext, params: ImportParams, state: State) -> Outcome:
    """Import the people. The changes are at `data_location`, as JSON Lines in `changes-*`."""
    if not state:
        _say_where_from(context)
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


def _say_where_from(context: ActionContext) -> None:
    source, read = context.customer.identity_center, context.item.directory
    if source is None or read is None:
        return
    context.log(f"🔐 Customer {context.code}: Using Identity Center role from config: {source.role_arn}")
    context.log(f"📊 Customer {context.code}: Retrieving Identity Center data via role assumption")
    context.log(f"✅ Customer {context.code}: Retrieved {read.users} users and {read.memberships} group memberships")
    if read.vanished_groups:
        context.warn(
            f"{read.vanished_groups} group(s) of Identity Center were deleted while they were read: they count as "
            "empty, so some people may lack an opt-in; run this customer again"
        )


def _done(work: Work) -> Done:
    context, progress = work.context, work.progress
    work.files.states()
    data = ImportData(
        **{name: progress.counts.get(name, 0) for name in _COUNTS},
        erased_before=progress.counts.get("erased_before", 0),
        skipped=progress.skipped,
        failed=progress.counts.get("failed", 0),
        not_in_identity_center=progress.others,
        backup=progress.backup,
    )
    failure = work.subscribed_again or _failure(work)
    if context.dry_run:
        context.log(f"🔍 Customer {context.code}: Would import contacts: {_shown(work)}")
    elif failure is None:
        context.log(f"✅ Customer {context.code}: Successfully imported contacts")
        context.log(f"👥 Customer {context.code}: {_shown(work)}")
    return Done(data, data_location=context.results.location(context.data_prefix), failure=failure)


def _shown(work: Work) -> str:
    counts = work.progress.counts
    shown = [f"{counts.get(name, 0)} {name}" for name in _COUNTS]
    shown += [f"{count} skipped ({reason})" for reason, count in sorted(work.progress.skipped.items())]
    for name in ("left_out", "erased_before"):
        shown += [f"{counts[name]} {name.replace('_', ' ')}"] if counts.get(name) else []
    return ", ".join(shown)


def _failure(work: Work) -> CustomerError | None:
    failed = work.progress.counts.get("failed", 0)
    if not failed:
        return None
    reasons = work.progress.most_reasons()
    text = f"{failed} people of {work.context.code} could not be imported: {reasons}. The others were imported"
    return CustomerError("operation", "ContactsNotImported", text)
