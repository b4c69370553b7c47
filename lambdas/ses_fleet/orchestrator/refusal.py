"""Making a refused run visible: a log record, the metric, and the run record if the event names a run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from ses_fleet import clock, limits
from ses_fleet.actions.catalogue import payload_names
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, RunRefusedError
from ses_fleet.logs import make_logger
from ses_fleet.orchestrator import report
from ses_fleet.runs import events, summary
from ses_fleet.runs.models import Summary
from ses_fleet.runs.record import RunRecord
from ses_fleet.text import printable


def record(event: Any, request_id: str, refusal: RunRefusedError, results_bucket: Bucket | None) -> None:
    """Log, count and store the refusal. `results_bucket` is None while the settings are not known."""
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
    if run_id is not None and results_bucket is not None:
        answer = summary.refused(run_id, known or "", dry_run, clock.iso(clock.now()), refusal.problems)
        _store(RunRecord(results_bucket, run_id), answer, request_id, logger)


def _store(run: RunRecord, answer: Summary, request_id: str, logger: Logger) -> None:
    try:
        run.write_refusal(answer, request_id)
    except AwsCallError as failure:
        logger.warning("the refusal could not be recorded", error_code=failure.code)
