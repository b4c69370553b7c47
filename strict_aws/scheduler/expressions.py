"""When a schedule is due: EventBridge Scheduler's rate(...), cron(...) and at(...), with time zones.

All moments are in UTC and of whole seconds (EventBridge Scheduler user guide, schedule types).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from aws_croniter.aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError

_RATE = re.compile(r"rate\(([1-9][0-9]{0,5}) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((.*)\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_MINUTE = timedelta(minutes=1)
_DAY_OF_WEEK = 4  # of the fields of a cron expression


class InvalidExpressionError(ValueError):
    """Scheduler refuses the expression or its time zone; the text says which."""


class UnknownTimesError(ValueError):
    """Scheduler may take the expression, but strict_aws cannot tell when it is due; the text says why."""


@dataclass(frozen=True)
class Timing:
    """What says when a schedule is due: its expression, the time zone of cron and at, and its bounds.

    `start` and `end`, which are included, do not count for at(...).
    """

    expression: str
    zone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None


def check(expression: str, zone: str) -> None:
    """Raise InvalidExpressionError for what Scheduler refuses, UnknownTimesError for what is not known here."""
    _parsed(expression, zone)


def next_due(timing: Timing, made: datetime, earliest: datetime) -> datetime | None:
    """Return the first moment from `earliest` on at which a schedule is due, or None when there is none any more.

    `made` is when the schedule was made. A rate is counted from its StartDate, or from `made`, when it is due for the
    first time. Raise ValueError for an expression that is not valid.
    """
    times = _parsed(timing.expression, timing.zone)
    earliest = _whole(earliest)
    if isinstance(times, _At):
        return times.due(earliest, earliest)
    start = _whole(timing.start or made)
    due = times.due(max(start, earliest), start)
    return None if due is None or (timing.end is not None and due > timing.end) else due


class _Times(Protocol):
    def due(self, earliest: datetime, start: datetime) -> datetime | None:
        """Return the first time from `earliest` on; a rate counts from `start`."""


@dataclass(frozen=True)
class _Rate:
    interval: timedelta

    def due(self, earliest: datetime, start: datetime) -> datetime:
        """A day is 24 hours here, whatever the time zone (user guide, daylight savings time)."""
        passed = -((start - earliest) // self.interval)  # rounded up
        return start + passed * self.interval


@dataclass(frozen=True)
class _At:
    moment: datetime

    def due(self, earliest: datetime, _start: datetime) -> datetime | None:
        return self.moment if self.moment >= earliest else None


@dataclass(frozen=True)
class _Cron:
    """Local times are searched as if they were of UTC, which has no daylight saving time."""

    cron: AwsCroniter
    zone: ZoneInfo

    def due(self, earliest: datetime, _start: datetime) -> datetime | None:
        """A time that a day does not have is skipped; of one that it has twice, the first counts."""
        local = _local(earliest, self.zone).replace(tzinfo=UTC) - _MINUTE
        while True:
            found = self.cron.occurrence(local).next()
            if found is None:
                return None
            moment = _moment(found.replace(tzinfo=None), self.zone)
            if moment is not None and moment >= earliest:
                return moment
            local = found


def _moment(local: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the moment of a local time, or None where the clocks leap over it."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    return moment if _local(moment, zone) == local else None


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


@functools.cache
def _parsed(expression: str, zone_name: str) -> _Times:
    zone = _zone(zone_name)
    if rate := _RATE.fullmatch(expression):
        return _Rate(timedelta(**{f"{rate[2]}s": int(rate[1])}))
    if cron := _CRON.fullmatch(expression):
        return _Cron(_cron(expression, cron[1]), zone)
    if at := _AT.fullmatch(expression):
        return _At(_at(expression, at[1], zone))
    raise _invalid(expression)


def _zone(name: str) -> ZoneInfo:
    if name not in _zone_names():
        raise InvalidExpressionError(f"Invalid Schedule Expression Timezone {name}.")
    return ZoneInfo(name)


@functools.cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _cron(expression: str, inside: str) -> AwsCroniter:
    fields = inside.split()
    if len(fields) > _DAY_OF_WEEK and fields[_DAY_OF_WEEK] == "L":
        fields[_DAY_OF_WEEK] = "SAT"  # the last day of a week, which the library does not know
    try:
        return AwsCroniter(" ".join(fields))
    except AwsCroniterExpressionError:
        raise _invalid(expression) from None
    except ValueError:
        raise UnknownTimesError(f"strict_aws cannot tell when {expression} is due") from None


def _at(expression: str, inside: str, zone: ZoneInfo) -> datetime:
    try:
        local = datetime.fromisoformat(inside)
    except ValueError:
        raise _invalid(expression) from None
    return local.replace(tzinfo=zone).astimezone(UTC)


def _invalid(expression: str) -> InvalidExpressionError:
    return InvalidExpressionError(f"Invalid Schedule Expression {expression}.")
