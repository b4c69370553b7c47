"""Follow a run's record in S3: its results as they come, then its Summary, whatever lies between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from ses_fleet.runs import state as states
from ses_fleet.runs.keys import plan_key, refusals_prefix
from ses_fleet.runs.models import CustomerResult, RunPlan, Summary
from ses_fleet.runs.position import Position
from ses_fleet.runs.record import RunRecord
from ses_fleet.text import printable
from ses_fleet_cli import aws_failures
from ses_fleet_cli.arrivals import Arrivals
from ses_fleet_cli.errors import BROKEN_RECORD, CommandError, no_summary, usage

_Found = TypeVar("_Found", bound=RunPlan | Summary)


class Watcher(Protocol):
    """Who is told what happens in a run while it is followed."""

    def planned(self, plan: RunPlan) -> None:
        """Take note that the run has begun, and which customers it has."""

    def finished(self, result: CustomerResult) -> None:
        """Take in the result of one customer, which has just been found in the record."""

    def notice(self, text: str) -> None:
        """Take note of something that concerns the run as a whole."""


def refusals(bucket: Bucket, run_id: str) -> frozenset[str]:
    """Return the keys of all refused starts of this id; raise AwsCallError when S3 does not answer."""
    return frozenset(listed.key for listed in bucket.objects(refusals_prefix(run_id)))


def is_over_time(plan: RunPlan, now: float) -> bool:
    """Return whether a run of an earlier version must be over. `now` is S3's time in epoch seconds."""
    return now > datetime.fromisoformat(plan.deadline).timestamp() + limits.OLD_RUN_SECONDS


