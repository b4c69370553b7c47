"""What the steps of erase-contact share: its progress, the people of the file, and what was found out about each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field

from ses_fleet.actions.params import EraseContactParams
from ses_fleet.people import addresses
from ses_fleet.worker.contact_list import ContactScan
from ses_fleet.worker.context import ActionContext, State

# Continuations hold these names, so they stay as they are. The first phase ends before `bury`.
Step = Literal["find", "ask", "bury", "wait", "delete", "walk", "walk_again", "look", "forget", "done"]


class Progress(BaseModel):
    """What a slice hands to the next one. People are named by their line in the people file.

    `found` counts, for each person, the contacts that the last walk over the list met, `others` all of those that are
    spelled in another case than in the file, `pages` what was read of the list; `removed` counts the contacts that were
    deleted. `at` is the position in the step, `rounds` counts how often people who were deleted were met again.
    `gave_way` says whether the slice that wrote the tombstones has ended, so that other customers write theirs.
    `jobs_seen` is the digest of the import jobs that the last look showed, `quiet_since` since when those are known to
    be over, and `buried_at` when every tombstone was there, both in epoch seconds.
    """

    step: Step = "find"
    at: int = 0
    scan: State = Field(default_factory=dict)
    found: dict[int, int] = Field(default_factory=dict)
    pages: int = 0
    others: int = 0
    removed: dict[int, int] = Field(default_factory=dict)
    still_there: list[int] = Field(default_factory=list)
    suppressed: dict[int, Literal["kept", "erased", "no"]] = Field(default_factory=dict)
    no_suppression_list: bool = False
    forgotten: int = 0
    rounds: int = 0
    waits: int = 0
    gave_way: bool = False
    jobs_seen: str | None = None
    quiet_since: float | None = None
    buried_at: float = 0.0


class Work:
    """One slice of erase-contact. Its steps change `progress`."""

    def __init__(self, context: ActionContext, params: EraseContactParams, state: State) -> None:
        self.context = context
        self.params = params
        self.progress = Progress.model_validate(state)
        self.scan = ContactScan(self.progress.scan)
        self.rows = context.numbered_rows
        self.lines = {addresses.folded(row.email): line for line, row in self.rows.items()}

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        self.progress.scan = self.scan.state()
        return self.progress.model_dump(mode="json")

    def end_walk(self) -> None:
        """Have the next walk read the list from its first page on."""
        found = self.scan.found
        self.scan = ContactScan({"list": found and found.model_dump(mode="json")})

    def lines_left(self) -> Iterator[int]:
        """Yield the lines of the people whose turn is still to come in this step, and note each that is done."""
        for line in list(self.rows)[self.progress.at :]:
            yield line
            self.progress.at += 1
