"""What is left of a run is run by one command, once the run has its end; and a run is cancelled by another."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.runs import personal_params
from ses_fleet_cli import invoke, resume
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.runs import Shown
from ses_fleet_cli.show import cancelled
from tests.unit.cli.stored import NOW, S3, plan, summary

LEFT = {"action": "describe-list-all", "include": ["b"]}


def shown(state: Any = "finished", **more: Any) -> Shown:
    """A run as its record shows it."""
    return Shown(plan("r"), summary("r", **{"exit_code": 1, "resume": LEFT, **more}), state)


@pytest.mark.parametrize("state", ["finished", "lost"])
def test_a_run_that_is_over_is_resumed_as_its_summary_says(state: str) -> None:
    """As a run of its own, and with an id of one's own if there is one."""
    assert resume.payload_of(shown(state), [], None) == LEFT
    assert resume.payload_of(shown(state), [], "again") == {**LEFT, "run_id": "again"}


@pytest.mark.parametrize("state", ["under way", "no sign of life", "waiting", "ending"])
def test_a_run_without_an_end_is_not_resumed(state: str) -> None:
    """It is said when it can be."""
    going = shown(state, exit_code=None, resume=None, warnings=("the reaper ends it",))
    with pytest.raises(
        CommandError, match="has no end yet and can be resumed when it has: the reaper ends it"
    ) as error:
        resume.payload_of(going, [], None)
    assert error.value.exit_code == 2


def test_a_refused_run_is_not_resumed() -> None:
    """Nothing of it ran."""
    with pytest.raises(CommandError, match="was refused") as error:
        resume.payload_of(shown("refused", exit_code=2, resume=None), [], None)
    assert error.value.exit_code == 2


def test_nothing_left_is_no_failure() -> None:
    """Whoever resumes until all is done is done."""
    with pytest.raises(CommandError, match="nothing of run r is left") as error:
        resume.payload_of(shown(exit_code=0, resume=None), [], None)
    assert error.value.exit_code == 0


def test_what_is_personal_is_asked_for_again() -> None:
    """By name; with it the payload is whole."""
    payload = {"action": "import-aws-contact-all", "params": {"username": personal_params.MASK, "sync_topics": True}}
    left = shown(resume=payload, resume_needs=("params.username",))
    with pytest.raises(CommandError, match="--param username=VALUE must be given again") as error:
        resume.payload_of(left, ["sync_topics=false"], None)
    assert error.value.exit_code == 2
    given = resume.payload_of(left, ["username=ana"], None)
    assert given["params"] == {"username": "ana", "sync_topics": True}


def test_fields_that_an_earlier_version_left_in_it_are_left_out() -> None:
    """A single-customer action refuses them at any value."""
    old = {"action": "backup-list", "customer_code": "a", "exclude": [], "max_customer_concurrency": 0, "params": {}}
    assert resume.payload_of(shown(resume=old), [], None) == {"action": "backup-list", "customer_code": "a"}


class Lambda:
    """An orchestrator that answers so."""

    def __init__(self, answer: Any, error: str | None = None) -> None:
        self.asked: list[Any] = []
        self._answer, self._error = answer, error

    def invoke(self, **asked: Any) -> dict[str, Any]:
        """boto3's method."""
        self.asked.append(json.loads(asked["Payload"]))
        body = json.dumps(self._answer).encode()
        failed = {"FunctionError": self._error} if self._error else {}
        return {"Payload": io.BytesIO(body), "ResponseMetadata": {"HTTPHeaders": {}}, **failed}


def target(function: Lambda) -> invoke.Target:
    """That orchestrator, found."""
    return invoke.Target("f", "arn", {"RESULTS_BUCKET": "b"}, AwsClient("lambda", function), S3().bucket.s3, NOW)


def test_a_run_is_cancelled_by_asking_the_orchestrator() -> None:
    """What it answers is told: who is waited for, and where the run is."""
    going = summary("r", exit_code=None, under_way_count=2, warnings=("the run is under way",))
    function = Lambda(going.model_dump(mode="json"))
    answer = invoke.ask_to_cancel(target(function), "r")
    assert function.asked == [{"cancel": "r"}]
    assert answer == going
    assert cancelled(answer).startswith(
        "run r is cancelled: at the latest from 5 s on, no customer is started and none goes on in another slice; what "
        "is with a worker then is waited for. Customers under way or about to start: 2. the run is under way. "
    )
    assert cancelled(summary("r")) == "run r is over: nothing was cancelled"


@pytest.mark.parametrize(
    ("function", "exit_code", "message"),
    [
        (
            Lambda({"errorType": "RequestError", "errorMessage": "$.cancel: there is no run r"}, "Unhandled"),
            2,
            "^there is no run r$",
        ),
        (Lambda({"errorType": "Runtime.ExitError", "errorMessage": "killed"}, "Unhandled"), 3, "f failed: Runtime"),
        (Lambda(["?"]), 3, "no JSON object"),
        (Lambda({"run_id": "r"}), 3, "no Summary"),
    ],
)
def test_a_cancel_that_did_not_work_is_a_line(function: Lambda, exit_code: int, message: str) -> None:
    """Refused is 2; whatever leaves it open is 3."""
    with pytest.raises(CommandError, match=message) as error:
        invoke.ask_to_cancel(target(function), "r")
    assert error.value.exit_code == exit_code


def test_what_can_be_no_runs_id_is_not_asked_about() -> None:
    """Nothing is sent."""
    function = Lambda({})
    with pytest.raises(CommandError, match="a run's id has 1 to 40"):
        invoke.ask_to_cancel(target(function), "../x")
    assert function.asked == []
