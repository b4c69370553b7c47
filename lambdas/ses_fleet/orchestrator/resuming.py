"""Going on with what another run has left: where its customers stopped between two slices."""

from __future__ import annotations

from collections.abc import Iterator

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, ConfigurationError, Problem, RequestError
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.plan import Plan
from ses_fleet.runs import request as requests
from ses_fleet.runs.hops import Progress
from ses_fleet.runs.keys import result_key
from ses_fleet.runs.models import CustomerResult, RunPlan, RunRequest
from ses_fleet.runs.personal_params import hidden
from ses_fleet.runs.record import RunRecord

# What two requests must have in common for the work of one to be the work of the other.
_WORK = ("worker_action", "params", "dry_run", "prune")


def left_by(run_id: str, made: Plan, environment: Environment) -> dict[int, Progress]:
    """Return, by index in the plan, where the run's customers stopped, of those that this run can go on with.

    RequestError when that run does not exist, has not ended or did something else. Who is not among those returned
    starts anew, which is always safe. Nobody goes on whose people were read for the other run, or whose topics are
    others now, nor whose request says something of a person, since that other value is not compared.
    """
    record = RunRecord(environment.results_bucket, run_id)
    try:
        document = record.plan()
        before = _ended(record, document, made.request)
        other_topics = before.config_version.ses_config != made.config_version.ses_config
        if made.action.needs_people or other_topics or hidden(made.action.params, made.request.params):
            return {}
        return {progress.index: progress for progress in _progress(record, before, made)}
    except AwsCallError as failure:
        text = f"the record of run {run_id} could not be read ({failure.code}), so nothing was started"
        raise ConfigurationError([Problem("$.resumes", text)]) from None


def _ended(record: RunRecord, document: RunPlan | None, request: RunRequest) -> RunPlan:
    run_id = record.run_id
    if document is None:
        raise RequestError([Problem("$.resumes", f"there is no run {run_id}; `ses-fleet runs list` shows the runs")])
    if record.summary() is None:
        text = f"run {run_id} has not ended yet: `ses-fleet runs show {run_id}` says when it can be resumed"
        raise RequestError([Problem("$.resumes", text)])
    other = requests.from_plan(document.request)
    if any(getattr(other, name) != getattr(request, name) for name in _WORK):
        text = f"run {run_id} was another action, or had other params: only the same request can be resumed"
        raise RequestError([Problem("$.resumes", text)])
    return document


def _progress(record: RunRecord, before: RunPlan, made: Plan) -> Iterator[Progress]:
    there = {customer.customer_code: (index, customer) for index, customer in enumerate(before.customers)}
    for customer in made.in_turn():
        index, identity = there.get(customer.code, (0, None))
        if identity is None or (identity.account_id, identity.region) != (
            customer.identity.account_id,
            customer.identity.region,
        ):
            continue
        stored = record.bucket.find(result_key(record.run_id, customer.code, index), limit=limits.MAX_RECORD_BYTES)
        if stored is None or stored.age is None or stored.age > limits.WAITING_SECONDS:
            continue
        result = CustomerResult.model_validate_json(stored.body)
        unknown = result.error is not None and result.error.outcome_unknown
        if result.status == "failed" and result.continuation is not None and not unknown:
            origin = result.work_of or record.run_id
            yield Progress(
                index=customer.index,
                customer_code=customer.code,
                warnings=result.warnings,
                continuation=result.continuation,
                work_of=origin,
            )
