"""on_deadline continue: a run that outlives its orchestrator goes on in another invocation, as one run."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local_cloud import people
from tests.local_cloud.conftest import ORCHESTRATOR, WORKER, Cloud, fleet, running, ses_fleet

LISTED = "300000000013"  # f13's account
PEOPLE = people.make(8_000, 13)


@pytest.fixture(scope="module")
def hopping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Thirteen customers, the last with a list, and an orchestrator that has about a second and a half."""
    path = tmp_path_factory.mktemp("hops") / "config.json"
    path.write_text(json.dumps(fleet(13)))
    with running("--port", "0", "--config", str(path), "--ses-rate", "0") as (_, cloud):
        people.put(cloud, LISTED, PEOPLE)
        cloud.run(action="describe-list-all", max_customer_concurrency=4)  # environments and models are warm
        margins = {"START_MARGIN_SECONDS": "1.5", "RETURN_MARGIN_SECONDS": "0.7", "SLICE_BUDGET_SECONDS": "0.8"}
        with cloud.variables(ORCHESTRATOR, timeout=3, **margins):
            yield cloud


def slow(operation: str, seconds: float, **more: Any) -> dict[str, Any]:
    """A fault that makes every such call take so long."""
    return {"operation": operation, "fault": "delay", "seconds": seconds, "times": None, **more}


def summary_of(cloud: Cloud, run_id: str) -> dict[str, Any]:
    """The run's summary, once it is there."""
    wait_for(lambda: f"runs/{run_id}/summary.json" in cloud.keys(f"runs/{run_id}/"))
    return dict(json.loads(cloud.stored(f"runs/{run_id}/summary.json")))


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def worker_calls(cloud: Cloud, mark: Any) -> int:
    """How often a worker was invoked: by an environment, and answered at once with 200."""
    entries = [entry for entry in cloud.journal(mark) if entry["operation"] == "Invoke" and entry["environment"]]
    return sum(entry["http_status"] == 200 for entry in entries)


def test_the_summary_covers_all_parts(hopping: Cloud) -> None:
    """Nobody is lost or run twice; one summary, one record in the log, one set of metrics."""
    mark = hopping.mark()
    with hopping.faults(slow("ListContactLists", 0.5)):
        answer = hopping.run(max_customer_concurrency=2, run_id="hops-1", on_deadline="continue", exclude=["f13"])
        assert answer["exit_code"] is None
        assert "goes on in another invocation (hop 1)" in answer["warnings"][0]
        assert answer["not_started_count"] > 0
        summary = summary_of(hopping, "hops-1")
    assert (summary["exit_code"], summary["successful_count"], summary["total_customers"]) == (0, 12, 12)
    assert [result["customer_code"] for result in summary["results"]] == [f"f{n:02d}" for n in range(1, 13)]
    assert worker_calls(hopping, mark) == 12
    assert summary["total_duration_seconds"] > 2
    assert summary["started_at"] == answer["started_at"]
    first = json.loads(hopping.stored("runs/hops-1/hops/0/end.json"))
    assert (first["next"], first["by"]) == (1, "orchestrator")
    ends = [json.loads(hopping.stored(key)) for key in hopping.keys("runs/hops-1/hops/") if key.endswith("/end.json")]
    assert [end["next"] for end in ends].count(None) == 1
    wait_for(lambda: not hopping.keys("open/hops-1/"))
    lines = gzip.decompress(hopping.stored("runs/hops-1/results.jsonl.gz")).decode().splitlines()
    assert sorted(json.loads(line)["customer_code"] for line in lines) == [f"f{n:02d}" for n in range(1, 13)]
    records = hopping.log_records("hops-1")
    assert len([record for record in records if record.get("kind") == "summary"]) == 1
    assert len([record for record in records if record.get("kind") == "customer"]) == 12
    for metric in ("RunsStarted", "RunDuration"):
        assert sum(f'"{metric}"' in line and "hops-1" in line for line in hopping.log_messages()) == 1, metric


