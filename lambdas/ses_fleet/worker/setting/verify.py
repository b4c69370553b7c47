"""The last step of set-contacts: who is in the list now, and whether anybody would get mail against their choice."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.worker.setting.work import Step, Work
from ses_fleet.worker.verification import Comparison, report

_NOT_THERE = "not in the list after the import job"
_LIST = 2  # GetContactList, and ListContactLists for its name: what a walk asks besides the list's pages


def verify(work: Work) -> Step:
    """Look at the contacts again, if any was written: each alone where that is fewer requests, else the whole list."""
    context, expected = work.context, work.expected()
    if context.dry_run or not (expected or work.verification.changed):
        return "done"
    if context.settings.verify_contacts == "off":
        context.warn("the list was not compared afterwards, because VERIFY_CONTACTS is off")
        _believe_the_job(work, expected)
        return "done"
    comparison = _compared(work, expected)
    for address, line in expected.items():
        if address in comparison.missing:
            work.end(line, "failed", _NOT_THERE)
        else:
            work.end(line, "created")
    work.subscribed_again = report(context, comparison, deliberate=work.params.overwrite_unsubscribes)
    return "done"


def _compared(work: Work, expected: dict[str, int]) -> Comparison:
    found, pages = work.progress.contact_list, work.progress.pages
    most = limits.READ_BACK_ALONE if pages is None else min(limits.READ_BACK_ALONE, pages + _LIST)
    few = work.verification.compare_few(found, most) if found is not None and not expected else None
    return work.verification.compare(expected.keys()) if few is None else few


def _believe_the_job(work: Work, expected: dict[str, int]) -> None:
    """Count by the job's own numbers, which do not say who it was."""
    job = work.progress.import_job
    if not expected or job is None:
        return
    work.progress.counts["created"] = work.progress.counts.get("created", 0) + job.created
    work.progress.counts["failed"] = work.progress.counts.get("failed", 0) + job.failed
    if job.failed and not work.progress.reasons:
        work.progress.give_reasons({"refused by the import job": job.failed})
