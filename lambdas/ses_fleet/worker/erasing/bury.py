"""What the second phase of erase-contact does before it deletes: nobody may bring back whom it deletes."""

from __future__ import annotations

from ses_fleet import clock, limits
from ses_fleet.worker.erased import Why
from ses_fleet.worker.erasing.work import Step, Work
from ses_fleet.worker.importing import jobs

# After so long a read shows what was written before it.
_SHOWN_SECONDS = sum(limits.READ_BACK_PAUSES_SECONDS)


def bury(work: Work) -> Step:
    """Write everybody's tombstone: what is deleted after that does not come back."""
    why = Why(work.context.run_id, work.params.ticket, clock.iso(clock.now()))
    for line in work.lines_left():
        work.context.erased.bury(work.rows[line].email, why)
    return "wait"


def wait_for_jobs(work: Work) -> Step:
    """Wait while an import job runs in the account: it may be about to add who is deleted.

    Reads may lag: one that was started right before the first phase is shown by now, and what one added soon after.
    """
    progress = work.progress
    if clock.now().timestamp() - progress.began_at < _SHOWN_SECONDS:
        _settle(work, _SHOWN_SECONDS)
    while (found := jobs.look(work.context)).active:
        if not progress.waits:
            work.context.log(
                f"⏳ Customer {work.context.code}: waiting for {len(found.active)} import job(s) of this account"
            )
        progress.waits += 1
        work.context.ses.pause(jobs.poll_seconds(progress.waits))
    if progress.waits:
        _settle(work, 2 * _SHOWN_SECONDS)
    return "delete"


def _settle(work: Work, seconds: float) -> None:
    """Wait until this customer has waited so long; in pieces, so that slices may be short."""
    while work.progress.settled < seconds:
        work.context.ses.pause(1.0)
        work.progress.settled += 1
