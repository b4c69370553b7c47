"""Whatever a worker does, its customer gets one honest result and the log stays whole.

The functions have no switch for tests: the worker is given other code, another timeout, or no concurrency.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloud.conftest import ORCHESTRATOR, RESULTS_BUCKET, WORKER, Cloud, fleet

GOOD = """
def good(event):
    return {"run_id": event["run_id"], "customer_code": event["customer"]["customer_code"],
            "account_id": event["customer"]["account_id"], "data": {"fine": True}, "logs": ["fine"]}
def handler(event, context):
    code = event["customer"]["customer_code"]
    if code == "f01":
        %s
    return good(event)
"""

BROKEN: dict[str, tuple[str, str, str]] = {
    "raises": ("raise ValueError('boom for ada@acme.example')", "internal", "ValueError"),
    "exits": ("import os; print('last words', flush=True); os._exit(7)", "internal", "Runtime.ExitError"),
    "ends itself": ("import sys; sys.exit(0)", "internal", "Runtime.ExitError"),
    "is killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "internal", "Runtime.ExitError"),
    "sleeps past its timeout": ("import time; time.sleep(60)", "timeout", "Sandbox.Timedout"),
    "answers garbage": ("return 'garbage'", "internal", "MalformedAnswer"),
    "answers nothing": ("return None", "internal", "MalformedAnswer"),
    "answers for another": ("event['customer']['customer_code'] = 'f02'", "internal", "WrongCustomer"),
    "answers too much": ("return 'x' * 7_000_000", "internal", "Function.ResponseSizeTooLarge"),
    "answers no JSON": ("return object()", "internal", "Runtime.MarshalError"),
    "uses too much memory": (
        "x = bytearray(700 * 2**20); import time; time.sleep(20)",
        "internal",
        "Runtime.OutOfMemory",
    ),
}


@pytest.mark.parametrize("behaviour", BROKEN)
def test_a_broken_worker_fails_only_its_customer(behaviour: str, cloud: Cloud) -> None:
    """Category by the table, the others successful, one block each, one summary, valid EMF."""
    line, category, kind = BROKEN[behaviour]
    cloud.put_config(fleet(3))
    # Each but the one that is about it has time enough on a busy machine: filling memory may take seconds.
    with cloud.function_changed(code=GOOD % line, Timeout=1 if category == "timeout" else 15):
        summary = cloud.run()
    broken, *others = summary["results"]
    assert (broken["status"], broken["error"]["category"], broken["error"]["type"]) == ("failed", category, kind)
    assert broken["error"]["outcome_unknown"] is False  # describe-list writes nothing
    assert broken["attempts"] == 1
    assert [result["status"] for result in others] == ["successful"] * 2
    assert summary["exit_code"] == 1
    records = cloud.log_records(summary["run_id"])
    blocks = {r["customer_code"]: r["message"] for r in records if r.get("kind") == "customer"}
    assert len([r for r in records if r.get("kind") == "customer"]) == len(blocks) == 3
    assert f"❌ Customer f01: {broken['error']['message']}" in blocks["f01"]
    assert "ada@acme.example" not in json.dumps(records)
    assert len([r for r in records if r.get("kind") == "summary"]) == 1
    assert [r["CustomersFailed"] for r in records if "RunDuration" in r] == [[1.0]]


def test_what_a_killed_worker_wrote_is_in_its_block(cloud: Cloud) -> None:
    """The log tail stands in for the lines that were never returned: ours by their message, others are counted."""
    ours = {"service": "ses-fleet", "message": "last words"}
    line = f"import os; print('a library speaks'); print({json.dumps(json.dumps(ours))}, flush=True); os._exit(7)"
    cloud.put_config(fleet(1))
    with cloud.function_changed(code=GOOD % line):
        summary = cloud.run()
    (block,) = [r["message"] for r in cloud.log_records(summary["run_id"]) if r.get("kind") == "customer"]
    assert "last words" in block.split("\n")
    assert "a library speaks" not in block
    assert "… 1 line that is not ses-fleet's own left out; the worker's log has all" in block.split("\n")


def test_a_worker_that_cannot_be_imported(cloud: Cloud) -> None:
    """An init error is everybody's internal failure."""
    cloud.put_config(fleet(2))
    with cloud.function_changed(code="import not_there"):
        summary = cloud.run()
    assert {result["error"]["type"] for result in summary["results"]} == {"Runtime.ImportModuleError"}


