"""Cancelling a run: no further customer and no further slice of it is started. Who is with a worker is waited for."""

from __future__ import annotations

from ses_fleet import clock
from ses_fleet.errors import Problem, RequestError
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.runs import state
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import Cancel
from ses_fleet.runs.models import Summary
from ses_fleet.runs.position import Position
from ses_fleet.runs.record import RunRecord


def cancel(run_id: str, environment: Environment) -> Summary:
    """Ask that nothing more of the run is started, and return its state.

    RequestError when there is no such run, when it was refused, and for one of an earlier version, which would not heed
    it. A run that is over stays as it is.
    """
    record = RunRecord(environment.results_bucket, run_id)
    document = record.plan()
    if document is None:
        raise RequestError([Problem("$.cancel", _why_there_is_none(record))])
    reached = state.reached(record, document)
    if reached is None:
        text = f"run {run_id} was begun by an earlier version of ses-fleet and cannot be cancelled"
        raise RequestError([Problem("$.cancel", text)])
    if isinstance(reached, Position):
        # First of all: what is read for the answer takes a request for each customer, and may fail.
        HopRecord(record.bucket, run_id).ask_to_cancel(Cancel(run_id=run_id, asked_at=clock.iso(clock.now())))
    return state.of(record, document).summary


def _why_there_is_none(record: RunRecord) -> str:
    if record.last_refusal() is None:
        return f"there is no run {record.run_id}; `ses-fleet runs list` shows the runs"
    why = f"`ses-fleet runs show {record.run_id}` shows why"
    return f"run {record.run_id} was refused and nothing of it runs, so there is nothing to cancel; {why}"
