"""Many new entries: one import job of SES, started right after the list and the other jobs were read."""

from __future__ import annotations

from collections.abc import Sequence

from ses_fleet import limits
from ses_fleet.worker import suppression_changes
from ses_fleet.worker.importing import job_file, jobs
from ses_fleet.worker.importing.new_contacts import ImportJob
from ses_fleet.worker.paced_client import UnitClient
from ses_fleet.worker.suppressing.work import Step, Work
from ses_fleet.worker.suppression import Entry


def look(work: Work) -> Step:
    """Read which addresses are on the list, once no import job changes it any more."""
    context, progress = work.context, work.progress
    while (found := jobs.look(context, destination=jobs.SUPPRESSION_LIST)).active:
        if not context.will_write:
            context.warn("an import job is running in this account: the suppression list is about to change")
            break
        if not progress.waits:
            context.log(f"⏳ Customer {context.code}: waiting for {len(found.active)} import job(s) in this account")
        progress.waits += 1
        context.ses.pause(jobs.poll_seconds(progress.waits))
    progress.jobs_seen = found.digest
    work.lookup.read(context.ses)
    for number in work.left:
        row = work.rows[number]
        if not work.lookup.is_known(number):
            continue
        entry = work.lookup.entry(number)
        if row.state == "present" and entry is not None:
            work.ends(number, entry, entry, "already")
        elif row.state == "absent" and entry is None:
            work.ends(number, None, None, "was_absent")
    return "start"


def start(work: Work) -> Step:
    """Start the job if there are enough new addresses, and one can be started; else they are added one by one."""
    context, progress = work.context, work.progress
    if not context.dry_run:
        _leave_out(work)
    while _can_use_job(work, new := _new(work)):
        if context.dry_run:
            progress.in_job = new
            return "single"
        progress.job_attempts += 1
        job = _try(work, new)
        if job is not None:
            progress.job, progress.in_job = job, new
            context.log(f"📦 Customer {context.code}: import job of {len(new)} addresses started")
            return "hear"
        if progress.jobs_seen is None:
            return "look"
    return "single"


def hear(work: Work) -> Step:
    """Wait until the import job is over. When it failed, its addresses are added one by one."""
    context, progress = work.context, work.progress
    assert progress.job is not None  # noqa: S101  # set by the step before
    outcome = job_file.hear(context, progress.job, work.give_reasons)
    if not outcome.completed:
        _add_one_by_one(work, f"the import job {outcome.how}")
        progress.in_job = []
    return "single"


def _leave_out(work: Work) -> None:
    """End the rows that a saved plan does not put on the list, where one is applied: no job may have them."""
    for number in _new(work):
        row = work.rows[number]
        if not suppression_changes.is_allowed(work.context, row.email, None, Entry(str(row.reason), None)):
            work.end(number, "left_out")


def _new(work: Work) -> list[int]:
    """Return the rows whose addresses are to be on the list and are known not to be."""
    return [number for number in work.left if work.rows[number].state == "present" and work.lookup.is_known(number)]


def _can_use_job(work: Work, new: Sequence[int]) -> bool:
    context, progress = work.context, work.progress
    present = sum(work.rows[number].state == "present" for number in work.left)
    if present <= limits.SUPPRESSED_BY_JOB or progress.one_by_one:
        return False
    if not work.lookup.is_complete:
        _add_one_by_one(work, "the suppression list is too long to be read whole before an import job")
    elif len(new) <= limits.SUPPRESSED_BY_JOB:
        return False
    elif context.customer.import_bucket is None:
        _add_one_by_one(work, "config.json has no import_bucket for this customer")
    elif progress.job_attempts == limits.CHANGE_ATTEMPTS:
        _add_one_by_one(work, "the suppression list kept changing, or one slice was too short to start the job")
    return not progress.one_by_one


def _add_one_by_one(work: Work, why: str) -> None:
    work.progress.one_by_one = True
    work.context.warn(f"addresses are added one by one, at one request a second: {why}")


def _try(work: Work, new: Sequence[int]) -> ImportJob | None:
    """Start the job, and return it, or None when it was not started: then the list is to be read again, or the rows are
    added one by one.
    """
    context, bucket = work.context, str(work.context.customer.import_bucket)
    records = [{"emailAddress": work.rows[one].email, "reason": work.rows[one].reason} for one in new]
    return job_file.start(
        context,
        bucket,
        lambda: jobs.upload_suppressed(context, bucket, records),
        lambda key: _look_and_start(work, new, bucket, key),
        lambda why: _add_one_by_one(work, why),
    )


def _look_and_start(work: Work, new: Sequence[int], bucket: str, key: str) -> str | None:
    """Read the list again and start the job, as one unit; return its id, or None when it must be planned anew.

    A job overwrites the reason of an address that is on the list. So the list is read right before the start, without
    a pause as long as its pages and the other two requests are no more than a burst.
    """
    context, progress = work.context, work.progress

    def unit(client: UnitClient) -> str | None:
        again = work.new_lookup(new)
        again.read(client)
        came = [number for number in new if again.entry(number) is not None or not again.is_known(number)]
        if came or jobs.look(context, client, jobs.SUPPRESSION_LIST).digest != progress.jobs_seen:
            return None
        return jobs.start_suppressing(client, bucket, key)

    requests = min(work.lookup.pages_read + 2, context.settings.ses_burst)
    job_id = context.ses.read_modify_write(requests, unit)
    if job_id is None:
        work.lookup = work.new_lookup(work.rows)
        progress.jobs_seen = None
    return job_id
