"""What the steps of remove-contacts share: its progress, whose contacts are to be removed, and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from ses_fleet.actions.params import RemoveContactsParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import record_files
from ses_fleet.worker.backups import BackupWriter
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.reasons import Reasons
from ses_fleet.worker.record_files import Record, RecordFileWriter

# Continuations hold these names, so they stay as they are.
Step = Literal["look", "save", "remove", "verify", "done"]
Ending = Literal["removed", "kept_choice", "absent", "left_out", "failed"]


class Progress(Reasons):
    """Everything that a slice hands to the next one, without addresses.

    `at` counts the people that the step has done. `pages` are those by which they were looked up, None when each is
    asked for alone. `requests` is how many a run that is no dry run would need, as far as that is known.
    """

    step: Step = "look"
    at: int = 0
    contact_list: ContactList | None = None
    harvest: State = Field(default_factory=dict)
    pages: int | None = None
    requests: int = 0
    looks: int = 0  # how often the list was read back
    counts: dict[Ending, int] = Field(default_factory=dict)
    backup: str | None = None
    files: dict[str, State] = Field(default_factory=dict)
    saved: State = Field(default_factory=dict)


class Work:
    """One slice of remove-contacts. Its steps change `progress`."""

    def __init__(self, context: ActionContext, params: RemoveContactsParams, state: State) -> None:
        self.context = context
        self.params = params
        self.progress = Progress.model_validate(state)
        self.people = self._writer("people")
        self.endings = self._writer("rows")
        self.removed = self._writer("removed")
        self.saved = BackupWriter(context, self.progress.saved)
        self.still_there: CustomerError | None = None  # what the last step found, if anything

    def _writer(self, name: str) -> RecordFileWriter:
        return RecordFileWriter(self.context, self.context.data_prefix, self.progress.files.get(name, {}), name)

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        self.flush()
        files = {"people": self.people, "rows": self.endings, "removed": self.removed}
        self.progress.files = {name: writer.state() for name, writer in files.items()}
        self.progress.saved = self.saved.state()
        return self.progress.model_dump(mode="json")

    def flush(self) -> None:
        """Write everything out."""
        for writer in (self.people, self.endings, self.removed):
            writer.flush()

    @property
    def list_name(self) -> str:
        """Return the name of the customer's list; the first step must have read it."""
        assert self.progress.contact_list is not None  # noqa: S101  # set by the first step
        return self.progress.contact_list.name

    def looked_up(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield (line, addresses that may be this person's in the list), in the rows' order."""
        for record in self.read(self.people, "people"):
            yield record["row"], record["emails"]

    def read(self, writer: RecordFileWriter, name: str) -> Iterator[Record]:
        """Yield every record of one of the files, up to now, with one file in memory at a time."""
        writer.flush()
        for number in range(1, writer.parts + 1):
            yield from record_files.records(self.context, writer.prefix, number, name)

    def end(self, line: int, ending: Ending, reason: str | None = None) -> None:
        """Note what became of a row. `reason`, of one that failed, must not contain an address."""
        self.progress.counts[ending] = self.progress.counts.get(ending, 0) + 1
        if reason is not None:
            self.progress.give_reasons({reason: 1})
        self.endings.add([{"row": line, "ending": ending, "reason": reason}])

    def refuse(self, line: int, failure: AwsCallError) -> None:
        """Note that SES refused what was to be done for one row: that person failed.

        Raise the failure when it is of another kind: then the customer failed.
        """
        if failure.kind != "refused" or failure.status not in (400, None):
            raise failure
        self.end(line, "failed", f"{failure.code}: {failure.text}")
