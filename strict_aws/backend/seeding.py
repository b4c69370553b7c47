"""Make buckets, objects, roles, functions and schedules directly in moto, past every policy and without a request.

For programs and tests that fill accounts before anybody is served.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends

from strict_aws.backend.moto_app import MotoApp
from strict_aws.http.messages import Request


def make_bucket(moto: MotoApp, account: str, name: str, *, versioned: bool) -> None:
    """Make an empty bucket in us-east-1, with or without versioning."""
    moto.handle(Request("PUT", f"/{name}", "", {}, b""), account)
    if versioned:
        status = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        moto.handle(Request("PUT", f"/{name}", "versioning", {}, status), account)


def make_regional_bucket(account: str, region: str, name: str, policy: Mapping[str, Any] | None) -> None:
    """Make an empty bucket in a Region of partition aws, with this bucket policy or with none.

    The name must not be taken, in this account or in another.
    """
    backend = s3_backends[account]["aws"]
    backend.create_bucket(name, region)
    if policy is not None:
        backend.put_bucket_policy(name, json.dumps(policy).encode())


def put_object(moto: MotoApp, account: str, bucket: str, key: str, body: bytes) -> None:
    """Write an object, or replace it, without asking any policy. The bucket must exist."""
    # moto replaces an object only for a request that is signed.
    signed = f"AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/s3/aws4_request"
    headers = {"content-type": "application/json", "authorization": signed, "host": "s3.amazonaws.com"}
    answer = moto.handle(Request("PUT", f"/{bucket}/{key}", "", headers, body), account)
    assert answer.status == HTTPStatus.OK  # noqa: S101  # the bucket exists


def make_role(
    arn: str,
    *,
    trust: Mapping[str, Any],
    policies: Mapping[str, Mapping[str, Any]],
    tags: Mapping[str, str] | None = None,
) -> None:
    """Make the role of this ARN and path with this trust policy, these inline policies, which are by name, and tags."""
    _, partition, _, _, account_id, resource = arn.split(":", 5)
    path, _, name = resource.removeprefix("role").rpartition("/")
    backend = iam_backends[account_id][partition]
    made = backend.create_role(
        role_name=name,
        assume_role_policy_document=json.dumps(trust),
        path=f"{path}/",
        permissions_boundary=None,
        description="",
        tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        max_session_duration="3600",
    )
    for policy_name, policy in policies.items():
        made.put_policy(policy_name, json.dumps(policy))


def make_function(
    account: str,
    region: str,
    *,
    name: str,
    handler: str,
    role_arn: str,
    code: bytes,
    timeout: int,
    memory_mb: int,
    variables: Mapping[str, str],
) -> None:
    """Make a function from a zip (`code`) whose failed events are not retried, and its log group.

    `timeout` is in seconds. The runtime is python3.13 for AWS's API; the Python of this process runs the function.
    """
    lambda_backends[account][region].create_function(
        {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": handler,
            "Role": role_arn,
            "Code": {"ZipFile": base64.b64encode(code).decode()},
            "Timeout": timeout,
            "MemorySize": memory_mb,
            "Environment": {"Variables": dict(variables)},
        }
    )
    lambda_backends[account][region].put_function_event_invoke_config(name, {"MaximumRetryAttempts": 0})
    logs_backends[account][region].create_log_group(f"/aws/lambda/{name}", {})


def make_schedule(
    account: str,
    region: str,
    *,
    group: str,
    name: str,
    expression: str,
    start: datetime,
    target: Mapping[str, Any],
) -> None:
    """Make a schedule with a StartDate, in UTC and without a flexible window, and its group if that does not exist.

    `target` is CreateSchedule's. A scheduler that waits sees the schedule when it is told to `look`.
    """
    backend = scheduler_backends[account][region]
    if group not in backend.schedule_groups:
        backend.create_schedule_group(group, [])
    backend.create_schedule(
        description="",
        end_date=None,
        flexible_time_window={"Mode": "OFF"},
        group_name=group,
        kms_key_arn=None,
        name=name,
        schedule_expression=expression,
        schedule_expression_timezone=None,
        start_date=start.timestamp(),
        state=None,
        target=dict(target),
        action_after_completion=None,
    )
