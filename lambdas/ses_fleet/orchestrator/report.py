"""What CloudWatch gets: one block for each customer, one summary record, and the metrics. Main thread only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from ses_fleet import limits
from ses_fleet.logs import METRICS_NAMESPACE, SERVICE, of_dry_runs
from ses_fleet.runs import ramp
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.text import printable

BOUNDARY = "═" * 63


def log_customer(logger: Logger, result: CustomerResult, lines: Sequence[str]) -> None:
    """Write the customer's block as one log record, or as numbered parts when it is over LOG_BLOCK_BYTES."""
    parts = list(block_parts(result.customer_code, lines))
    for number, message in enumerate(parts, start=1):
        keys: dict[str, Any] = {
            "kind": "customer",
            "customer_code": printable(result.customer_code),
            "account_id": result.account_id,
            "status": result.status,
            "error": result.error and result.error.model_dump(mode="json"),
            "api_calls": result.api_calls,
            "processing_time_seconds": result.processing_time_seconds,
        }
        if len(parts) > 1:
            keys |= {"part": number, "parts": len(parts)}
        logger.info(message, extra=keys)


def log_summary(logger: Logger, summary: Summary) -> None:
    """Write one log record with the counts and the failures, without data."""
    failures = [
        {
            "customer_code": printable(result.customer_code),
            "status": result.status,
            "category": result.error.category if result.error else None,
            "type": result.error.type if result.error else None,
        }
        for result in summary.results
        if result.status in ("failed", "not_started")
    ]
    content = summary.model_dump(mode="json", exclude={"results", "resume"})
    content["failures"] = _at_most(failures, limits.LOG_BLOCK_BYTES // 2)
    content["warnings"] = _at_most(content["warnings"], limits.LOG_BLOCK_BYTES // 4)
    logger.info(summary_line(summary), kind="summary", summary=content)


def summary_line(summary: Summary) -> str:
    """Return the run's counts in one sentence."""
    return (
        f"📊 {summary.action} {summary.run_id}: {summary.total_customers} customers, "
        f"{summary.successful_count} successful, {summary.failed_count} failed, {summary.skipped_count} skipped, "
        f"{summary.not_started_count} not started{'' if summary.ramp is None else ', ' + ramp.told(summary.ramp)}"
    )


def customer_lines(result: CustomerResult) -> tuple[str, ...]:
    """Return the lines of a customer's block: those of its worker, and one for what the worker could not say."""
    lines = list(result.logs or ())
    code = printable(result.customer_code)
    if result.status == "skipped":
        lines.append(f"⏭️  Customer {code}: Skipped: {'; '.join(result.warnings)}")
    elif result.status == "not_started":
        lines.append(f"⏸️  Customer {code}: Not started: {'; '.join(result.warnings)}")
    elif result.error is not None and not any(result.error.message in line for line in lines):
        lines.append(f"❌ Customer {code}: {result.error.message}")
    elif not lines:
        lines += _dry_run_lines(code, result)
    return tuple(printable(line, limits.MAX_LOG_LINE_CHARACTERS) for line in lines)


def block_parts(customer_code: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the block of a customer's lines, each part with its boundaries and at most LOG_BLOCK_BYTES of UTF-8."""
    head = f"{BOUNDARY}\nCustomer: {printable(customer_code)}\n{BOUNDARY}\n"
    room = limits.LOG_BLOCK_BYTES - len(head.encode()) - len(BOUNDARY.encode()) - 2
    part, size = "", 0
    for line in lines:
        needed = len(line.encode()) + 1
        if part and size + needed > room:
            yield f"{head}{part}{BOUNDARY}"
            part, size = "", 0
        part, size = f"{part}{line}\n", size + needed
    yield f"{head}{part}{BOUNDARY}"


def emit_start(run_id: str, action: str, *, dry_run: bool) -> None:
    """Count a started run, once for all its invocations; alarms on schedules ask for this metric."""
    metrics = _metrics(dry_run)
    metrics.add_dimensions(service=str(metrics.service), action=action)
    metrics.add_metric("RunsStarted", MetricUnit.Count, 1)
    metrics.add_metadata("run_id", run_id)
    metrics.flush_metrics()


def emit_run(summary: Summary) -> None:
    """Write the counts and the duration of a finished run as EMF; customers' codes are properties, not dimensions."""
    metrics = _metrics(summary.dry_run)
    metrics.add_dimensions(service=str(metrics.service), action=summary.action)
    for name, count in (
        ("CustomersSuccessful", summary.successful_count),
        ("CustomersFailed", summary.failed_count),
        ("CustomersSkipped", summary.skipped_count),
        ("CustomersNotStarted", summary.not_started_count),
    ):
        metrics.add_metric(name, MetricUnit.Count, count)
    if summary.differs is not None:
        metrics.add_metric("CustomersDiffering", MetricUnit.Count, summary.differing_count)
    metrics.add_metric("RunDuration", MetricUnit.Seconds, summary.total_duration_seconds or 0.0)
    metrics.add_metadata("run_id", summary.run_id)
    failed = [printable(result.customer_code) for result in summary.results if result.status == "failed"]
    metrics.add_metadata("failed_customers", failed[: limits.METRIC_CUSTOMERS])
    metrics.flush_metrics()


def emit_reaper(*, failed: int, lost: int) -> None:
    """Count a pass of the reaper, the runs that it could not look after, and those that it closed."""
    metrics = _metrics(dry_run=False)
    metrics.add_dimensions(service=str(metrics.service))
    metrics.add_metric("ReaperPasses", MetricUnit.Count, 1)
    metrics.add_metric("ReaperFailures", MetricUnit.Count, failed)
    metrics.add_metric("RunsLost", MetricUnit.Count, lost)
    metrics.flush_metrics()


def emit_refusal(action: str | None, *, dry_run: bool) -> None:
    """Count a refused run; `action` is None when the payload names no action that exists."""
    metrics = _metrics(dry_run)
    if action is not None:
        metrics.add_dimensions(service=str(metrics.service), action=action)
    metrics.add_metric("RunRefused", MetricUnit.Count, 1)
    metrics.flush_metrics()


def _metrics(dry_run: bool) -> AmazonCloudWatchEMFProvider:
    # A provider with sets of its own: the Metrics class shares its state between all instances of a process.
    return AmazonCloudWatchEMFProvider(
        namespace=METRICS_NAMESPACE,
        service=of_dry_runs(SERVICE) if dry_run else SERVICE,
        metric_set={},
        dimension_set={},
        metadata_set={},
    )


def _dry_run_lines(code: str, result: CustomerResult) -> list[str]:
    use = (result.data or {}).get("would_use")
    if not use:
        return []
    return [f"🔍 Customer {code}: Would use {use['ses_role_arn']} in {use['region']}"]


def _at_most(entries: list[Any], size: int) -> list[Any]:
    kept: list[Any] = []
    for entry in entries:
        size -= len(json.dumps(entry, ensure_ascii=False).encode()) + 2
        if size < 0:
            return [*kept, f"… {len(entries) - len(kept)} more"]
        kept.append(entry)
    return kept
