"""Who a run and its hops belong to, when the answer to the claim is lost: the SDK sends it again, and S3 says 412."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloud.conftest import HUB, RESULTS_BUCKET, Cloud, ses_fleet

LOST = {"service": "s3", "operation": "PutObject", "account": HUB, "fault": "drop_after", "times": 1}


def workers(cloud: Cloud, mark: Any) -> int:
    """How many workers were invoked."""
    return sum(entry["operation"] == "Invoke" and bool(entry["environment"]) for entry in cloud.journal(mark))


@pytest.mark.parametrize("named", [{}, {"run_id": "claim-lost"}], ids=["unnamed", "named"])
def test_a_run_whose_claims_answer_was_lost_goes_on(named: dict[str, str], cloud: Cloud) -> None:
    """Its own plan is no other run's: everybody is run, once."""
    mark = cloud.mark()
    with cloud.faults(LOST):
        summary = cloud.run(**named, include=["acme", "globex"])
    assert (summary["exit_code"], summary["successful_count"]) == (0, 2)
    assert workers(cloud, mark) == 2
    assert json.loads(cloud.stored(f"runs/{summary['run_id']}/summary.json"))["exit_code"] == 0


def test_the_command_sees_its_end(cloud: Cloud) -> None:
    """What started it follows it."""
    with cloud.faults(LOST):
        ended = ses_fleet(cloud, "invoke", "describe-list", "--customer-code", "globex", "--run-id", "claim-followed")
    assert ended.returncode == 0, ended.stderr


def test_a_hop_whose_claims_answer_was_lost_ends_the_run(cloud: Cloud) -> None:
    """And a second delivery of its event does nothing."""
    first = cloud.run(include=["acme", "globex"])
    plan = json.loads(cloud.stored(f"runs/{first['run_id']}/plan.json"))
    end = {"hop": 0, "owner": "first", "by": "orchestrator", "ended_at": "", "next": 1, "reason": "time", "peak": 1}
    for key, body in (("plan.json", {**plan, "run_id": "claim-hop"}), ("hops/0/end.json", end)):
        cloud.s3.put_object(Bucket=RESULTS_BUCKET, Key=f"runs/claim-hop/{key}", Body=json.dumps(body).encode())
    event = {"action": "describe-list-all", "run_id": "claim-hop", "hop": 1}
    mark = cloud.mark()
    with cloud.faults(LOST):
        summary = cloud.invoke(event).body
    assert (summary["exit_code"], summary["successful_count"]) == (0, 2)
    assert cloud.invoke(event).body["exit_code"] == 0
    assert workers(cloud, mark) == 2
