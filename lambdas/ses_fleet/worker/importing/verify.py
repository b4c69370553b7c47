"""The last step of an import: who is in the list now, and whether anybody would receive mail against their choice."""

from __future__ import annotations

from ses_fleet.worker.importing.work import Step, Work
from ses_fleet.worker.verification import report

_NOT_THERE = "not in the list after the import job"


def verify(work: Work) -> Step:
    """Read the list again, if anything was changed: the job's own numbers do not say who was imported."""
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
    """Return {case-folded address: address} of the contacts that an import job was to create."""
    if work.progress.import_job is None or work.progress.one_by_one:
        return {}
    return {change.email.casefold(): change.email for change in work.planned("create")}


def _believe_the_job(work: Work) -> None:
    work.context.warn("the list was not compared afterwards, because VERIFY_CONTACTS is off")
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
