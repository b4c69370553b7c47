"""What is so of a run now: its Summary once it is over, and until then what its record shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ses_fleet.runs import position as positions
from ses_fleet.runs import results
from ses_fleet.runs import summary as summaries
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.keys import continuation_key
from ses_fleet.runs.models import CustomerResult, RunPlan, Summary
from ses_fleet.runs.position import Position
from ses_fleet.runs.record import RunRecord

_OF_BEFORE = "the run was begun by an earlier version of ses-fleet, which left no summary"


@dataclass(frozen=True)
class State:
    """The Summary of a run that is over, `position` None; else one with `exit_code` None, and where the run is.

    A run that an earlier version of ses-fleet began, and that has no Summary, has no position either.
    """

    summary: Summary
    position: Position | None = None


def of(record: RunRecord, plan: RunPlan) -> State:
    """Return what is so of the run. Raise AwsCallError when S3 does not answer."""
    found = reached(record, plan)
    if isinstance(found, Summary):
        return State(found)
    where = _OF_BEFORE if found is None else told(found)
    results_ = _results(record, HopRecord(record.bucket, record.run_id), plan)
    return State(summaries.unfinished(plan, results_, record.summary_location, where), found)


def reached(record: RunRecord, plan: RunPlan) -> Summary | Position | None:
    """Return the Summary of a run that is over, and else where it is. Raise AwsCallError when S3 does not answer.

    Return None for a run that an earlier version of ses-fleet began, and that has no Summary.
    """
    finished = record.summary()
    if finished is not None or plan.record_format == 1:
        return finished
    position = positions.of(HopRecord(record.bucket, record.run_id), plan)
    # A run that has ended since that first look gives no sign of life any more.
    return position if position.phase == "alive" else record.summary() or position


def told(position: Position) -> str:
    """Return in one sentence where the run is, and what happens next if it gives no sign of life."""
    number, seconds = position.hop + 1, f"{position.age:.0f} s"
    if math.isinf(position.age):
        return "the run gives no sign of life, and it is not among the open runs: the reaper does not find it"
    return {
        "alive": f"the run is under way (invocation {number}, last sign of life {seconds} ago)",
        "silent": (
            f"the run has given no sign of life for {seconds} (invocation {number}); if that lasts, the reaper ends "
            "it or lets it go on within about six minutes; do not resume it before"
        ),
        "dead": (
            f"the run has given no sign of life for {seconds} (invocation {number}): the reaper, which looks every "
            "five minutes, ends it or lets it go on; do not resume it before"
        ),
        "waiting": f"the run has waited for its next invocation (number {number}) for {seconds}",
        "closing": f"the run ended {seconds} ago, and its summary is being written",
    }[position.phase]


def _results(record: RunRecord, hops: HopRecord, plan: RunPlan) -> list[CustomerResult]:
    """Return a result for every customer, in config order.

    What is named is read before the results are: who gets its result in between has one.
    """
    named, between = hops.named(plan.owner), hops.between_slices()
    found = dict(record.stored_results(plan, record.with_results(plan)))
    all_of_them = []
    for index, customer in enumerate(plan.customers):
        body = found.get(index)
        if body is not None:
            all_of_them.append(CustomerResult.model_validate_json(body))
        elif index in named or continuation_key(record.run_id, customer.customer_code, index) in between:
            all_of_them.append(results.under_way(customer))
        else:
            all_of_them.append(results.no_result_yet(customer))
    return all_of_them
