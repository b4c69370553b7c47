"""A topic of a contact list as describe-list and describe-topics show it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.marks import KEY
from ses_fleet.config.topics import Topic


class DescribedTopic(Topic):
    """A topic of a contact list, with how many contacts receive it."""

    name: Annotated[str, KEY] = Field(default="", description="the topic's name")
    display_name: str | None = Field(default=None, description="the name that contacts see")
    description: str | None = Field(default=None, description="the description that contacts see")
    default_status: str = Field(
        default="", description="OPT_IN or OPT_OUT: the status of contacts without a preference of their own"
    )
    opted_in: int | None = Field(
        default=None, description="contacts that receive the topic, or null when contacts were not counted"
    )
    opted_out: int | None = Field(
        default=None, description="contacts that do not receive the topic, or null when contacts were not counted"
    )
