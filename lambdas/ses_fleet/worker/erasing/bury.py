"""What the second phase of erase-contact does before it deletes: nobody may bring back whom it deletes."""

from __future__ import annotations

from ses_fleet import clock
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.erased import Why
from ses_fleet.worker.erasing import quiet
from ses_fleet.worker.erasing.work import Step, Work
from ses_fleet.worker.importing import jobs


def bury(work: Work) -> Step:
    """Write everybody's tombstone: what is deleted after that does not come back."""
    why = Why(work.context.run_id, work.params.ticket, clock.iso(clock.now()))
    for line in work.lines_left():
        work.context.erased.bury(work.rows[line].email, why)
    work.progress.buried_at = work.context.ses.now()
    return "wait"


def wait(work: Work) -> Step:
    """Wait until reads show whom anybody added before the tombstones were there, and no import job can add more.

    The slice ends before it, once: where more customers are erased from than run at once, all wait at the same time.
    A job that runs may be about to add who is deleted. Whom one that has just ended added is not shown yet.
    """
    progress = work.progress
    if not progress.gave_way:
        progress.gave_way = True
        raise SliceTimeoutError("the rest of the wait is another slice's: other customers' tombstones come first")
    quiet.wait_until_shown(work, progress.buried_at)
    while active := quiet.look(work):
        if not progress.waits:
            work.context.log(f"⏳ Customer {work.context.code}: waiting for {active} import job(s) of this account")
        progress.waits += 1
        work.context.ses.pause(jobs.poll_seconds(progress.waits))
    assert progress.quiet_since is not None  # noqa: S101  # the look that shows none has noted it
    quiet.wait_until_shown(work, progress.quiet_since)
    return "delete"
