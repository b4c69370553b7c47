"""Leases with real processes: one run at a time writes to a list, and a killed worker's lease is over by itself."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local_cloud import people
from tests.local_cloud.conftest import (
    CONFIG_BUCKET,
    FREE_LEASE,
    ORCHESTRATOR,
    RESULTS_BUCKET,
    WORKER,
    Cloud,
    fleet,
    running,
)

ACCOUNT, OTHER = "300000000001", "300000000002"
EAST, WEST = "us-east-1", "eu-west-1"
KEY = f"leases/{ACCOUNT}-{EAST}.json"
CONFIG = fleet(2)
CONFIG["customer_mappings"]["west"] = {
    **CONFIG["customer_mappings"]["f01"],
    "customer_code": "west",
    "customer_name": "West",
    "region": WEST,
}
SES_CONFIG = {
    "topics": [
        {"TopicName": name, "DisplayName": name, "Description": "", "DefaultSubscriptionStatus": "OPT_OUT"}
        for name in ("news", "offers")
    ]
}
MANAGE = {"action": "manage-topic", "customer_code": "f01"}


@pytest.fixture(scope="module")
def leased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Two accounts with a list each, the first one in two Regions."""
    path = tmp_path_factory.mktemp("leases") / "config.json"
    path.write_text(json.dumps(CONFIG))
    with running("--port", "0", "--config", str(path), "--ses-rate", "0") as (_, cloud):
        cloud.s3.put_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=json.dumps(SES_CONFIG).encode())
        yield cloud


@pytest.fixture
def lists(leased: Cloud) -> Cloud:
    """Fresh lists, and nobody's lease."""
    for account, region in ((ACCOUNT, EAST), (ACCOUNT, WEST), (OTHER, EAST)):
        leased.without_list(account, region)
        people.put(leased, account, people.make(6, 1), region)
        leased.s3.delete_object(Bucket=RESULTS_BUCKET, Key=f"leases/{account}-{region}.json")
    leased.caught_up()
    return leased


def hold(cloud: Cloud, seconds: float) -> None:
    """Some run's worker has the lease of the first account's list, and is not heard of any more."""
    known = {"run_id": "holder-1", "customer_code": "f01", "number": 1, "owner": "x", "taken_at": ""}
    put_lease(cloud, {**known, "seconds": seconds})


def put_lease(cloud: Cloud, document: dict[str, Any]) -> None:
    """As a worker would write it."""
    cloud.s3.put_object(Bucket=RESULTS_BUCKET, Key=KEY, Body=json.dumps(document).encode())


def item(**changes: Any) -> dict[str, Any]:
    """What the orchestrator sends for a slice of the first customer's topics."""
    customer = {**CONFIG["customer_mappings"]["f01"], "account_id": ACCOUNT}
    del customer["environment"]
    topics = [
        {"name": name, "display_name": name, "description": "", "default_status": "OPT_OUT"}
        for name in ("news", "offers")
    ]
    known = {"run_id": "item-1", "action": "manage-topic", "customer": customer, "params": {}, "topics": topics}
    return {**known, "slice_budget_seconds": 60.0, **changes}


def ses_calls(cloud: Cloud, mark: Any, account: str = ACCOUNT) -> list[dict[str, Any]]:
    """The calls of SES in an account, in the order in which they began."""
    found = [one for one in cloud.journal(mark) if one["service"] == "sesv2" and one["account"] == account]
    return sorted(found, key=lambda one: str(one["started_at"]))


def s3_calls(cloud: Cloud, mark: Any) -> list[str]:
    """The worker's calls of S3."""
    entries = cloud.journal(mark)
    return [one["operation"] for one in entries if one["service"] == "s3" and WORKER in (one["principal"] or "")]


def test_two_runs_write_to_one_list_one_after_the_other(lists: Cloud) -> None:
    """The second one waits for the first one's lease, and asks SES for nothing before it has it."""
    saved = lists.run(action="backup-list", customer_code="f01")["run_id"]
    ses = lists.client("sesv2", account=ACCOUNT)
    for person in people.make(6, 1)[:4]:
        ses.delete_contact(ContactListName="main", EmailAddress=person.email)
    lists.caught_up()
    restoring = {"action": "restore-list", "customer_code": "f01", "params": {"backup": saved}}
    mark = lists.mark()
    slow = {"operation": "CreateContact", "fault": "delay", "seconds": 0.4, "times": None}
    with lists.faults(slow), ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: lists.run(**restoring), range(2)))
    assert [run["exit_code"] for run in runs] == [0, 0], runs
    assert sorted(run["results"][0]["data"]["contacts"]["created"] for run in runs) == [0, 4]
    calls = ses_calls(lists, mark)
    sessions = [key for key, _ in itertools.groupby(one["access_key_id"] for one in calls)]
    assert len(sessions) == 2, "neither run's calls are among the other's"
    assert lists.stored(KEY) == FREE_LEASE


