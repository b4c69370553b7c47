"""What restore-topics did, or would do."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data


class RestoredPreferences(Data):
    """How many contacts got the preferences back that a backup of topics has."""

    updated: int = Field(default=0, description="contacts that were changed")
    unchanged: int = Field(default=0, description="contacts that were as the backup has them")
    missing: int = Field(default=0, description="contacts that are not in the list any more; they are not created")
    erased_before: int = Field(
        default=0, description="contacts of people who were erased from the list, and so are not restored"
    )


class RestoreTopicsData(Data):
    """`data` of restore-topics; in a dry run, what would be done."""

    topics_added: tuple[str, ...] = Field(default=(), description="names of topics that were added to the list")
    topics: tuple[str, ...] = Field(default=(), description="names of all topics of the backup")
    contacts: RestoredPreferences = Field(
        default=RestoredPreferences(), description="what became of the contacts of the backup"
    )

    def is_different(self) -> bool:
        """Return whether topics are, or would be, added, or contacts changed."""
        return bool(self.topics_added or self.contacts.updated)
