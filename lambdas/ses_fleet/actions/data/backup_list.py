"""What backup-list saved."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE


class BackupListData(Data):
    """`data` of backup-list. The backup lies below `data_location`."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    topics: int | None = Field(default=None, description="topics saved")
    total: int | None = Field(default=None, description="contacts saved")
    parts: Annotated[int | None, VOLATILE] = Field(default=None, description="files written")
    with_attributes: bool | None = Field(
        default=None,
        exclude_if=lambda saved: saved is None,
        description="whether contacts' attributes were saved; absent when there is no contact list",
    )
    backup: Annotated[str | None, VOLATILE] = Field(
        default=None, description="the run's id, which restore-list takes as `backup`; null when there is no list"
    )
