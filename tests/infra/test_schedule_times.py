"""How long a schedule is silent at most: what its alarm waits for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.schedule_times import longest_gap


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(1 hours)", timedelta(hours=1)),
        ("cron(* * * * ? *)", timedelta(minutes=1)),
        ("cron(0 6 * * ? *)", timedelta(days=1)),
        ("cron(0 6 ? * MON-FRI *)", timedelta(days=3)),
        ("cron(0 6 ? * SUN *)", timedelta(days=7)),
        ("cron(*/5 8-17 ? * MON *)", timedelta(days=6, hours=14, minutes=5)),
        ("cron(* * ? JUN MON *)", timedelta(days=342, minutes=1)),
        ("cron(0 6 1 * ? *)", timedelta(days=31)),
        ("cron(0 6 L * ? *)", timedelta(days=31)),
        ("cron(0 6 ? * SUN#2 *)", timedelta(days=35)),
        ("cron(0 6 1 1 ? 2028)", None),
        ("at(2026-12-24T06:00:00)", None),
    ],
)
def test_the_longest_silence(expression: str, gap: timedelta | None) -> None:
    """However many times it fires in between; None for what does not come round within a year."""
    assert longest_gap(expression) == gap


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "cron()",
        "cron(0 6 * *)",
        "cron(60 6 * * ? *)",
        "cron(0 6 31 2 ? *)",
        "rate(0 days)",
        "at(tomorrow)",
        "at(2026-02-30T00:00:00)",
    ],
)
def test_what_never_fires_is_refused(expression: str) -> None:
    """Malformed, or a day that does not come."""
    with pytest.raises(ValueError, match=r"."):
        longest_gap(expression)