@dataclass
class Follower:
    """Follows one run until its Summary.

    `expected` is the request that the run must have been started with, or None when it is not known. `request_id` is
    that of the start, whose refusal ends the waiting for the run's beginning; when it is not known, any refusal does
    that is not among the keys in `refused_before`. `clock` returns S3's time in epoch seconds, `counter` seconds of
    this machine. `why_not` is called once when the run does not begin: it returns why the function does not start, or
    None if it does. `has_begun` is whether the run's plan has been seen.
    """

    bucket: Bucket
    run_id: str
    watcher: Watcher
    clock: Callable[[], float]
    expected: dict[str, Any] | None = None
    request_id: str | None = None
    refused_before: frozenset[str] = frozenset()
    why_not: Callable[[], str | None] = lambda: None
    sleep: Callable[[float], None] = time.sleep
    counter: Callable[[], float] = time.monotonic
    has_begun: bool = False
    _began: float | None = None
    _asked: bool = False
    _looked_at: float | None = None
    _told: str | None = None

    def follow(self) -> Summary:
        """Return the run's Summary, or the refusal of its start.

        Raise CommandError with exit code 3 when the run does not begin, when nobody looks after it any more, or when
        its record cannot be read.
        """
        plan = self._until(self._poll_start)
        if isinstance(plan, Summary):
            return plan
        self.has_begun = True
        if self.expected is not None and plan.request != self.expected:
            raise usage(f"run {self.run_id} exists and was started with another request; choose another --run-id")
        if self.request_id is not None and plan.request_id not in ("", self.request_id):
            began = printable(plan.started_at)
            self.watcher.notice(
                f"run {self.run_id} is there already, since {began}: nothing was started, it is followed"
            )
        self.watcher.planned(plan)
        arrivals = Arrivals(self.bucket, plan)
        return self._until(lambda: self._poll_run(plan, arrivals))

    @property
    def _record(self) -> RunRecord:
        return RunRecord(self.bucket, self.run_id)

    def _poll_start(self) -> RunPlan | Summary | None:
        waited = self._waited()
        found = self._begun()
        if found is None and waited > limits.RUN_START_SECONDS:
            raise no_summary(
                f"run {self.run_id} did not begin within {limits.RUN_START_SECONDS:g} s and has no record. Look at the "
                "orchestrator's log and the dead letters; `ses-fleet invoke help` shows whether the function starts at "
                f"all. Its event may still come for an hour: `ses-fleet runs show {self.run_id}` shows if it did"
            )
        if found is None and waited > limits.SLOW_START_SECONDS and not self._asked:
            self._ask_why_not()
        return found

    def _begun(self) -> RunPlan | Summary | None:
        """Return the run's plan, which counts whatever else was refused; or the refusal of this start."""
        plan = self._plan()
        if plan is not None:
            return plan
        refused = self._refusal()
        return None if refused is None else self._plan() or refused

    def _plan(self) -> RunPlan | None:
        stored = self._read(plan_key(self.run_id))
        return None if stored is None else RunPlan.model_validate_json(stored)

    def _refusal(self) -> Summary | None:
        if self.request_id is not None:
            return self._record.refusal(self.request_id)
        listed = [
            one for one in self.bucket.objects(refusals_prefix(self.run_id)) if one.key not in self.refused_before
        ]
        newest = min(listed, key=lambda one: one.age, default=None)
        body = None if newest is None else self._read(newest.key)
        return None if body is None else Summary.model_validate_json(body)

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

    def _poll_run(self, plan: RunPlan, arrivals: Arrivals) -> Summary | None:
        # The summary is looked for before the results are shown: whatever it counts is among them.
        summary = self._record.summary()
        for result in arrivals.look():
            self.watcher.finished(result)
        if summary is None:
            self._look_for_life(plan)
        return summary

    def _look_for_life(self, plan: RunPlan) -> None:
        """Tell when the run gives no sign of life, and when it goes on. Raise CommandError when nobody looks after it.

        A look takes a few calls, and most runs are over before the first of them is due.
        """
        now = self.clock()
        self._looked_at = now if self._looked_at is None else self._looked_at
        if now - self._looked_at < limits.LIFE_LOOK_SECONDS:
            return
        reached = states.reached(self._record, plan)
        self._looked_at = now  # one that failed is taken again at once
        if isinstance(reached, Position):
            self._tell(reached)
            self._check_attended(reached)
        elif reached is None and is_over_time(plan, now):
            raise no_summary(
                f"run {self.run_id} is of an earlier version of ses-fleet, its time is over and it has no summary. "
                f"{self._what_is_left()}"
            )

    def _tell(self, position: Position) -> None:
        kind = {"alive": None, "silent": "dead"}.get(position.phase, position.phase)
        if kind == self._told or (kind in ("waiting", "closing") and position.age < limits.SLOW_START_SECONDS):
            return
        self._told = kind
        sentence = states.told(position) if kind else f"the run goes on (invocation {position.hop + 1})"
        self.watcher.notice(f"{self.run_id}: {sentence}")

    def _check_attended(self, position: Position) -> None:
        longest = limits.UNATTENDED_SECONDS + (limits.WAITING_SECONDS if position.phase == "waiting" else 0)
        if position.phase == "alive" or position.age <= longest:
            return
        raise no_summary(
            f"run {self.run_id}: {states.told(position)}. The reaper has not looked after it for "
            f"{limits.UNATTENDED_SECONDS / 60:.0f} minutes: see the alarm ses-fleet-reaper-silent and the schedule "
            f"ses-fleet-reaper. {self._what_is_left()}"
        )

    def _until(self, poll: Callable[[], _Found | None]) -> _Found:
        """Return what `poll` finds, after looking again and again."""
        failing_since: float | None = None
        has_told = False
        while True:
            found = None
            try:
                found = poll()
                failing_since, has_told = None, False
            except AwsCallError as failure:
                failing_since = self.counter() if failing_since is None else failing_since
                if not failure.transient or self.counter() - failing_since > limits.UNREADABLE_SECONDS:
                    raise self._unreadable(aws_failures.reason(failure)) from None
                has_told = has_told or self._tell_failing(failure, self.counter() - failing_since)
            except BROKEN_RECORD as error:
                raise self._unreadable(f"{type(error).__name__}: it is not what this version writes") from None
            if found is not None:
                return found
            self.sleep(limits.POLL_SECONDS)

    def _tell_failing(self, failure: AwsCallError, seconds: float) -> bool:
        """Say that the record cannot be read at the moment, once that lasts; return whether it was said."""
        if seconds < limits.WAIT_NOTICE_SECONDS:
            return False
        why, most = aws_failures.reason(failure), limits.UNREADABLE_SECONDS
        self.watcher.notice(f"the record of run {self.run_id} cannot be read ({why}): trying again for {most:g} s")
        return True

    def _unreadable(self, why: str) -> CommandError:
        text = f"the record of run {self.run_id} cannot be read ({why}); a run that was started goes on. "
        return no_summary(text + self._what_is_left())

    def _read(self, key: str) -> bytes | None:
        stored = self.bucket.find(key, limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else stored.body

    def _what_is_left(self) -> str:
        record = self.bucket.location(f"runs/{self.run_id}/")
        return (
            f"`ses-fleet runs show {self.run_id}` shows what is known; else look at {record} and the orchestrator's log"
        )
