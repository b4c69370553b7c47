"""How far a control request moves the scheduler's clock on, and what is said of that clock."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from strict_aws.scheduler.firing import iso
from strict_aws.scheduler.service import Scheduler

_TEN_YEARS_SECONDS = 10 * 366 * 86_400


class SchedulerClockControl(BaseModel):
    """By how many seconds the scheduler's clock is moved on; it never goes back."""

    model_config = ConfigDict(extra="forbid")

    advance_seconds: float = Field(ge=0, le=_TEN_YEARS_SECONDS, allow_inf_nan=False)


def described(scheduler: Scheduler) -> dict[str, Any]:
    """Return the time of the scheduler's clock, and when each schedule is due next (null: not any more)."""
    upcoming = [{"arn": arn, "due": None if due is None else iso(due)} for arn, due in scheduler.upcoming()]
    return {"now": iso(scheduler.now()), "schedules": upcoming}
