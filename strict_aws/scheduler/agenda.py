"""What is due when: the next time of every schedule, and the deliveries that wait for theirs."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from strict_aws.backend.moto_state import Schedule
from strict_aws.scheduler import expressions
from strict_aws.scheduler.expressions import Timing
from strict_aws.scheduler.firing import Firing

Key = tuple[str, datetime]  # a schedule that is deleted and made again is another one
_SECOND = timedelta(seconds=1)


@dataclass
class _Kept:
    """A schedule with the moment when it was made, by the scheduler's clock, and the next one at which it is due."""

    schedule: Schedule
    made: datetime
    due: datetime | None = None
    last: datetime | None = None

    def look_from(self, earliest: datetime) -> None:
        """Find the next time from a moment on, after the last one."""
        if self.last is not None:
            earliest = max(earliest, self.last + _SECOND)
        self.due = self.next_after(earliest) if self.schedule.enabled else None

    def next_after(self, earliest: datetime) -> datetime | None:
        schedule = self.schedule
        timing = Timing(schedule.expression, schedule.zone, schedule.start, schedule.end)
        return expressions.next_due(timing, self.made, earliest)


class Agenda:
    """Not safe to use from many threads. `delay(seconds)` chooses a moment of a flexible time window."""

    def __init__(self, began: datetime, delay: Callable[[float], float]) -> None:
        self._began = began
        self._delay = delay
        self._kept: dict[Key, _Kept] = {}
        self._waiting: list[tuple[datetime, int, Firing]] = []
        self._order = itertools.count()

    def update(self, schedules: Iterable[Schedule], now: datetime, offset: timedelta) -> None:
        """Take the schedules as they are now. `offset` is how far the scheduler's clock is ahead of the machine's.

        A new schedule is due from its making on, a changed one from the second after now on.
        """
        current = {(one.arn, one.made): one for one in schedules}
        for gone in self._kept.keys() - current.keys():
            del self._kept[gone]
        for key, schedule in current.items():
            kept = self._kept.get(key)
            if kept is None:
                made = schedule.made + offset
                kept = self._kept[key] = _Kept(schedule, made)
                kept.look_from(max(made, self._began))
            elif kept.schedule != schedule:
                kept.schedule = schedule
                kept.look_from(now + _SECOND)

    def next(self) -> datetime | None:
        """Return the next moment at which anything is to be done, or None when there is nothing."""
        first = self._first()
        moments = [self._waiting[0][0]] if self._waiting else []
        moments += [first.due] if first is not None and first.due is not None else []
        return min(moments, default=None)

    def take(self, until: datetime) -> tuple[datetime, Firing] | None:
        """Return the next delivery with its moment, if that is not after `until`, and forget it."""
        while (moment := self.next()) is not None and moment <= until:
            if self._waiting and self._waiting[0][0] == moment:
                _, _, firing = heapq.heappop(self._waiting)
                return moment, firing
            self._put_due()
        return None

    def put(self, moment: datetime, firing: Firing) -> None:
        """Let a delivery wait for its moment."""
        heapq.heappush(self._waiting, (moment, next(self._order), firing))

    def count(self, until: datetime, most: int) -> int:
        """Return how often schedules are due until then, or `most` if that is less."""
        times = itertools.chain.from_iterable(self._times(kept, until) for kept in self._kept.values())
        return sum(1 for _ in itertools.islice(times, most))

    def is_completed(self, schedule: Schedule) -> bool:
        """Tell whether a schedule is there that is not due again, and no delivery of it waits."""
        kept = self._kept.get((schedule.arn, schedule.made))
        waits = any(firing.schedule.arn == schedule.arn for _, _, firing in self._waiting)
        return kept is not None and kept.schedule.enabled and kept.due is None and not waits

    def listed(self) -> list[tuple[Schedule, datetime | None]]:
        """Return every schedule with the next time at which it is due, in the order of their ARNs."""
        return sorted(((kept.schedule, kept.due) for kept in self._kept.values()), key=lambda one: one[0].arn)

    def _first(self) -> _Kept | None:
        due = [kept for kept in self._kept.values() if kept.due is not None]
        return min(due, key=lambda kept: (kept.due, kept.schedule.arn), default=None)

    def _put_due(self) -> None:
        """Put the delivery of the schedule that is due first, at once or somewhere in its flexible time window."""
        kept = self._first()
        if kept is None or kept.due is None:
            return
        window = kept.schedule.window_minutes * 60
        delay = timedelta(seconds=self._delay(window)) if window else timedelta()
        self.put(kept.due + delay, Firing(kept.schedule, kept.due))
        kept.last = kept.due
        kept.look_from(kept.due)

    @staticmethod
    def _times(kept: _Kept, until: datetime) -> Iterator[datetime]:
        due = kept.due
        while due is not None and due <= until:
            yield due
            due = kept.next_after(due + _SECOND)
