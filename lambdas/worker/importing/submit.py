"""Starting the import job: at the last moment, and only if no other job came since the list was read."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import AwsCallError
from worker.importing import jobs
from worker.importing.subscriptions import Change
from worker.importing.work import ImportJob, Work
from worker.rate import SliceTimeoutError


def by_job(work: Work, additions: int) -> bool:
    """Whether there are so many new contacts that an import job is worth it, and one may be had."""
    job, progress = work.job, work.progress
    if additions <= job.settings.import_job_threshold or progress.one_by_one:
        return False
    if job.customer.import_bucket is None:
        without_job(work, "config.json has no import_bucket for this customer")
    return not progress.one_by_one


def without_job(work: Work, why: str) -> None:
    """From here on contacts are created one by one."""
    work.progress.one_by_one = True
    work.job.warn(f"contacts are created one by one, at one request a second: {why}")


def submit(work: Work, additions: Sequence[Change]) -> bool:
    """Start the job; one that is not to be had is a warning. False = another one came: the list must be read again.

    SliceTimeoutError and failures that surely started nothing leave no file behind.
    """
    job, bucket = work.job, str(work.job.customer.import_bucket)
    try:
        key = jobs.upload(job, bucket, additions)
    except AwsCallError as failure:
        if failure.kind != "refused":
            raise
        without_job(work, f"the import_bucket {bucket} did not take the file ({failure.code})")
        return True
    try:
        if _start_if_quiet(work, bucket, key):
            return True
    except SliceTimeoutError:
        jobs.clean_up(job, bucket, key)
        raise
    except AwsCallError as failure:
        if failure.outcome_unknown:
            raise  # SES may be about to read it
        jobs.clean_up(job, bucket, key)
        if failure.kind != "refused":
            raise
        without_job(work, f"SES refused the import job ({failure.code}: {failure.text})")
        return True
    jobs.clean_up(job, bucket, key)
    return False


def _start_if_quiet(work: Work, bucket: str, key: str) -> bool:
    """Look once more, and start: the two requests follow each other at once."""
    job, progress = work.job, work.progress
    job.ses.reserve(2)
    if jobs.look(job).digest != progress.jobs_seen:
        return False
    progress.import_job = ImportJob(job_id=jobs.start(job, bucket, key, work.list_name), key=key)
    return True
