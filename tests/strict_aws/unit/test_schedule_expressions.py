"""When EventBridge Scheduler's expressions are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from strict_aws.scheduler import expressions
from strict_aws.scheduler.expressions import InvalidExpressionError, Timing, UnknownTimesError, next_due


def utc(text: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(timing: Timing, made: str, count: int) -> list[str]:
    """The first times of a schedule that was made then, at most so many; None ends them."""
    found: list[str] = []
    earliest = utc(made)
    while len(found) < count:
        moment = next_due(timing, utc(made), earliest)
        if moment is None:
            break
        found.append(moment.strftime("%Y-%m-%d %H:%M:%S"))
        earliest = moment + timedelta(seconds=1)
    return found


def test_a_rate_is_due_when_it_is_made_and_once_in_each_interval_then() -> None:
    """In whole seconds, whatever the time zone; a day is 24 hours."""
    made = "2026-03-28T12:00:07.900"
    assert due(Timing("rate(5 minutes)"), made, 3) == [
        "2026-03-28 12:00:07",
        "2026-03-28 12:05:07",
        "2026-03-28 12:10:07",
    ]
    assert due(Timing("rate(1 hour)"), made, 2)[1] == "2026-03-28 13:00:07"
    assert due(Timing("rate(1 day)", "Europe/Berlin"), made, 2)[1] == "2026-03-29 12:00:07"


def test_a_rate_goes_on_from_where_it_was_counted() -> None:
    """A look in the middle of an interval finds its end, and one at the end finds that moment."""
    made, timing = utc("2026-01-01T00:00:00"), Timing("rate(10 minutes)")
    assert next_due(timing, made, utc("2026-01-01T00:10:00")) == utc("2026-01-01T00:10:00")
    assert next_due(timing, made, utc("2026-01-01T00:10:01")) == utc("2026-01-01T00:20:00")


def test_a_rate_with_a_start_date_is_counted_from_it() -> None:
    """Whether it is later than the schedule was made, or earlier."""
    made = "2026-01-01T00:00:00"
    later = Timing("rate(1 hour)", start=utc("2026-01-02T06:30:00"))
    assert due(later, made, 2) == ["2026-01-02 06:30:00", "2026-01-02 07:30:00"]
    earlier = Timing("rate(1 hour)", start=utc("2025-12-31T23:30:00"))
    assert due(earlier, made, 2) == ["2026-01-01 00:30:00", "2026-01-01 01:30:00"]


def test_nothing_is_due_after_the_end_date_or_before_the_start_date() -> None:
    """Both are included."""
    bounds = {"start": utc("2026-01-02T00:00:00"), "end": utc("2026-01-03T00:00:00")}
    assert due(Timing("cron(0 0 * * ? *)", **bounds), "2026-01-01T00:00:00", 5) == [  # type: ignore[arg-type]
        "2026-01-02 00:00:00",
        "2026-01-03 00:00:00",
    ]
    end = Timing("rate(1 minute)", end=utc("2026-01-01T00:01:59"))
    assert due(end, "2026-01-01T00:00:00", 5) == ["2026-01-01 00:00:00", "2026-01-01 00:01:00"]


def test_a_time_that_a_day_does_not_have_is_skipped() -> None:
    """In Berlin, 2026-03-29 has no half past two; the next day has it again, an hour earlier in UTC."""
    times = due(Timing("cron(30 2 * * ? *)", "Europe/Berlin"), "2026-03-28T00:00:00", 3)
    assert times == ["2026-03-28 01:30:00", "2026-03-30 00:30:00", "2026-03-31 00:30:00"]


def test_a_time_that_a_day_has_twice_counts_once() -> None:
    """In Berlin, 2026-10-25 has two of them: the first counts, also when the look is between the two."""
    timing = Timing("cron(30 2 * * ? *)", "Europe/Berlin")
    assert due(timing, "2026-10-25T00:00:00", 2) == ["2026-10-25 00:30:00", "2026-10-26 01:30:00"]
    assert due(timing, "2026-10-25T00:45:00", 1) == ["2026-10-26 01:30:00"]
    often = due(Timing("cron(0/30 * * * ? *)", "Europe/Berlin"), "2026-10-25T00:00:00", 4)
    assert often == [f"2026-10-25 {time}:00" for time in ("00:00", "00:30", "02:00", "02:30")]


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("cron(0 0 L * ? *)", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("cron(0 0 31 * ? *)", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("cron(0 0 15W * ? *)", ["2026-01-15", "2026-02-16", "2026-03-16"]),
        ("cron(0 0 1W * ? *)", ["2026-02-02", "2026-03-02", "2026-04-01"]),
        ("cron(0 0 ? * 2#1 *)", ["2026-01-05", "2026-02-02", "2026-03-02"]),
        ("cron(0 0 ? * FRIL *)", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("cron(0 0 ? * L *)", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("cron(0 0 ? * MON-WED *)", ["2026-01-05", "2026-01-06", "2026-01-07"]),
        ("cron(0 0 29 FEB ? *)", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("cron(0 0 1 1 ? 2027-2028)", ["2027-01-01", "2028-01-01"]),
        ("cron(0 0 1 1 ? 2020)", []),
    ],
)
def test_days_of_months_and_weeks(expression: str, times: list[str]) -> None:
    """The last day, weekdays, the first Monday, the last Friday, leap years; a schedule of past years is never due."""
    assert due(Timing(expression), "2026-01-01T12:00:00", 3) == [f"{day} 00:00:00" for day in times]


def test_at_is_due_once_in_its_time_zone() -> None:
    """Whatever the bounds say, which do not count for it; a moment that has passed is not made up for."""
    timing = Timing("at(2026-12-24T18:00:00)", "America/New_York", end=utc("2026-01-01T00:00:00"))
    assert due(timing, "2026-06-01T00:00:00", 5) == ["2026-12-24 23:00:00"]
    assert due(timing, "2026-12-25T00:00:00", 5) == []


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)",
        "rate(5 seconds)",
        "rate(5)",
        "cron(0 0 * * * *)",
        "cron(0 0 * * ?)",
        "cron(61 0 * * ? *)",
        "at(2026-13-01T00:00:00)",
        "at(2026-12-01)",
        "every day",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    """In Scheduler's words."""
    with pytest.raises(InvalidExpressionError) as refused:
        expressions.check(expression, "UTC")
    assert str(refused.value) == f"Invalid Schedule Expression {expression}."


def test_a_time_zone_that_is_not_known_is_refused() -> None:
    """An IANA name is wanted."""
    with pytest.raises(InvalidExpressionError, match="Invalid Schedule Expression Timezone Berlin"):
        expressions.check("rate(1 day)", "Berlin")


def test_what_cannot_be_told_is_not_guessed() -> None:
    """The last weekday of a month."""
    with pytest.raises(UnknownTimesError, match=r"cannot tell when cron\(0 0 LW \* \? \*\) is due"):
        expressions.check("cron(0 0 LW * ? *)", "UTC")
