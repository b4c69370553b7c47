"""What describe-topics finds out of one customer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.described_topic import DescribedTopic
from ses_fleet.actions.data.marks import KEY


class TopicDifference(Data):
    """One field of a customer's topic that differs from SESConfig.json."""

    topic: Annotated[str, KEY] = Field(default="", description="the topic's name")
    field: Annotated[str, KEY] = Field(default="", description="display_name, description or default_status")
    have: str | None = Field(default=None, description="the value in the customer's list, or null for none")
    want: str | None = Field(default=None, description="the value in SESConfig.json, or null for none")


class Drift(Data):
    """How one customer's topics differ from SESConfig.json."""

    missing: tuple[str, ...] = Field(default=(), description="names of topics that the list does not have")
    extra: tuple[str, ...] = Field(default=(), description="names of topics that SESConfig.json does not have")
    different: tuple[TopicDifference, ...] = Field(default=(), description="fields that differ")

    def is_different(self) -> bool:
        """Return whether a topic is missing, is not in SESConfig.json, or has a field that differs."""
        return bool(self.missing or self.extra or self.different)


class DescribeTopicsData(Data):
    """`data` of describe-topics: the list's topics, their numbers of contacts, and what differs."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    topics: tuple[DescribedTopic, ...] = Field(default=(), description="the list's topics, in the list's order")
    drift: Drift | None = Field(
        default=None, description="how the topics differ from SESConfig.json, or null without a valid one"
    )

    def is_different(self) -> bool | None:
        """Return whether the topics differ from SESConfig.json, or None without a valid one."""
        return None if self.drift is None else self.drift.is_different()
