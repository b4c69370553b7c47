"""The present time, and times as text: ISO 8601, UTC, with Z."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Return the time as text in whole seconds, such as 2026-01-31T06:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
