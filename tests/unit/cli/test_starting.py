"""Finding the orchestrator and starting a run: every way it can fail is a line, and no run is left without a name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    MissingDependencyException,
    ReadTimeoutError,
)

from ses_fleet.aws import clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet_cli import invoke
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.show import Screen
from tests.unit.cli.stored import NOW, S3, plan, summary

ARN = "arn:aws:lambda:us-east-1:123456789012:function:ses-fleet-orchestrator"
DATE = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 01 Mar 2026 06:10:00 GMT"}}}
PAYLOAD = {"action": "describe-list-all"}


class Lambda:
    """An orchestrator that takes the Event and answers so; `started` are the payloads that it took."""

    def __init__(self, answer: BaseException | None = None, *, takes: bool = True, s3: S3 | None = None) -> None:
        self.started: list[dict[str, Any]] = []
        self._answer = answer
        self._takes = takes
        self._s3 = s3

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        """boto3's method."""
        if self._answer is not None:
            raise self._answer
        variables = {"RESULTS_BUCKET": "b", "WORKER_FUNCTION_NAME": "w"}
        return {**DATE, "FunctionArn": ARN, "Environment": {"Variables": variables}}

    def invoke(self, **asked: Any) -> dict[str, Any]:
        """boto3's method."""
        payload = json.loads(asked["Payload"])
        if self._takes:
            self.started.append(payload)
            if self._s3 is not None:
                run_id = payload["run_id"]
                body = plan(run_id, on_deadline="continue").model_dump_json()
                self._s3.objects[f"runs/{run_id}/plan.json"] = body.encode()
                self._s3.objects[f"runs/{run_id}/summary.json"] = summary(run_id).model_dump_json().encode()
        if self._answer is not None:
            raise self._answer
        return {"StatusCode": 202, "ResponseMetadata": {"RequestId": "request-1"}}


def target(function: Lambda, s3: S3) -> invoke.Target:
    """That orchestrator, found."""
    return invoke.Target("f", ARN, {"RESULTS_BUCKET": "b"}, AwsClient("lambda", function), s3.bucket.s3, NOW)


def refusal(code: str, status: int) -> ClientError:
    """AWS's no."""
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Invoke")


LOST = [
    ReadTimeoutError(endpoint_url="https://x"),
    ConnectionClosedError(endpoint_url="https://x"),
    refusal("ServiceException", 500),
]


