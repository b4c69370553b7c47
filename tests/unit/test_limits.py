"""The numbers that are AWS's: as AWS's own models and documentation have them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
import pytest

from ses_fleet import limits

KIB, MIB = 1024, 1024 * 1024


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def constraints(service: str, operation: str, member: str) -> dict[str, Any]:
    """What botocore's model of an operation says of one member of its request."""
    shape = _model(service).operation_model(operation).input_shape.members[member]
    return {key: shape.metadata.get(key) for key in ("min", "max")}


@pytest.mark.parametrize(
    ("service", "operation", "member", "most"),
    [
        ("sts", "AssumeRole", "RoleSessionName", limits.SESSION_NAME_CHARACTERS),
        ("iam", "CreateRole", "RoleName", limits.ROLE_NAME_CHARACTERS),
        ("iam", "CreateRole", "Path", limits.ROLE_PATH_CHARACTERS),
        ("identitystore", "ListUsers", "MaxResults", limits.IDENTITY_CENTER_PAGE_SIZE),
        ("identitystore", "ListGroups", "MaxResults", limits.IDENTITY_CENTER_PAGE_SIZE),
        ("identitystore", "ListGroupMemberships", "MaxResults", limits.IDENTITY_CENTER_PAGE_SIZE),
        ("identitystore", "CreateUser", "UserName", limits.USER_NAME_CHARACTERS),
        ("identitystore", "CreateGroup", "DisplayName", limits.GROUP_NAME_CHARACTERS),
    ],
)
def test_what_an_api_takes_at_most_is_what_its_model_says(service: str, operation: str, member: str, most: int) -> None:
    """AWS publishes these with its SDK."""
    assert constraints(service, operation, member)["max"] == most


def test_a_schedules_name_is_what_scheduler_takes() -> None:
    """1 to 64 of letters, digits, `_`, `.` and `-`."""
    assert constraints("scheduler", "CreateSchedule", "Name") == {"min": 1, "max": 64}
    for name, is_one in {"a": True, "A_9.-" + "x" * 59: True, "x" * 65: False, "": False, "a b": False}.items():
        assert (re.fullmatch(limits.SCHEDULE_NAME, name) is not None) == is_one


def test_lambdas_quotas_are_lambdas() -> None:
    """Its quota page: 6 MiB a synchronous payload, 900 s, 128 MB to 10 GB of memory."""
    assert limits.LAMBDA_PAYLOAD_BYTES == 6 * MIB
    assert (limits.ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS, limits.LAMBDA_MEMORY_MB) == (900, (128, 10_240))


def test_ses_quotas_are_the_developer_guides() -> None:
    """20 topics a list, names of 64 characters, one request a second in each account and Region."""
    assert (limits.SES_TOPICS, limits.SES_NAME_CHARACTERS) == (20, 64)
    assert limits.SES_REQUESTS_PER_SECOND == 1.0
    assert (limits.SES_DISPLAY_NAME_CHARACTERS, limits.SES_DESCRIPTION_CHARACTERS) == (128, 500)


def test_a_session_policy_has_2048_characters() -> None:
    """AssumeRole's documentation."""
    assert limits.SESSION_POLICY_CHARACTERS == 2_048


def test_what_schedules_and_alarms_take_is_aws() -> None:
    """256 KiB of a target's input; an alarm looks back a week at most; log groups are kept for these days."""
    assert (limits.SCHEDULE_INPUT_BYTES, limits.ALARM_WINDOW_SECONDS) == (256 * KIB, 7 * 24 * 3_600)
    documented = (
        *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
        *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
    )
    assert documented == limits.LOG_RETENTION_DAYS


def test_times_that_depend_on_each_other_are_in_order() -> None:
    """A worker ends before its caller's patience does, and that before a NAT gateway drops the connection (350 s)."""
    assert limits.WORKER_FUNCTION_TIMEOUT_SECONDS < limits.INVOKE_READ_TIMEOUT_SECONDS < 350
    longest_call = limits.CONNECT_TIMEOUT_SECONDS + limits.CALL_READ_TIMEOUT_SECONDS
    assert longest_call <= limits.WRITE_MARGIN_SECONDS < limits.LEASE_GRACE_SECONDS
    assert limits.DEFAULT_CUSTOMER_TIMEOUT_SECONDS <= limits.ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS
    assert limits.MAX_CUSTOMER_TIMEOUT_SECONDS == 12 * 3_600
    assert limits.MAX_HOPS == 12


def test_what_is_returned_stays_below_what_lambda_takes() -> None:
    """Data inline, a comparison inline, a log event: each with room for the rest."""
    assert limits.RESPONSE_INLINE_BYTES + limits.FLEET_INLINE_BYTES < limits.LAMBDA_PAYLOAD_BYTES
    assert limits.LOG_BLOCK_BYTES < 256 * KIB