@pytest.mark.matrix
def test_a_throttled_worker_is_tried_until_it_runs(cloud: Cloud) -> None:
    """Reserved concurrency 1 with five at once: 429s are retried, everybody is served, nothing runs twice."""
    cloud.put_config(fleet(5))
    cloud.lambda_.put_function_concurrency(FunctionName=WORKER, ReservedConcurrentExecutions=1)
    mark = cloud.mark()
    try:
        summary = cloud.run(exclude=["f02"])
    finally:
        cloud.lambda_.delete_function_concurrency(FunctionName=WORKER)
    assert summary["successful_count"] == 4
    invokes = [e for e in cloud.journal(mark) if e["operation"] == "Invoke" and e["environment"]]
    refused = [e for e in invokes if e["http_status"] == 429]
    assert refused
    assert {e["error_code"] for e in refused} == {"TooManyRequestsException"}
    assert len(invokes) - len(refused) == 4
    assert sum(result["attempts"] for result in summary["results"]) == len(invokes)


@pytest.mark.matrix
def test_throttled_until_the_deadline_is_not_started(cloud: Cloud) -> None:
    """No concurrency at all: nothing ran, and the run still ends in time with a summary."""
    cloud.put_config(fleet(2))
    variables = cloud.lambda_.get_function_configuration(FunctionName=ORCHESTRATOR)["Environment"]["Variables"]
    lowered = {"Variables": {**variables, "START_MARGIN_SECONDS": "2", "RETURN_MARGIN_SECONDS": "1"}}
    cloud.lambda_.put_function_concurrency(FunctionName=WORKER, ReservedConcurrentExecutions=0)
    try:
        with cloud.function_changed(ORCHESTRATOR, Timeout=4, Environment=lowered):
            summary = cloud.run()
    finally:
        cloud.lambda_.delete_function_concurrency(FunctionName=WORKER)
    assert [result["status"] for result in summary["results"]] == ["not_started"] * 2
    assert all("throttled" in result["warnings"][0] for result in summary["results"])
    assert summary["resume"]["include"] == ["f01", "f02"]
    assert summary["exit_code"] == 1


def test_a_run_that_outlives_its_worker_returns_before_its_own_deadline(cloud: Cloud) -> None:
    """The orchestrator's time ends while a worker hangs: a Summary while the worker runs, not a timeout."""
    cloud.put_config(fleet(2))
    variables = cloud.lambda_.get_function_configuration(FunctionName=ORCHESTRATOR)["Environment"]["Variables"]
    lowered = {"Variables": {**variables, "START_MARGIN_SECONDS": "3", "RETURN_MARGIN_SECONDS": "2"}}
    with (
        cloud.function_changed(code=GOOD % "import time; time.sleep(8)"),
        cloud.function_changed(ORCHESTRATOR, Timeout=4, Environment=lowered),
    ):
        mark = cloud.mark()
        summary = cloud.run()
        ended = [entry for entry in cloud.journal(mark) if entry["operation"] == "Invoke" and entry["environment"]]
        assert len(ended) == 1  # the other one's, while the hung worker's call has not ended yet
    hung, other = summary["results"]
    assert (hung["status"], hung["error"]["category"], hung["error"]["retryable"]) == ("failed", "timeout", True)
    assert other["status"] == "successful"


def test_a_continuation_is_one_more_slice(cloud: Cloud) -> None:
    """The worker is invoked again for the same customer, with what it returned."""
    code = """
def handler(event, context):
    page = (event["continuation"] or {"page": 0})["page"] + 1
    known = {"run_id": event["run_id"], "customer_code": event["customer"]["customer_code"],
             "account_id": event["customer"]["account_id"], "logs": [f"page {page}"]}
    return {**known, "data": {"pages": page}} if page == 3 else {**known, "continuation": {"page": page}}
"""
    cloud.put_config(fleet(1))
    with cloud.function_changed(code=code):
        (result,) = cloud.run()["results"]
    assert (result["status"], result["attempts"], result["data"]) == ("successful", 3, {"pages": 3})


def test_large_data_stays_in_the_record(cloud: Cloud) -> None:
    """Inline in config order while the response is small enough; after that it says where it is."""
    code = GOOD.replace('{"fine": True}', '{"text": "x" * 1_500_000}') % "pass"
    cloud.put_config(fleet(4))
    with cloud.function_changed(code=code):
        summary = cloud.run()
    inline = [result["data"] is not None for result in summary["results"]]
    assert inline == [True, True, False, False]
    location = summary["results"][3]["data_location"]
    assert location == f"s3://{RESULTS_BUCKET}/runs/{summary['run_id']}/results/f04.json"
    stored = cloud.s3.get_object(Bucket=RESULTS_BUCKET, Key=location.split("/", 3)[3])["Body"].read()
    whole: dict[str, Any] = json.loads(stored)
    assert len(whole["data"]["text"]) == 1_500_000
