"""What describe-list finds out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.described_topic import DescribedTopic
from ses_fleet.actions.data.marks import VOLATILE


class DescribedList(Data):
    """A contact list without its topics."""

    name: str = Field(default="", description="the list's name")
    description: str | None = Field(default=None, description="the list's description")
    created_at: str | None = Field(default=None, description="when the list was created, ISO 8601 in UTC")
    last_updated_at: Annotated[str | None, VOLATILE] = Field(
        default=None, description="when the list was last changed, ISO 8601 in UTC"
    )


class CountedContacts(Data):
    """How many contacts a list has."""

    total: int = Field(default=0, description="all contacts of the list")
    unsubscribed_all: int = Field(default=0, description="contacts that unsubscribed from everything")


class DescribeListData(Data):
    """`data` of describe-list: the list, its topics and its numbers of contacts."""

    contact_list: DescribedList | None = Field(
        default=None, description="the contact list, or null when the account has none in the Region"
    )
    topics: tuple[DescribedTopic, ...] = Field(default=(), description="the list's topics, in the list's order")
    contacts: CountedContacts | None = Field(
        default=None, description="how many contacts the list has, or null when they were not counted"
    )
