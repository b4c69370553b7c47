"""Checks of every answer that our own services give while tests run, whatever a test looks at itself."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from strict_aws.cloudformation.service import CloudFormation
from strict_aws.http.messages import Response
from strict_aws.http.operations import Operation, output_shape
from strict_aws.iam.sts import Sts
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.organizations.service import StrictOrganizations
from strict_aws.secrets.api import SecretsApi
from strict_aws.ses.service import StrictSes
from tests.strict_aws.conformance.shapes import problems, xml_problems

S = TypeVar("S")


def check_every_answer(patch: pytest.MonkeyPatch) -> None:
    """From now on an answer that is not of its model's shape is an AssertionError where it is given."""
    patch.setattr(StrictSes, "call", _checked_ses(StrictSes.call))
    patch.setattr(StrictIdentityCenter, "call", _checked_identity_center(StrictIdentityCenter.call))
    patch.setattr(StrictOrganizations, "call", _checked_organizations(StrictOrganizations.call))
    patch.setattr(Sts, "handle", _checked_xml(Sts.handle))
    patch.setattr(CloudFormation, "handle", _checked_xml(CloudFormation.handle))
    patch.setattr(SecretsApi, "handle", _checked_secrets(SecretsApi.handle))


def check(service: str, operation: str, answer: Any) -> None:
    """AssertionError with every problem of a JSON answer."""
    found = list(problems(answer, output_shape(service, operation)))
    assert found == [], f"{service} {operation}: {found[:10]}"
    json.dumps(answer, allow_nan=False)


def check_xml(operation: Operation, answer: Response) -> None:
    """AssertionError with every problem of an XML answer."""
    found = list(xml_problems(operation.name, answer.body, output_shape(operation.service, operation.name)))
    assert found == [], f"{operation.service} {operation.name}: {found[:10]}"


def _checked_ses(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def checked(ses: StrictSes, account: str, region: str, operation: str, params: Any, **more: Any) -> Any:
        answer = call(ses, account, region, operation, params, **more)
        check("sesv2", operation, answer)
        return answer

    return checked


def _checked_identity_center(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def checked(center: StrictIdentityCenter, service: str, *asked: Any, **more: Any) -> Any:
        answer = call(center, service, *asked, **more)
        check(service, asked[2], answer)
        return answer

    return checked


def _checked_organizations(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def checked(organizations: StrictOrganizations, account: str, operation: str, *asked: Any, **more: Any) -> Any:
        answer = call(organizations, account, operation, *asked, **more)
        check("organizations", operation, answer)
        return answer

    return checked


def _checked_xml(handle: Callable[[S, Operation, Any, Any], Response]) -> Callable[[S, Operation, Any, Any], Response]:
    @functools.wraps(handle)
    def checked(service: S, operation: Operation, caller: Any, request: Any) -> Response:
        answer = handle(service, operation, caller, request)
        check_xml(operation, answer)
        return answer

    return checked


def _checked_secrets(handle: Callable[..., Response]) -> Callable[..., Response]:
    @functools.wraps(handle)
    def checked(api: SecretsApi, operation: Operation, *asked: Any) -> Response:
        answer = handle(api, operation, *asked)
        check("secretsmanager", operation.name, json.loads(answer.body))
        return answer

    return checked
