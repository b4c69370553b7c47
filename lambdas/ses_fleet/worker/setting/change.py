"""One person after the other: read their contacts right before they are written, and set what the row wants."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ses_fleet.errors import AwsCallError
from ses_fleet.people.rows import ContactRow
from ses_fleet.worker import contact_changes
from ses_fleet.worker.contact_changes import Contact, Ending
from ses_fleet.worker.importing.submit import heard
from ses_fleet.worker.setting import wishes
from ses_fleet.worker.setting.wishes import UnusableAttributesError
from ses_fleet.worker.setting.work import PlannedRow, Step, Work

_NO_OBJECT = "the contact's attributes are no JSON object, so none can be set beside them; nothing was changed"


def hear(work: Work) -> Step:
    """Wait until the import job is over. When it failed, its contacts are created one by one."""
    heard(work)
    return "change"


def change(work: Work) -> Step:
    """Do everything that is planned; the contacts as they are now decide."""
    for planned in islice(work.planned(), work.progress.at, None):
        if planned.change != "create" or not work.made_by_job:
            _one(work, planned)
        work.progress.at += 1
    return "verify"


def _one(work: Work, planned: PlannedRow) -> None:
    row = work.rows[planned.line]
    if work.was_erased(row):  # since the change was planned
        work.end(planned.line, "erased_before")
        for email in filter(work.context.guard.concerns, planned.emails):
            work.context.guard.leave_out(email)
        return
    person = _Person(work, row)
    try:
        ending = person.set(planned)
    except AwsCallError as failure:
        work.refuse(planned.line, failure)
        return
    if person.is_unusable:
        work.end(planned.line, "failed", _NO_OBJECT)
    elif planned.change == "create" and ending == "unchanged" and work.progress.import_job is not None:
        work.end(planned.line, "created", kept_choice=person.kept_choice)  # by our own job, which failed halfway
    else:
        work.end(planned.line, ending, kept_choice=person.kept_choice and ending != "left_out")


class _Person:
    """One row, set in all contacts of its person. `kept_choice` and `is_unusable` are of the last decision."""

    def __init__(self, work: Work, row: ContactRow) -> None:
        self.kept_choice = self.is_unusable = False
        self._work = work
        self._row = row
        self._is_another = False  # whether this contact does not exist, and another one of the person does
        self._has_another = False

    def set(self, planned: PlannedRow) -> Ending:
        """Set the first of these contacts that exists to what the row wants, and the others to what it refuses.

        Only when none exists one is created. Raise AwsCallError when SES refuses something.
        """
        *before, last = planned.emails
        for email in before:
            others = [one for one in planned.emails if one != email]
            ending = self._change(email, others)
            if not self._is_another:
                return self._with_refusals(ending, others)
        return self._with_refusals(self._change(last, before, absent=planned.change == "create", is_last=True), before)

    def _change(self, email: str, others: Sequence[str], *, absent: bool = False, is_last: bool = False) -> Ending:
        def decide(now: Contact | None, there: Sequence[Contact]) -> Contact | None:
            self._has_another = bool(there)
            self._is_another = now is None and bool(there) and not is_last
            return None if self._is_another else self._wish(now, there)

        changed = contact_changes.change(
            self._work.context, self._work.progress.list_name, email, decide, also=others, absent=absent
        )
        self._note(email, changed)
        return changed.ending

    def _wish(self, now: Contact | None, others: Sequence[Contact]) -> Contact | None:
        self.is_unusable = False
        try:
            wish = self._work.wish(self._row, now, *others)
        except UnusableAttributesError:
            self.is_unusable = True
            return None
        self.kept_choice = wish.kept_choice
        return wish.contact

    def _with_refusals(self, ending: Ending, others: Sequence[str]) -> Ending:
        if self.is_unusable or not self._has_another or not wishes.refuses(self._row):
            return ending
        for email in others:
            changed = contact_changes.change(
                self._work.context,
                self._work.progress.list_name,
                email,
                lambda now, _others: now and wishes.refusal(self._row, now),
            )
            self._note(email, changed)
            if ending == "unchanged" or changed.ending == "left_out":
                ending = changed.ending
        return ending

    def _note(self, email: str, changed: contact_changes.ContactChange) -> None:
        self._work.verification.note_read(email, changed.before)
        if changed.ending in ("created", "updated") and not self._work.context.dry_run:
            self._work.verification.note_written(email)
