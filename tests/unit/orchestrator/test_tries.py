"""How far apart tries are of which nothing ran, and how much of a large run the log keeps."""

from __future__ import annotations

import io
import json
import logging
import threading
from typing import Any

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.logs import SERVICE, make_logger
from ses_fleet.orchestrator import report
from ses_fleet.orchestrator.invoke import Invoker
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.work import WorkItem
from tests.unit.worker.world import make_customer


class Closed(threading.Event):
    """An end of the run that never comes; `waits` are how long it was waited for, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """At once."""
        self.waits.append(timeout)
        return False


class Throttling(AwsClient):
    """A Lambda that runs nothing."""

    def __init__(self) -> None:
        super().__init__("lambda", None)

    def call(self, operation: str, **_: Any) -> dict[str, Any]:
        """Never."""
        raise AwsCallError("lambda", operation, "throttled", "TooManyRequestsException", "no", 429)


def test_tries_of_which_nothing_ran_are_ever_further_apart() -> None:
    """Half of the longest to the longest, which doubles up to five seconds; each try is counted."""
    item = WorkItem(run_id="r", action="x", customer=make_customer(), params={}, slice_budget_seconds=1.0)
    items = iter([item] * 12)
    closed = Closed()
    answer = Invoker(Throttling(), "worker", writes=True, closed=closed).invoke(lambda: next(items, None))
    assert (answer.result, answer.error, answer.turned_away) == (None, None, 12)
    assert answer.reason == "Lambda throttled the worker"
    for wait, longest in zip(closed.waits, [0.4, 0.8, 1.6, 3.2, *[5.0] * 8], strict=True):
        assert wait is not None
        assert longest / 2 <= wait <= longest


def logged(results: list[CustomerResult], warnings: list[str]) -> dict[str, Any]:
    """The summary's record in the log."""
    written = io.StringIO()
    logger = make_logger(run_id="r1")
    for handler in logging.getLogger(SERVICE).handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.stream = written
    counts = dict.fromkeys(("successful_count", "failed_count", "skipped_count", "not_started_count"), 0)
    known: dict[str, Any] = {"run_id": "r", "action": "x-all", "dry_run": False, "started_at": "", **counts}
    report.log_summary(
        logger,
        Summary(
            **known,
            total_duration_seconds=1.0,
            total_customers=len(results),
            results=tuple(results),
            warnings=tuple(warnings),
        ),
    )
    record = json.loads(written.getvalue())["summary"]
    assert isinstance(record, dict)
    return record


def test_the_log_has_as_many_failures_and_warnings_as_fit() -> None:
    """100 KiB of failures and 50 KiB of warnings; the last entry of each says how many more there are."""
    failed = [
        CustomerResult(customer_code=f"c{n:04d}", customer_name="x", account_id=None, region=None, status="not_started")
        for n in range(3_000)
    ]
    record = logged(failed, ["w" * 1_000] * 100)
    entry = {"customer_code": "c0000", "status": "not_started", "category": None, "type": None}
    assert record["failures"][0] == entry
    fitting = 100 * 1024 // (len(json.dumps(entry)) + 2)
    assert (len(record["failures"]), record["failures"][-1]) == (fitting + 1, f"… {3_000 - fitting} more")
    fitting = 50 * 1024 // 1_004
    assert (len(record["warnings"]), record["warnings"][-1]) == (fitting + 1, f"… {100 - fitting} more")
    few = logged(failed[:3], ["w"])
    assert (len(few["failures"]), few["warnings"]) == (3, ["w"])
