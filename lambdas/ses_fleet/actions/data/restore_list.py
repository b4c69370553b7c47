"""What restore-list did, or would do."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data


class RestoredContacts(Data):
    """How many contacts of a backup were restored."""

    created: int = Field(default=0, description="contacts that were created")
    updated: int = Field(default=0, description="contacts that were changed")
    unchanged: int = Field(default=0, description="contacts that were as the backup has them")
    erased_before: int = Field(
        default=0, description="contacts of people who were erased from the list, and so are not restored"
    )


class RestoreListData(Data):
    """`data` of restore-list; in a dry run, what would be done."""

    list_created: bool = Field(default=False, description="whether the contact list was created")
    topics_added: tuple[str, ...] = Field(default=(), description="names of topics that were added to the list")
    contacts: RestoredContacts = Field(
        default=RestoredContacts(), description="what became of the contacts of the backup"
    )

    def is_different(self) -> bool:
        """Return whether the list is, or would be, created, or topics or contacts changed."""
        return bool(self.list_created or self.topics_added or self.contacts.created or self.contacts.updated)
