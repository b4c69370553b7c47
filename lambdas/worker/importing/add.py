"""New contacts: what came of the import job where there were many, else one by one."""

from __future__ import annotations

from shared.errors import AwsCallError
from worker.contact_list import api_preferences
from worker.importing import jobs
from worker.importing.harvest import Harvest
from worker.importing.submit import without_job
from worker.importing.subscriptions import Change
from worker.importing.work import Step, Work
from worker.rate import SliceTimeoutError


def add(work: Work) -> Step:
    """Create contacts one by one; one that came meanwhile is left as it is."""
    for change in work.planned("create")[work.progress.at :]:
        _create(work, change)
        work.progress.at += 1
    return "update"


def hear(work: Work) -> Step:
    """Ask until the job is over. A job that failed leaves the rest to be created one by one."""
    job, progress = work.job, work.progress
    assert progress.import_job is not None  # noqa: S101  # set by the step before
    while (outcome := jobs.ended(job, progress.import_job.job_id)) is None:
        progress.import_job.polls += 1
        job.ses.pause(jobs.poll_seconds(progress.import_job.polls))
    jobs.clean_up(job, str(job.customer.import_bucket), progress.import_job.key)
    if not outcome.completed:
        without_job(work, f"the import job ended {outcome.status}: {outcome.message or 'SES gave no reason'}")
        return "add"
    job.log(f"📦 Customer {job.code}: import job over: {outcome.processed} records processed, {outcome.failed} failed")
    refused = jobs.failed_records(job, outcome) if outcome.failed else None
    if refused is not None:
        job.write(f"{job.data_prefix}refused.jsonl", refused, "application/x-ndjson")
        progress.reasons |= jobs.reasons(refused)
    progress.rounds += 1
    progress.harvest = {}
    return "look"


def look(work: Work) -> Step:
    """Count who is in the list now: what a job says it processed is not who came of it."""
    job, progress = work.job, work.progress
    additions = {change.email.casefold(): change for change in work.planned("create")}
    left = {one["email"] for one in work.read(work.files.unsubscribed, job.data_prefix, "unsubscribed")}
    asked = additions.keys() | {email.casefold() for email in left}
    harvest = Harvest(job, f"listing-{progress.rounds}", progress.harvest)
    try:
        harvest.open()
        there = harvest.run(asked.__contains__)
    except SliceTimeoutError:
        progress.harvest = harvest.state()
        raise
    fell = sum(one["email"] in left and not one["unsubscribed_all"] for found in there.values() for one in found)
    if fell:
        job.warn(
            f"{fell} contacts had unsubscribed from everything before this import and have not now, which it did "
            "not do: look who changed them"
        )
    missing = [change.email for key, change in additions.items() if key not in there]
    work.count("created", len(additions) - len(missing))
    if missing:
        work.files.failed.add({"email": email, "reason": "not in the list after the import job"} for email in missing)
        work.count("failed", len(missing))
        progress.reasons = progress.reasons or {"not in the list after the import job": len(missing)}
    return "update"


def _create(work: Work, change: Change) -> None:
    try:
        work.job.ses.write(
            "create_contact",
            ContactListName=work.list_name,
            EmailAddress=change.email,
            TopicPreferences=api_preferences(dict.fromkeys(change.opt_in, "OPT_IN")),
        )
    except AwsCallError as failure:
        if failure.code == "AlreadyExistsException":
            # Made meanwhile, and what it says of itself is its own choice; by our own job, if that failed halfway.
            work.count("unchanged" if work.progress.import_job is None else "created")
        else:
            work.refuse(change, failure)
        return
    work.count("created")
