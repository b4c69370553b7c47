"""Fire schedules: by themselves as time passes, and when the scheduler's clock is moved on."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from strict_aws.backend import moto_state
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.http.messages import AwsError
from strict_aws.scheduler.agenda import Agenda
from strict_aws.scheduler.firing import Firing
from strict_aws.scheduler.target import Targets

# How many firings one move of the clock may cause: more is hardly meant.
MOST_FIRINGS = 1_000
# The machine's clock may be set, or the machine may have slept: look at it now and then.
_LONGEST_SLEEP_SECONDS = 600.0


class Scheduler:
    """Fires every schedule that moto keeps. It has a clock of its own, which can be moved on. Safe for many threads."""

    def __init__(self, targets: Targets, conditions: CurrentConditions) -> None:
        self._targets = targets
        self._conditions = conditions
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._agenda = Agenda(self.now(), conditions.up_to)
        self._look = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def now(self) -> datetime:
        """Return the time of the scheduler's clock, in UTC."""
        return _machine_time() + self._offset

    def start(self) -> None:
        """Fire schedules as time passes, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Fire nothing more."""
        self._stopped = True
        self._look.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=2)

    def look(self) -> None:
        """Let the thread see that schedules were made or changed. This does not wait."""
        self._look.set()

    def advance(self, seconds: float) -> int:
        """Move the clock on, and fire all that is due meanwhile, in its order; return how many firings these were.

        Raise AwsError 400 when there would be more than `MOST_FIRINGS`; the clock then stays where it is.
        """
        with self._lock:
            offset = self._offset + timedelta(seconds=seconds)
            until = _machine_time() + offset
            self._update()
            if self._agenda.count(until, MOST_FIRINGS + 1) > MOST_FIRINGS:
                message = f"schedules would fire more than {MOST_FIRINGS} times; move the clock on in smaller steps"
                raise AwsError("BadRequest", message)
            fired = self._fire(until)
            self._offset = offset
        self._look.set()
        return fired

    def upcoming(self) -> list[tuple[str, datetime | None]]:
        """Return the ARN of every schedule with the next time at which it is due, or None when it is not due again."""
        with self._lock:
            self._update()
            return [(schedule.arn, due) for schedule, due in self._agenda.listed()]

    def _run(self) -> None:
        while not self._stopped:
            self._look.clear()
            with self._lock:
                self._fire(self.now())
                due = self._agenda.next()
            seconds = _LONGEST_SLEEP_SECONDS if due is None else (due - self.now()).total_seconds()
            self._look.wait(min(max(seconds, 0.0), _LONGEST_SLEEP_SECONDS))

    def _update(self) -> None:
        self._agenda.update(moto_state.schedules(), self.now(), self._offset)

    def _fire(self, until: datetime) -> int:
        """Fire all that is due until then, while the clock stands at each one's moment; return how many first times."""
        fired = 0
        while not self._stopped:
            self._update()
            taken = self._agenda.take(until)
            if taken is None:
                break
            moment, firing = taken
            self._offset = max(self._offset, moment - _machine_time())
            self._attempt(moment, firing)
            fired += firing.attempt == 1
            if firing.schedule.deleted_when_completed and self._agenda.is_completed(firing.schedule):
                moto_state.delete_schedule(firing.schedule)
        return fired

    def _attempt(self, moment: datetime, firing: Firing) -> None:
        failure = self._targets.deliver(firing)
        if failure is None:
            if self._conditions.chance(self._conditions.now.schedules_twice_share):
                self._targets.deliver(firing)
            return
        exhausted = firing.exhausted(moment) if failure.retried else None
        if failure.retried and exhausted is None:
            self._agenda.put(firing.next_attempt(moment), firing.again())
        else:
            self._targets.bury(firing, failure, exhausted)


def _machine_time() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
