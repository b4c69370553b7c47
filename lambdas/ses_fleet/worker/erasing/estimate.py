"""How many requests of SES an erasure needs: they are its cost, at one a second."""

from __future__ import annotations

from ses_fleet.actions.data.estimate import Estimate
from ses_fleet.worker import estimates
from ses_fleet.worker.erasing import quiet
from ses_fleet.worker.erasing.work import Work

_FINDING = 2  # the list's name and the list
_JOBS = 2  # a look at the import jobs in each phase


def estimate(work: Work) -> Estimate:
    """Return what both phases of a run that is no dry run would take, once the first one is over."""
    pages = None if work.scan.found is None else work.progress.pages
    requests = _JOBS + _of_suppression_list(work) + (_without_list(work) if pages is None else _of_list(work))
    return estimates.estimate(work.context, requests, pages, "whole list", waits=quiet.SHOWN_SECONDS)


def say(work: Work, planned: Estimate) -> None:
    """Add the estimate to the customer's block."""
    if planned.pages is None:
        how = "there is no list that could be read"
    else:
        times = "three times" if work.progress.others else "twice"
        how = f"the whole list is read {times}, {planned.pages} page(s) each time"
    estimates.say(work.context, planned, f"{how}; {quiet.SHOWN_SECONDS:.0f} s of it are a wait")


def _of_list(work: Work) -> int:
    """Return the requests about contacts.

    The list is read to find the people and once they are deleted by their addresses, and again if others were deleted
    then. A reading of several pages ends with a look whether the list is still the same.
    """
    people, progress = len(work.rows), work.progress
    contacts, others = sum(progress.found.values()), progress.others
    reading = progress.pages + (progress.pages > 1)
    # Each address is asked for before it is deleted, and at the end.
    return _FINDING + reading * (3 if others else 2) + people + contacts + others + people


def _without_list(work: Work) -> int:
    return len(work.rows) + _FINDING  # each time it might be there now


def _of_suppression_list(work: Work) -> int:
    """Return the requests for a look in each phase, and for taking addresses off."""
    progress, people = work.progress, len(work.rows)
    if progress.no_suppression_list:
        return 1
    if work.params.suppression == "keep":
        return 2 * people
    return 3 * people + progress.others + sum(one == "kept" for one in progress.suppressed.values())
