"""Start a run on a deployed or a local orchestrator, and follow it to its end: one path for both."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ses_fleet import json_text, limits
from ses_fleet.actions.catalogue import HELP
from ses_fleet.aws import clients, server_time
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, ConfigurationError, JsonError, RequestError, RunRefusedError
from ses_fleet.people.rows import Row
from ses_fleet.runs import events, function_errors
from ses_fleet.runs import request as requests
from ses_fleet.runs.models import Summary
from ses_fleet.runs.record import RunRecord, comparable
from ses_fleet.text import is_text, printable, quoted
from ses_fleet_cli import aws_failures, differences, found_people
from ses_fleet_cli.errors import CommandError, interrupted, no_summary, out_of_reach, usage
from ses_fleet_cli.follow import Follower, refusals
from ses_fleet_cli.patience import PatientClient
from ses_fleet_cli.runs import check_id
from ses_fleet_cli.server_time import S3Clock
from ses_fleet_cli.show import Screen, Tables

_LONGEST_TRY_SECONDS = limits.CONNECT_TIMEOUT_SECONDS + limits.CALL_READ_TIMEOUT_SECONDS
_REFUSALS = (RequestError.__name__, ConfigurationError.__name__)


@dataclass(frozen=True)
class Target:
    """An orchestrator: its function, its environment variables, and clients for Lambda and for its run records.

    `now` is Lambda's own time at which the function was found.
    """

    function_name: str
    function_arn: str
    variables: Mapping[str, str]
    lambda_client: AwsClient
    s3: AwsClient
    now: datetime

    @property
    def results(self) -> Bucket:
        """The bucket that holds the run records."""
        return Bucket(self.s3, self.variables["RESULTS_BUCKET"])

    @property
    def plan_hours(self) -> float:
        """For how many hours a plan holds; the orchestrator itself says what is wrong with a setting of its own."""
        with suppress(ValueError):
            return float(self.variables.get("PLAN_HOURS") or limits.PLAN_HOURS)
        return limits.PLAN_HOURS


def connect(function_name: str) -> Target:
    """Return the orchestrator of this name in the account that the environment's credentials are of.

    Raise CommandError with exit code 2 for a text that is the name of no function, and with exit code 3 when there are
    no credentials or the function cannot be reached or is no orchestrator.
    """
    if not function_name or not is_text(function_name):
        raise usage(f"--function-name {quoted(function_name)} cannot be the name of a function")
    region = os.environ.get("AWS_REGION")  # boto3 itself looks at AWS_DEFAULT_REGION only
    with reachable(f"the function {function_name}"):
        lambda_client, configuration = _first_call(function_name, region)
        variables = configuration.get("Environment", {}).get("Variables", {})
        for name in ("RESULTS_BUCKET", "WORKER_FUNCTION_NAME"):
            if not variables.get(name):
                raise no_summary(f"{function_name} has no {name}: is it ses-fleet's orchestrator?")
        attempts = limits.COMMAND_S3_ATTEMPTS
        s3 = clients.client("s3", region, attempts=attempts, connections=limits.COMMAND_S3_CONNECTIONS)
        now = server_time.moment_of(configuration)
        patient = PatientClient(s3, longest=attempts * _LONGEST_TRY_SECONDS)
        return Target(function_name, configuration["FunctionArn"], variables, lambda_client, patient, now)


def _first_call(function_name: str, region: str | None) -> tuple[AwsClient, dict[str, Any]]:
    """A client for Lambda, and the function's configuration. The first call is what looks for credentials."""
    with credentials_loaded():
        # A synchronous help is quick; a run is an Event. Neither is ever sent twice.
        client = clients.client("lambda", region, read_timeout=limits.CALL_READ_TIMEOUT_SECONDS)
        client = PatientClient(client, longest=_LONGEST_TRY_SECONDS)
        return client, client.call("get_function_configuration", FunctionName=function_name)


