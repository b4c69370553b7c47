"""What list-suppressed finds out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE


class ListSuppressedData(Data):
    """`data` of list-suppressed. The addresses are JSON Lines, compressed, below `data_location`."""

    total: int | None = Field(default=None, description="addresses written")
    reasons: dict[str, int] = Field(default_factory=dict, description="how many of them by reason: BOUNCE, COMPLAINT")
    parts: Annotated[int | None, VOLATILE] = Field(default=None, description="files written")
