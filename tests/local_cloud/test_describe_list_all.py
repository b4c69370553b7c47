"""The main job on real input: real functions, real processes, over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.actions.catalogue import payload_names
from tests.local_cloud.conftest import (
    HUB,
    ORCHESTRATOR,
    RESULTS_BUCKET,
    ROOT,
    SAMPLE,
    WORKER,
    Cloud,
    fleet,
)

AWS = str(Path(sys.executable).parent / "aws")


def statuses(summary: dict[str, Any]) -> dict[str, str]:
    """Each customer's status."""
    return {result["customer_code"]: result["status"] for result in summary["results"]}


def of(summary: dict[str, Any], code: str) -> dict[str, Any]:
    """One customer's result."""
    return next(dict(result) for result in summary["results"] if result["customer_code"] == code)


def test_all_customers_of_the_example(cloud: Cloud) -> None:
    """Every outcome, in config order, each with its reason."""
    summary = cloud.run()
    assert statuses(summary) == {
        "acmenonprod": "successful",
        "acme": "successful",
        "globex": "successful",
        "hooli": "failed",
        "initech": "skipped",
        "umbrella": "failed",
    }
    assert list(statuses(summary)) == list(SAMPLE["customer_mappings"])
    assert of(summary, "hooli")["error"]["category"] == "authentication"
    assert of(summary, "umbrella")["error"]["category"] == "configuration"
    assert (summary["exit_code"], summary["failed_count"], summary["skipped_count"]) == (1, 2, 1)
    acme = of(summary, "acme")
    assert acme["data"]["contacts"] == {"total": 2500, "unsubscribed_all": 52}
    assert all(topic["opted_in"] + topic["opted_out"] == 2500 for topic in acme["data"]["topics"])
    assert (acme["api_calls"], acme["attempts"]) == (6, 1)
    globex = of(summary, "globex")["data"]
    assert [(t["name"], t["opted_in"], t["opted_out"]) for t in globex["topics"]] == [
        ("aws-calendar", 1, 2),
        ("aws-announce", 1, 2),
        ("finops-announce", 0, 3),
    ]
    assert of(summary, "acmenonprod")["data"] == {"contact_list": None, "topics": [], "contacts": None}


def test_reading_writes_nothing_but_the_record(cloud: Cloud) -> None:
    """No call in a customer's account changes anything; nothing is created."""
    mark = cloud.mark()
    cloud.run()
    writes = {(e["service"], e["operation"]) for e in cloud.journal(mark) if e["writes"] and e["account"] != HUB}
    assert writes == set()
    ours = {e["operation"] for e in cloud.journal(mark) if e["writes"]}
    assert ours == {"PutObject", "Invoke", "DeleteObject"}  # its role may delete signs of life only


def test_every_customer_is_called_in_its_own_region(cloud: Cloud) -> None:
    """That of config.json, whatever the functions' own is."""
    mark = cloud.mark()
    cloud.run(include=["acme", "globex"])
    called = {(e["account"], e["region"]) for e in cloud.journal(mark) if e["service"] == "sesv2"}
    assert called == {("444455556666", "us-east-1"), ("777788889999", "eu-west-1")}


def test_twenty_five_customers_at_concurrency_five(cloud: Cloud) -> None:
    """Never more than five invokes are open at once, and everybody has a result."""
    cloud.put_config(fleet())
    mark = cloud.mark()
    summary = cloud.run(max_customer_concurrency=5)
    assert summary["successful_count"] == 24  # f02's role asks for an ExternalId that this config has not
    assert of(summary, "f02")["error"]["category"] == "authentication"
    invokes = [e for e in cloud.journal(mark) if e["operation"] == "Invoke" and e["environment"]]
    assert len(invokes) == 25
    edges = sorted([(e["started_at"], 1) for e in invokes] + [(e["ended_at"], -1) for e in invokes])
    peak, now = 0, 0
    for _, step in edges:
        now += step
        peak = max(peak, now)
    assert peak == 5
    assert summary["concurrency"] == {"requested": 5, "effective": 5, "peak": 5, "bound_by": None}


