"""Where a run is that has no Summary yet, as its record shows it, by S3's own clock."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ses_fleet import limits
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import HopEnd
from ses_fleet.runs.keys import hop_claim_key, hop_end_key, hops_prefix, signs_prefix
from ses_fleet.runs.models import RunPlan

Phase = Literal["alive", "silent", "dead", "waiting", "closing"]


@dataclass(frozen=True)
class Position:
    """The hop that the run has reached.

    `phase`: alive (its last sign of life is fresh), silent (it is not, but nobody may end the hop yet), dead (the
    reaper may), waiting (no invocation has claimed the hop yet) or closing (the run has its end, and no Summary yet).
    `age` is how many seconds ago the last sign of life was given, or the hop before ended, or the run was closed.
    `before` is what the hop before left, None for hop 0, and `end` the end of the run while it is closing.
    """

    hop: int
    phase: Phase
    age: float
    before: HopEnd | None = None
    end: HopEnd | None = None


def of(hops: HopRecord, plan: RunPlan) -> Position:
    """Return where the run is. Raise AwsCallError when S3 does not answer."""
    ages = {listed.key: listed.age for listed in hops.bucket.objects(hops_prefix(hops.run_id))}
    last = max(_ended(hops.run_id, ages), default=None)
    before = None if last is None else hops.end_of(last)
    if last is None or before is None:
        return _of_hop(hops, plan, 0, None, ages)
    age = ages[hop_end_key(hops.run_id, last)]
    if before.next is None:
        return Position(last, "closing", age, end=before)
    if hop_claim_key(hops.run_id, before.next) not in ages:
        return Position(before.next, "waiting", age, before)
    return _of_hop(hops, plan, before.next, before, ages)


def _ended(run_id: str, keys: dict[str, float]) -> Iterator[int]:
    for key in keys:
        found = re.fullmatch(rf"{re.escape(hops_prefix(run_id))}(\d{{1,6}})/end\.json", key)
        if found is not None:
            yield int(found.group(1))


def _of_hop(hops: HopRecord, plan: RunPlan, hop: int, before: HopEnd | None, ages: dict[str, float]) -> Position:
    """Return the position of a hop that was claimed: its claim is a sign of life, too."""
    prefix = f"{signs_prefix(hops.run_id)}{hop}-"
    ages_of_signs = (listed.age for listed in hops.signs(plan.owner) if listed.key.startswith(prefix))
    age = min(ages_of_signs, default=math.inf)
    age = min(age, ages.get(hop_claim_key(hops.run_id, hop), math.inf))
    return Position(hop, phase(age, plan.dead_after_seconds), age, before)


def phase(age: float, dead_after: float) -> Literal["alive", "silent", "dead"]:
    """Return what the age of the last sign of life means; `dead_after` is the plan's `dead_after_seconds`."""
    if age < dead_after * limits.SILENT_SHARE + limits.CLOCK_SECONDS:
        return "alive"
    return "silent" if age < dead_after + limits.CLOCK_SECONDS else "dead"
