"""The last step of an import: who came of the import job, and whether anybody would get mail against their word."""

from __future__ import annotations

from ses_fleet.worker.importing.work import Step, Work
from ses_fleet.worker.verification import report

_NOT_THERE = "not in the list after the import job"


def verify(work: Work) -> Step:
    """Read the list once more, if anything was changed: what a job says it processed is not who came of it."""
    expected = _expected(work)
    if not expected and not work.verification.changed:
        return "done"
    if work.context.settings.verify_contacts == "off":
        _believe_the_job(work)
        return "done"
    comparison = work.verification.compare(expected.keys())
    work.count("created", len(expected) - len(comparison.missing))
    if comparison.missing:
        _fail(work, [expected[address] for address in comparison.missing])
    work.subscribed_again = report(work.context, comparison)
    return "done"


def _expected(work: Work) -> dict[str, str]:
    """{case-folded address: address} of those whom an import job was to bring."""
    if work.progress.import_job is None or work.progress.one_by_one:
        return {}
    return {change.email.casefold(): change.email for change in work.planned("create")}


def _believe_the_job(work: Work) -> None:
    work.context.warn("the list was not read again afterwards to compare it, as VERIFY_CONTACTS is off")
    started = work.progress.import_job
    if started is None or work.progress.one_by_one:
        return
    work.count("created", started.created)
    if started.failed:
        work.count("failed", started.failed)
        work.progress.reasons = work.progress.reasons or {"refused by the import job": started.failed}


def _fail(work: Work, missing: list[str]) -> None:
    work.files.failed.add({"email": email, "reason": _NOT_THERE} for email in missing)
    work.count("failed", len(missing))
    work.progress.reasons = work.progress.reasons or {_NOT_THERE: len(missing)}
