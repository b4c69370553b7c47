"""What manage-topic did, or would do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import KEY


class TopicUpdate(Data):
    """One field of a topic that is changed."""

    topic: Annotated[str, KEY] = Field(default="", description="the topic's name")
    field: Annotated[str, KEY] = Field(default="", description="display_name, description or default_status")
    before: str | None = Field(default=None, alias="from", description="the value before the change, or null for none")
    after: str | None = Field(default=None, alias="to", description="the value after the change, or null for none")


class ManageTopicData(Data):
    """`data` of manage-topic; in a dry run, what would be done."""

    list_created: bool = Field(default=False, description="whether the contact list was created")
    added: tuple[str, ...] = Field(default=(), description="names of topics that were added")
    updated: tuple[TopicUpdate, ...] = Field(default=(), description="fields of topics that were changed")
    removed: tuple[str, ...] = Field(default=(), description="names of topics that were removed; only with prune")
    unchanged: tuple[str, ...] = Field(default=(), description="names of topics that were as SESConfig.json has them")
    unmanaged: tuple[str, ...] = Field(
        default=(), description="names of topics that are not in SESConfig.json and were kept"
    )

    def is_different(self) -> bool:
        """Return whether topics are, or would be, created, changed or removed."""
        return bool(self.list_created or self.added or self.updated or self.removed)
