"""Secrets Manager's HTTP API. moto keeps the secrets; this refuses what Secrets Manager refuses, with its statuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from strict_aws.backend import moto_state
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation, json_body
from strict_aws.iam.identity import Caller

_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")  # API reference, CreateSecret
_BYTES = 65_536  # API reference: SecretString, in CreateSecret and PutSecretValue
# What cannot be done with a secret that is being deleted (API reference, InvalidRequestException).
_OF_LIVING = frozenset({"GetSecretValue", "PutSecretValue", "UpdateSecret"})


class SecretsApi:
    """Answers Secrets Manager's operations. `forward` sends a request to moto."""

    def __init__(self, forward: Callable[[Request, str], Response]) -> None:
        self._forward = forward

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as Secrets Manager would."""
        given = json_body(request)
        _check_values(operation, given)
        if operation.name in _OF_LIVING:
            _check_secret(operation, caller, given)
        response = self._forward(request, caller.account)
        # All its errors but its own failures are 400 (API reference); moto answers some with 404.
        return replace(response, status=400) if response.status == HTTPStatus.NOT_FOUND else response


def _check_values(operation: Operation, given: Mapping[str, Any]) -> None:
    if operation.name == "CreateSecret" and _NAME.fullmatch(str(given.get("Name"))) is None:
        text = (
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )
        raise AwsError("ValidationException", text)
    if len(str(given.get("SecretString") or "").encode()) > _BYTES:
        text = "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have "
        raise AwsError("ValidationException", f"{text}length less than or equal to {_BYTES}")


def _check_secret(operation: Operation, caller: Caller, given: Mapping[str, Any]) -> None:
    secret = moto_state.find_secret(caller.account, caller.region, str(given.get("SecretId")))
    if secret is None:
        return  # moto says so
    if secret.is_deleted:
        text = "You can't perform this operation on the secret because it was marked for deletion."
        raise AwsError("InvalidRequestException", text)
    stage = given.get("VersionStage")
    if operation.name == "GetSecretValue" and stage is not None and stage not in secret.stages:
        text = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
        raise AwsError("ResourceNotFoundException", text)