def test_customers_between_slices_go_on_where_they_were(hopping: Cloud) -> None:
    """Eight pages over slices and hops: every contact once."""
    # A token that is good for one session only would end a walk over more than two slices.
    with hopping.conditions(tokens_of_session=False), hopping.faults(slow("ListContacts", 0.4)):
        hopping.run(action="list-contacts-all", run_id="hops-2", on_deadline="continue", include=["f13", "f01"])
        summary = summary_of(hopping, "hops-2")
    listed = {result["customer_code"]: result for result in summary["results"]}["f13"]
    assert listed["status"] == "successful", listed["error"]
    assert listed["api_calls"] == 2 + 8 + 1  # the last one looks whether it is the same list still
    assert listed["data"]["total"] == 8_000
    assert "runs/hops-2/hops/0/end.json" in hopping.keys("runs/hops-2/hops/")
    parts = [hopping.stored(key) for key in hopping.keys("data/hops-2/f13/")]
    emails = [json.loads(line)["email"] for part in parts for line in gzip.decompress(part).decode().splitlines()]
    assert emails == [person.email for person in PEOPLE]
    stored = json.loads(hopping.stored("runs/hops-2/results/f13.json"))
    assert stored["logs"][0] == "🔄 Customer f13: Starting processing"
    assert "list-contacts finished" in stored["logs"][-1]


def test_an_event_that_comes_twice_starts_one_hop(hopping: Cloud) -> None:
    """The second one finds the turn taken."""
    with hopping.faults(slow("ListContactLists", 0.5)):
        hopping.run(max_customer_concurrency=2, run_id="hops-3", on_deadline="continue", exclude=["f13"])
        wait_for(lambda: "runs/hops-3/hops/1/claim.json" in hopping.keys("runs/hops-3/hops/"))
        mark = hopping.mark()
        again = hopping.invoke({"action": "describe-list-all", "run_id": "hops-3", "hop": 1})
        assert again.function_error is None
        assert again.body["exit_code"] is None
        summary = summary_of(hopping, "hops-3")
    assert summary["successful_count"] == 12
    assert worker_calls(hopping, mark) < 12
    finished = hopping.invoke({"action": "describe-list-all", "run_id": "hops-3", "hop": 1})
    assert finished.body == summary


@pytest.mark.parametrize(
    "event",
    [
        {"run_id": "hops-none", "hop": 1},
        {"run_id": "hops-none", "hop": 0},
        {"run_id": "hops-none", "hop": 501},
        {"run_id": "hops-none", "hop": "1"},
        {"run_id": "../x", "hop": 1},
        {"run_id": "hops-none", "hop": 1, "include": ["f01"]},
    ],
)
def test_nobody_else_can_start_a_hop(event: dict[str, Any], hopping: Cloud) -> None:
    """Only what an earlier invocation announced."""
    mark = hopping.mark()
    refused = hopping.invoke({"action": "describe-list-all", **event})
    assert refused.body["errorType"] == "RequestError"
    assert worker_calls(hopping, mark) == 0


def test_the_command_follows_through_the_hops(hopping: Cloud) -> None:
    """It asks for continue by itself, and shows every block once."""
    with hopping.faults(slow("ListContactLists", 0.5)):
        ended = ses_fleet(
            hopping,
            "invoke",
            "describe-list-all",
            "--max-customer-concurrency",
            "2",
            "--exclude",
            "f13",
            "--run-id",
            "h4",
        )
    assert ended.returncode == 0, ended.stderr
    assert "runs/h4/hops/1/claim.json" in hopping.keys("runs/h4/hops/")
    assert [ended.stdout.count(f"Customer: f{n:02d}\n") for n in range(1, 13)] == [1] * 12
    assert "   ✅ Successful: 12" in ended.stdout


@pytest.mark.matrix
def test_max_failures_counts_over_hops(hopping: Cloud) -> None:
    """Failures of the first part stop the second from starting more."""
    refused = {"operation": "ListContactLists", "fault": "deny", "times": None}
    with hopping.faults(slow("AssumeRole", 0.5), refused):
        hopping.run(
            max_customer_concurrency=2, run_id="hops-5", on_deadline="continue", exclude=["f13"], max_failures=7
        )
        summary = summary_of(hopping, "hops-5")
    assert "runs/hops-5/hops/0/end.json" in hopping.keys("runs/hops-5/hops/")
    assert 8 <= summary["failed_count"] <= 9
    assert summary["not_started_count"] == 12 - summary["failed_count"]


