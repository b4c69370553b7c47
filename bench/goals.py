"""What ses-fleet is held to, and what it was measured to do before and does now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Known = Mapping[str, Any]

_OURS, _AT_ONCE = "ses-fleet", "ses-fleet, S3 at once"
_TOOLS = ("botocove", "awsrun")
_SMALL_MB = 512


@dataclass(frozen=True)
class Goal:
    """One goal. `before` was measured when it was set; `now` finds it in the figures of a benchmark, by its name."""

    what: str
    benchmark: str
    before: str
    goal: str
    now: Callable[[Any], float]


def rows(known: Known) -> list[tuple[str, str, float | None, str, str]]:
    """Return what, before, now, goal and command of every goal; None for what has not been measured."""
    return [
        (
            goal.what,
            goal.before,
            _now(goal, known),
            goal.goal,
            f"`{known[goal.benchmark]['command']}`" if goal.benchmark in known else "–",
        )
        for goal in GOALS
    ]


def _now(goal: Goal, known: Known) -> float | None:
    try:
        return goal.now(known[goal.benchmark]["figures"])
    except (KeyError, StopIteration, ValueError):  # not measured, or not of that
        return None


def _contender(figures: Any, name: str) -> Any:
    return next(one for one in figures["http"] if one["name"] == name)


def _ratio(figures: Any, other: str) -> float:
    ratio: float = min(_contender(figures, _OURS)["warm"]) / min(_contender(figures, other)["warm"])
    return ratio


def _best_tool(figures: Any) -> float:
    """The ratio to the fastest of the tools that were measured; ValueError when none was."""
    return max(_ratio(figures, one["name"]) for one in figures["http"] if one["name"] in _TOOLS)


def _cpu(figures: Any, *parts: str) -> float:
    used: list[dict[str, float]] = _contender(figures, _OURS)["cpu"]
    return median(sum(one[part] for part in parts) for one in used)


def _cold(figures: Any, name: str) -> float:
    ratio: float = (figures[name]["init"] + figures[name]["first"]) / figures["boto3"]["init"]
    return ratio


def _fan_out(figures: Any, customers: int, what: str) -> float:
    value: float = next(one for one in figures["sizes"] if one["customers"] == customers)[what]
    return value


def _tls(figures: Any, what: str) -> float:
    one = next(one for one in figures["starts"] if one["memory_mb"] == _SMALL_MB and one["bundle"] == "whole")
    return median(one["seconds"]) if what == "seconds" else float(sum(one["given_up"]))


GOALS = (
    Goal(
        "200 accounts, 50 at once, S3 at 30 ms, warm: time ÷ the script's",
        "against_peers", "4.1", "≤ 1.0", lambda f: _ratio(f, "threads"),
    ),
    Goal("the same ÷ the best tool's", "against_peers", "0.23", "≤ 0.056", _best_tool),
    Goal("time with S3 at 30 ms ÷ with S3 at once", "against_peers", "3.0", "≤ 1.15", lambda f: _ratio(f, _AT_ONCE)),
    Goal(
        "CPU an account, all processes, ms",
        "against_peers", "24 to 28", "≤ 13", lambda f: _cpu(f, "worker", "orchestrator", "local cloud"),
    ),
    Goal("… worker", "against_peers", "15.5", "≤ 6.5", lambda f: _cpu(f, "worker")),
    Goal("… orchestrator", "against_peers", "3.7", "≤ 2.5", lambda f: _cpu(f, "orchestrator")),
    Goal("… local cloud", "against_peers", "5.2", "≤ 4", lambda f: _cpu(f, "local cloud")),
    Goal(
        "CPU of the worker's cold start and first describe-list ÷ that of `import boto3`",
        "cold_start", "3.3", "≤ 2.3", lambda f: _cold(f, "worker"),
    ),
    Goal(
        "fan-out, workers of 1 s, S3 at 30 ms, 1,000 customers, 200 at once: time ÷ a bare boto3 pool's",
        "fan_out", "5.9", "≤ 1.25", lambda f: _fan_out(f, 1_000, "ratio"),
    ),
    Goal("… 5,000 customers, 500 at once", "fan_out", "9.7", "≤ 1.25", lambda f: _fan_out(f, 5_000, "ratio")),
    Goal("… orchestrator's peak memory, MB", "fan_out", "114", "≤ 160", lambda f: _fan_out(f, 5_000, "peak_mb")),
    Goal(
        "500 invocations started over TLS at 0.29 CPUs (512 MB), seconds",
        "tls_start", "22 to 40", "≤ 6", lambda f: _tls(f, "seconds"),
    ),
    Goal("… connections given up, of all runs", "tls_start", "–", "0", lambda f: _tls(f, "given up")),
    Goal(
        "200 customers followed with S3 at 80 ms: last block shown after the run's end, seconds",
        "follow", "one GET after another", "≤ 1", lambda f: median(float(one) for one in f["late"]),
    ),
)  # fmt: skip
