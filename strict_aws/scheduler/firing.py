"""One delivery of a schedule: what its target gets, by the context attributes and the default notification."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from strict_aws.backend.moto_state import Schedule

# API reference, RetryPolicy: what counts where a schedule's own says nothing.
_MAX_RETRIES, _MAX_AGE_SECONDS = 185, 86_400
# The user guide says only that waits grow exponentially.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1, 512


@dataclass(frozen=True)
class Firing:
    """One time at which a schedule was due, and which attempt to deliver it this is, from 1 on."""

    schedule: Schedule
    scheduled_at: datetime
    attempt: int = 1

    @property
    def scheduled_time(self) -> str:
        """The time in the form of the context attribute, such as 2022-03-22T18:59:43Z."""
        return iso(self.scheduled_at)

    def message(self, execution_id: str) -> str:
        """Return the schedule's Input with its context attributes filled in, or Scheduler's default notification."""
        text = self.schedule.target.get("Input")
        if text is None:
            return self._notification()
        values = {
            "schedule-arn": self.schedule.arn,
            "scheduled-time": self.scheduled_time,
            "execution-id": execution_id,
            "attempt-number": str(self.attempt),
        }
        for name, value in values.items():
            text = str(text).replace(f"<aws.scheduler.{name}>", value)
        return str(text)

    def exhausted(self, now: datetime) -> str | None:
        """Return which part of the retry policy forbids an attempt after this one, or None when it allows one."""
        policy = self.schedule.target.get("RetryPolicy") or {}
        if self.attempt > int(policy.get("MaximumRetryAttempts", _MAX_RETRIES)):
            return "MaximumRetryAttempts"
        age = timedelta(seconds=int(policy.get("MaximumEventAgeInSeconds", _MAX_AGE_SECONDS)))
        return "MaximumEventAgeInSeconds" if self.next_attempt(now) > self.scheduled_at + age else None

    def next_attempt(self, now: datetime) -> datetime:
        """Return when the attempt after this one is made, if this one fails now."""
        doubled = _FIRST_WAIT_SECONDS * 2 ** min(self.attempt - 1, 20)
        return now + timedelta(seconds=min(doubled, _LONGEST_WAIT_SECONDS))

    def again(self) -> Firing:
        """Return the next attempt."""
        return replace(self, attempt=self.attempt + 1)

    def _notification(self) -> str:
        """Return what Scheduler sends of itself (observed); `detail` is a text."""
        return json.dumps(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self.schedule.account,
                "time": self.scheduled_time,
                "region": self.schedule.region,
                "resources": [self.schedule.arn],
                "detail": "{}",
            }
        )


def iso(moment: datetime) -> str:
    """Return a moment of UTC in whole seconds, such as 2022-03-22T18:59:43Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