def test_a_run_that_can_never_start_anybody_ends(hopping: Cloud) -> None:
    """After twelve invocations in a row that could send nobody everybody is not_started."""
    with hopping.variables(ORCHESTRATOR, START_MARGIN_SECONDS="100"):
        hopping.run(run_id="hops-6", on_deadline="continue", include=["f01", "f02"])
        summary = summary_of(hopping, "hops-6")
    assert [result["status"] for result in summary["results"]] == ["not_started"] * 2
    assert len([key for key in hopping.keys("runs/hops-6/hops/") if key.endswith("/end.json")]) == 13


def test_every_part_of_a_run_uses_the_files_that_its_first_one_read(hopping: Cloud) -> None:
    """Another role meanwhile is a warning. Who was disabled or removed before its turn is not started."""
    changed = fleet(13)
    changed["customer_mappings"]["f10"]["enabled"] = False
    del changed["customer_mappings"]["f11"]
    changed["customer_mappings"]["f12"]["ses_role_arn"] = "arn:aws:iam::300000000099:role/contact-manager"
    with hopping.faults(slow("ListContactLists", 0.5)):
        hopping.run(max_customer_concurrency=2, run_id="hops-7", on_deadline="continue", exclude=["f13"])
        hopping.put_config(changed)
        summary = summary_of(hopping, "hops-7")
    hopping.put_config(fleet(13))
    found = {result["customer_code"]: result for result in summary["results"]}
    assert [found[code]["status"] for code in ("f10", "f11")] == ["skipped", "skipped"]
    assert "was disabled in config.json" in found["f10"]["warnings"][0]
    assert {found[f"f{n:02d}"]["status"] for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)} == {"successful"}
    assert any("config.json changed while the run was under way" in warning for warning in summary["warnings"])


@pytest.mark.matrix
def test_a_config_that_breaks_meanwhile_changes_nothing(hopping: Cloud) -> None:
    """The run has all that it needs; that the file is broken is a warning."""
    with hopping.faults(slow("ListContactLists", 0.5)):
        hopping.run(max_customer_concurrency=2, run_id="hops-9", on_deadline="continue", exclude=["f13"])
        hopping.put_config(b"{ not json")
        summary = summary_of(hopping, "hops-9")
    hopping.put_config(fleet(13))
    assert (summary["exit_code"], summary["successful_count"]) == (0, 12)
    assert any("config.json cannot be used now" in warning for warning in summary["warnings"])


@pytest.mark.matrix
def test_a_run_whose_orchestrator_may_not_invoke_itself_is_ended_by_the_reaper(hopping: Cloud) -> None:
    """The reaper finds the event that nobody sent, may not send it either, and says so in the Summary."""
    iam = hopping.client("iam")
    policy = iam.get_role_policy(RoleName=ORCHESTRATOR, PolicyName="ses-fleet")["PolicyDocument"]
    only_worker = json.loads(json.dumps(policy))
    for statement in only_worker["Statement"]:
        if "lambda:InvokeFunction" in statement["Action"]:
            statement["Resource"] = f"arn:aws:lambda:us-east-1:123456789012:function:{WORKER}"
    iam.put_role_policy(RoleName=ORCHESTRATOR, PolicyName="ses-fleet", PolicyDocument=json.dumps(only_worker))
    try:
        with (
            hopping.variables(ORCHESTRATOR, timeout=3, DEAD_AFTER_SECONDS="1"),
            hopping.faults(slow("ListContactLists", 0.5)),
        ):
            answer = hopping.run(max_customer_concurrency=2, run_id="hops-8", on_deadline="continue", exclude=["f13"])
            assert answer["exit_code"] is None
            assert "may not have been sent (AccessDeniedException)" in answer["warnings"][0]
        with hopping.variables(ORCHESTRATOR, timeout=70, DEAD_AFTER_SECONDS="1"):
            time.sleep(4)
            assert hopping.invoke({"reap": True}).body["closed"] == ["hops-8"]
    finally:
        iam.put_role_policy(RoleName=ORCHESTRATOR, PolicyName="ses-fleet", PolicyDocument=json.dumps(policy))
    summary = json.loads(hopping.stored("runs/hops-8/summary.json"))
    assert (summary["exit_code"], summary["closed_by"]) == (1, "reaper")
    assert summary["not_started_count"] > 0
    assert summary["successful_count"] + summary["not_started_count"] == 12
    assert any("cannot be started (AccessDeniedException)" in warning for warning in summary["warnings"])
