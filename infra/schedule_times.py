"""EventBridge Scheduler's cron(...), rate(...) and at(...): what is wrong with them, and how long they pause."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from aws_croniter.aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError

from ses_fleet.text import quoted

_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)")
_RATE = re.compile(r"([1-9][0-9]{0,5}) (minute|hour|day)s?")
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_HOUR = timedelta(hours=1)
# A year and a bit: every gap of a schedule that comes round within a year is among them.
_FROM = datetime(2026, 1, 5, tzinfo=UTC)
_UNTIL = _FROM + timedelta(days=400)


def longest_gap(expression: str) -> timedelta | None:
    """Return the longest time between two firings, or None for a schedule that does not fire again within a year.

    Raise ValueError, which says what is wrong, for an expression that Scheduler would refuse. Daylight saving time is
    not counted: it moves a firing by an hour, and Scheduler skips one at a time that a day does not have.
    """
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise ValueError(f"{quoted(expression)} is none of cron(...), rate(...) and at(...)")
    kind, inside = match.groups()
    if kind == "rate":
        return _rate(expression, inside)
    if kind == "cron":
        return _cron(expression, inside)
    _check_at(expression, inside)
    return None


def check_zone(time_zone: str) -> None:
    """Raise ValueError for a name that is no time zone of EventBridge Scheduler."""
    if time_zone not in available_timezones() - {"localtime", "Factory"}:
        raise ValueError(f"{quoted(time_zone)} is no IANA time zone such as Europe/Berlin")


def _rate(expression: str, inside: str) -> timedelta:
    match = _RATE.fullmatch(inside)
    if match is None:
        raise ValueError(f'{quoted(expression)} must be like "rate(1 hour)": a whole number of minutes, hours or days')
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _check_at(expression: str, inside: str) -> None:
    try:
        well_formed = _AT.fullmatch(inside) and datetime.fromisoformat(inside)
    except ValueError:
        well_formed = None
    if not well_formed:
        raise ValueError(f'{quoted(expression)} must be like "at(2026-12-24T06:00:00)"')


def _cron(expression: str, inside: str) -> timedelta | None:
    try:
        cron = AwsCroniter(inside)
    except (AwsCroniterExpressionError, ValueError) as error:
        raise ValueError(f"{quoted(expression)}: {error}") from None
    longest, at = None, cron.occurrence(_FROM).next()
    if at is None:
        raise ValueError(f"{quoted(expression)} never fires")
    while at is not None and at < _UNTIL:
        following = cron.occurrence(at).next()
        if following is None:
            return None  # it ends
        longest = max(longest or following - at, following - at)
        # Many firings within an hour have no gap worth knowing: look at the last of them next.
        at = following if following - at >= _HOUR else cron.occurrence(at + _HOUR).prev(inclusive=True)
    return longest
