"""New contacts: the result of the import job where there were many, else one request each."""

from __future__ import annotations

from ses_fleet.errors import AwsCallError
from ses_fleet.worker import contact_changes
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.importing import jobs
from ses_fleet.worker.importing.import_plan import PlannedChange
from ses_fleet.worker.importing.submit import create_one_by_one
from ses_fleet.worker.importing.work import Step, Work


def add(work: Work) -> Step:
    """Create the planned contacts one by one. One that was created meanwhile is left as it is."""
    for change in work.planned("create")[work.progress.at :]:
        _create(work, change)
        work.progress.at += 1
    return "update"


def await_job(work: Work) -> Step:
    """Wait until the import job is over. When it failed, the contacts are created one by one."""
    context, progress = work.context, work.progress
    assert progress.import_job is not None  # noqa: S101  # set by the step before
    while (outcome := jobs.ended(context, progress.import_job.job_id, progress.import_job.polls)) is None:
        progress.import_job.polls += 1
        context.ses.pause(jobs.poll_seconds(progress.import_job.polls))
    jobs.clean_up(context, str(context.customer.import_bucket), progress.import_job.key)
    if not outcome.completed:
        create_one_by_one(work, f"the import job ended {outcome.status}: {outcome.message or 'SES gave no reason'}")
        return "add"
    context.log(
        f"📦 Customer {context.code}: import job over: {outcome.processed} records processed, {outcome.failed} failed"
    )
    refused = jobs.failed_records(context, outcome) if outcome.failed else None
    if refused is not None:
        context.write(f"{context.data_prefix}refused.jsonl", refused, "application/x-ndjson")
        work.give_reasons(jobs.reasons(refused))
    progress.import_job.created = outcome.processed - outcome.failed
    progress.import_job.failed = outcome.failed
    return "update"


def _create(work: Work, change: PlannedChange) -> None:
    if work.leave_out_if_erased(change):
        return
    wish = Contact(dict.fromkeys(change.opt_in, "OPT_IN"))
    try:
        changed = contact_changes.create(work.context, work.list_name, change.email, wish)
    except AwsCallError as failure:
        work.refuse(change, failure)
        return
    if changed.ending == "created":
        work.verification.note_written(change.email)
        work.count("created")
    else:
        # Created meanwhile, with preferences of its own choice; or by our own job, if that failed halfway.
        work.count("unchanged" if work.progress.import_job is None else "created")
