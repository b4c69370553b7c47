"""What a run would begin with: who is run, who is not and why, or why it would be refused. Nothing is written."""

from __future__ import annotations

from typing import Any

from ses_fleet.errors import RunRefusedError
from ses_fleet.orchestrator import applying, config_files, planning, resuming
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.plan import Plan
from ses_fleet.runs import request
from ses_fleet.runs.models import ConfigVersion, CustomerResult
from ses_fleet.runs.preview import Preview
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.request import Start, without_personal_values


def preview(payload: Any, environment: Environment) -> Preview:
    """Return what a run of this payload would begin with, by the same steps as a run.

    A payload that would be refused is an answer like any other: no run was asked for, so nothing is counted or stored.
    """
    try:
        return _previewed(request.parse(payload, environment.request_id), environment)
    except RunRefusedError as refused:
        return Preview(problems=tuple(str(problem) for problem in refused.problems))


def _previewed(start: Start, environment: Environment) -> Preview:
    record = RunRecord(environment.results_bucket, start.run_id)
    if start.named and applying.existing(record, start.request, environment) is not None:
        return Preview(exists=True)
    wanted = without_personal_values(start.request)
    made = planning.planned(wanted, environment).plan
    if wanted.resumes is not None:
        resuming.check(wanted.resumes, made, environment)
    told = _told(made)
    if made.applied is None or made.config_version.ses_config is None:
        return told
    # A plan does not need the file any more: whoever applies it wants to know whether it is another one by now.
    now = config_files.ses_config_version(environment)
    return told.model_copy(update={"config_version": ConfigVersion(config=made.config_version.config, ses_config=now)})


def _told(made: Plan) -> Preview:
    known = [one.result for one in made.customers if one.result is not None]
    return Preview(
        customers=tuple(one.code for one in made.in_turn()),
        skipped={one.customer_code: _why(one) for one in known if one.status == "skipped"},
        failed={one.customer_code: _why(one) for one in known if one.status == "failed"},
        people_rows=None if made.people is None else made.people.rows,
        defaults=made.effective.model_dump(mode="json", include=set(made.defaults)),
        config_version=made.config_version,
    )


def _why(result: CustomerResult) -> str:
    return result.error.message if result.error is not None else "".join(result.warnings[-1:])