def test_the_external_id_opens_the_role(cloud: Cloud) -> None:
    """With it the role can be assumed, with another one it cannot."""
    config = fleet(2)
    config["customer_mappings"]["f02"]["external_id"] = "secret-of-f02"
    cloud.put_config(config)
    assert cloud.run()["exit_code"] == 0
    config["customer_mappings"]["f02"]["external_id"] = "secret-of-f03"
    cloud.put_config(config)
    assert of(cloud.run(), "f02")["error"]["type"] == "AccessDenied"


def test_the_log_has_one_block_a_customer_one_summary_and_valid_emf(cloud: Cloud) -> None:
    """And every line of a worker carries its customer."""
    summary = cloud.run()
    records = cloud.log_records(summary["run_id"])
    blocks = [r for r in records if r.get("kind") == "customer"]
    assert sorted(r["customer_code"] for r in blocks) == sorted(SAMPLE["customer_mappings"])
    acme = next(r["message"] for r in blocks if r["customer_code"] == "acme").split("\n")
    assert acme[:3] == ["═" * 63, "Customer: acme", "═" * 63]
    assert acme[-1] == "═" * 63
    assert acme[3] == "🔄 Customer acme: Starting processing"
    (logged,) = [r for r in records if r.get("kind") == "summary"]
    assert logged["summary"]["failed_count"] == 2
    assert "results" not in logged["summary"]
    started, metrics = [r for r in records if "_aws" in r]
    assert started["RunsStarted"] == [1.0]
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"], ["service", "action"]]
    assert metrics["CustomersSuccessful"] == [3.0]
    worker_lines = cloud.log_records(summary["run_id"], WORKER)
    assert {r["customer_code"] for r in worker_lines} == {"acmenonprod", "acme", "globex", "hooli"}
    assert all(r["action"] == "describe-list" and r["function_request_id"] for r in worker_lines)


def test_the_run_record_holds_everything(cloud: Cloud) -> None:
    """plan.json, a result each with its lines, and the summary, which is the response."""
    summary = cloud.run()
    prefix = f"runs/{summary['run_id']}/"
    listed = cloud.s3.list_objects_v2(Bucket=RESULTS_BUCKET, Prefix=prefix)["Contents"]
    keys = {entry["Key"].removeprefix(prefix) for entry in listed}
    assert keys == {
        "plan.json",
        "hops/0/end.json",
        "summary.json",
        "results.jsonl.gz",
        *(f"results/{code}.json" for code in SAMPLE["customer_mappings"]),
    }
    assert _object(cloud, f"{prefix}summary.json") == summary
    acme = _object(cloud, f"{prefix}results/acme.json")
    assert acme["logs"][0] == "🔄 Customer acme: Starting processing"
    assert {**acme, "logs": None} == of(summary, "acme")
    assert summary["summary_location"] == f"s3://{RESULTS_BUCKET}/{prefix}summary.json"
    assert summary["config_version"]["config"]


def _object(cloud: Cloud, key: str) -> dict[str, Any]:
    return dict(json.loads(cloud.s3.get_object(Bucket=RESULTS_BUCKET, Key=key)["Body"].read()))


def test_resume_runs_exactly_what_failed(cloud: Cloud) -> None:
    """Sent as it is."""
    first = cloud.run(exclude=["initech"])
    again = cloud.invoke(first["resume"]).body
    assert statuses(again) == {"hooli": "failed", "umbrella": "failed"}


def test_what_was_not_started_is_resumed_too(cloud: Cloud) -> None:
    """max_failures stops the run at hooli; the rest is run later, before hooli can stop that run, too."""
    config = {"customer_mappings": {"hooli": SAMPLE["customer_mappings"]["hooli"], **fleet(1)["customer_mappings"]}}
    cloud.put_config(config)
    first = cloud.run(max_customer_concurrency=1, max_failures=0)
    assert statuses(first) == {"hooli": "failed", "f01": "not_started"}
    assert of(first, "f01")["error"] is None
    assert "max_failures" in of(first, "f01")["warnings"][0]
    assert first["exit_code"] == 1
    again = cloud.run(**first["resume"])
    assert statuses(again) == {"hooli": "failed", "f01": "successful"}


def test_the_same_trigger_twice_is_one_run(cloud: Cloud) -> None:
    """The second delivery gets the first one's Summary and starts nothing."""
    payload = json.loads((ROOT / "examples" / "events" / "schedule.json").read_text())
    first = cloud.invoke(payload).body
    mark = cloud.mark()
    assert cloud.invoke(payload).body == first
    assert [e for e in cloud.journal(mark) if e["operation"] == "AssumeRole"] == []
    other = cloud.invoke({**payload, "dry_run": True})
    assert other.function_error
    assert other.body["errorType"] == "RequestError"
    assert "was started with another request" in other.body["errorMessage"]


