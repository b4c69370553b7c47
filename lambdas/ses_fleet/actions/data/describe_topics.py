"""What describe-topics finds out of one customer."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.described_topic import DescribedTopic


class DescribeTopicsData(Data):
    """`data` of describe-topics: the list's topics and their numbers of contacts."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    topics: tuple[DescribedTopic, ...] = Field(default=(), description="the list's topics, in the list's order")
