"""What un-erase finds out."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.actions.data.base import Data


class UnEraseData(Data):
    """`data` of un-erase. The contacts themselves do not come back: others may add them again."""

    lifted: int = Field(default=0, description="people who may be added to the list again")
    was_not_erased: int = Field(default=0, description="people whom nothing kept out of the list")

    def is_different(self) -> bool:
        """Return whether people are, or would be, let back."""
        return bool(self.lifted)
