"""One run, from event to Summary: the steps in their order."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger

from orchestrator import config, plan, report, request, run_record, summary
from orchestrator.fan_out import FanOut, Timing
from orchestrator.invoke import Invoker
from orchestrator.plan import Plan, PlannedItem
from orchestrator.request import Start
from orchestrator.run_record import RunRecord
from shared import aws, clock, limits
from shared.actions import ACTIONS, help_answer, payload_names
from shared.errors import AwsCallError, Fault, RequestError, RunRefusedError
from shared.logs import make_logger
from shared.models import CustomerResult, Summary, WorkItem
from shared.objects import Bucket
from shared.settings import OrchestratorSettings
from shared.text import masked, printable

_S3_ATTEMPTS = 3


def handle(event: Any, context: Any, variables: Mapping[str, str]) -> dict[str, Any]:
    """Answer one invocation. A run that is refused raises, so that callers, alarms and dead letters see it."""
    if request.is_help(event):
        return help_answer()
    results_bucket: Bucket | None = None  # where a refusal is recorded, once it is known
    try:
        settings = OrchestratorSettings.from_env(variables)
        s3 = aws.client("s3", settings.region, attempts=_S3_ATTEMPTS)
        results_bucket = Bucket(s3, settings.results_bucket)
        start = request.parse(event, clock.now())
        return _Run(start, context, settings, s3, results_bucket).execute().model_dump(mode="json")
    except RunRefusedError as refusal:
        _record_refusal(event, context, refusal, results_bucket)
        raise refusal from None


class _Run:
    """One run under way."""

    def __init__(
        self, start: Start, context: Any, settings: OrchestratorSettings, s3: aws.AwsClient, results_bucket: Bucket
    ) -> None:
        self._request = start.request
        self._start = start
        self._context = context
        self._settings = settings
        self._s3 = s3
        self._record = RunRecord(results_bucket, start.run_id)
        self._logger = _logger(context, start.run_id, start.request.action)
        self._warnings: list[str] = []

    def execute(self) -> Summary:
        began, remaining = clock.now(), self._remaining()
        if self._start.named and (existing := self._record.existing(self._request)) is not None:
            return existing
        made = self._plan()
        document = run_record.plan_document(
            made, self._start.run_id, clock.iso(began), clock.iso(began + timedelta(seconds=remaining))
        )
        if not self._record.claim(document):
            return self._started_elsewhere()
        results, peak = self._fan_out(made)
        finished = summary.build(
            run_id=self._start.run_id,
            plan=made,
            results=results,
            started_at=clock.iso(began),
            seconds=round((clock.now() - began).total_seconds(), 3),
            peak=peak,
            location=self._record.summary_location,
            where_is=lambda index: self._record.result_location(made.items[index].code, index),
            extra_warnings=[*self._warnings, *self._deadline_warnings(results)],
        )
        self._publish(finished)
        return finished

    def _started_elsewhere(self) -> Summary:
        """Another start of this id was quicker by a moment."""
        existing = self._record.existing(self._request) if self._start.named else None
        if existing is None:
            raise RequestError([Fault("$.run_id", f"run {self._start.run_id} exists; start again for a new id")])
        return existing

    def _plan(self) -> Plan:
        partition = self._context.invoked_function_arn.split(":")[1]
        bucket = Bucket(self._s3, self._settings.config_bucket)
        fleet = config.load(bucket, self._settings.config_key, region=self._settings.region, partition=partition)
        return plan.make(self._request, fleet)

    def _fan_out(self, made: Plan) -> tuple[list[CustomerResult], int]:
        results: dict[int, CustomerResult] = {}

        def keep(item: PlannedItem, result: CustomerResult) -> None:
            report.log_customer(self._logger, result)
            # The lines are in the log and in the record; nothing is kept here that is not returned.
            self._store(item.index, result.model_copy(update={"logs": report.customer_lines(result)}))
            results[item.index] = result.model_copy(update={"logs": None, "continuation": None})

        for item in made.items:
            if item.result is not None:
                keep(item, item.result)
        to_run = [item for item in made.items if item.customer is not None]
        peak = self._invoke_workers(made, to_run, keep) if to_run else 0
        return [results[index] for index in range(len(made.items))], peak

    def _invoke_workers(self, made: Plan, to_run: list[PlannedItem], keep: Any) -> int:
        writes = ACTIONS[self._request.worker_action].mutates
        closed = threading.Event()
        bound = min(made.concurrency.effective, len(to_run))
        lambda_client = aws.client(
            "lambda",
            self._settings.region,
            read_timeout=limits.INVOKE_READ_TIMEOUT_SECONDS,
            connections=bound,
        )
        invoker = Invoker(lambda_client, self._settings.worker_function_name, writes, closed)
        fan_out = FanOut(
            invoke=invoker.invoke,
            make_item=self._work_item,
            timing=Timing(
                remaining=self._remaining,
                slice_budget=self._settings.slice_budget,
                start_margin=self._settings.start_margin,
                return_margin=self._settings.return_margin,
                customer_timeout=float(self._request.customer_timeout_seconds),
            ),
            bound=bound,
            failures_allowed=plan.failures_allowed(self._request, len(made.items)),
            writes=writes,
            closed=closed,
        )
        fan_out.run(to_run, keep)
        return fan_out.peak

    def _work_item(self, item: PlannedItem, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
        assert item.customer is not None  # noqa: S101  # only items with a customer are handed to the fan-out
        return WorkItem(
            run_id=self._start.run_id,
            action=self._request.worker_action,
            customer=item.customer,
            params=self._request.params,
            slice_budget_seconds=budget,
            continuation=continuation,
        )

    def _store(self, index: int, result: CustomerResult) -> None:
        try:
            self._record.write_result(index, result)
        except AwsCallError as failure:
            self._warn(f"the result of {printable(result.customer_code)} could not be stored ({failure.code})")

    def _publish(self, finished: Summary) -> None:
        try:
            self._record.write_summary(finished)
        except AwsCallError as failure:
            self._logger.warning("summary.json could not be written", error_code=failure.code)
        report.log_summary(self._logger, finished)
        report.emit_run(finished)

    def _deadline_warnings(self, results: list[CustomerResult]) -> list[str]:
        stopped = any(result.status == "not_started" for result in results)
        if stopped and self._request.on_deadline == "continue" and self._remaining() < self._settings.start_margin:
            return ["the deadline came; on_deadline continue does not carry a run on yet: send resume"]
        return []

    def _warn(self, text: str) -> None:
        self._warnings.append(text)
        self._logger.warning(text)

    def _remaining(self) -> float:
        seconds: float = self._context.get_remaining_time_in_millis() / 1000
        return seconds


def _record_refusal(event: Any, context: Any, refusal: RunRefusedError, results_bucket: Bucket | None) -> None:
    """Make the refusal visible: a log record, the metric, and the run record if the event names a run."""
    payload = request.payload_of(event)
    payload = payload if isinstance(payload, dict) else {}
    action = payload.get("action")
    known = action if isinstance(action, str) and action in payload_names() else None
    dry_run = payload.get("dry_run") is True
    run_id = request.claimed_run_id(event)
    logger = _logger(context, run_id, known)
    for fault in refusal.faults:
        logger.error(
            masked(str(fault), limits.MAX_MESSAGE_CHARACTERS), kind="refused", error_type=type(refusal).__name__
        )
    report.emit_refusal(known, dry_run=dry_run)
    if run_id is None or results_bucket is None:
        return
    answer = summary.refused(run_id, str(action), dry_run, clock.iso(clock.now()), refusal.faults)
    try:
        RunRecord(results_bucket, run_id).write_refusal(answer)
    except AwsCallError as failure:
        logger.warning("the refusal could not be recorded", error_code=failure.code)


def _logger(context: Any, run_id: str | None, action: str | None) -> Logger:
    return make_logger(run_id=run_id, action=action, function_request_id=context.aws_request_id)
