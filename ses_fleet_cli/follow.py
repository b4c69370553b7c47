"""Follow a run's record in S3: its results as they come, then its Summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.keys import plan_key, result_key, results_prefix, summary_key
from ses_fleet.runs.models import CustomerResult, RunPlan, Summary
from ses_fleet_cli.errors import CommandError, no_summary, usage

_Found = TypeVar("_Found", bound=RunPlan | Summary)


def latest_deadline(bucket: Bucket, plan: RunPlan) -> float:
    """Return when a run that began with this plan is over, in epoch seconds."""
    return _seconds(plan.deadline) + limits.MAX_RUN_SECONDS


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


class Watcher(Protocol):
    """Who is told what happens in a run while it is followed."""

    def planned(self, plan: RunPlan) -> None:
        """Take note that the run has begun, and which customers it has."""

    def finished(self, result: CustomerResult) -> None:
        """Take in the result of one customer, which has just been found in the record."""


@dataclass
class Follower:
    """Follows one run until its Summary.

    `expected` is the request that the run must have been started with, or None when it is not known. `clock` returns
    S3's time in epoch seconds, as the deadlines in the record are of that time. `why_not` is called once when the run
    does not begin: it returns why the function does not start, or None if it does.
    """

    bucket: Bucket
    run_id: str
    watcher: Watcher
    clock: Callable[[], float]
    expected: dict[str, Any] | None = None
    why_not: Callable[[], str | None] = lambda: None
    sleep: Callable[[float], None] = time.sleep
    _shown: set[int] = field(default_factory=set)
    _lost_at: float = 0.0
    _began: float | None = None
    _asked: bool = False

    def follow(self) -> Summary:
        """Return the run's Summary. Raise CommandError with exit code 3 when the run is lost or cannot be read."""
        plan = self._wait_for_plan()
        if isinstance(plan, Summary):
            return plan
        self._check_request(plan)
        self.watcher.planned(plan)
        self._lost_at = _seconds(plan.deadline) + limits.RUN_GRACE_SECONDS
        for summary in self._polls(lambda: self._poll_run(plan), lambda: self._is_lost(plan)):
            if summary is not None:
                return summary
        raise no_summary(
            f"run {self.run_id} is lost: the time of its last invocation is over and there is no summary. "
            f"{self._what_is_left()}"
        )

    def _is_lost(self, plan: RunPlan) -> bool:
        """Whether the time of the run's last invocation is over. Hops are looked for only when it seems so."""
        if self.clock() > self._lost_at:
            self._lost_at = latest_deadline(self.bucket, plan) + limits.RUN_GRACE_SECONDS
        return self.clock() > self._lost_at

    def _wait_for_plan(self) -> RunPlan | Summary:
        for found in self._polls(self._poll_plan, self._is_late):
            if found is not None:
                return found
            if not self._asked and self._waited() > limits.SLOW_START_SECONDS:
                self._ask_why_not()
        raise no_summary(
            f"run {self.run_id} is lost: it did not begin within {limits.RUN_START_SECONDS:g} s and has no record. "
            "Look at the orchestrator's log and the dead letters; `ses-fleet invoke help` shows whether the function "
            "starts at all"
        )

    def _is_late(self) -> bool:
        """Whether the run should have begun by now."""
        return self._waited() > limits.RUN_START_SECONDS

    def _waited(self) -> float:
        """Seconds since the run's beginning was first looked for, by S3's time."""
        now = self.clock()
        self._began = now if self._began is None else self._began
        return now - self._began

    def _ask_why_not(self) -> None:
        """Raise CommandError if the function fails at its start: then it never writes a record to wait for."""
        self._asked = True
        why = self.why_not()
        if why is not None:
            raise no_summary(f"run {self.run_id} did not begin: {why}. Correct the function, then start the run again")

    def _poll_plan(self) -> RunPlan | Summary | None:
        plan = self._read(plan_key(self.run_id))
        if plan is not None:
            return RunPlan.model_validate_json(plan)
        summary = self._read(summary_key(self.run_id))
        return None if summary is None else Summary.model_validate_json(summary)

    def _poll_run(self, plan: RunPlan) -> Summary | None:
        # The summary is looked for before the results are shown: whatever it counts is among them.
        summary = self._read(summary_key(plan.run_id))
        self._show_results(plan)
        return None if summary is None else Summary.model_validate_json(summary)

    def _check_request(self, plan: RunPlan) -> None:
        if self.expected is not None and plan.request != self.expected:
            raise usage(f"run {self.run_id} exists and was started with another request; choose another --run-id")

    def _show_results(self, plan: RunPlan) -> None:
        prefix = results_prefix(self.run_id)
        indexes = {
            result_key(self.run_id, customer.customer_code, index): index
            for index, customer in enumerate(plan.customers)
            if index not in self._shown
        }
        if not indexes:
            return
        for key in self._stored_keys(prefix):
            body = self._read(key) if key in indexes else None
            if body is not None:
                self._shown.add(indexes[key])
                self.watcher.finished(CustomerResult.model_validate_json(body))

    def _stored_keys(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix in the order in which they were written."""
        entries: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.bucket.s3.call("list_objects_v2", Bucket=self.bucket.name, Prefix=prefix, **token)
            entries += page.get("Contents", [])
            if not page.get("IsTruncated"):
                break
            token = {"ContinuationToken": page["NextContinuationToken"]}
        return (str(entry["Key"]) for entry in sorted(entries, key=lambda entry: entry["LastModified"]))

    def _polls(self, poll: Callable[[], _Found | None], is_over: Callable[[], bool]) -> Iterator[_Found | None]:
        """Yield what `poll` finds, again and again, until `is_over` and one more time after that."""
        (pause, longest), problems, last = limits.POLL_SECONDS, 0, False
        while True:
            over = False
            try:
                over = is_over()
                yield poll()
                problems = 0
            except AwsCallError as failure:
                problems += 1
                if not failure.transient or problems == limits.POLL_ATTEMPTS:
                    raise self._unreadable(f"{failure.code}: {failure.text}") from None
            except (TooLargeError, ValueError) as error:  # pydantic's ValidationError is one
                raise self._unreadable(f"{type(error).__name__}: it is not what this version writes") from None
            if last:
                return
            last = over
            self.sleep(pause)
            pause = min(pause * 1.1, longest)

    def _unreadable(self, why: str) -> CommandError:
        text = f"run {self.run_id} goes on, but its record cannot be read ({why}). {self._what_is_left()}"
        return no_summary(text)

    def _read(self, key: str) -> bytes | None:
        stored = self.bucket.find(key, limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else stored.body

    def _what_is_left(self) -> str:
        record = self.bucket.location(f"runs/{self.run_id}/")
        return (
            f"`ses-fleet runs show {self.run_id}` shows what is known; else look at {record} and the orchestrator's log"
        )