@pytest.mark.parametrize("failure", LOST, ids=lambda failure: type(failure).__name__)
def test_a_lost_answer_to_the_start_is_followed_by_the_runs_own_id(
    failure: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Event may have been taken: the run's Summary is the answer, and its id is said before that is known."""
    monkeypatch.setattr(invoke, "_expected", lambda _: None)
    s3 = S3()
    function = Lambda(failure, s3=s3)
    assert invoke.run(target(function, s3), dict(PAYLOAD), Screen(text=True)) == 0
    (started,) = function.started
    assert f"it is not known whether run {started['run_id']} was started" in capsys.readouterr().err
    assert started["run_id"].startswith("20260301T061000Z-")  # Lambda's time, not the laptop's


@pytest.mark.parametrize("failure", [None, *LOST], ids=lambda failure: type(failure).__name__)
def test_the_refusal_of_this_start_is_its_answer(failure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """By the request's id, or, when the answer to the start was lost, as the one that was not there before."""
    s3 = S3()
    older = summary("mine-1", exit_code=2, errors=("older",)).model_dump_json().encode()
    s3.objects["runs/mine-1/refusals/older.json"] = s3.objects["runs/mine-1/summary.json"] = older
    function = Lambda(failure, takes=False)

    def refuses(**asked: Any) -> dict[str, Any]:
        refused = summary("mine-1", exit_code=2, errors=("$.include[0]: no",)).model_dump_json().encode()
        s3.objects["runs/mine-1/refusals/request-1.json"] = refused
        if failure is None:
            s3.objects["runs/mine-1/refusals/beside.json"] = older  # another start, at the same time
        function.started.append(asked)
        if failure is not None:
            raise failure
        return {"StatusCode": 202, "ResponseMetadata": {"RequestId": "request-1"}}

    function.invoke = refuses  # type: ignore[method-assign]
    assert invoke.run(target(function, s3), {**PAYLOAD, "run_id": "mine-1"}, Screen(text=True)) == 2
    assert "$.include[0]: no" in capsys.readouterr().err


@pytest.mark.parametrize("failure", LOST, ids=lambda failure: type(failure).__name__)
def test_a_lost_start_that_did_nothing_is_exit_3_with_its_id(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After looking for it."""
    late = iter(range(0, 10_000, 100))
    monkeypatch.setattr(invoke, "S3Clock", lambda *_: lambda: float(next(late)))
    monkeypatch.setattr("ses_fleet_cli.follow.time.sleep", lambda _: None)
    function = Lambda(failure, takes=False)
    with pytest.raises(CommandError, match="run mine-1 did not begin within 120 s") as error:
        invoke.run(target(function, S3()), {**PAYLOAD, "run_id": "mine-1"}, Screen(text=True))
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    "failure",
    [
        refusal("AccessDeniedException", 403),
        refusal("TooManyRequestsException", 429),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
    ids=str,
)
def test_a_start_that_certainly_did_not_happen_is_exit_3_at_once(failure: Exception) -> None:
    """Refused, throttled, or never sent."""
    with pytest.raises(CommandError, match="nothing was started") as error:
        invoke.run(target(Lambda(failure, takes=False), S3()), dict(PAYLOAD), Screen(text=True))
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("before", "interrupted: no run was started"),
        ("sending", "run mine-1 may have been sent, and has not begun yet. Once it has begun, "),
        ("waiting", "run mine-1 was sent and has not begun yet. Once it has begun, "),
        ("following", "run mine-1 goes on. "),
    ],
)
def test_ctrl_c_says_what_is_so_of_the_run(at: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was sent and has begun, how to look at it and how to cancel it; exit code 130."""
    monkeypatch.setattr(invoke, "_expected", lambda _: None)
    s3 = S3()
    function = Lambda(KeyboardInterrupt() if at == "sending" else None)
    if at in ("before", "following"):
        s3.list_objects_v2 = _interrupt  # type: ignore[method-assign]
    if at == "waiting":
        s3.get_object = _interrupted_once_sent(function, s3.get_object)  # type: ignore[method-assign]
    if at == "following":
        monkeypatch.setattr(invoke, "refusals", lambda *_: frozenset())
        monkeypatch.setattr(invoke, "S3Clock", lambda *_: lambda: 0.0)
        s3.objects["runs/mine-1/plan.json"] = plan("mine-1").model_dump_json().encode()
    with pytest.raises(CommandError) as error:
        invoke.run(target(function, s3), {**PAYLOAD, "run_id": "mine-1"}, Screen(text=True))
    assert error.value.exit_code == 130
    assert error.value.message.startswith(said)
    if at != "before":
        assert "`ses-fleet runs show mine-1`" in error.value.message
        assert "`ses-fleet runs cancel mine-1` cancels it" in error.value.message
        assert "--run-id mine-1 follows it" in error.value.message
    assert bool(function.started) == (at != "before")


@pytest.mark.parametrize(
    ("more", "said"), [({"plan": "p"}, ", the same command follows it"), ({"people": "a" * 32}, "")]
)
def test_ctrl_c_offers_only_what_works(more: dict[str, str], said: str) -> None:
    """A plan is followed by its own id, and another upload of a people file is another request."""
    function = Lambda(KeyboardInterrupt())
    with pytest.raises(CommandError) as error:
        invoke.run(target(function, S3()), {**PAYLOAD, **more, "run_id": "mine-1"}, Screen(text=True))
    assert error.value.message.endswith(f"`ses-fleet runs cancel mine-1` cancels it{said}")


def test_ctrl_c_in_a_local_cloud_offers_nothing() -> None:
    """The run is gone with it."""
    with pytest.raises(CommandError, match="run mine-1 ended with its local cloud"):
        invoke.run(
            target(Lambda(KeyboardInterrupt()), S3()), {**PAYLOAD, "run_id": "mine-1"}, Screen(text=True), local=True
        )


def _interrupted_once_sent(function: Lambda, otherwise: Any) -> Any:
    def get_object(**asked: Any) -> dict[str, Any]:
        if function.started:
            raise KeyboardInterrupt
        return dict(otherwise(**asked))

    return get_object


def _interrupt(**_: Any) -> dict[str, Any]:
    raise KeyboardInterrupt


def _subclasses(of: type[BaseException]) -> list[type[BaseException]]:
    return [inner for one in of.__subclasses__() for inner in [one, *_subclasses(one)]]


class _Anything(dict[str, str]):
    """Fills any message's gaps."""

    def __missing__(self, key: str) -> str:
        return key


def _made(kind: type[BaseException]) -> BaseException:
    error = kind.__new__(kind)
    Exception.__init__(error, str(getattr(kind, "fmt", "x")).format_map(_Anything()))
    return error


CREDENTIALS_FAIL = [
    *(_made(kind) for kind in _subclasses(BotoCoreError)),
    MissingDependencyException(msg="Using the login credential provider requires botocore[crt]"),
    FileNotFoundError(2, "No such file or directory", "a-credential-process"),
    PermissionError(13, "Permission denied", "cache"),
    json.JSONDecodeError("Expecting value", "", 0),
    KeyError("accessToken"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    RuntimeError("a plugin's"),
]


class Broken:
    """A session that cannot make a client."""

    def __init__(self, failure: BaseException) -> None:
        self._failure = failure

    def create_client(self, *_: Any, **__: Any) -> Any:
        """botocore's method."""
        raise self._failure


@pytest.mark.parametrize("at", ["client", "call"])
@pytest.mark.parametrize("failure", CREDENTIALS_FAIL, ids=lambda failure: type(failure).__name__)
def test_whatever_breaks_while_credentials_are_found_is_a_line(
    failure: BaseException, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3: every exception of botocore's, and what a profile's program, cache or file does."""
    if at == "call":
        monkeypatch.setattr(clients, "client", lambda *_, **__: AwsClient("lambda", Lambda(failure)))
    else:
        monkeypatch.setattr(clients, "_warm_session", lambda: Broken(failure))
    with pytest.raises(CommandError) as error:
        invoke.connect("ses-fleet-orchestrator")
    assert error.value.exit_code == 3
    assert error.value.message


@pytest.mark.parametrize("name", ["", "a\udcff"])
def test_a_function_without_a_name_is_exit_2(name: str) -> None:
    """Nothing is asked of AWS."""
    with pytest.raises(CommandError, match="cannot be the name of a function") as error:
        invoke.connect(name)
    assert error.value.exit_code == 2


def test_the_orchestrators_own_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are named by it."""
    monkeypatch.setattr(clients, "client", lambda *_, **__: AwsClient("lambda", Lambda()))
    assert invoke.connect("f").now == datetime(2026, 3, 1, 6, 10, tzinfo=UTC)
