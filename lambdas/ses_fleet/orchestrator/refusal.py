"""Making a refused run visible: a log record, the metric, and the run record if the event names a run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from ses_fleet import clock, limits
from ses_fleet.actions.catalogue import payload_names
from ses_fleet.errors import AwsCallError, RunRefusedError
from ses_fleet.logs import make_logger
from ses_fleet.orchestrator import notification, report
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.runs import events, summary
from ses_fleet.runs.models import Summary
from ses_fleet.runs.record import RunRecord
from ses_fleet.text import printable


def record(event: Any, request_id: str, refusal: RunRefusedError, environment: Environment | None) -> None:
    """Log, count, store and tell the refusal. `environment` is None while the settings are not known."""
    payload = events.payload_of(event)
    payload = payload if isinstance(payload, dict) else {}
    action = payload.get("action")
    known = action if isinstance(action, str) and action in payload_names() else None
    dry_run = payload.get("dry_run") is True
    run_id = None if "hop" in payload else events.claimed_run_id(event)
    logger = make_logger(run_id=run_id, action=known, function_request_id=request_id)
    for problem in refusal.problems:
        text = printable(str(problem), limits.MAX_MESSAGE_CHARACTERS)
        logger.error(text, kind="refused", error_type=type(refusal).__name__)
    report.emit_refusal(known, dry_run=dry_run)
    if environment is None:
        return
    answer = summary.refused(run_id or "", known or "", dry_run, clock.iso(clock.now()), refusal.problems)
    if run_id is not None:
        _store(RunRecord(environment.results_bucket, run_id), answer, request_id, logger)
    if not {"cancel", "hop"} & payload.keys():  # those start no run
        _tell(environment, answer, payload, logger)


def _store(run: RunRecord, answer: Summary, request_id: str, logger: Logger) -> None:
    try:
        run.write_refusal(answer, request_id)
    except AwsCallError as failure:
        logger.warning("the refusal could not be recorded", error_code=failure.code)


def _tell(environment: Environment, answer: Summary, payload: dict[str, Any], logger: Logger) -> None:
    if not notification.is_wanted(environment.settings, answer, asked=notification.asked_by(payload)):
        return
    try:
        notification.tell(environment, answer)
    except AwsCallError as failure:
        logger.warning("people could not be told of the refusal", error_code=failure.code)