def test_a_run_beside_another_one_is_not_started_and_says_who_has_the_list(lists: Cloud) -> None:
    """Its resume runs that customer; the others are none of the holder's business."""
    hold(lists, 300)
    mark = lists.mark()
    with lists.variables(ORCHESTRATOR, SLICE_BUDGET_SECONDS="1"):
        summary = lists.run(action="manage-topic-all", include=["f01", "f02"])
    first, second = summary["results"]
    assert (first["status"], first["error"], second["status"]) == ("not_started", None, "successful")
    assert "is held by run holder-1 (customer f01), for at most" in first["warnings"][-1]
    assert ses_calls(lists, mark) == []
    assert summary["resume"]["include"] == ["f01"]
    assert json.loads(lists.stored(KEY))["run_id"] == "holder-1"


def test_a_killed_workers_lease_is_waited_for_until_it_is_over(lists: Cloud) -> None:
    """By S3's clock; who does not wait is not started before, and the list is free afterwards."""
    with lists.faults({"operation": "UpdateContactList", "account": ACCOUNT, "fault": "kill_after", "times": 1}):
        broken = lists.run(**MANAGE)["results"][0]
    assert (broken["status"], broken["error"]["outcome_unknown"]) == ("failed", True)
    held = json.loads(lists.stored(KEY))
    assert (held["customer_code"], 340 < held["seconds"] <= 350) == ("f01", True)
    assert held["run_id"] in lists.invoke(item(slice_budget_seconds=0.5), WORKER).body["not_started"]
    waiting = lists.invoke(item(slice_budget_seconds=0.5, wait_for_lease=True), WORKER).body
    assert (waiting["error"], waiting["not_started"], waiting["continuation"]["ran"]) == (None, None, False)
    put_lease(lists, {**held, "seconds": 2.0})  # 350 s are too long for a test
    answer, end = waiting, time.monotonic() + 60
    while answer["continuation"] is not None:
        assert time.monotonic() < end
        continued = {"wait_for_lease": True, "continuation": answer["continuation"]}
        answer = lists.invoke(item(slice_budget_seconds=1.0, **continued), WORKER).body
    assert (answer["error"], answer["not_started"]) == (None, None)
    assert lists.stored(KEY) == FREE_LEASE


@pytest.mark.matrix
def test_another_region_and_reading_are_not_stopped(lists: Cloud) -> None:
    """One account's lists are apart, and who writes nothing needs no lease."""
    hold(lists, 300)
    west = lists.run(action="manage-topic", customer_code="west")
    assert west["results"][0]["status"] == "successful"
    assert lists.run(action="describe-list-all")["successful_count"] == 3
    assert lists.run(**MANAGE, dry_run=True)["results"][0]["status"] == "successful"
    assert json.loads(lists.stored(KEY))["run_id"] == "holder-1"


@pytest.mark.kind_only("reads that lag take more slices of different lengths")
def test_a_slice_asks_s3_twice_for_its_lease(lists: Cloud) -> None:
    """In the usual case, where the list was worked on before; and not at all for reading."""
    lists.run(**MANAGE)
    mark = lists.mark()
    assert lists.run(**MANAGE)["exit_code"] == 0
    assert s3_calls(lists, mark) == ["PutObject", "PutObject"]
    mark = lists.mark()
    lists.run(action="describe-list", customer_code="f01")
    assert s3_calls(lists, mark) == []


@pytest.mark.matrix
def test_s3_that_fails_lets_nobody_write(lists: Cloud) -> None:
    """What cannot be leased is not started; the same customer runs when S3 answers again."""
    lists.run(**MANAGE)
    mark = lists.mark()
    for fault in ("error_500", "deny"):
        rule = {"service": "s3", "operation": "PutObject", "fault": fault, "times": None}
        with lists.faults(rule):
            answer = lists.invoke(item(), WORKER).body
        assert "could not be read or taken" in answer["not_started"]
    assert [one["operation"] for one in ses_calls(lists, mark)] == []
    assert lists.invoke(item(), WORKER).body["error"] is None
