"""What is right of `failure_mode`, `max_failures` and `ramp`, in a payload or in config.json, and which is stricter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ses_fleet import limits, problems
from ses_fleet.errors import Problem
from ses_fleet.runs import ramp as ramps

RAMP_WORDS = f'a list of 1 to {limits.RAMP_STAGES} stages such as [1, "10%", "100%"]'
STAGE_WORDS = 'an integer of at least 1 or a percentage such as "10%"'
# With these nobody could be started in a strict run.
NOBODY = (None, 0, "0%")


def nobody_starts(allowed: Any) -> str:
    """Return what to say of a strict run's `max_failures` that would start nobody."""
    what = "missing" if allowed is None else f"is {problems.harmless(allowed)}"
    return (
        f"{what}: with failure_mode strict nobody could be started, since anybody may fail; 1 starts one at a time and "
        "stops at the first failure"
    )


def ramp_problems(ramp: Sequence[Any], path: str) -> Iterator[Problem]:
    """Yield what is wrong with a list of stages as a whole; what each of them is, is looked at elsewhere."""
    if not 1 <= len(ramp) <= limits.RAMP_STAGES:
        yield Problem(path, f"must be {RAMP_WORDS}, not a list of {len(ramp)}")
        return
    if _is_stage(ramp[-1]) and ramp[-1] != "100%":
        text = 'must be "100%", so that it is said that every customer follows; select fewer with include'
        yield Problem(f"{path}[{len(ramp) - 1}]", text)
    numbers = [(index, stage) for index, stage in enumerate(ramp) if type(stage) is int]
    shares = [(index, int(stage[:-1])) for index, stage in enumerate(ramp) if _is_share(stage)]
    for kind in (numbers, shares):
        for (_, before), (index, stage) in pairwise(kind):
            if stage <= before:
                yield Problem(f"{path}[{index}]", "is no more than a stage before it: each stage includes those before")


def allowed(max_failures: int | str | None, customers: int, *, strict: bool) -> int | None:
    """Return how many of so many selected customers may fail; None for any number.

    A percentage is rounded down; in a strict run it is one customer at least, since else nobody could start.
    """
    if not isinstance(max_failures, str):
        return max_failures
    share = customers * int(max_failures.rstrip("%")) // 100
    return max(1, share) if strict else share


def is_laxer_number(given: int | str, fleets: int | str, customers: int, *, strict: bool) -> bool:
    """Return whether one `max_failures` bears more failures than the other."""
    one, other = (allowed(value, customers, strict=strict) or 0 for value in (given, fleets))
    return one > other


def is_laxer_ramp(given: Sequence[int | str], fleets: Sequence[int | str], customers: int) -> bool:
    """Return whether a stage of one ramp starts more customers than the same stage of the other."""
    one, other = ramps.sizes(given, customers), ramps.sizes(fleets, customers)
    return any(one[min(stage, len(one) - 1)] > size for stage, size in enumerate(other))


def _is_stage(stage: Any) -> bool:
    return type(stage) is int or _is_share(stage)


def _is_share(stage: Any) -> bool:
    return isinstance(stage, str) and stage.endswith("%") and stage[:-1].isdecimal() and len(stage) <= len("100%")
