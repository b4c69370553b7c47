"""Failures on demand: rules that make calls fail before or after their effect, or delay them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from strict_aws.http.messages import AwsError
from strict_aws.http.operations import Operation

Kind = Literal[
    "deny",
    "throttle",
    "error_500",
    "delay",
    "drop_before",
    "drop_after",
    "kill_before",
    "kill_after",
    "concurrent_modification",
]


class Rule(BaseModel):
    """One rule of the control request `PUT faults`.

    A rule is for every service, operation, account or path that it does not name; `path` is a part of the request's
    path, such as a part of an S3 key. The first `skip` calls that it is for pass,
    the next `times` calls are hit; None hits all that come then. `seconds` is how long a `delay` takes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: Kind
    service: str | None = None
    operation: str | None = None
    account: str | None = None
    path: str | None = None
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=None, ge=0)
    seconds: float = Field(default=0.0, ge=0, le=600)

    def names(self, operation: Operation, account: str, path: str) -> bool:
        """Tell whether the rule is for this call."""
        return (
            self.service in (None, operation.service)
            and self.operation in (None, operation.name)
            and self.account in (None, account)
            and (self.path is None or self.path in path)
        )


class DroppedError(Exception):
    """The connection must be closed without an answer."""


_RULES = TypeAdapter(list[Rule])
# How each service says that it throttles; others say ThrottlingException (botocore's models).
_THROTTLES = {
    "sesv2": ("TooManyRequestsException", 429),
    "lambda": ("TooManyRequestsException", 429),
    "s3": ("SlowDown", 503),
    "sts": ("Throttling", 400),
}


def parse(body: bytes) -> list[Rule]:
    """Return the rules in a control request's JSON; raise AwsError 400 that says what is wrong with it."""
    try:
        return _RULES.validate_json(body)
    except ValidationError as error:
        detail = error.errors()[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
        raise AwsError("BadRequest", f"${path}: {detail['msg']}") from None


@dataclass
class _Armed:
    rule: Rule
    seen: int = 0


class Faults:
    """The rules in force. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []

    def replace(self, rules: list[Rule]) -> None:
        """Put these rules in force in the place of those before; what they counted is forgotten."""
        with self._lock:
            self._armed = [_Armed(rule) for rule in rules]

    def hits(self, operation: Operation, account: str, path: str) -> list[Rule]:
        """Return the rules that hit this call, whose request has this path.

        The call is counted for every rule that it is for.
        """
        hit = []
        with self._lock:
            for armed in self._armed:
                if not armed.rule.names(operation, account, path):
                    continue
                armed.seen += 1
                counted = armed.seen - armed.rule.skip
                if counted > 0 and (armed.rule.times is None or counted <= armed.rule.times):
                    hit.append(armed.rule)
        return hit


def before(
    rules: list[Rule], operation: Operation, *, sleep: Callable[[float], object], kill: Callable[[], None]
) -> None:
    """Do what happens before the effect of a call.

    A delay sleeps, a kill ends the environment that called, and a dropped connection raises DroppedError. Any other
    fault raises the AwsError that the caller gets instead of the effect.
    """
    for rule in rules:
        if rule.fault == "delay":
            sleep(rule.seconds)
        elif rule.fault == "drop_before":
            raise DroppedError
        elif rule.fault == "kill_before":
            kill()
            raise DroppedError
        elif not rule.fault.endswith("_after"):
            raise _refusal(rule.fault, operation)


def after(rules: list[Rule], *, kill: Callable[[], None]) -> None:
    """Do what happens to the answer of a call that took effect.

    A kill ends the environment that called; then, as for a dropped connection, DroppedError is raised.
    """
    for rule in rules:
        if rule.fault == "kill_after":
            kill()
        if rule.fault in ("drop_after", "kill_after"):
            raise DroppedError


def described(rules: list[Rule]) -> str:
    """Return the journal's text for a call that these rules hit."""
    return "fault: " + json.dumps([rule.fault for rule in rules])


def _refusal(kind: Kind, operation: Operation) -> AwsError:
    if kind == "throttle":
        code, status = _THROTTLES.get(operation.service, ("ThrottlingException", 400))
        return AwsError(code, "Rate exceeded", status)
    if kind == "deny":
        xml = operation.protocol in ("query", "ec2", "rest-xml")
        status = 400 if operation.protocol == "json" else 403
        return AwsError("AccessDenied" if xml else "AccessDeniedException", "denied by a fault", status)
    if kind == "concurrent_modification":
        # SES v2 API model: HTTP 500, so SDKs take it for a server's own error and try again.
        return AwsError("ConcurrentModificationException", "modified concurrently", 500)
    code = "InternalError" if operation.service == "s3" else "InternalFailure"
    return AwsError(code, "an internal error, by a fault", 500)
