"""Lambda's Invoke: the HTTP side of running a function. The functions themselves are moto's state."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from http import HTTPStatus

from local import moto_state
from local.events import RETRY_WAITS_SECONDS, EventQueue, EventSettings
from local.identity import Caller
from local.lambda_runtime.function import FunctionSpec
from local.lambda_runtime.outcomes import Outcome, RuntimeStoppedError, ThrottledError
from local.lambda_runtime.runtime import LambdaRuntime
from local.operations import Operation, query_of
from local.web import AwsError, Request, Response

# Lambda quotas: 6 MB a synchronous request, 1 MB an asynchronous one.
_MAX_BYTES = {"RequestResponse": 6 * 1024 * 1024, "Event": 1024 * 1024, "DryRun": 6 * 1024 * 1024}


_CONFIGURING = frozenset({"CreateFunction", "UpdateFunctionConfiguration", "GetFunctionConfiguration", "GetFunction"})


class LambdaApi:
    """Answers Invoke, and completes what moto says of functions."""

    def __init__(self, runtime: LambdaRuntime, *, retry_waits: tuple[float, ...] = RETRY_WAITS_SECONDS) -> None:
        self._runtime = runtime
        self._dead_letters: dict[tuple[str, str, str], str] = {}  # by account, Region and function; a queue's ARN
        self._events = EventQueue(runtime.invoke, moto_state.send_to_queue, retry_waits)

    def invoke(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Raise AwsError as Lambda would."""
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind not in _MAX_BYTES:
            raise AwsError("InvalidParameterValueException", f"unknown InvocationType {kind}")
        qualifier = query_of(request).get("Qualifier", [""])[0] or None
        name = str(operation.parameters["FunctionName"])
        spec = moto_state.find_function(caller.account, caller.region, name, qualifier)
        payload = request.body or b"{}"
        _check(payload, kind)
        if kind == "DryRun":
            return Response(204)
        if kind == "Event":
            request_id = self._events.submit(lambda: self._current(caller, name, qualifier), payload)
            return Response(202, b"", {"x-amzn-RequestId": request_id})
        outcome = self._run(spec, payload, request.headers.get("x-amz-client-context"))
        return _answer(outcome, spec, with_tail=request.headers.get("x-amz-log-type") == "Tail")

    def _run(self, spec: FunctionSpec, payload: bytes, client_context: str | None = None) -> Outcome:
        context = base64.b64decode(client_context).decode() if client_context else None
        try:
            return self._runtime.invoke(spec, payload, context)
        except ThrottledError as throttled:
            fields = {"Reason": throttled.reason, "Type": "User"}
            raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429, fields=fields) from None
        except RuntimeStoppedError:
            raise AwsError("ServiceException", "the local cloud is stopping", 500) from None

    def completed(self, operation: Operation, caller: Caller, request: Request, response: Response) -> Response:
        """moto's answer with the DeadLetterConfig that moto forgets; environments of deleted functions are ended."""
        if operation.name == "DeleteFunction" and response.status < HTTPStatus.BAD_REQUEST:
            name = str(operation.parameters["FunctionName"]).rsplit(":", 1)[-1]
            self._runtime.discard(f"arn:aws:lambda:{caller.region}:{caller.account}:function:{name}")
        if operation.name not in _CONFIGURING or response.status >= HTTPStatus.BAD_REQUEST:
            return response
        answer = json.loads(response.body)
        configuration = answer.get("Configuration", answer)
        key = (caller.account, caller.region, str(configuration["FunctionName"]))
        given = json.loads(request.body) if request.body else {}
        if operation.name == "CreateFunction":
            self._dead_letters.pop(key, None)
        if "DeadLetterConfig" in given:
            self._dead_letters[key] = given["DeadLetterConfig"].get("TargetArn", "")
        if not self._dead_letters.get(key):
            return response
        configuration["DeadLetterConfig"] = {"TargetArn": self._dead_letters[key]}
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
        return Response(response.status, json.dumps(answer).encode(), headers)

    def _current(self, caller: Caller, name: str, qualifier: str | None) -> tuple[FunctionSpec, EventSettings]:
        spec = moto_state.find_function(caller.account, caller.region, name, qualifier)
        settings = moto_state.event_settings(caller.account, caller.region, spec.name)
        dead_letters = self._dead_letters.get((caller.account, caller.region, spec.name)) or None
        return spec, replace(settings, dead_letters=dead_letters)


def _check(payload: bytes, kind: str) -> None:
    limit = _MAX_BYTES[kind]
    if len(payload) > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise AwsError("RequestTooLargeException", message, 413)
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise AwsError("InvalidRequestContentException", message) from None


def _answer(outcome: Outcome, spec: FunctionSpec, *, with_tail: bool) -> Response:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": outcome.request_id,
        "X-Amz-Executed-Version": spec.version,
    }
    if outcome.function_error is not None:
        headers["X-Amz-Function-Error"] = outcome.function_error
    if with_tail:
        headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log_tail).decode()
    return Response(200, outcome.payload, headers)
