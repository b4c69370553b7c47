"""What the command says of a run at any moment: alive, killed, ended by the reaper, cancelled, resumed."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import HUB, ORCHESTRATOR, SES_FLEET, Cloud, fleet, running, ses_fleet

CODES = [f"f{n:02d}" for n in range(1, 7)]
# The next sign of life of an orchestrator is its last: it is killed before S3 has it.
KILL = {"service": "s3", "operation": "PutObject", "account": HUB, "fault": "kill_before", "times": 1}


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Six customers without a list, and an orchestrator that is taken for dead after three seconds."""
    path = tmp_path_factory.mktemp("mortal") / "config.json"
    path.write_text(json.dumps(fleet(6)))
    with (
        running("--port", "0", "--config", str(path), "--ses-rate", "0") as (_, cloud),
        cloud.variables(ORCHESTRATOR, DEAD_AFTER_SECONDS="3"),
    ):
        cloud.run(action="describe-list-all")  # environments and models are warm
        yield cloud


def slow(seconds: float) -> dict[str, Any]:
    """Every worker takes so long."""
    return {"operation": "ListContactLists", "fault": "delay", "seconds": seconds, "times": None}


def start(cloud: Cloud, **payload: Any) -> None:
    """Start a run as an event, and return when somebody is under way in it."""
    body = json.dumps({"max_customer_concurrency": 2, **payload}).encode()
    cloud.lambda_.invoke(FunctionName=ORCHESTRATOR, InvocationType="Event", Payload=body)
    wait_for(lambda: any(key.startswith(f"runs/{payload['run_id']}/plan") for key in cloud.keys("runs/")))
    wait_for(lambda: shown(cloud, payload["run_id"])["under_way_count"] > 0)


def shown(cloud: Cloud, run_id: str) -> dict[str, Any]:
    """What `runs show` says to programs."""
    ended = ses_fleet(cloud, "runs", "show", run_id, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def listed(cloud: Cloud, run_id: str) -> str:
    """The run's state in `runs list`."""
    ended = ses_fleet(cloud, "runs", "list", "--output", "json")
    assert ended.returncode == 0, ended.stderr
    return next(str(one["state"]) for one in json.loads(ended.stdout) if one["run_id"] == run_id)


def reap(cloud: Cloud, run_id: str, until: str) -> None:
    """Let the reaper look until this object of the run is there."""

    def has_come() -> bool:
        assert cloud.invoke({"reap": True}).function_error is None
        return f"runs/{run_id}/{until}" in cloud.keys(f"runs/{run_id}/")

    wait_for(has_come)


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)


def touched(cloud: Cloud, mark: Any, operation: str) -> set[str]:
    """The customers in whose accounts a worker did this."""
    entries = [entry for entry in cloud.journal(mark) if entry["operation"] == operation]
    return {f"f{int(entry['account']) - 300000000000:02d}" for entry in entries}


@pytest.mark.matrix
def test_a_killed_run_is_silent_then_lost_then_resumed(mortal: Cloud) -> None:
    """Nothing is said that is not so: not who was never sent, not that it is lost before the reaper ended it."""
    mark = mortal.mark()
    with mortal.faults(slow(10)):
        start(mortal, action="manage-topic-all", run_id="killed")
        alive = shown(mortal, "killed")
        mortal.control("PUT", "faults", json.dumps([slow(10), KILL]).encode())
        wait_for(lambda: shown(mortal, "killed")["state"] == "no sign of life")
        silent = ses_fleet(mortal, "runs", "show", "killed")
        early = ses_fleet(mortal, "runs", "resume", "killed", "--yes")
        state = listed(mortal, "killed")
    assert (alive["state"], alive["exit_code"], alive["resume"]) == ("under way", None, None)
    assert "has given no sign of life for" in silent.stdout
    assert "🔄 Under way or about to start: " in silent.stdout
    assert "runs resume" not in silent.stdout
    assert state.startswith("no sign of life for ")
    assert (early.returncode, early.stdout) == (2, "")
    assert "has no end yet" in early.stderr

    reap(mortal, "killed", "summary.json")
    lost = shown(mortal, "killed")
    assert (lost["state"], lost["closed_by"], lost["total_customers"]) == ("lost", "reaper", 6)
    assert listed(mortal, "killed") == "lost"
    statuses = {one["customer_code"]: one["status"] for one in lost["results"]}
    assert list(statuses) == CODES
    assert set(statuses.values()) == {"failed", "not_started"}
    sent = touched(mortal, mark, "ListContactLists")
    assert sent <= {code for code, status in statuses.items() if status == "failed"}
    assert all(one["error"]["outcome_unknown"] for one in lost["results"] if one["status"] == "failed")
    assert "ses-fleet runs resume killed" in ses_fleet(mortal, "runs", "show", "killed").stdout

    wait_for(lambda: touched(mortal, mark, "CreateContactList") >= sent)  # the workers of before are done
    unasked = ses_fleet(mortal, "runs", "resume", "killed")
    assert unasked.returncode == 2
    assert "needs --yes" in unasked.stderr
    resumed = ses_fleet(mortal, "runs", "resume", "killed", "--yes", "--run-id", "resumed")
    assert resumed.returncode == 0, resumed.stderr
    assert "   ✅ Successful: 6" in resumed.stdout
    nothing = ses_fleet(mortal, "runs", "resume", "resumed", "--yes")
    assert nothing.returncode == 0
    assert "nothing of run resumed is left to run" in nothing.stderr


