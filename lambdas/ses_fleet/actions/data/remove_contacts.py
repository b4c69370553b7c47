"""What remove-contacts did, or would do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.estimate import Estimate
from ses_fleet.actions.data.marks import VOLATILE


class RemoveContactsData(Data):
    """`data` of remove-contacts; in a dry run, what would be done.

    What became of each row is at `data_location` in `rows-*`, JSON Lines, compressed: `{row, ending, reason}`. `row` is
    the line of the people file, and no address is in it.
    """

    removed: int = Field(default=0, description="people whose contacts were removed")
    kept_choice: int = Field(
        default=0, description="people who stay because they opted out of something, which would be forgotten"
    )
    absent: int = Field(default=0, description="people who have no contact")
    left_out: int = Field(
        default=0,
        description="contacts left as they are by a run that applies a plan: something else would be done now than "
        "the plan has",
    )
    failed: int = Field(default=0, description="people for whom it could not be done")
    reasons: dict[str, int] = Field(
        default_factory=dict, description="why people failed, and how many of each reason; 20 reasons are kept apart"
    )
    backup: Annotated[str | None, VOLATILE] = Field(
        default=None, description="s3:// URI of the backup of the contacts that were removed, or null without one"
    )
    estimate: Estimate | None = Field(default=None, description="of a dry run: what the real run takes; else null")

    def is_different(self) -> bool:
        """Return whether contacts are, or would be, removed."""
        return bool(self.removed)
