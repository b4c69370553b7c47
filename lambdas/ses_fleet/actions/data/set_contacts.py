"""What set-contacts did, or would do."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.estimate import Estimate


class SetContactsData(Data):
    """`data` of set-contacts; in a dry run, what would be done.

    What became of each row is at `data_location` in `rows-*`, JSON Lines, compressed: `{row, ending, reason}`. `row` is
    the line of the people file, and no address is in it.
    """

    created: int = Field(default=0, description="people who had no contact and were given one")
    updated: int = Field(default=0, description="people of whom a contact was changed")
    unchanged: int = Field(default=0, description="people whose contacts needed no change")
    kept_choice: int = Field(
        default=0,
        description="people who were not opted in to something because they had opted out of it or unsubscribed; "
        "they are counted above, too",
    )
    left_out: int = Field(
        default=0,
        description="contacts left as they are by a run that applies a plan: something else would be done now than "
        "the plan has",
    )
    failed: int = Field(default=0, description="people for whom it could not be done")
    reasons: dict[str, int] = Field(
        default_factory=dict, description="why people failed, and how many of each reason; 20 reasons are kept apart"
    )
    erased_before: int = Field(default=0, description="people who were erased and are not brought back")
    estimate: Estimate | None = Field(default=None, description="of a dry run: what the real run takes; else null")

    def is_different(self) -> bool:
        """Return whether contacts are, or would be, created or changed."""
        return bool(self.created or self.updated)
