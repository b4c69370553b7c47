"""What describe-topics-all finds out of all customers together: `fleet` of its Summary."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.describe_topics import Drift


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
