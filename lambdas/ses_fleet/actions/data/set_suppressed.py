"""What set-suppressed did, or would do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE


class SetSuppressedData(Data):
    """`data` of set-suppressed; in a dry run, what would be done.

    What became of each row is JSON Lines, compressed, below `data_location`, without addresses.
    """

    added: int = Field(default=0, description="addresses that were put on the suppression list")
    by_job: int = Field(default=0, description="of those, how many by an import job")
    already: int = Field(default=0, description="addresses that were to be on the list and were, for whatever reason")
    removed: int = Field(default=0, description="addresses that were taken off the list")
    was_absent: int = Field(default=0, description="addresses that were to be taken off and were not on the list")
    kept_complaint: int = Field(
        default=0, description="addresses that stay because somebody complained; only without `confirm_people`"
    )
    left_out: int = Field(
        default=0,
        description="addresses left as they are by a run that applies a plan: something else would be done now than "
        "the plan has",
    )
    failed: int = Field(default=0, description="addresses that could not be put on the list or taken off it")
    requests: Annotated[int | None, VOLATILE] = Field(
        default=None, description="in a dry run, about how many requests to SES it would take; else null"
    )
    seconds: Annotated[float | None, VOLATILE] = Field(
        default=None, description="in a dry run, the seconds that those would take; else null"
    )

    def is_different(self) -> bool:
        """Return whether addresses are, or would be, put on the suppression list or taken off it."""
        return bool(self.added or self.removed)
