"""Whether people who are erased are on the account's suppression list, and taking them off it."""

from __future__ import annotations

from ses_fleet.errors import AwsCallError
from ses_fleet.worker import suppression, suppression_changes
from ses_fleet.worker.erasing.work import Work


def look(work: Work, line: int) -> None:
    """Note whether the address is on the suppression list now; nothing where that cannot and need not be known."""
    if work.progress.no_suppression_list:
        return
    try:
        entry = suppression.get(work.context.ses, work.rows[line].email)
    except AwsCallError as failure:
        if not _does_without(work, failure):
            raise
        work.progress.no_suppression_list = True
        work.context.warn(f"whether the people are on the suppression list is not known ({failure.code})")
        return
    if entry is not None:
        work.progress.suppressed[line] = "kept"
    elif work.progress.suppressed.get(line) != "erased":
        work.progress.suppressed[line] = "no"


def take_off(work: Work, line: int, email: str) -> None:
    """Take an address of this person off the suppression list, if that is asked, and note that it was on it."""
    if work.progress.no_suppression_list or work.params.suppression == "keep":
        return
    if suppression_changes.remove(work.context, email, complaints=True) == "removed":
        work.progress.suppressed[line] = "erased"


def _does_without(work: Work, failure: AwsCallError) -> bool:
    """Return whether people are erased without it: an account in the sandbox has none, and `keep` changes none."""
    if failure.status == 403:
        return work.params.suppression == "keep"
    return suppression.is_refused_in_sandbox(work.context, failure)
