"""What erase-contact finds out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.estimate import Estimate
from ses_fleet.actions.data.marks import KEY, VOLATILE

Outcome = Literal["erased", "was_absent", "not_proven", "would_erase"]


class ErasedPerson(Data):
    """What became of one person in one customer's list. `row` is the line in the people file."""

    row: Annotated[int, KEY] = Field(default=0, description="the person's line in the people file")
    outcome: Outcome = Field(
        default="not_proven",
        description="`erased`: deleted, and not there when it was read back; `was_absent`: not there before or after; "
        "`not_proven`: still there, or nobody knows; a dry run says `would_erase` for `erased`",
    )
    at: Annotated[str | None, VOLATILE] = Field(default=None, description="when that was read, ISO 8601, UTC")
    contacts: int = Field(default=0, description="contacts of this address, in whatever case, that were deleted")
    suppressed: Literal["kept", "erased", "would_erase", "no"] | None = Field(
        default=None,
        description="whether the address is on the account's suppression list, or was taken off it, which a dry run "
        "says as `would_erase`; null where that is not known, as in SES's sandbox",
    )


class EraseContactData(Data):
    """`data` of erase-contact: counts, and one entry for each person who was to be erased for the customer."""

    contact_list: str | None = Field(default=None, description="the contact list's name, or null when there is none")
    erased: int = Field(default=0, description="people who were deleted, and were not there when it was read back")
    was_absent: int = Field(default=0, description="people who were not in the list, before and after")
    not_proven: int = Field(default=0, description="people of whom that cannot be said")
    would_erase: int = Field(default=0, description="people whom a run that is no dry run would delete")
    forgotten: int = Field(default=0, description="people who were taken out of the record of earlier imports")
    people: tuple[ErasedPerson, ...] = Field(default=(), description="what became of each of them")
    estimate: Estimate | None = Field(default=None, description="of a dry run: what the real run takes; else null")

    def is_different(self) -> bool:
        """Return whether anybody is, or would be, deleted or taken off the suppression list."""
        off_the_list = any(one.suppressed in ("erased", "would_erase") for one in self.people)
        return bool(self.erased or self.would_erase) or off_the_list
