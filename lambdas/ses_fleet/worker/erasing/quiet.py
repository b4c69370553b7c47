"""Since when no import job has changed the list, and the wait until reads show what was written."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.worker.erasing.work import Work
from ses_fleet.worker.importing import jobs

# After so long a read shows what was written before it.
SHOWN_SECONDS = sum(limits.READ_BACK_PAUSES_SECONDS)


def look(work: Work) -> int:
    """Return how many import jobs run, and note since when none has.

    SES's list of jobs does not say when one ended. So that time begins anew with the first look that shows none
    running, and with each that shows another job than the look before.
    """
    progress, found = work.progress, jobs.look(work.context)
    if found.active or found.digest != progress.jobs_seen:
        progress.quiet_since = None
    if progress.quiet_since is None and not found.active:
        progress.quiet_since = work.context.ses.now()
    progress.jobs_seen = found.digest
    return len(found.active)


def wait_until_shown(work: Work, written_at: float) -> None:
    """Wait until reads show whatever was written up to this time, in epoch seconds."""
    left = written_at + SHOWN_SECONDS - work.context.ses.now()
    if left > 0:
        work.context.ses.pause(left)
