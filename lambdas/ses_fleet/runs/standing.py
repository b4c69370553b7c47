"""What the record of a run that is not over says of each customer, after the last hop was ended or replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.models import RunPlan
from ses_fleet.runs.record import RunRecord


@dataclass(frozen=True)
class Standing:
    """Every customer of the plan, by index, is in exactly one of these.

    `known` have a result. `in_doubt` were named for a slice that nobody has the answer of. `progress` has those between
    two slices. `waiting` were never sent to a worker.
    """

    known: tuple[int, ...] = ()
    in_doubt: tuple[int, ...] = ()
    progress: Mapping[int, Progress] = field(default_factory=dict)
    waiting: tuple[int, ...] = ()


def of(record: RunRecord, hops: HopRecord, plan: RunPlan) -> Standing:
    """Return what the record says. Raise AwsCallError when S3 does not answer.

    It is only to be asked once the end of the hop before is written: from then on nobody is sent whom no sign names.
    """
    named = hops.named(plan.owner)
    known = record.with_results(plan)
    there = set(known)
    others = [(index, customer) for index, customer in enumerate(plan.customers) if index not in there]
    progress = hops.progress(others)
    in_doubt = [index for index, _ in others if named.get(index, 0) > _slices(progress.get(index))]
    for index in in_doubt:
        progress.pop(index, None)
    left = {*in_doubt, *progress}
    return Standing(tuple(known), tuple(in_doubt), progress, tuple(index for index, _ in others if index not in left))


def _slices(progress: Progress | None) -> int:
    return 0 if progress is None else progress.slices