@contextmanager
def credentials_loaded() -> Iterator[None]:
    """Turn whatever breaks while a first call looks for credentials into a CommandError with exit code 3."""
    try:
        yield
    except (AwsCallError, CommandError):
        raise
    except Exception as error:  # noqa: BLE001  # a profile's program, cache or file may break in any way
        why = printable(str(error), limits.MAX_MESSAGE_CHARACTERS)
        advice = "check the profile that AWS_PROFILE names"
        raise out_of_reach(f"no AWS credentials could be loaded: {type(error).__name__}: {why}; {advice}") from None


def ask_help(target: Target) -> dict[str, Any]:
    """Return the orchestrator's answer to `help`. It is invoked synchronously, and no run is recorded."""
    return asked(target, {"action": HELP}, "`help`")


def ask_to_cancel(target: Target, run_id: str) -> Summary:
    """Ask the orchestrator to cancel a run, and return the run's state, or its Summary.

    It is invoked synchronously. Asking again does no harm. Raise CommandError with exit code 2 when it refuses that,
    with exit code 3 when it does not answer.
    """
    check_id(run_id)
    answer = asked(target, {"cancel": run_id}, "the request to cancel")
    try:
        return Summary.model_validate_json(json.dumps(answer))
    except ValueError:
        raise no_summary(
            f"{target.function_name} answered the request to cancel with something that is no Summary: it is of "
            f"another version of ses-fleet. `ses-fleet runs show {run_id}` shows whether the run goes on"
        ) from None


