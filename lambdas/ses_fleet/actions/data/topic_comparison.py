"""What describe-topics-all finds out of all customers together: `fleet` of its Summary."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data


class TopicDifference(Data):
    """One field of a customer's topic that differs from SESConfig.json."""

    topic: str = Field(default="", description="the topic's name")
    field: str = Field(default="", description="display_name, description or default_status")
    have: str | None = Field(default=None, description="the value in the customer's list, or null for none")
    want: str | None = Field(default=None, description="the value in SESConfig.json, or null for none")


class Drift(Data):
    """How one customer's topics differ from SESConfig.json."""

    missing: tuple[str, ...] = Field(default=(), description="names of topics that the list does not have")
    extra: tuple[str, ...] = Field(default=(), description="names of topics that SESConfig.json does not have")
    different: tuple[TopicDifference, ...] = Field(default=(), description="fields that differ")


class TopicMatrix(Data):
    """`fleet` of the Summary of describe-topics-all: the topics of all customers side by side."""

    topics: dict[str, dict[str, int]] | None = Field(
        default=None, description="{topic: {customer code: contacts opted in}}, or null when it is at `location`"
    )
    drift: dict[str, Drift] | None = Field(
        default=None, description="{customer code: differences}, or null without a valid SESConfig.json"
    )
    location: str | None = Field(
        default=None, description="s3:// URI of the comparison when it is too large for the Summary, else null"
    )
