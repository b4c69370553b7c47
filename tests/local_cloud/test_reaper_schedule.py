"""The reaper's schedule of the local cloud fires, by a role that is good for nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ses_fleet.runs.events import is_reap
from tests.local_cloud.conftest import HUB, ORCHESTRATOR, WORKER, Cloud, running

ROLE = f"arn:aws:iam::{HUB}:role/ses-fleet-reaper"
OFF = {"Mode": "OFF"}
_PRINTING = "def handler(event, context):\n    import json\n    print('got ' + json.dumps(event))\n"


@pytest.fixture(scope="module")
def own_cloud() -> Iterator[Cloud]:
    """A local cloud whose clock these tests may move."""
    with running("--port", "0", reaper=True) as (_, cloud), cloud.conditions(schedules_twice_share=0):
        yield cloud


def advance(cloud: Cloud, seconds: int) -> int:
    """Move the clock on; how many firings there were."""
    body = json.dumps({"advance_seconds": seconds}).encode()
    return int(json.loads(cloud.control("PUT", "scheduler-clock", body))["fired"])


def fired(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    """The journal's firings of a schedule of our group."""
    return [one for one in cloud.journal() if one["operation"] == "Fire" and f"/ses-fleet/{name} " in one["reason"]]


def test_the_event_arrives_every_five_minutes(own_cloud: Cloud) -> None:
    """With the clock moved on by an hour, twelve times; nothing before the first five minutes have passed.

    It is the one that the orchestrator takes for the reaper's.
    """
    events: list[str] = []
    with own_cloud.function_changed(ORCHESTRATOR, code=_PRINTING):
        advance(own_cloud, 0)
        before = fired(own_cloud, "ses-fleet-reaper")
        assert advance(own_cloud, 3600) == 12
        end = time.monotonic() + 60
        while len(events) < 12 and time.monotonic() < end:
            events = [line.strip() for line in own_cloud.log_messages() if line.startswith("got ")]
            time.sleep(0.1)
    assert before == []
    assert [is_reap(json.loads(event.removeprefix("got "))) for event in events] == [True] * 12
    assert {one["http_status"] for one in fired(own_cloud, "ses-fleet-reaper")} == {202}


def test_its_role_invokes_nothing_but_the_orchestrator(own_cloud: Cloud) -> None:
    """A schedule of its group that is to invoke the worker is denied at its firing."""
    worker = f"arn:aws:lambda:us-east-1:{HUB}:function:{WORKER}"
    target = {"Arn": worker, "RoleArn": ROLE, "Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 0}}
    given: dict[str, Any] = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "Target": target}
    own_cloud.client("scheduler").create_schedule(Name="other", GroupName="ses-fleet", **given)
    advance(own_cloud, 0)
    (entry,) = fired(own_cloud, "other")
    assert (entry["http_status"], entry["error_code"]) == (403, "AccessDeniedException")
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {worker}" in entry["reason"]


def test_its_role_is_of_no_use_to_other_groups(own_cloud: Cloud) -> None:
    """Scheduler refuses to make a schedule with it."""
    target = {"Arn": f"arn:aws:lambda:us-east-1:{HUB}:function:{ORCHESTRATOR}", "RoleArn": ROLE}
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        own_cloud.client("scheduler").create_schedule(
            Name="foreign", ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target=target
        )