def asked(target: Target, payload: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the function's answer to a synchronous invocation."""
    with reachable(f"the function {target.function_name}"):
        response, body = _invoked(target, payload)
    try:
        answer = dict(json_text.parse(body, "its answer"))
    except (JsonError, TypeError, ValueError):
        raise no_summary(f"{target.function_name} answered {what} with something that is no JSON object") from None
    if not response.get("FunctionError"):
        return answer
    kind, message = answer.get("errorType"), answer.get("errorMessage")
    if kind in _REFUSALS:
        raise usage(str(message).removeprefix("$.cancel: "))  # whoever runs the command gave no such field
    raise no_summary(f"{target.function_name} failed: {kind}: {message}")


def _invoked(target: Target, payload: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    response = target.lambda_client.call(
        "invoke", FunctionName=target.function_name, Payload=json.dumps(payload).encode()
    )
    return response, target.lambda_client.read_body("invoke", response, limits.LAMBDA_PAYLOAD_BYTES)


def run(
    target: Target,
    payload: dict[str, Any],
    screen: Screen,
    *,
    local: bool = False,
    people: Mapping[int, Row] | None = None,
    detailed_exit_code: bool = False,
) -> int:
    """Start the run, follow it, show its Summary, and return the Summary's exit code.

    With `detailed_exit_code`, 0 means that nothing differs, 4 that something does, and 3 that this is not known.

    `people` are the rows of the people file by their lines, if this call gave one: who looks for people is shown where
    they are. With `local` the run ends with this command, as its local cloud does. When the answer to the start is
    lost, the run is followed all the same: its id was made here. Raise CommandError when there is no Summary, or on
    Ctrl-C.
    """
    payload = {"on_deadline": "continue", **payload}
    named = events.claimed_run_id(payload) is not None
    run_id = _claim_id(payload, target.now)
    follower = Follower(
        target.results,
        run_id,
        screen,
        clock=S3Clock(target.results, run_id),
        expected=_expected(payload),
        why_not=lambda: _why_not(target),
    )
    if named:
        with nothing_sent(), reachable(f"the record of run {run_id}"):
            _check_person(RunRecord(target.results, run_id), payload)
            follower.refused_before = refusals(target.results, run_id)
    sent = False
    try:
        follower.request_id = _start(target, run_id, payload, screen)
        sent = follower.request_id is not None
        summary = follower.follow()
    except KeyboardInterrupt:
        raise interrupted(_what_is_so(follower, payload, sent=sent, local=local)) from None
    screen.summary(summary, _where_people_are(target, summary, people))
    return differences.exit_code(summary, screen, detailed=detailed_exit_code)


def _where_people_are(target: Target, summary: Summary, people: Mapping[int, Row] | None) -> Tables | None:
    if people is None or not found_people.is_shown(summary):
        return None
    return lambda width: found_people.matrix(target.results, summary, people, width)


def _start(target: Target, run_id: str, payload: dict[str, Any], screen: Screen) -> str | None:
    """Send the Event. Return the request id of the invocation that it becomes, or None when its answer was lost."""
    try:
        answer = target.lambda_client.call(
            "invoke",
            FunctionName=target.function_name,
            InvocationType="Event",
            Payload=json.dumps(payload).encode(),
        )
    except AwsCallError as failure:
        if failure.kind not in ("lost", "server"):
            text = f"the function {target.function_name} cannot be used, nothing was started: "
            raise no_summary(text + aws_failures.reason(failure)) from None
        screen.notice(
            f"it is not known whether run {run_id} was started ({failure.code}: {failure.text}); following its record"
        )
        return None
    request_id = answer.get("ResponseMetadata", {}).get("RequestId")
    return str(request_id) if request_id else None


def _what_is_so(follower: Follower, payload: Mapping[str, Any], *, sent: bool, local: bool) -> str:
    """What Ctrl-C leaves behind. `sent` is whether Lambda has confirmed that it took the event."""
    run_id = follower.run_id
    if local:
        return f"run {run_id} ended with its local cloud"
    show, cancel = f"`ses-fleet runs show {run_id}`", f"`ses-fleet runs cancel {run_id}`"
    again = ""
    if "plan" in payload:
        again = ", the same command follows it"
    elif "people" not in payload:  # each upload of a people file is another request
        again = f", the same command with --run-id {run_id} follows it"
    if follower.has_begun:
        return f"run {run_id} goes on. {show} shows how far it is, {cancel} cancels it{again}"
    state = "was sent and has not begun yet" if sent else "may have been sent, and has not begun yet"
    return f"run {run_id} {state}. Once it has begun, {show} shows it and {cancel} cancels it{again}"


@contextmanager
def nothing_sent() -> Iterator[None]:
    """Say on Ctrl-C inside the block that no run was started: exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        raise interrupted("interrupted: no run was started") from None


def _why_not(target: Target) -> str | None:
    """Why the function does not even answer `help`; None when it does, or when Lambda itself did not answer."""
    try:
        response, body = _invoked(target, {"action": HELP})
    except AwsCallError:
        return None
    if not response.get("FunctionError"):
        return None
    return f"{target.function_name} does not start ({function_errors.reason(body)})"


def _claim_id(payload: dict[str, Any], now: datetime) -> str:
    """The run's id: what the payload has or implies, else a new one of Lambda's time, which is put into the payload."""
    claimed = events.claimed_run_id(payload)
    if claimed is None:
        if payload.get("run_id") is not None:
            raise usage("--run-id must be 1 to 40 of A-Z a-z 0-9 _ -")
        claimed = events.new_run_id(now)
        payload["run_id"] = claimed
    return claimed


def _check_person(record: RunRecord, payload: dict[str, Any]) -> None:
    """Raise CommandError if the run of this id was started for another person, whose name its plan does not have."""
    try:
        request = requests.parse(payload).request
    except RunRefusedError:
        return  # the function will say why
    if not requests.personal_values(request):
        return
    try:
        plan = record.plan()
        same = plan is None or record.is_of(plan, request)
    except RunRefusedError as error:
        text = f"run {record.run_id} exists, and it cannot be decided whether it was started for the same person"
        raise no_summary(f"{text}: {error.problems[0].text}") from None
    if not same:
        raise usage(f"run {record.run_id} exists and was started with another request; choose another --run-id")


def _expected(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The request as the run's plan must have it; None when the function will refuse it.

    None for one that applies a saved plan, too: the run's id is made of the plan, and it goes as it was started first.
    """
    if "plan" in payload:
        return None
    try:
        return dict(comparable(requests.parse(payload).request))
    except RunRefusedError:
        return None


@contextmanager
def reachable(what: str) -> Iterator[None]:
    """Turn every AWS call that fails inside the block into a CommandError with exit code 3 that names `what`."""
    try:
        yield
    except AwsCallError as failure:
        error = out_of_reach if failure.kind == "unreachable" else no_summary
        raise error(f"{what} cannot be used: {aws_failures.reason(failure)}") from None
