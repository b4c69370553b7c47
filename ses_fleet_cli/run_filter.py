"""Which runs `runs list` shows: by action, by when they began, by what became of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ses_fleet.actions.catalogue import payload_names
from ses_fleet.text import did_you_mean, quoted
from ses_fleet_cli.errors import usage

if TYPE_CHECKING:
    from ses_fleet_cli.runs import Listed

# What a run can be asked for by, beside `open`: the Summary's exit code says the first three.
_BY_EXIT_CODE = {0: "successful", 1: "failed", 2: "refused"}
STATUSES = ("successful", "failed", "refused", "cancelled", "lost", "open", "unreadable")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGO = re.compile(r"([0-9]{1,4})([mhdw])")

_BEFORE_ALL = datetime(2006, 1, 1, tzinfo=UTC)  # S3 is not older


@dataclass(frozen=True)
class Wanted:
    """The runs that are wanted. An empty collection stands for any, and so does None."""

    actions: frozenset[str] = frozenset()
    since: datetime | None = None
    statuses: frozenset[str] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Return whether no run is left out."""
        return not self.actions and self.since is None and not self.statuses

    def may_take(self, stamp: str) -> bool:
        """Return whether a run whose id begins with this time may be wanted, such as 20260301T060000.

        A schedule's run has the time for which it was due in its id, and may begin hours later.
        """
        return self.since is None or stamp >= f"{self.since - timedelta(days=1):%Y%m%dT%H%M%S}"

    def takes(self, listed: Listed) -> bool:
        """Return whether this run is wanted. One whose record does not say when it began is, whatever `since` is."""
        if self.actions and listed.action not in self.actions:
            return False
        if self.statuses and not self.statuses & statuses(listed):
            return False
        began = _moment(listed.started_at)
        return self.since is None or began is None or began >= self.since


EVERYTHING = Wanted()


def wanted(actions: Sequence[str], since: str | None, those: Sequence[str], now: datetime) -> Wanted:
    """Return what the flags ask for. `now` is AWS's time, from which `since` may count back.

    Raise CommandError with exit code 2 for a name that is none, or a time that is none.
    """
    _known("--action", actions, payload_names())
    _known("--status", those, STATUSES)
    return Wanted(frozenset(actions), None if since is None else _since(since, now), frozenset(those))


def statuses(listed: Listed) -> set[str]:
    """Return by which of STATUSES a run is found; a cancelled or lost one also by its exit code."""
    if listed.exit_code is None:
        return {"unreadable"} if listed.state.startswith("unreadable") else {"open"}
    return {_BY_EXIT_CODE[listed.exit_code], *({listed.state} & set(STATUSES))}


def _known(flag: str, given: Sequence[str], names: Collection[str]) -> None:
    for name in given:
        if name not in names:
            raise usage(f"{flag} {quoted(name)} is none of {', '.join(names)}{did_you_mean(name, names)}")


def _since(text: str, now: datetime) -> datetime:
    ago = _AGO.fullmatch(text)
    moment = now - int(ago[1]) * _UNITS[ago[2]] if ago else _moment(text)
    if moment is None:
        times = "2026-03-01 or 2026-03-01T06:30 (UTC), or 90m, 24h, 7d"
        raise usage(f"--since is a time such as {times}; not {quoted(text)}")
    return max(moment, _BEFORE_ALL)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
