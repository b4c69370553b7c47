"""Lambda's HTTP API: Invoke, and what moto's answers about functions lack. moto keeps the functions."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, NoReturn

from strict_aws.backend import moto_state
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation, query_of
from strict_aws.iam.identity import Caller
from strict_aws.lambda_runtime import code
from strict_aws.lambda_runtime.function import EventSettings, FunctionSpec
from strict_aws.lambda_runtime.outcomes import Outcome, RuntimeStoppedError, ThrottledError
from strict_aws.lambda_runtime.runtime import LambdaRuntime
from strict_aws.lambda_service import functions
from strict_aws.lambda_service.events import RETRY_WAITS_SECONDS, EventQueue, Message
from strict_aws.lambda_service.functions import Functions, Key

_log = logging.getLogger(__name__)

# Lambda quotas: 6 MB a synchronous request, 1 MB an asynchronous one.
_MAX_BYTES = {"RequestResponse": 6 * 1024 * 1024, "Event": 1024 * 1024, "DryRun": 6 * 1024 * 1024}

_UPDATING = frozenset({"UpdateFunctionCode", "UpdateFunctionConfiguration"})
_DESCRIBING = frozenset({"CreateFunction", "GetFunctionConfiguration", "GetFunction", *_UPDATING})
# What Lambda refuses while a function is being created or changed.
_CHANGING = frozenset({"PublishVersion", "PutFunctionConcurrency", *_UPDATING})


class LambdaApi:
    """Answers Lambda's operations. `forward` sends a request to moto, which answers all operations but Invoke."""

    def __init__(
        self,
        runtime: LambdaRuntime,
        functions: Functions,
        forward: Callable[[Request, str], Response],
        *,
        retry_waits: tuple[float, ...] = RETRY_WAITS_SECONDS,
    ) -> None:
        self._runtime = runtime
        self._functions = functions
        self._forward = forward
        self._events = EventQueue(
            lambda spec, payload, request_id: runtime.invoke(spec, payload, request_id=request_id),
            _deliver,
            retry_waits,
        )

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as Lambda would."""
        if operation.name == "Invoke":
            return self._invoke(operation, caller, request)
        before = self._before(operation, caller) if operation.name in _CHANGING else None
        given = json.loads(request.body) if operation.name in _DESCRIBING and request.body else {}
        functions.check_logging(given.get("LoggingConfig"))
        response = self._forward(request, caller.account)
        if response.status >= HTTPStatus.BAD_REQUEST:
            return response
        if operation.name == "DeleteFunction":
            self._deleted(operation, caller)
        if operation.name not in _DESCRIBING:
            return response
        return self._completed(operation, caller, given, before, response)

    def _invoke(self, operation: Operation, caller: Caller, request: Request) -> Response:
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind not in _MAX_BYTES:
            raise AwsError("InvalidParameterValueException", f"unknown InvocationType {kind}")
        qualifier = query_of(request).get("Qualifier", [""])[0] or None
        place = (caller.account, caller.region, str(operation.parameters["FunctionName"]))
        spec = self._functions.runnable(*place, qualifier)
        payload = request.body or b"{}"
        _check(payload, kind)
        if kind == "DryRun":
            return Response(204)
        if kind == "Event":
            request_id = self._events.submit(lambda: self._current(place, qualifier), payload)
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
            raise AwsError("ServiceException", "strict_aws is stopping", 500) from None

    def _before(self, operation: Operation, caller: Caller) -> FunctionSpec:
        """Return the function that is to be changed.

        Raise AwsError when there is none, or when it is being changed already.
        """
        spec = self._functions.find(caller.account, caller.region, str(operation.parameters["FunctionName"]))
        self._functions.check_changeable((caller.account, caller.region, spec.name))
        return spec

    def _deleted(self, operation: Operation, caller: Caller) -> None:
        """End the environments of a function that was deleted, and forget what is known of it."""
        name = str(operation.parameters["FunctionName"]).rsplit(":", 1)[-1]
        self._functions.forget((caller.account, caller.region, name))
        self._runtime.discard(f"arn:aws:lambda:{caller.region}:{caller.account}:function:{name}")

    def _completed(
        self,
        operation: Operation,
        caller: Caller,
        given: dict[str, Any],
        before: FunctionSpec | None,
        response: Response,
    ) -> Response:
        """Return moto's answer with what moto forgets of a function, and with its state."""
        answer = json.loads(response.body)
        configuration = answer.get("Configuration", answer)
        key = (caller.account, caller.region, str(configuration["FunctionName"]))
        if operation.name == "CreateFunction":
            self._functions.forget(key)
        self._functions.keep(key, given)
        if operation.name == "CreateFunction" or operation.name in _UPDATING:
            self._functions.changing(key, before)
            self._warn_of_misfit(key, configuration)
        configuration |= self._functions.described(key)
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
        return Response(response.status, json.dumps(answer).encode(), headers)

    def _warn_of_misfit(self, key: Key, configuration: dict[str, Any]) -> None:
        """Log that a function's packages are made for another machine, which would only show at its first import."""
        why = functions.misfits(configuration.get("Runtime"), configuration.get("Architectures") or [])
        if why is not None and code.is_bundled(self._functions.find(*key).code):
            _log.error("the function %s may not start: %s", key[2], why)

    def _current(self, place: tuple[str, str, str], qualifier: str | None) -> tuple[FunctionSpec, EventSettings]:
        spec = self._functions.runnable(*place, qualifier)
        key = (*place[:2], spec.name)
        settings = moto_state.event_settings(*key)
        return spec, replace(settings, dead_letters=self._functions.dead_letters(key))


def _deliver(queue_arn: str, message: Message) -> None:
    moto_state.send_to_queue(queue_arn, message.body, message.attributes)


def _check(payload: bytes, kind: str) -> None:
    limit = _MAX_BYTES[kind]
    if len(payload) > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise AwsError("RequestTooLargeException", message, 413)
    try:
        json.loads(payload.decode("utf-8-sig"), parse_constant=_no_json)
    except RecursionError:
        _refuse_payload("Document nesting depth exceeds the maximum allowed")
    except ValueError as error:
        _refuse_payload(str(error))


def _no_json(token: str) -> NoReturn:
    """Refuse NaN and the infinities, which Python's parser takes although they are not JSON."""
    raise ValueError(f"Unrecognized token '{token}': was expecting ('true', 'false' or 'null')")


def _refuse_payload(why: str) -> NoReturn:
    message = f"Could not parse request body into json: Could not parse payload into json: {why}"
    raise AwsError("InvalidRequestContentException", message, fields={"Type": "User"})


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
