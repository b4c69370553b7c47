"""What the start of an environment loads, in a process of its own: what every request needs, and little else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NamedTuple

import pytest

OURS = ("ses_fleet.worker.actions.", "ses_fleet.worker.health", "ses_fleet.worker.importing.")
DATA = "ses_fleet.actions.data."

# Prints which modules are loaded and whose models are read, at the start and for one describe-list after it. There are
# no credentials, so that the request ends when it is signed.
PROGRAM = """
import json, os, sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)

def since(modules, files):
    models = [path.split(os.sep)[-3] for path in opened[files:] if "service-2.json" in path]
    return {"modules": sorted(set(sys.modules) - modules), "models": sorted(set(models))}

before = set(sys.modules), len(opened)
from ses_fleet.worker import handler
start = since(*before)

class Context:
    aws_request_id = "r"
    def get_remaining_time_in_millis(self):
        return 60_000

event = {
    "run_id": "20261126-120000-abcdef123456",
    "action": "describe-list",
    "customer": {
        "customer_code": "c1",
        "customer_name": "c1",
        "account_id": "111122223333",
        "region": "us-east-1",
        "ses_role_arn": "arn:aws:iam::111122223333:role/r",
    },
    "params": {},
    "slice_budget_seconds": 30.0,
}
before = set(sys.modules), len(opened)
answer = handler.handler(event, Context())
print(json.dumps({"start": start, "request": since(*before), "error": answer["error"]["type"]}))
"""


class Loaded(NamedTuple):
    """The names of modules, and of services whose models were read."""

    modules: list[str]
    models: list[str]


class Start(NamedTuple):
    """What a fresh environment loads at its start, and what for the first request."""

    start: Loaded
    request: Loaded


@pytest.fixture(scope="module")
def fresh() -> Start:
    """A start and a request that needs SES alone."""
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    region = {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "RESULTS_BUCKET": "b"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**kept, **nothing, **region},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["error"] == "NoCredentialsError", "it came to its first call"
    return Start(Loaded(**found["start"]), Loaded(**found["request"]))


def test_the_start_loads_no_action(fresh: Start) -> None:
    """Ten actions have sixty modules and models; a request is of one."""
    assert [name for name in fresh.start.modules if name.startswith(OURS)] == []


def test_a_request_loads_the_code_of_its_action_alone(fresh: Start) -> None:
    """Everything else that it needs was loaded at the start, where Lambda gives a whole CPU."""
    shared = ("ses_fleet", "botocore", "pydantic", "aws_lambda_powertools")
    loaded = [name for name in fresh.request.modules if name.startswith(shared)]
    assert [name for name in loaded if name.startswith(OURS)] == ["ses_fleet.worker.actions.describe_list"]
    assert [name for name in loaded if not name.startswith(("ses_fleet.worker.", DATA))] == []


def test_the_start_loads_no_models_of_whole_runs(fresh: Start) -> None:
    """A worker knows its WorkItem and WorkResult; requests, runs' plans and Summaries are the orchestrator's."""
    runs = "ses_fleet.runs."
    loaded = [name.removeprefix(runs) for name in fresh.start.modules if name.startswith(runs)]
    assert loaded == ["keys", "people_plan", "personal_params", "saved_plan", "work"]
    assert [name for name in fresh.request.modules if name.startswith(runs)] == []


def test_a_request_loads_the_data_of_its_action_alone(fresh: Start) -> None:
    """The models of all actions would be a twentieth of a start; where people are read from is in every WorkItem."""
    assert [name for name in fresh.start.modules if name.startswith(DATA)] == [f"{DATA}read_identity_center"]
    used = [f"{DATA}{name}" for name in ("base", "describe_list", "described_topic", "marks")]
    assert [name for name in fresh.request.modules if name.startswith(DATA)] == used


def test_the_start_reads_the_models_that_nearly_every_request_needs(fresh: Start) -> None:
    """STS and SES; S3's model is as large as both, and describing a list needs none of it."""
    assert fresh.start.models == ["sesv2", "sts"]
    assert fresh.request.models == []


def test_neither_loads_the_rows_of_people(fresh: Start) -> None:
    """Most actions take no people file; which one a run has is in every WorkItem."""
    people = "ses_fleet.people."
    assert [name for name in fresh.start.modules if name.startswith(people)] == [f"{people}kinds", f"{people}pinned"]
    assert [name for name in fresh.request.modules if name.startswith(people)] == []