def test_a_payload_in_detail_works(cloud: Cloud) -> None:
    """As an event bus delivers it."""
    event = json.loads((ROOT / "examples" / "events" / "eventbridge.json").read_text())
    summary = cloud.invoke(event).body
    assert list(statuses(summary)) == ["acme", "globex", "hooli", "initech", "umbrella"]


def test_a_single_customer_starts_one_worker(cloud: Cloud) -> None:
    """The same Summary, with one result."""
    mark = cloud.mark()
    summary = cloud.invoke({"action": "describe-list", "customer_code": "globex"}).body
    assert statuses(summary) == {"globex": "successful"}
    assert len([e for e in cloud.journal(mark) if e["operation"] == "AssumeRole"]) == 1


def test_a_dry_run_starts_no_worker(cloud: Cloud) -> None:
    """It shows the customers and roles it would use."""
    mark = cloud.mark()
    summary = cloud.run(dry_run=True)
    assert statuses(summary)["acme"] == "successful"
    assert of(summary, "acme")["data"]["would_use"]["region"] == "us-east-1"
    assert [e["operation"] for e in cloud.journal(mark) if e["service"] in ("sts", "sesv2")] == []
    metrics = [r for r in cloud.log_records(summary["run_id"]) if "_aws" in r]
    assert [r["service"] for r in metrics] == ["ses-fleet-dry-run"] * 2, "its start and its end"


def test_help_lists_every_action(cloud: Cloud) -> None:
    """With fields, parameters, permissions, and whether it changes anything."""
    answer = cloud.invoke({"action": "help"}).body
    assert answer["exit_code"] == 0
    names = {action["name"]: action for action in answer["actions"]}
    assert set(names) == set(payload_names())
    assert "customer_code" in names["describe-list"]["fields"]
    assert "customer_code" not in names["describe-list-all"]["fields"]
    assert names["describe-list"]["mutates"] is False
    assert "count_contacts" in names["describe-list"]["params_schema"]["properties"]


@pytest.mark.parametrize("name", ["describe-list-all", "describe-list", "help"])
def test_the_documented_aws_command(name: str, cloud: Cloud, tmp_path: Path) -> None:
    """`aws lambda invoke` with the example's payload; one Invoke, the exit code in the file."""
    mark, out = cloud.mark(), tmp_path / "out.json"
    subprocess.run(
        [
            *(AWS, "lambda", "invoke", "--cli-read-timeout", "0", "--function-name", ORCHESTRATOR),
            *("--payload", f"fileb://{ROOT}/examples/events/{name}.json", str(out)),
        ],
        env={**cloud.environment(), "AWS_MAX_ATTEMPTS": "1"},
        check=True,
        capture_output=True,
    )
    assert json.loads(out.read_text())["exit_code"] == (1 if name == "describe-list-all" else 0)
    assert len([e for e in cloud.journal(mark) if e["operation"] == "Invoke" and not e["environment"]]) == 1


@pytest.mark.matrix
@pytest.mark.timeout(180)
def test_an_orchestrator_that_takes_seventy_seconds_is_invoked_once(cloud: Cloud, tmp_path: Path) -> None:
    """The command's own read timeout of 60 s would run everything again."""
    slow = "import time\ndef handler(event, context):\n    time.sleep(70)\n    return {'exit_code': 0}\n"
    mark, out = cloud.mark(), tmp_path / "out.json"
    with cloud.function_changed(ORCHESTRATOR, code=slow):
        subprocess.run(
            [
                *(AWS, "lambda", "invoke", "--cli-read-timeout", "0", "--function-name", ORCHESTRATOR),
                *("--payload", f"fileb://{ROOT}/examples/events/describe-list-all.json", str(out)),
            ],
            env={**cloud.environment(), "AWS_MAX_ATTEMPTS": "1"},
            check=True,
            capture_output=True,
        )
    assert json.loads(out.read_text()) == {"exit_code": 0}
    assert len([e for e in cloud.journal(mark) if e["operation"] == "Invoke"]) == 1
