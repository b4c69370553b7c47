"""What list-contacts finds out."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data


class ListContactsData(Data):
    """`data` of list-contacts. The contacts are JSON Lines, compressed, below `data_location`."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    total: int | None = Field(default=None, description="contacts written")
    parts: int | None = Field(default=None, description="files written")
