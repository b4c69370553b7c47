"""Scheduler's HTTP API. moto keeps the schedules; this refuses what Scheduler refuses, and tells of changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from strict_aws.backend import moto_state
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation
from strict_aws.iam import service_roles
from strict_aws.iam.identity import Caller
from strict_aws.scheduler import expressions
from strict_aws.scheduler.expressions import InvalidExpressionError, UnknownTimesError
from strict_aws.scheduler.target import PRINCIPAL

_PUTTING = frozenset({"CreateSchedule", "UpdateSchedule"})
_QUEUE_ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]+")  # API reference, DeadLetterConfig
_ROLE_ARN = re.compile(r"arn:aws:iam::[0-9]{12}:role/.+")


class SchedulerApi:
    """Answers Scheduler's operations. `forward` sends a request to moto; `look` is called after every change."""

    def __init__(self, forward: Callable[[Request, str], Response], look: Callable[[], None]) -> None:
        self._forward = forward
        self._look = look

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as Scheduler would."""
        group = str(operation.parameters.get("GroupName") or "default")
        if operation.name in _PUTTING:
            _check(operation, caller, group)
        response = self._forward(request, caller.account)
        if operation.writes and response.status < HTTPStatus.BAD_REQUEST:
            if operation.name == "UpdateSchedule":
                given = operation.parameters
                action = given.get("ActionAfterCompletion")
                moto_state.complete_schedule(caller.account, caller.region, group, str(given["Name"]), action)
            self._look()
        return response


def _check(operation: Operation, caller: Caller, group: str) -> None:
    given = operation.parameters
    if not moto_state.has_schedule_group(caller.account, caller.region, group):
        raise AwsError("ResourceNotFoundException", f"Schedule group {group} does not exist.", 404)
    expression, zone = given.get("ScheduleExpression"), given.get("ScheduleExpressionTimezone")
    try:
        expressions.check(str(expression), str(zone or "UTC"))
    except InvalidExpressionError as error:
        raise AwsError("ValidationException", str(error)) from None
    except UnknownTimesError as error:
        raise AwsError("NotImplemented", str(error), 501) from None
    target = given.get("Target") or {}
    _check_dead_letters(target.get("DeadLetterConfig") or {})
    _check_role(str(target.get("RoleArn")), caller, group)


def _check_dead_letters(config: Mapping[str, Any]) -> None:
    arn = config.get("Arn")
    if arn is not None and not _QUEUE_ARN.fullmatch(str(arn)):
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{arn}' at 'target.deadLetterConfig.arn' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {_QUEUE_ARN.pattern}",
        )


def _check_role(role_arn: str, caller: Caller, group: str) -> None:
    source_arn = moto_state.schedule_group_arn(caller.account, caller.region, group)
    trusted = _ROLE_ARN.fullmatch(role_arn) and service_roles.decide(
        role_arn, service=PRINCIPAL, account=caller.account, source_arn=source_arn
    )
    if not trusted or not trusted.allowed:
        message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        reason = trusted.reason if trusted else f"{role_arn} is no role's ARN"
        raise AwsError("ValidationException", message, reason=reason)
