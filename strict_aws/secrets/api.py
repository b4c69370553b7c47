"""Secrets Manager's HTTP API. moto keeps the secrets; this refuses what Secrets Manager refuses, with its statuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from strict_aws.backend import moto_state
from strict_aws.backend.moto_state import Secret
from strict_aws.http import protocols
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation, json_body, output_shape
from strict_aws.iam.identity import Caller

_VALUES = frozenset({"ClientRequestToken", "SecretString", "SecretBinary"})
# The members that each operation may have; every other one, and every other operation, is a 501.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "CreateSecret": _VALUES | {"Name", "Description"},
    "DeleteSecret": frozenset({"SecretId", "RecoveryWindowInDays", "ForceDeleteWithoutRecovery"}),
    "DescribeSecret": frozenset({"SecretId"}),
    "GetSecretValue": frozenset({"SecretId", "VersionId", "VersionStage"}),
    "PutSecretValue": _VALUES | {"SecretId"},
    "RestoreSecret": frozenset({"SecretId"}),
}
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")  # API reference, CreateSecret
_BYTES = 65_536  # API reference: SecretString and SecretBinary, in CreateSecret and PutSecretValue
# API reference: the lengths of members, in characters.
_LENGTHS = {
    "ClientRequestToken": range(32, 65),
    "Description": range(2049),
    "SecretId": range(1, 2049),
    "VersionId": range(32, 65),
    "VersionStage": range(1, 257),
}
_RECOVERY_DAYS = range(7, 31)  # API reference, DeleteSecret
# What cannot be done with a secret that is being deleted (API reference, InvalidRequestException).
_OF_LIVING = frozenset({"GetSecretValue", "PutSecretValue"})
_DELETED = "You can't perform this operation on the secret because it was marked for deletion."
_NAME_IS_TAKEN = "You can't create this secret because a secret with this name is already scheduled for deletion."


class SecretsApi:
    """Answers Secrets Manager's operations. `forward` sends a request to moto."""

    def __init__(self, forward: Callable[[Request, str], Response]) -> None:
        self._forward = forward

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as Secrets Manager would."""
        given = {name: value for name, value in json_body(request).items() if value is not None}
        _check_members(operation.name, given)
        _check_values(operation.name, given)
        secret_id = str(given.get("SecretId") or given.get("Name"))
        secret = moto_state.find_secret(caller.account, caller.region, secret_id)
        if secret is not None:
            _check_secret(operation.name, secret, given)
        return _answered(operation, self._forward(request, caller.account))


def _check_members(operation: str, given: Mapping[str, Any]) -> None:
    known = OPERATIONS.get(operation)
    if known is None:
        raise AwsError("NotImplemented", f"strict_aws has no {operation} of secretsmanager", 501)
    for name in sorted(given.keys() - known):
        raise AwsError("NotImplemented", f"strict_aws has no {name} of {operation}", 501)


def _check_values(operation: str, given: Mapping[str, Any]) -> None:
    if operation == "CreateSecret" and _NAME.fullmatch(str(given.get("Name"))) is None:
        text = (
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )
        raise AwsError("ValidationException", text)
    if operation != "CreateSecret" and "SecretId" not in given:
        raise AwsError("ValidationException", "1 validation error detected: Value null at 'secretId'")
    for name, lengths in _LENGTHS.items():
        if name in given and len(str(given[name])) not in lengths:
            _refuse_length(name, lengths[-1])
    for name in ("SecretString", "SecretBinary"):
        if len(str(given.get(name, "")).encode(errors="replace")) > _BYTES:
            _refuse_length(name, _BYTES)
    _check_one_value(operation, given)
    _check_deletion(given)


def _refuse_length(name: str, most: int) -> NoReturn:
    text = f"1 validation error detected: Value at '{name[:1].lower()}{name[1:]}' failed to satisfy constraint: "
    raise AwsError("ValidationException", f"{text}Member must have length less than or equal to {most}")


def _check_one_value(operation: str, given: Mapping[str, Any]) -> None:
    values = given.keys() & {"SecretString", "SecretBinary"}
    if len(values) > 1:
        raise AwsError("InvalidParameterException", "You can't specify both SecretString and SecretBinary.")
    if operation == "PutSecretValue" and not values:
        raise AwsError("InvalidRequestException", "You must provide either SecretString or SecretBinary.")


def _check_deletion(given: Mapping[str, Any]) -> None:
    days, at_once = given.get("RecoveryWindowInDays"), given.get("ForceDeleteWithoutRecovery")
    if days is not None and at_once:
        text = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
        raise AwsError("InvalidParameterException", text)
    if days is not None and days not in _RECOVERY_DAYS:
        text = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
        raise AwsError("InvalidParameterException", text)


def _check_secret(operation: str, secret: Secret, given: Mapping[str, Any]) -> None:
    if secret.is_deleted and operation == "CreateSecret":
        raise AwsError("InvalidRequestException", _NAME_IS_TAKEN)
    if secret.is_deleted and operation in _OF_LIVING:
        raise AwsError("InvalidRequestException", _DELETED)
    stage = given.get("VersionStage")
    if operation == "GetSecretValue" and stage is not None and stage not in secret.stages:
        text = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
        raise AwsError("ResourceNotFoundException", text)


def _answered(operation: Operation, response: Response) -> Response:
    """Return moto's answer without members that AWS's does not have.

    Raise its errors with HTTP status 400, which all errors have that are not AWS's own failures (API reference).
    """
    body = json.loads(response.body)
    if response.status >= HTTPStatus.BAD_REQUEST:
        code = str(body.get("__type", "")).rpartition("#")[2]
        raise AwsError(code, str(body.get("message") or body.get("Message") or code))
    shape = output_shape(operation.service, operation.name)
    members = {} if shape is None else shape.members
    return protocols.json_answer({name: value for name, value in body.items() if name in members})
