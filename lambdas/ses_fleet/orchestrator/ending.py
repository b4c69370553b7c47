"""The end of a run: results.jsonl.gz, summary.json, the log record, the metrics. Or of one invocation's share of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ses_fleet import clock, limits
from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator import report
from ses_fleet.orchestrator.result_store import ResultStore
from ses_fleet.orchestrator.task import Task
from ses_fleet.runs import summary
from ses_fleet.runs.models import Summary


def finish(task: Task, store: ResultStore, peak: int) -> Summary:
    """Write the files that end the run, log and count it, and return its Summary.

    `peak` is the most workers that were in flight at once. A file that cannot be written is a warning.
    """
    _store_results_file(task, store)
    fleet = _comparison(task, store)
    plan, document = task.plan, task.document
    began = datetime.fromisoformat(document.started_at)
    finished = summary.build(
        plan.request,
        store.collector.results(),
        run_id=task.record.run_id,
        started_at=document.started_at,
        seconds=round((clock.now() - began).total_seconds(), 3),
        concurrency=plan.concurrency.model_copy(update={"peak": peak}),
        config_version=plan.config_version,
        warnings=(*plan.warnings, *store.warnings),
        location=task.record.summary_location,
        where_is=task.result_location,
        fleet=fleet,
    )
    try:
        task.record.write_summary(finished)
    except AwsCallError as failure:
        task.logger.warning("summary.json could not be written", error_code=failure.code)
    report.log_summary(task.logger, finished)
    report.emit_run(finished)
    return finished


def handed_over(task: Task, store: ResultStore) -> Summary:
    """Return what is known when another invocation goes on, which will log, count and store the whole."""
    going_on = f"the run goes on in another invocation (hop {task.before.hop + 1})"
    task.logger.info(going_on)
    return summary.unfinished(task.document, store.results_so_far(), task.record.summary_location, going_on)


def _store_results_file(task: Task, store: ResultStore) -> None:
    file = store.collector.results_file()
    if file is None:
        store.warn("results.jsonl.gz was too large for this function's disk; results/ has every result")
        return
    try:
        task.record.write_results_file(file)
    except AwsCallError as failure:
        store.warn(f"results.jsonl.gz could not be written ({failure.code}); results/ has every result")


def _comparison(task: Task, store: ResultStore) -> dict[str, Any] | None:
    """Return the Summary's `fleet`, or where it lies when it is too large to be inline."""
    topics = store.collector.comparison
    if topics is None:
        return None
    answer = topics.answer([customer.code for customer in task.plan.customers])
    body = json.dumps(answer).encode()
    if len(body) <= limits.FLEET_INLINE_BYTES:
        return answer
    try:
        return {"topics": None, "drift": None, "location": task.record.write_fleet(body)}
    except AwsCallError as failure:
        store.warn(f"fleet.json could not be written ({failure.code})")
        return None