@pytest.mark.matrix
def test_a_run_that_dies_is_followed_to_its_end(mortal: Cloud) -> None:
    """The command says once that there is no sign of life, and goes on when another invocation does."""
    command = ["invoke", "describe-list-all", "--run-id", "followed", "--max-customer-concurrency", "2"]
    with mortal.faults(slow(4)):
        process = subprocess.Popen(
            [SES_FLEET, *command],
            env=mortal.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: "runs/followed/plan.json" in mortal.keys("runs/followed/"))
        mortal.control("PUT", "faults", json.dumps([slow(4), KILL]).encode())
        assert process.stderr is not None
        said = process.stderr.readline()
        reap(mortal, "followed", "hops/0/end.json")
        printed, more = process.communicate(timeout=120)
    assert "followed: the run has given no sign of life for" in said
    assert "no sign of life" not in more
    assert "Traceback" not in more
    summary = json.loads(mortal.stored("runs/followed/summary.json"))
    assert process.returncode == summary["exit_code"] == 1  # nobody knows what became of those with a worker
    assert summary["closed_by"] == "orchestrator"
    assert summary["successful_count"] + summary["failed_count"] == 6
    assert [printed.count(f"Customer: {code}\n") for code in CODES] == [1] * 6


@pytest.mark.matrix
def test_a_refusal_of_before_is_not_the_answer(mortal: Cloud) -> None:
    """The same id, started again with a payload that is right, runs; nobody who looks is told that it was refused."""
    command = ("invoke", "describe-list-all", "--run-id", "nightly")
    refused = ses_fleet(mortal, *command, "--include", "nosuch")
    assert refused.returncode == 2
    assert (shown(mortal, "nightly")["state"], listed(mortal, "nightly")) == ("refused", "refused")
    with mortal.faults(slow(3)):
        process = subprocess.Popen([SES_FLEET, *command], env=mortal.environment(), stdout=subprocess.PIPE, text=True)
        wait_for(lambda: "runs/nightly/plan.json" in mortal.keys("runs/nightly/"))
        going = shown(mortal, "nightly")["state"], listed(mortal, "nightly").split(":")[0]
        printed, _ = process.communicate(timeout=120)
    assert set(going) <= {"under way", "finished"}
    assert process.returncode == 0
    assert "   ✅ Successful: 6" in printed
    assert shown(mortal, "nightly")["state"] == "finished"
    again = ses_fleet(mortal, *command, "--include", "nosuch")
    assert again.returncode == 2
    assert shown(mortal, "nightly")["state"] == "finished"


def test_a_refusal_lies_under_the_request_id_of_its_start(mortal: Cloud) -> None:
    """Whoever sent the event was answered that id, so nobody takes another start's refusal for its own."""
    payload = {"action": "describe-list-all", "run_id": "refused-id", "include": ["nosuch"]}
    for _ in range(2):
        answer = mortal.lambda_.invoke(
            FunctionName=ORCHESTRATOR, InvocationType="Event", Payload=json.dumps(payload).encode()
        )
        key = f"runs/refused-id/refusals/{answer['ResponseMetadata']['RequestId']}.json"
        wait_for(lambda key=key: key in mortal.keys("runs/refused-id/"))  # type: ignore[misc]
    assert len(mortal.keys("runs/refused-id/refusals/")) == 2


@pytest.mark.matrix
def test_without_an_answer_to_its_start_a_refusal_is_still_found(mortal: Cloud) -> None:
    """And one of before is not taken for it."""
    command = ("invoke", "describe-list-all", "--run-id", "unanswered")
    assert ses_fleet(mortal, *command, "--include", "nosuch").returncode == 2
    with mortal.faults({"service": "lambda", "operation": "Invoke", "fault": "drop_after", "times": 1}):
        ended = ses_fleet(mortal, *command, "--include", "nobody")
    assert ended.returncode == 2, ended.stderr
    assert "it is not known whether run unanswered was started" in ended.stderr
    assert "nobody" in ended.stderr
    assert "nosuch" not in ended.stderr


@pytest.mark.matrix
def test_a_cancelled_run_starts_nobody_else_and_can_be_resumed(mortal: Cloud) -> None:
    """Who is with a worker is waited for; cancelling again, or what is over, does no harm."""
    with mortal.faults(slow(5)):
        start(mortal, action="describe-list-all", run_id="cancelled", max_customer_concurrency=1)
        cancelled = ses_fleet(mortal, "runs", "cancel", "cancelled")
        assert ses_fleet(mortal, "runs", "cancel", "cancelled", "--output", "json").returncode == 0
        wait_for(lambda: shown(mortal, "cancelled")["state"] == "cancelled")
    assert (cancelled.returncode, cancelled.stdout) == (0, "")
    assert "run cancelled is cancelled: at the latest from 5 s on, no customer is started" in cancelled.stderr
    assert "hop" not in cancelled.stderr
    summary = shown(mortal, "cancelled")
    assert summary["cancelled_at"] == summary["cancel_asked_at"]
    assert summary["failed_count"] == 0
    assert summary["not_started_count"] >= 1
    assert summary["successful_count"] + summary["not_started_count"] == 6
    over = ses_fleet(mortal, "runs", "cancel", "cancelled")
    assert (over.returncode, over.stderr) == (0, "run cancelled is over: nothing was cancelled\n")
    resumed = ses_fleet(mortal, "runs", "resume", "cancelled", "--output", "json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["successful_count"] == summary["not_started_count"]


def test_what_is_no_run_is_neither_cancelled_nor_resumed(mortal: Cloud) -> None:
    """Exit code 2, and one line."""
    for command in ("cancel", "resume", "show"):
        ended = ses_fleet(mortal, "runs", command, "nobodys")
        assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
        assert "there is no run nobodys" in ended.stderr
