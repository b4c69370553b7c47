"""What the steps of set-suppressed share: the rows, what became of each, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, cast

from pydantic import BaseModel, Field

from ses_fleet import limits
from ses_fleet.actions.params import SetSuppressedParams
from ses_fleet.errors import AwsCallError
from ses_fleet.people.rows import SuppressedRow
from ses_fleet.worker import suppression, suppression_changes
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.importing.new_contacts import ImportJob
from ses_fleet.worker.suppression import Entry, Lookup

# Continuations hold these names, so they stay as they are; "hear" waits for the import job.
Step = Literal["look", "start", "hear", "single", "verify", "done"]
Ending = Literal["added", "already", "removed", "was_absent", "kept_complaint", "left_out", "failed"]


class Progress(BaseModel):
    """Everything that a slice hands to the next one: the numbers of rows and counts, no address.

    `ended` are the rows by what became of them, `in_job` those that the import job is to put on the list, and `asked`
    counts those that were read one by one.
    """

    step: Step = "look"
    lookup: State = Field(default_factory=dict)
    waits: int = 0
    jobs_seen: str | None = None
    job_attempts: int = 0
    job: ImportJob | None = None
    one_by_one: bool = False
    in_job: list[int] = Field(default_factory=list)
    ended: dict[Ending, list[int]] = Field(default_factory=dict)
    asked: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    read_back: State = Field(default_factory=dict)


class Work:
    """One slice of set-suppressed. Its steps change `progress`; `rows` are by their number."""

    def __init__(self, context: ActionContext, params: SetSuppressedParams, state: State) -> None:
        self.context = context
        self.complaints = params.confirm_people is not None
        self.progress = Progress.model_validate(state)
        self.rows = cast("Mapping[int, SuppressedRow]", context.numbered_rows)
        self.lookup = self.new_lookup(self.rows, self.progress.lookup)

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        self.progress.lookup = self.lookup.state()
        return self.progress.model_dump(mode="json")

    def new_lookup(self, numbers: Iterable[int], state: State | None = None) -> Lookup:
        """Return a look at the suppression list for these rows.

        Where an import job may be used it spares two requests an address, so as many pages as addresses may be read.
        """
        emails = {number: self.rows[number].email for number in numbers}
        pages = suppression.most_pages(len(emails))
        if len(emails) > limits.SUPPRESSED_BY_JOB:
            pages = max(pages, len(emails))
        return Lookup(emails, pages, state or {})

    @property
    def left(self) -> list[int]:
        """Return the rows of which it is not decided yet what becomes of them, in the file's order."""
        over = {number for numbers in self.progress.ended.values() for number in numbers} | set(self.progress.in_job)
        return [number for number in self.rows if number not in over]

    @property
    def written(self) -> list[int]:
        """Return the rows whose addresses this run put on the list or took off it, or an import job of it may have."""
        ended = self.progress.ended
        return sorted({*ended.get("added", ()), *ended.get("removed", ()), *self.progress.in_job})

    @property
    def job_under_way(self) -> bool:
        """Return whether an import job was started whose end is not known yet."""
        return self.progress.job is not None and self.progress.step in ("start", "hear")

    def end(self, number: int, ending: Ending) -> None:
        """Note what became of a row."""
        self.progress.ended.setdefault(ending, []).append(number)

    def ends(self, number: int, before: Entry | None, after: Entry | None, ending: Ending) -> None:
        """Note what became, or would become, of a row whose entry is `before` and is to be `after`.

        It is `left_out` when a saved plan is applied that has something else.
        """
        allowed = suppression_changes.is_allowed(self.context, self.rows[number].email, before, after)
        self.end(number, ending if allowed else "left_out")

    def fail(self, number: int, reason: str) -> None:
        """Note that a row failed. `reason` must not contain an address."""
        for numbers in self.progress.ended.values():
            if number in numbers:
                numbers.remove(number)
        self.end(number, "failed")
        self.give_reasons({reason: 1})

    def give_reasons(self, found: Mapping[str, int]) -> None:
        """Count why rows failed."""
        counted = Counter(self.progress.reasons)
        counted.update(found)
        self.progress.reasons = dict(counted.most_common(limits.KEPT_REASONS))

    def count(self, ending: Ending) -> int:
        """Return how many rows ended so."""
        return len(self.progress.ended.get(ending, ()))

    def refuse(self, number: int, failure: AwsCallError) -> None:
        """Note that SES refused a row's address. Raise the failure when it is of another kind."""
        if failure.kind != "refused" or failure.status not in (400, None):
            raise failure
        suppression.check_sandbox(self.context, failure)
        self.fail(number, f"{failure.code}: {failure.text}")
