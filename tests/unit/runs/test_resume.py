"""What is left of a run can be run again as its Summary says, also when the request was read back from plan.json."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.runs import request, results, summary
from ses_fleet.runs.record import comparable
from tests.unit.cli.stored import plan


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "manage-topic", "customer_code": "a", "prune": True},
        {"action": "backup-list", "customer_code": "a", "params": {"with_attributes": True}},
        {"action": "backup-list", "customer_code": "a", "on_deadline": "continue", "customer_timeout_seconds": 60},
        {"action": "describe-list-all", "max_failures": 0, "environment": "prod"},
        {"action": "backup-list-all", "max_failures": "5%", "failure_mode": "strict", "ramp": [1, "10%", "100%"]},
    ],
)
def test_a_resume_of_what_plan_json_has_is_taken(payload: dict[str, Any]) -> None:
    """A run that took several invocations, or that the reaper ended, is resumed as one that ended by itself."""
    asked = request.parse(payload, "id").request
    stored = json.loads(json.dumps(comparable(asked)))
    read = request.from_plan(stored)
    assert read == asked
    failed = [results.not_started(one, "why") for one in plan("r", codes=("a",)).customers]
    resume = summary.resume_payload("r", read, failed)
    assert resume == summary.resume_payload("r", asked, failed)
    assert request.parse(resume, "id").request.action == payload["action"]
