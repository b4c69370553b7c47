"""What a run for people costs, as a dry run of it says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE

LookedUp = Literal["by pages", "one by one", "whole list"]


class Estimate(Data):
    """What a run that is no dry run would take."""

    requests: Annotated[int, VOLATILE] = Field(
        default=0, description="requests to SES, about; those of the dry run itself are among them"
    )
    seconds: Annotated[int, VOLATILE] = Field(default=0, description="seconds that this takes at the worker's rate")
    looked_up: LookedUp | None = Field(
        default=None,
        description="whether people are found by the list's pages, each is asked for alone, or both, with all of the "
        "list read",
    )
    pages: Annotated[int | None, VOLATILE] = Field(
        default=None, description="pages of the list, of up to 1,000 contacts; null when it is not read"
    )
    import_job: bool = Field(default=False, description="whether new contacts are created by one import job of SES")
