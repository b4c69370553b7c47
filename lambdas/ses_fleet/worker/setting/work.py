"""What the steps of set-contacts share: its progress, what is to be done with each row, and what was done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import Field

from ses_fleet.actions.params import SetContactsParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people.addresses import folded
from ses_fleet.people.rows import ContactRow
from ses_fleet.worker import contact_changes, record_files
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.importing.new_contacts import JobProgress, NewContact
from ses_fleet.worker.record_files import Record, RecordFileWriter
from ses_fleet.worker.setting import wishes
from ses_fleet.worker.setting.wishes import Wish
from ses_fleet.worker.verification import Verification

# Continuations hold these names, so they stay as they are; "hear" waits for the import job.
Step = Literal["decide", "hear", "change", "verify", "done"]
Ending = contact_changes.Ending | Literal["failed", "erased_before"]  # "left_out" is of a saved plan
KEPT_CHOICE = "kept_choice"


class Progress(JobProgress):
    """Everything that a slice hands to the next one, without addresses.

    `at` counts the planned rows that the step has done. `pages` are those by which people were looked up, None when
    each is asked for alone. `requests` is how many a run that is no dry run would need, as far as that is known.
    """

    step: Step = "decide"
    at: int = 0
    harvest: State = Field(default_factory=dict)
    pages: int | None = None
    requests: int = 0
    counts: dict[Ending, int] = Field(default_factory=dict)
    kept_choice: int = 0
    files: dict[str, State] = Field(default_factory=dict)
    verification: State = Field(default_factory=dict)


@dataclass(frozen=True)
class PlannedRow:
    """A row that something is to be done for, named by its line.

    `change` is "create" for a person who has no contact, "update" for one of whom the list has the contacts `emails`,
    and "ask" for one who may have them: only SES knows.
    """

    line: int
    change: Literal["create", "update", "ask"]
    emails: tuple[str, ...]

    @classmethod
    def of(cls, record: Record) -> PlannedRow:
        """Return the planned row that a record of the action's files stands for."""
        return cls(record["row"], record["change"], tuple(record["emails"]))

    def record(self) -> Record:
        """Return the planned row as the action's files have it."""
        return {"row": self.line, "change": self.change, "emails": list(self.emails)}


class Work:
    """One slice of set-contacts. Its steps change `progress`."""

    def __init__(self, context: ActionContext, params: SetContactsParams, state: State) -> None:
        self.context = context
        self.params = params
        self.progress = Progress.model_validate(state)
        files = self.progress.files
        self.changes = RecordFileWriter(context, context.data_prefix, files.get("changes", {}), "changes")
        self.endings = RecordFileWriter(context, context.data_prefix, files.get("rows", {}), "rows")
        self.verification = Verification(context, self.progress.verification)
        self.subscribed_again: CustomerError | None = None  # what the last step found, if anything

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        self.changes.flush()
        self.endings.flush()
        self.progress.files = {"changes": self.changes.state(), "rows": self.endings.state()}
        self.progress.verification = self.verification.state()
        return self.progress.model_dump(mode="json")

    @cached_property
    def rows(self) -> dict[int, ContactRow]:
        """Return the customer's rows by their lines."""
        return {line: row for line, row in self.context.numbered_rows.items() if isinstance(row, ContactRow)}

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """Return the names of the topics that the list had when it was read."""
        found = self.progress.contact_list
        return () if found is None else tuple(topic.name for topic in found.topics)

    @property
    def job_under_way(self) -> bool:
        """Return whether an import job was started whose end is not known yet."""
        return self.progress.import_job is not None and self.progress.step in ("decide", "hear")

    @property
    def made_by_job(self) -> bool:
        """Return whether the new contacts are made by an import job, and not one by one."""
        return self.progress.import_job is not None and not self.progress.one_by_one

    def planned(self) -> Iterator[PlannedRow]:
        """Yield what is to be done, in the rows' order, with one file in memory at a time."""
        self.changes.flush()
        for number in range(1, self.changes.parts + 1):
            for record in record_files.records(self.context, self.changes.prefix, number, "changes"):
                yield PlannedRow.of(record)

    def expected(self) -> dict[str, int]:
        """Return {case-folded address: line} of the contacts that an import job was to create."""
        if not self.made_by_job:
            return {}
        return {folded(self.rows[one.line].email): one.line for one in self.planned() if one.change == "create"}

    def wish(self, row: ContactRow, now: Contact | None, *others: Contact) -> Wish:
        """Return what the row makes of a contact; see `wishes.wish`."""
        return wishes.wish(row, now, others, self.topics, overwrite=self.params.overwrite_unsubscribes)

    def new_contact(self, row: ContactRow) -> NewContact:
        """Return the contact that the row makes of a person who has none."""
        return NewContact(row.email, self.wish(row, None).contact)

    def was_erased(self, row: ContactRow) -> bool:
        """Return whether the person was erased from the list, so that no run may bring them back.

        Raise CustomerError when that cannot be known.
        """
        return self.context.erased.is_erased(row.email)

    def end(self, line: int, ending: Ending, reason: str | None = None, *, kept_choice: bool = False) -> None:
        """Note what became of a row. `reason` must not contain an address."""
        self.progress.counts[ending] = self.progress.counts.get(ending, 0) + 1
        self.progress.kept_choice += kept_choice
        if ending == "failed" and reason is not None:
            self.progress.give_reasons({reason: 1})
        self.endings.add([{"row": line, "ending": ending, "reason": KEPT_CHOICE if kept_choice else reason}])

    def refuse(self, line: int, failure: AwsCallError) -> None:
        """Note that SES refused what was to be done for one row: that person failed.

        Raise the failure when it is of another kind: then the customer failed.
        """
        if failure.kind != "refused" or failure.status not in (400, None):
            raise failure
        self.end(line, "failed", f"{failure.code}: {failure.text}")
