"""How many requests of SES a run of set-contacts needs: they are its cost, at one a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ses_fleet.actions.data.estimate import Estimate, LookedUp
from ses_fleet.worker import estimates
from ses_fleet.worker.setting.work import PlannedRow, Work

_READ_AND_WRITE = 2  # GetContact, and the write that it decides
_FINDING = 2  # the list's name and the list
_JOB = 4  # the jobs once more, the start, and two looks at it


def uses_job(work: Work, new: int) -> bool:
    """Return whether so many new contacts come by an import job, if SES takes one."""
    if work.progress.pages is None:
        return False
    return new > work.context.settings.import_job_threshold and work.context.customer.import_bucket is not None


def needed_requests(work: Work, left: Sequence[PlannedRow]) -> int:
    """Return how many requests a run needs for these planned rows, from its first to its last."""
    kinds = Counter(one.change for one in left)
    pages = work.progress.pages
    looking = len(work.rows) if pages is None else pages
    others = sum(len(one.emails) - 1 for one in left)
    changing = _READ_AND_WRITE * (kinds["update"] + kinds["ask"]) + others
    if uses_job(work, kinds["create"]):
        return _FINDING + 1 + looking + changing + (pages or 0) + _JOB + _FINDING + (pages or 0)
    return _FINDING + 1 + looking + changing + kinds["create"] + min(kinds["update"], _FINDING + (pages or 0))


def estimate(work: Work) -> Estimate:
    """Return what a run that is no dry run would take, as the data of a dry run has it."""
    progress = work.progress
    looked_up: LookedUp = "one by one" if progress.pages is None else "by pages"
    by_job = uses_job(work, progress.counts.get("created", 0))
    return estimates.estimate(work.context, progress.requests, progress.pages, looked_up, import_job=by_job)
