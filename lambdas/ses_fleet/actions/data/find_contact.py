"""What find-contact finds out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE


class FindContactData(Data):
    """`data` of find-contact: how many of the people are where. Who is, lies below `data_location` by row.

    The rows are JSON Lines, compressed, without addresses.
    """

    contact_list: str | None = Field(default=None, description="the contact list's name")
    people: int = Field(default=0, description="rows of the people file that are for this customer")
    contacts: int = Field(default=0, description="people who are contacts of the list")
    folded: int = Field(
        default=0, description="of those, who were found only in another case of letters; with `thorough`"
    )
    not_found: int = Field(default=0, description="people of whom SES said that they are no contact of the list")
    suppressed: int | None = Field(
        default=None,
        description="people whose address is on the account's suppression list, or null in an account in SES's "
        "sandbox, which has none that could be read",
    )
    parts: Annotated[int, VOLATILE] = Field(default=0, description="files written")


class FoundPeople(Data):
    """`fleet` of the Summary of find-contact-all: in how many customers' lists people were found."""

    found_in: int = Field(default=0, description="customers in whose list at least one of the people is")
    absent_in: int = Field(
        default=0, description="customers of which SES said for each of the people that they are not in the list"
    )
    not_proven_in: int = Field(
        default=0,
        description="customers that failed or were not started: whether anybody is in their list is not known",
    )
    not_searched_in: int = Field(default=0, description="customers that were skipped, so that nobody looked")
