"""What CloudWatch gets: a block for each customer, one summary, valid EMF."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.logs import SERVICE, make_logger
from ses_fleet.orchestrator import report
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.work import ErrorInfo

BOUNDARY = "═" * 63


class Log:
    """A logger, and the records it wrote."""

    def __init__(self) -> None:
        self.logger = make_logger(run_id="r1")
        self._written = io.StringIO()
        for handler in logging.getLogger(SERVICE).handlers:
            assert isinstance(handler, logging.StreamHandler)
            handler.stream = self._written  # Powertools keeps the first stdout it saw

    def text(self) -> str:
        """Everything, as written."""
        return self._written.getvalue()

    def records(self) -> list[dict[str, Any]]:
        """One a line."""
        return [json.loads(line) for line in self.text().splitlines()]


def result(**fields: Any) -> CustomerResult:
    """One customer's result."""
    known: dict[str, Any] = {
        "customer_code": "acme",
        "customer_name": "Acme",
        "account_id": None,
        "region": None,
        "status": "successful",
    }
    return CustomerResult(**{**known, **fields})


def write(log: Log, one: CustomerResult) -> None:
    """The block of a result, as it is logged."""
    report.log_customer(log.logger, one, report.customer_lines(one))


def summary(**fields: Any) -> Summary:
    """A Summary."""
    known: dict[str, Any] = {
        "run_id": "r1",
        "action": "describe-list-all",
        "dry_run": False,
        "started_at": "2026-03-01T06:00:00Z",
        "total_duration_seconds": 2.5,
        "total_customers": 1,
        "successful_count": 1,
        "failed_count": 0,
        "skipped_count": 0,
        "not_started_count": 0,
        "results": (result(data={"secret": "data"}),),
        "exit_code": 0,
    }
    return Summary(**{**known, **fields})


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Every line that was logged."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_block_is_the_seeds() -> None:
    """Boundary, customer, lines in order, boundary: one record with searchable keys."""
    log = Log()
    write(log, result(logs=("one", "two"), api_calls=3))
    (record,) = log.records()
    assert record["message"] == f"{BOUNDARY}\nCustomer: acme\n{BOUNDARY}\none\ntwo\n{BOUNDARY}"
    assert (record["kind"], record["customer_code"], record["status"], record["run_id"]) == (
        "customer",
        "acme",
        "successful",
        "r1",
    )


def test_a_large_block_becomes_numbered_parts() -> None:
    """Each below the limit, each with its boundaries, nothing lost."""
    log = Log()
    lines = tuple(f"{number:04d} " + "ü" * 500 for number in range(400))
    write(log, result(logs=lines))
    records = log.records()
    assert [(r["part"], r["parts"]) for r in records] == [(n + 1, len(records)) for n in range(len(records))]
    assert len(records) > 1
    assert all(len(r["message"].encode()) <= limits.LOG_BLOCK_BYTES for r in records)
    inner = [line for r in records for line in r["message"].split("\n")[3:-1]]
    assert inner == list(lines)


def test_a_line_forges_nothing() -> None:
    """Line breaks and escapes of a foreign line do not reach the log."""
    log = Log()
    write(log, result(logs=(f"x\n{BOUNDARY}\nCustomer: other\x1b[2J",)))
    (record,) = log.records()
    assert record["message"].split("\n")[3] == f"x\\u000a{BOUNDARY}\\u000aCustomer: other\\u001b[2J"


def test_an_error_that_no_line_tells_is_told() -> None:
    """A killed worker said nothing of its end."""
    error = ErrorInfo(category="internal", type="X", message="the worker failed (X)")
    assert report.customer_lines(result(status="failed", error=error, logs=("START",))) == (
        "START",
        "❌ Customer acme: the worker failed (X)",
    )
    told = ("❌ Customer acme: the worker failed (X)",)
    assert report.customer_lines(result(status="failed", error=error, logs=told)) == told


def test_the_summary_record_has_counts_and_failures_and_no_data() -> None:
    """Data stays in the response and in S3."""
    log = Log()
    error = ErrorInfo(category="operation", type="X", message="m")
    results = (result(data={"secret": "data"}), result(customer_code="globex", status="failed", error=error))
    report.log_summary(log.logger, summary(results=results, failed_count=1))
    (record,) = log.records()
    assert record["kind"] == "summary"
    assert record["summary"]["failed_count"] == 1
    assert record["summary"]["failures"] == [
        {"customer_code": "globex", "status": "failed", "category": "operation", "type": "X"}
    ]
    assert "secret" not in json.dumps(record)


def test_a_summary_of_five_thousand_failures_fits_a_log_event() -> None:
    """CloudWatch takes 256 KiB; the list of failures is cut and says so."""
    log = Log()
    failed = tuple(result(customer_code="c" * 50, status="not_started") for _ in range(5000))
    report.log_summary(log.logger, summary(results=failed, warnings=("w" * 500,) * 1000))
    line = log.text()
    assert len(line.encode()) < limits.LOG_BLOCK_BYTES
    assert json.loads(line)["summary"]["failures"][-1].endswith(" more")


@pytest.mark.parametrize(("dry_run", "service"), [(False, "ses-fleet"), (True, "ses-fleet-dry-run")])
def test_the_metrics_are_valid_emf(dry_run: bool, service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two dimension sets, no customer among them; dry runs under a name of their own."""
    report.emit_run(summary(dry_run=dry_run, failed_count=2, results=(result(status="failed"),)))
    (record,) = printed(capsys)
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "SesFleet"
    assert directive["Dimensions"] == [["service"], ["service", "action"]]
    assert (record["service"], record["action"]) == (service, "describe-list-all")
    assert {metric["Name"] for metric in directive["Metrics"]} == {
        "CustomersSuccessful",
        "CustomersFailed",
        "CustomersSkipped",
        "CustomersNotStarted",
        "RunDuration",
    }
    assert record["CustomersFailed"] == [2.0]
    assert record["RunDuration"] == [2.5]
    assert record["failed_customers"] == ["acme"]


@pytest.mark.parametrize(("differs", "counted"), [(True, [3.0]), (False, [0.0]), (None, None)])
def test_who_differs_is_counted_where_it_is_known(
    differs: bool | None, counted: list[float] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """An alarm is over when a run says that nobody differs; a run that does not know says nothing."""
    count = 3 if differs else 0
    report.emit_run(summary(differs=differs, differing_count=count))
    (record,) = printed(capsys)
    assert record.get("CustomersDiffering") == counted


def test_a_start_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """By action: the alarms of schedules ask for it; dry runs under a name of their own."""
    report.emit_start("run-1", "describe-list-all", dry_run=True)
    (record,) = printed(capsys)
    assert record["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"], ["service", "action"]]
    assert (record["service"], record["action"]) == ("ses-fleet-dry-run", "describe-list-all")
    assert (record["RunsStarted"], record["run_id"]) == ([1.0], "run-1")


@pytest.mark.parametrize(
    ("action", "dimensions"), [(None, [["service"]]), ("describe-list-all", [["service"], ["service", "action"]])]
)
def test_a_refusal_is_counted(action: str | None, dimensions: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown action is no dimension: anybody could make metrics of it."""
    report.emit_refusal(action, dry_run=False)
    (record,) = printed(capsys)
    assert record["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == dimensions
    assert record["RunRefused"] == [1.0]


def test_runs_of_one_environment_share_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    """The next run's record holds nothing of the one before."""
    report.emit_run(summary(failed_count=5))
    report.emit_run(summary(failed_count=1))
    assert [record["CustomersFailed"] for record in printed(capsys)] == [[5.0], [1.0]]
