"""What a check found: a status, and the worst of several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ses_fleet.actions.data.check_health import HealthStatus

# From the best to the worst. Something that is not known is worse than what is good, and better than what is bad.
_ORDER: tuple[HealthStatus, ...] = ("ok", "no_data", "finding", "failed")


class Found(NamedTuple):
    """What a check found, and what to do about it; `advice` is empty when there is nothing to do."""

    status: HealthStatus
    detail: str
    advice: str = ""


def worst(statuses: Iterable[HealthStatus]) -> HealthStatus:
    """Return the worst of some statuses; no_data when there are none."""
    return max(statuses, key=_ORDER.index, default="no_data")


def by_threshold(percent: float, finding: float, failed: float) -> HealthStatus:
    """Return the status of a number that is not to become too large; the thresholds themselves are too large."""
    if percent >= failed:
        return "failed"
    return "finding" if percent >= finding else "ok"


def shown(percent: float) -> str:
    """Return a percentage for a text, such as `0.05 %`: small rates matter, and trailing zeros do not."""
    return f"{percent:.2f}".rstrip("0").rstrip(".") + " %"
