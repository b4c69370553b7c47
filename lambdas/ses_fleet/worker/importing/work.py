"""What the steps of an import share: its progress, what is to be done, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

from pydantic import Field

from ses_fleet.actions.params import ImportParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import record_files
from ses_fleet.worker.backups import BackupWriter
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.importing import directory
from ses_fleet.worker.importing.directory import Directory
from ses_fleet.worker.importing.import_plan import PlannedChange
from ses_fleet.worker.importing.new_contacts import JobProgress
from ses_fleet.worker.record_files import Record, RecordFileWriter
from ses_fleet.worker.verification import Verification

# Continuations hold these names, so they stay as they are; "hear" waits for the import job.
Step = Literal["decide", "add", "hear", "update", "save", "remove", "verify", "done"]
Ending = Literal["created", "updated", "removed", "unchanged", "left_out", "erased_before", "failed"]


class Progress(JobProgress):
    """Everything that a slice hands to the next one, without addresses.

    `at` counts the changes that the step has done.
    """

    step: Step = "decide"
    at: int = 0
    harvest: State = Field(default_factory=dict)
    counts: dict[Ending, int] = Field(default_factory=dict)
    skipped: dict[str, int] = Field(default_factory=dict)
    others: int | None = None  # contacts of the list that are not in Identity Center
    backup: str | None = None
    files: dict[str, State] = Field(default_factory=dict)
    saved: State = Field(default_factory=dict)
    verification: State = Field(default_factory=dict)


class Files:
    """The import's files in S3: what is to be done, what failed, and which addresses to remember until the end."""

    def __init__(self, context: ActionContext, states: dict[str, State]) -> None:
        self.changes = RecordFileWriter(context, context.data_prefix, states.get("changes", {}), "changes")
        self.failed = RecordFileWriter(context, context.data_prefix, states.get("failed", {}), "failed")
        self.kept = RecordFileWriter(context, context.data_prefix, states.get("kept", {}), "kept")

    def states(self) -> dict[str, State]:
        """Write everything out, and return the state of each writer."""
        for writer in vars(self).values():
            writer.flush()
        return {name: writer.state() for name, writer in vars(self).items()}


class Work:
    """One slice of an import. Its steps change `progress`."""

    def __init__(self, context: ActionContext, params: ImportParams, state: State) -> None:
        self.context = context
        self.params = params
        self.progress = Progress.model_validate(state)
        self.files = Files(context, self.progress.files)
        self.saved = BackupWriter(context, self.progress.saved)
        self.verification = Verification(context, self.progress.verification)
        self.subscribed_again: CustomerError | None = None  # what the last step found, if anything

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        self.progress.files = self.files.states()
        self.progress.saved = self.saved.state()
        self.progress.verification = self.verification.state()
        return self.progress.model_dump(mode="json")

    @cached_property
    def directory(self) -> Directory:
        """Return Identity Center's people, or only the user of `params.username`.

        Raise CustomerError when there is no such user.
        """
        context, name = self.context, self.params.username
        if context.item.directory is None:
            raise CustomerError(
                "internal", "NoPeople", "the orchestrator did not send where Identity Center's people are stored"
            )
        found = directory.load(context, context.item.directory, name)
        if name is not None and not found.people and not found.skipped:
            raise CustomerError(
                "operation", "UnknownUser", "Identity Center has no user with the name in params.username"
            )
        return found

    def erased_of(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return those of these addresses whose people were erased from the list.

        Raise CustomerError when that cannot be known.
        """
        erased = self.context.erased
        return frozenset(address for address in addresses if erased.is_erased(address))

    @property
    def job_under_way(self) -> bool:
        """Return whether an import job was started whose end is not known yet."""
        return self.progress.import_job is not None and self.progress.step in ("decide", "hear")

    @property
    def list_name(self) -> str:
        """Return the name of the customer's list; the first step must have read it."""
        return self.progress.list_name

    def planned(self, kind: str) -> list[PlannedChange]:
        """Return the planned changes of one kind, in order."""
        found = self.read(self.files.changes, "changes")
        return [PlannedChange.of(one) for one in found if one["change"] == kind]

    def read(self, writer: RecordFileWriter, name: str) -> Iterator[Record]:
        """Yield every record of one of the files, up to now, with one file in memory at a time."""
        writer.flush()
        for number in range(1, writer.parts + 1):
            yield from record_files.records(self.context, writer.prefix, number, name)

    def count(self, ending: Ending, by: int = 1) -> None:
        """Count people for whom the import ended this way."""
        self.progress.counts[ending] = self.progress.counts.get(ending, 0) + by

    def leave_out_if_erased(self, change: PlannedChange) -> bool:
        """Return whether this person was erased since the change was planned; count it then."""
        erased = self.context.erased.is_erased(change.email)
        if erased:
            self.count("erased_before")
            self.context.guard.leave_out(change.email)
        return erased

    def fail(self, emails: Iterable[str], reason: str) -> None:
        """Note that these addresses failed. `reason` must not contain an address."""
        records = [{"email": email, "reason": reason} for email in emails]
        self.files.failed.add(records)
        self.count("failed", len(records))
        self.progress.give_reasons({reason: len(records)})

    def refuse(self, change: PlannedChange, failure: AwsCallError) -> None:
        """Note that SES refused one address: that person failed.

        Raise the failure when it is of another kind: then the customer failed.
        """
        if failure.kind != "refused" or failure.status not in (400, None):
            raise failure
        self.fail([change.email], f"{failure.code}: {failure.text}")
