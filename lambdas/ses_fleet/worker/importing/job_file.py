"""An import job and its file in the customer's bucket: the file is there no longer than SES may read it."""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.importing import jobs
from ses_fleet.worker.importing.jobs import Ended
from ses_fleet.worker.importing.new_contacts import ImportJob


def start(
    context: ActionContext,
    bucket: str,
    upload: Callable[[], str],
    start_job: Callable[[str], str | None],
    do_without: Callable[[str], None],
) -> ImportJob | None:
    """Upload the file and start its job. Return the job, or None when none was started.

    `upload` returns the file's key; `start_job(key)` returns the job's id, or None when it decides against the job.
    `do_without(why)` is called when the bucket or SES refuses. Raise SliceTimeoutError when the slice ends before the
    start, and AwsCallError or CustomerError when it failed; the file is deleted unless SES may still read it.
    """
    try:
        key = upload()
    except AwsCallError as failure:
        if failure.kind != "refused":
            raise
        do_without(f"the import_bucket {bucket} refused the file ({failure.code})")
        return None
    try:
        job_id = start_job(key)
    except CustomerError as failure:  # also when the slice ended, and when the last look showed another list or none
        if not failure.outcome_unknown:
            jobs.clean_up(context, bucket, key)
        raise
    except AwsCallError as failure:
        if failure.outcome_unknown:
            raise  # SES may be about to read it
        jobs.clean_up(context, bucket, key)
        if not jobs.start_refused(failure):
            raise
        do_without(f"SES refused the import job ({failure.code}: {failure.text})")
        return None
    if job_id is None:
        jobs.clean_up(context, bucket, key)
        return None
    return ImportJob(job_id=job_id, key=key)


def hear(context: ActionContext, job: ImportJob, give_reasons: Callable[[dict[str, int]], None]) -> Ended:
    """Wait until the job is over, delete its file, and return how it ended.

    Why SES refused records is given to `give_reasons`. Raise SliceTimeoutError when the slice ends before the job.
    """
    while (outcome := jobs.ended(context, job.job_id, job.polls)) is None:
        job.polls += 1
        context.ses.pause(jobs.poll_seconds(job.polls))
    jobs.clean_up(context, str(context.customer.import_bucket), job.key)
    if not outcome.completed:
        return outcome
    context.log(
        f"📦 Customer {context.code}: import job over: {outcome.processed} records processed, {outcome.failed} failed"
    )
    refused = jobs.failed_records(context, outcome) if outcome.failed else None
    if refused is not None:
        context.write(f"{context.data_prefix}refused.jsonl", refused, "application/x-ndjson")
        give_reasons(jobs.reasons(refused))
    return outcome
