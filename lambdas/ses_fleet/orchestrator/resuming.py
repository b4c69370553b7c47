"""Going on with what another run has left: where its customers stopped between two slices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, ConfigurationError, Problem, RequestError
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.plan import Plan, PlannedCustomer
from ses_fleet.runs import request as requests
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.keys import result_key, resumed_key
from ses_fleet.runs.models import CustomerResult, RunPlan, RunRequest, Summary
from ses_fleet.runs.personal_params import hidden
from ses_fleet.runs.record import RunRecord
from ses_fleet.text import quoted

# What two requests must have in common for the work of one to be the work of the other.
_WORK = ("worker_action", "params", "dry_run", "prune", "plan")


def check(run_id: str, made: Plan, environment: Environment) -> None:
    """Raise RequestError or ConfigurationError when the plan cannot go on with that run, as `left_by` does."""
    try:
        _checked(RunRecord(environment.results_bucket, run_id), made)
    except AwsCallError as failure:
        raise _unreadable(run_id, failure) from None


def left_by(run_id: str, made: Plan, environment: Environment, *, for_run: str) -> dict[int, Progress]:
    """Return, by index in the plan, where the run's customers stopped, of those that run `for_run` can go on with.

    RequestError when that run does not exist, has not ended, did something else, was for other people or does not know
    a customer that config.json does not have. Who is not among those returned starts anew, which is always safe. Nobody
    goes on whose people were read for the other run, or whose topics are others now, nor whose request says something
    of a person, since that other value is not compared, nor in an action of two phases: the first is for all anew.
    """
    record = RunRecord(environment.results_bucket, run_id)
    try:
        before, summary = _checked(record, made)
        other_topics = before.config_version.ses_config != made.config_version.ses_config
        anew = made.action.reads_identity_center or made.action.two_phases
        if anew or other_topics or hidden(made.action.params, made.request.params):
            return {}
        left = _Left(record, before, for_run)
        wanted = [*_unfinished(summary, before, made)]
        with ThreadPoolExecutor(limits.RECORD_READERS) as pool:
            found = pool.map(left.of, wanted)
            return {progress.index: progress for progress in found if progress is not None}
    except AwsCallError as failure:
        raise _unreadable(run_id, failure) from None


def _unreadable(run_id: str, failure: AwsCallError) -> ConfigurationError:
    text = f"the record of run {run_id} could not be read ({failure.code}), so nothing was started"
    return ConfigurationError([Problem("$.resumes", text)])


def _checked(record: RunRecord, made: Plan) -> tuple[RunPlan, Summary]:
    before, summary = _ended(record, record.plan(), made.asked)
    _check_rest_of_plan(summary, made)
    _check_people(record.run_id, before, made)
    _check_those_who_left(before, made)
    return before, summary


def _ended(record: RunRecord, document: RunPlan | None, request: RunRequest) -> tuple[RunPlan, Summary]:
    run_id = record.run_id
    if document is None:
        raise RequestError([Problem("$.resumes", f"there is no run {run_id}; `ses-fleet runs list` shows the runs")])
    summary = record.summary()
    if summary is None:
        text = f"run {run_id} has not ended yet: `ses-fleet runs show {run_id}` says when it can be resumed"
        raise RequestError([Problem("$.resumes", text)])
    other = requests.from_plan(document.request)
    if any(getattr(other, name) != getattr(request, name) for name in _WORK):
        text = f"run {run_id} was another action, or had other params: only the same request can be resumed"
        raise RequestError([Problem("$.resumes", text)])
    return document, summary


def _check_people(run_id: str, before: RunPlan, made: Plan) -> None:
    """Raise RequestError when the two runs' people files differ: one run's people are not the other's."""
    if made.people is not None and (before.people is None or before.people.sha256 != made.people.sha256):
        text = f"is another people file than the one that run {run_id} began with: start a new run for it"
        raise RequestError([Problem("$.people", text)])


def _check_rest_of_plan(summary: Summary, made: Plan) -> None:
    """Raise RequestError when a saved plan would be applied again to somebody: only what is left of it can be."""
    if made.asked.plan is None:
        return
    left = {one.customer_code for one in summary.results if one.status in ("failed", "not_started")}
    done = [customer.code for customer in made.customers if customer.code not in left]
    if done:
        text = f"run {summary.run_id} has left nothing to do for {', '.join(map(quoted, done[:20]))}"
        raise RequestError([Problem("$.include", text)])


def _check_those_who_left(before: RunPlan, made: Plan) -> None:
    known = {customer.customer_code for customer in before.customers}
    unknown = [customer.code for customer in made.customers if customer.has_left and customer.code not in known]
    if unknown:
        named = ", ".join(map(quoted, unknown[:20]))
        text = f"neither config.json nor run {before.run_id} has these customers: {named}"
        raise RequestError([Problem("$.include", text)])


def _unfinished(summary: Summary, before: RunPlan, made: Plan) -> Iterator[tuple[PlannedCustomer, int]]:
    """Yield the customers that may go on and are the same still, with their index in that run.

    They failed with a known outcome, or were not started by a run that was to go on with them itself.
    """
    statuses = ("failed",) if before.request.get("resumes") is None else ("failed", "not_started")
    there = {result.customer_code: (index, result) for index, result in enumerate(summary.results)}
    for customer in made.in_turn():
        index, result = there.get(customer.code, (0, None))
        if result is None or result.status not in statuses or (result.error and result.error.outcome_unknown):
            continue
        identity = before.customers[index]
        if (identity.account_id, identity.region) == (customer.identity.account_id, customer.identity.region):
            yield customer, index


@dataclass(frozen=True)
class _Left:
    """What the run of this record has left; each customer's work goes on in one run only."""

    record: RunRecord
    before: RunPlan
    for_run: str

    def of(self, wanted: tuple[PlannedCustomer, int]) -> Progress | None:
        """Return where a customer stopped, or None when there is nothing to go on with, or another run does."""
        (customer, index), run_id = wanted, self.record.run_id
        stored = self.record.bucket.find(result_key(run_id, customer.code, index), limit=limits.MAX_RECORD_BYTES)
        if stored is None or stored.age is None or stored.age > limits.WAITING_SECONDS:
            return None
        result = CustomerResult.model_validate_json(stored.body)
        if result.continuation is None:
            return None
        mine = json.dumps({"run_id": self.for_run}).encode()
        if not self.record.bucket.create(resumed_key(run_id, customer.code, index), mine):
            return None
        return Progress(
            index=customer.index,
            customer_code=customer.code,
            warnings=result.warnings,
            continuation=result.continuation,
            work_of=result.work_of or run_id,
        )
