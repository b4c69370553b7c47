"""What is said of a customer who was not run, how large a block may be, and how much is in a run's metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.orchestrator import report
from ses_fleet.runs.models import Summary
from ses_fleet.runs.work import ErrorInfo
from tests.unit.orchestrator.test_report import result

BLOCK_BYTES = 200 * 1024


ERROR = ErrorInfo(category="operation", type="X", message="what happened")


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"status": "skipped", "warnings": ("a", "b")}, ("⏭️  Customer acme: Skipped: a; b",)),
        ({"status": "not_started", "warnings": ("a",)}, ("⏸️  Customer acme: Not started: a",)),
        ({"status": "failed", "error": ERROR}, ("❌ Customer acme: what happened",)),
        ({"status": "failed", "error": ERROR, "logs": ("x",)}, ("x", "❌ Customer acme: what happened")),
        ({"status": "failed", "error": ERROR, "logs": ("x: what happened",)}, ("x: what happened",)),
        ({"logs": ("x",)}, ("x",)),
        ({}, ()),
        ({"data": {"would_use": None}}, ()),
        (
            {"data": {"would_use": {"ses_role_arn": "r", "region": "eu"}}},
            ("🔍 Customer acme: Would use r in eu",),
        ),
        ({"data": {"would_use": {"ses_role_arn": "r", "region": "eu"}}, "logs": ("x",)}, ("x",)),
        ({"logs": ("y" * 1_001,)}, ("y" * 999 + "…",)),
    ],
)
def test_a_customers_lines_say_what_became_of_it(fields: dict[str, Any], lines: tuple[str, ...]) -> None:
    """Each thing once: what the worker said, else what is known of it."""
    assert report.customer_lines(result(**fields)) == lines


def test_a_block_is_cut_where_it_would_be_too_large() -> None:
    """Just below 200 KiB it is one part, and one byte more makes two; a line is never cut in half."""
    (empty,) = report.block_parts("acme", [])
    room = BLOCK_BYTES - len(empty.encode()) - 2
    lines = ["x" * 999] * (room // 1_000)
    exact = [*lines, "y" * (room - 1_000 * len(lines) - 1)]
    (one,) = report.block_parts("acme", exact)
    assert len(one.encode()) == BLOCK_BYTES - 2
    first, second = report.block_parts("acme", [*exact[:-1], f"{exact[-1]}y"])
    assert len(first.encode()) < BLOCK_BYTES
    assert second.split("\n")[3:-1] == [f"{exact[-1]}y"]
    assert first.split("\n")[:3] == second.split("\n")[:3]


def test_the_metrics_name_a_hundred_customers_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    """Of those that failed, the first in config order; counts and duration are of all."""
    results = tuple(result(customer_code=f"c{n}", status="failed" if n % 2 else "skipped") for n in range(300))
    report.emit_run(
        Summary(
            run_id="r",
            action="x-all",
            dry_run=False,
            started_at="",
            total_duration_seconds=None,
            total_customers=300,
            successful_count=1,
            failed_count=150,
            skipped_count=149,
            not_started_count=2,
            results=results,
        )
    )
    (record,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert record["failed_customers"] == [f"c{n}" for n in range(1, 200, 2)]
    counts = {name: record[f"Customers{name}"] for name in ("Successful", "Failed", "Skipped", "NotStarted")}
    assert counts == {"Successful": [1.0], "Failed": [150.0], "Skipped": [149.0], "NotStarted": [2.0]}
    assert (record["RunDuration"], record["run_id"]) == ([0.0], "r")
