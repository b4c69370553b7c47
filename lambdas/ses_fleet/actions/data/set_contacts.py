"""What set-contacts did, or would do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ses_fleet.actions.data.base import Data


class Estimate(Data):
    """What a run that is no dry run would take."""

    requests: int = Field(default=0, description="requests to SES, about; those of the dry run itself are among them")
    seconds: int = Field(default=0, description="seconds that so many requests take at the worker's rate")
    looked_up: Literal["by pages", "one by one"] | None = Field(
        default=None, description="whether people are found by the list's pages, or each is asked for alone"
    )
    import_job: bool = Field(default=False, description="whether new contacts are created by one import job of SES")


class SetContactsData(Data):
    """`data` of set-contacts; in a dry run, what would be done.

    What became of each row is at `data_location` in `rows-*`, JSON Lines, compressed: `{row, ending, reason}`. `row` is
    the line of the people file, and no address is in it.
    """

    created: int = Field(default=0, description="people who had no contact and were given one")
    updated: int = Field(default=0, description="people of whom a contact was changed")
    unchanged: int = Field(default=0, description="people whose contacts needed no change")
    kept_choice: int = Field(
        default=0,
        description="people who were not opted in to something because they had opted out of it or unsubscribed; "
        "they are counted above, too",
    )
    failed: int = Field(default=0, description="people for whom it could not be done")
    reasons: dict[str, int] = Field(
        default_factory=dict, description="why people failed, and how many of each reason; 20 reasons are kept apart"
    )
    erased_before: int = Field(default=0, description="people who were erased and are not brought back")
    estimate: Estimate | None = Field(default=None, description="of a dry run: what the real run takes; else null")
