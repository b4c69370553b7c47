"""What list-contacts finds out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE


class ListContactsData(Data):
    """`data` of list-contacts. The contacts are JSON Lines, compressed, below `data_location`."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    total: int | None = Field(default=None, description="contacts written")
    parts: Annotated[int | None, VOLATILE] = Field(default=None, description="files written")
