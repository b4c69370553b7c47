"""What the steps of an import share: how far it is, what is to be done, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, Field

from ses_fleet.actions.params import ImportParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import record_files
from ses_fleet.worker.backups import BackupWriter
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.importing import directory
from ses_fleet.worker.importing.directory import Directory
from ses_fleet.worker.importing.import_plan import PlannedChange
from ses_fleet.worker.record_files import Record, RecordFileWriter
from ses_fleet.worker.verification import Verification

Step = Literal["decide", "add", "hear", "update", "save", "remove", "verify", "done"]
Ending = Literal["created", "updated", "removed", "unchanged", "failed"]


class ImportJob(BaseModel):
    """The job that was started: its id, where its file lies, how often it was asked for.

    `created` and `failed` are how many records SES says that it took and refused, once it is over.
    """

    job_id: str
    key: str
    polls: int = 0
    created: int = 0
    failed: int = 0


class Progress(BaseModel):
    """All that a slice hands to the next one; no addresses. `at` is how many changes the step has behind it."""

    step: Step = "decide"
    at: int = 0
    contact_list: ContactList | None = None
    harvest: State = Field(default_factory=dict)
    total: int = 0  # contacts of the list when it was read
    jobs_seen: str | None = None
    job_attempts: int = 0  # how often a slice tried to start an import job
    waits: int = 0
    import_job: ImportJob | None = None
    one_by_one: bool = False
    counts: dict[Ending, int] = Field(default_factory=dict)
    skipped: dict[str, int] = Field(default_factory=dict)
    others: int | None = None  # of the list, but not in Identity Center
    reasons: dict[str, int] = Field(default_factory=dict)
    backup: str | None = None
    files: dict[str, State] = Field(default_factory=dict)
    saved: State = Field(default_factory=dict)
    verification: State = Field(default_factory=dict)


class Files:
    """The import's files in S3: what is to be done, what failed, and who must be remembered until the end."""

    def __init__(self, context: ActionContext, states: dict[str, State]) -> None:
        self.changes = RecordFileWriter(context, context.data_prefix, states.get("changes", {}), "changes")
        self.failed = RecordFileWriter(context, context.data_prefix, states.get("failed", {}), "failed")
        self.kept = RecordFileWriter(context, context.data_prefix, states.get("kept", {}), "kept")

    def states(self) -> dict[str, State]:
        """All written out, and how far each is."""
        for writer in vars(self).values():
            writer.flush()
        return {name: writer.state() for name, writer in vars(self).items()}


class Work:
    """One slice of an import. `progress` is what the steps change."""

    def __init__(self, context: ActionContext, params: ImportParams, state: State) -> None:
        self.context = context
        self.params = params
        self.progress = Progress.model_validate(state)
        self.files = Files(context, self.progress.files)
        self.saved = BackupWriter(context, self.progress.saved)
        self.verification = Verification(context, self.progress.verification)
        self.subscribed_again: CustomerError | None = None  # what the last step found, if anything

    def state(self) -> State:
        """For the next slice; JSON."""
        self.progress.files = self.files.states()
        self.progress.saved = self.saved.state()
        self.progress.verification = self.verification.state()
        return self.progress.model_dump(mode="json")

    @cached_property
    def directory(self) -> Directory:
        """Identity Center's people, or the one of `params.username`."""
        context, name = self.context, self.params.username
        if context.item.people is None:
            raise CustomerError("internal", "NoPeople", "the orchestrator did not say where the people lie")
        found = directory.load(context, context.item.people, name)
        if name is not None and not found.people and not found.skipped:
            raise CustomerError(
                "operation", "UnknownUser", "Identity Center has no user of the name in params.username"
            )
        return found

    @property
    def job_under_way(self) -> bool:
        """Whether an import job was started and nobody heard yet how it ended."""
        return self.progress.import_job is not None and self.progress.step in ("decide", "hear")

    @property
    def list_name(self) -> str:
        """The customer's list, once it was read."""
        assert self.progress.contact_list is not None  # noqa: S101  # set by the first step
        return self.progress.contact_list.name

    def planned(self, kind: str) -> list[PlannedChange]:
        """What was decided to be done of one kind, in order."""
        found = self.read(self.files.changes, "changes")
        return [PlannedChange.of(one) for one in found if one["change"] == kind]

    def read(self, writer: RecordFileWriter, name: str) -> Iterator[Record]:
        """Yield everything of one of the files, up to now, holding one part at a time."""
        writer.flush()
        for number in range(1, writer.parts + 1):
            yield from record_files.records(self.context, writer.prefix, number, name)

    def count(self, ending: Ending, by: int = 1) -> None:
        """So many more people it ended so for."""
        self.progress.counts[ending] = self.progress.counts.get(ending, 0) + by

    def fail(self, emails: Iterable[str], reason: str) -> None:
        """These addresses were not done, for this reason, which holds no address."""
        records = [{"email": email, "reason": reason} for email in emails]
        self.files.failed.add(records)
        self.count("failed", len(records))
        self.progress.reasons[reason] = self.progress.reasons.get(reason, 0) + len(records)

    def refuse(self, change: PlannedChange, failure: AwsCallError) -> None:
        """SES did not take one address: that is this person's failure. Anything else is the customer's."""
        if failure.kind != "refused" or failure.status not in (400, None):
            raise failure
        self.fail([change.email], f"{failure.code}: {failure.text}")
