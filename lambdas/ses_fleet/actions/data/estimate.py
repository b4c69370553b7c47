"""What a run for people costs, as a dry run of it says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE


class Estimate(Data):
    """What a run that is no dry run would take."""

    requests: Annotated[int, VOLATILE] = Field(
        default=0, description="requests to SES, about; those of the dry run itself are among them"
    )
    seconds: Annotated[int, VOLATILE] = Field(
        default=0, description="seconds that so many requests take at the worker's rate"
    )
    looked_up: Literal["by pages", "one by one"] | None = Field(
        default=None, description="whether people are found by the list's pages, or each is asked for alone"
    )
    import_job: bool = Field(default=False, description="whether new contacts are created by one import job of SES")
