"""Applying the plan that a dry run saved: whether that may be done, and what it says. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ses_fleet import clock
from ses_fleet.config.config_json import FleetConfig
from ses_fleet.errors import AwsCallError, ConfigurationError, Problem, RequestError
from ses_fleet.orchestrator import config_files
from ses_fleet.orchestrator.applied_plan import AppliedPlan
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.runs import request as requests
from ses_fleet.runs.models import CustomerResult, RunPlan, RunRequest, Summary
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.saved_plan import SavedPlan
from ses_fleet.text import printable

_AGAIN = "make a new dry run, and apply that"


def existing(record: RunRecord, asked: RunRequest, environment: Environment) -> RunPlan | None:
    """Return the plan of the run that has this id, or None when there is none.

    RequestError when it was asked something else. A run that applies a saved plan may be followed while it is under
    way, and its event may arrive twice; RequestError when it is over, as a plan is applied once.
    """
    if asked.plan is None:
        return record.existing(asked)
    document = record.plan()
    if document is None:
        return None
    delivered_again = document.request_id == environment.request_id
    same = all(document.request.get(name) == getattr(asked, name) for name in ("action", "plan", "resumes"))
    # How the run goes is what it was started with: another start of it only looks how far it is.
    if same and (delivered_again or record.summary() is None):
        return document
    if document.request.get("plan") != asked.plan:
        text = f"the run that applies it would be {record.run_id}, which is another run: make a new dry run"
        raise RequestError([Problem("$.plan", text)])
    what = f"plan {asked.plan}" if asked.resumes is None else f"the rest of run {asked.resumes}"
    text = f"{what} was applied already, by run {record.run_id}: `ses-fleet runs show {record.run_id}` shows it"
    raise RequestError([Problem("$.plan", text)])


def read(environment: Environment, asked: RunRequest) -> AppliedPlan | None:
    """Return the plan that a request applies, or None when it names none.

    RequestError when it is no plan that may be applied, or not for these customers; ConfigurationError when its record
    cannot be read.
    """
    if asked.plan is None:
        return None
    record = RunRecord(environment.results_bucket, asked.plan)
    try:
        document, summary = _made(record, asked, environment)
        _check_age(document, environment)
        successful = [one.customer_code for one in summary.results if one.status == "successful"]
        found = _read(record, document, asked, config_files.read_pinned_fleet(environment, document))
        found = replace(found, warnings=() if asked.resumes else _warnings(summary))
    except AwsCallError as failure:
        text = f"the record of run {asked.plan} could not be read ({failure.code}), so nothing was started"
        raise ConfigurationError([Problem("$.plan", text)]) from None
    except ValueError:
        text = f"the record of run {asked.plan} was not written by this version of ses-fleet: {_AGAIN}"
        raise RequestError([Problem("$.plan", text)]) from None
    if not found.saved:
        why = "no customer of it was successful" if not successful else "it was made by a version that saved no plans"
        raise RequestError([Problem("$.plan", f"run {asked.plan} has nothing that could be applied: {why}; {_AGAIN}")])
    return found


def read_again(environment: Environment, asked: RunRequest) -> AppliedPlan | None:
    """Return the plan for a later invocation of the run that applies it. A plan that has expired since is no problem.

    ConfigurationError when its record is gone or cannot be understood, AwsCallError while S3 does not answer.
    """
    if asked.plan is None:
        return None
    record = RunRecord(environment.results_bucket, asked.plan)
    try:
        document = record.plan()
        if document is not None:
            return _read(record, document, asked)
    except ValueError:
        pass  # as if it were not there
    raise ConfigurationError([Problem("$.plan", f"the record of run {asked.plan} is not there any more")])


def _made(record: RunRecord, asked: RunRequest, environment: Environment) -> tuple[RunPlan, Summary]:
    """Return the record of a dry run that is over; RequestError when it is none that this request may apply."""
    document = record.plan()
    if document is None:
        text = (
            f"there is no run {asked.plan} in this deployment; a plan is applied where it was made. `ses-fleet runs "
            "list` shows the runs"
        )
        raise RequestError([Problem("$.plan", text)])
    problem = _why_not(document, asked, environment)
    if problem is not None:
        raise RequestError([Problem("$.plan", f"run {asked.plan} {problem}")])
    summary = record.summary()
    if summary is None:
        text = f"run {asked.plan} is not over yet: `ses-fleet runs show {asked.plan}` shows how far it is"
        raise RequestError([Problem("$.plan", text)])
    return document, summary


def _why_not(document: RunPlan, asked: RunRequest, environment: Environment) -> str | None:
    action = document.request.get("action")
    if document.function and document.function != environment.unversioned_arn:
        return f"is of another deployment ({printable(document.function)}): {_AGAIN}"
    if action != asked.action:
        return f"is of {printable(str(action))}, not of {asked.action}"
    if not document.request.get("dry_run"):
        return "was no dry run: only a dry run makes a plan"
    return None


def _check_age(document: RunPlan, environment: Environment) -> None:
    hours, most = _hours_since(document.started_at), environment.settings.plan_hours
    if hours > most:
        text = f"run {document.run_id} is {hours:.1f} hours old, and a plan holds for {most:g} (PLAN_HOURS): {_AGAIN}"
        raise RequestError([Problem("$.plan", text)])


def _hours_since(moment: str) -> float:
    return (clock.now() - datetime.fromisoformat(moment)).total_seconds() / 3_600


def _read(record: RunRecord, document: RunPlan, asked: RunRequest, fleet: FleetConfig | None = None) -> AppliedPlan:
    saved = _saved(record, document)
    _check_included(asked, saved)
    entries = {} if fleet is None else fleet.entries
    customers = {code: one.customer for code, one in entries.items() if code in saved and one.customer is not None}
    planned = requests.from_plan(document.request)
    codes = tuple(saved) if asked.include is None else asked.include
    names = ["prune", "params", "ses_role_arn", "people"]
    names += [] if "customer_timeout_seconds" in asked.model_fields_set else ["customer_timeout_seconds"]
    says: dict[str, object] = {name: getattr(planned, name) for name in names}
    says |= {"include": codes} if asked.scope == "all" else {"customer_code": planned.customer_code}
    return AppliedPlan(
        asked=asked,
        request=asked.model_copy(update=says),
        saved=saved,
        customers=customers,
        ses_config=document.config_version.ses_config,
        people=document.people,
        personal_params=document.personal_params,
    )


def _warnings(summary: Summary) -> tuple[str, ...]:
    """Return who is not in the plan of a dry run, and should be."""
    lacking = [one.customer_code for one in summary.results if one.status in ("failed", "not_started")]
    text = f"not in plan {summary.run_id}, whose dry run was not successful for them: {', '.join(lacking)}"
    return (text,) if lacking else ()


def _saved(record: RunRecord, document: RunPlan) -> Mapping[str, SavedPlan]:
    """Return what each customer's result has saved, in the order of the plan, of those that were successful."""
    bodies = record.stored_results(document, record.with_results(document))
    found = [CustomerResult.model_validate_json(body) for _, body in bodies if body is not None]
    return {one.customer_code: one.plan for one in found if one.success and one.plan is not None}


def _check_included(asked: RunRequest, saved: Mapping[str, SavedPlan]) -> None:
    unknown = [code for code in asked.include or () if code not in saved]
    if unknown:
        text = f"plan {asked.plan} has nothing to do for {printable(', '.join(unknown), 300)}"
        raise RequestError([Problem("$.include", text)])
