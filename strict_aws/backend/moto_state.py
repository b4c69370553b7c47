"""What the strict services read from moto's inner state, and write into it, without a request.

moto documents none of it. This package (`backend`) is the only one that imports moto, and
tests/strict_aws/unit/test_private_hooks.py fails by name when a new version of moto takes something away.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from strict_aws.http.messages import AwsError
from strict_aws.lambda_runtime.function import EventSettings, FunctionSpec


@dataclass(frozen=True)
class Role:
    """An IAM role as moto holds it, with its policy documents parsed.

    `role_id` is the id that IAM gave the role when it was made: a role that is deleted and made again has another.
    `boundary` is the document of its permissions boundary, None for a role without one. A boundary whose policy is not
    there allows nothing.
    """

    arn: str
    role_id: str
    trust: Mapping[str, Any]
    policies: tuple[Mapping[str, Any], ...]
    boundary: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket as moto holds it. `policy` is the JSON text of its bucket policy, or None without one."""

    account: str
    region: str
    policy: str | None


@dataclass(frozen=True)
class Secret:
    """A secret of Secrets Manager as moto holds it. `stages` are the staging labels that its versions have."""

    arn: str
    is_deleted: bool
    stages: frozenset[str]


@dataclass(frozen=True)
class Schedule:
    """A schedule of EventBridge Scheduler as moto holds it.

    `made` and `changed` are by this machine's clock. `window_minutes` is 0 without a flexible time window. `target` has
    the members that CreateSchedule was given, and always a RetryPolicy.
    """

    account: str
    region: str
    group: str
    name: str
    arn: str
    expression: str
    zone: str
    start: datetime | None
    end: datetime | None
    enabled: bool
    window_minutes: int
    target: Mapping[str, Any]
    deleted_when_completed: bool
    made: datetime
    changed: datetime

    @property
    def group_arn(self) -> str:
        """The ARN of the schedule's group, which roles are trusted for."""
        return schedule_group_arn(self.account, self.region, self.group)


def schedule_group_arn(account: str, region: str, group: str) -> str:
    """Return the ARN of a group of schedules, whether it exists or not."""
    return f"arn:aws:scheduler:{region}:{account}:schedule-group/{group}"


def find_role(arn: str) -> Role | None:
    """Return the role of this ARN, whose path must match too, or None when there is none."""
    partition, account = arn.split(":")[1], arn.split(":")[4]
    for role in iam_backends[account][partition].roles.values():
        if role.arn == arn:
            trust = _document(role.assume_role_policy_document)
            return Role(arn, role.id, trust, tuple(_policies(role)), _boundary(account, partition, role))
    return None


def role_arn(account: str, name: str) -> str:
    """Return the ARN of the account's role of this name, with its path; without one when there is no such role."""
    arns = (str(role.arn) for role in iam_backends[account]["aws"].roles.values() if role.name == name)
    return next(arns, f"arn:aws:iam::{account}:role/{name}")


def know_aws_policy(account: str, arn: str) -> None:
    """Let an account attach this policy, if it is one that AWS manages; do nothing for any other ARN.

    moto's own switch would load all of AWS's policies into every account.
    """
    if not arn.startswith("arn:aws:iam::aws:policy/"):
        return
    backend, name = iam_backends[account]["aws"], arn.rsplit("/", 1)[1]
    if arn not in backend.managed_policies and name in _aws_policies():
        made = AWSManagedPolicy.from_data(name, account, "aws", _aws_policies()[name])
        if made.arn == arn:
            backend.managed_policies[arn] = made


@functools.cache
def _aws_policies() -> dict[str, Any]:
    return dict(json.loads(aws_managed_policies_data))


def find_bucket(name: str) -> Bucket | None:
    """Return the bucket of this name, in whichever account it is, or None when there is none."""
    bucket = _bucket(name)
    if bucket is None:
        return None
    text = None if bucket.policy is None else bytes(bucket.policy).decode(errors="replace")
    return Bucket(bucket.account_id, bucket.region_name, text)


def read_object(bucket: str, key: str) -> bytes | None:
    """Return the content of an object's latest version without asking any policy, or None when there is no object."""
    found = _bucket(bucket)
    held = None if found is None else s3_backends[found.account_id][found.partition].get_object(bucket, key)
    return None if held is None else bytes(held.value)


def _bucket(name: str) -> Any:
    partition, account = s3_backends.bucket_accounts.get(name, (None, None))
    return None if account is None else s3_backends[account][partition].buckets.get(name)


def find_function(account: str, region: str, name_or_arn: str, qualifier: str | None) -> FunctionSpec:
    """Return a function as it is deployed now; raise Lambda's AwsError 404 when there is none."""
    try:
        function = lambda_backends[account][region].get_function(name_or_arn, qualifier)
    except Exception:  # noqa: BLE001  # moto has several exceptions for "no such function"
        name = name_or_arn.rsplit(":", 1)[-1]
        arn = name_or_arn if name_or_arn.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
        raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404) from None
    reserved = function.reserved_concurrency
    return FunctionSpec(
        name=function.function_name,
        arn=function.function_arn,
        version=str(function.version),
        handler=function.handler,
        code=function.code_bytes,
        code_sha256=function.code_sha_256,
        timeout_seconds=int(function.timeout),
        memory_mb=int(function.memory_size),
        variables=dict(function.environment_vars),
        role_arn=function.role,
        region=region,
        reserved_concurrency=None if reserved is None else int(reserved),
    )


def event_settings(account: str, region: str, name: str) -> EventSettings:
    """Return how a function's events are retried and where failed ones go; Lambda's defaults where nothing is set."""
    configured = lambda_backends[account][region].get_function(name).event_invoke_config
    if not configured:
        return EventSettings()
    config = configured[-1].config
    defaults = EventSettings()
    return EventSettings(
        max_retries=int(config.get("MaximumRetryAttempts", defaults.max_retries)),
        max_age_seconds=int(config.get("MaximumEventAgeInSeconds", defaults.max_age_seconds)),
        on_failure=config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
    )


def send_to_queue(arn: str, body: str, attributes: Mapping[str, tuple[str, str]]) -> None:
    """Put a message into the SQS queue of this ARN. Attributes are (data type, value) by name."""
    _, _, _, region, account, name = arn.split(":", 5)
    given = {key: {"DataType": kind, "StringValue": value} for key, (kind, value) in attributes.items()}
    sqs_backends[account][region].send_message(name, body, message_attributes=given)


def find_secret(account: str, region: str, secret_id: str) -> Secret | None:
    """Return the secret of this name, ARN, or ARN without its last six characters, or None when there is none."""
    place = f"arn:aws:secretsmanager:{region}:{account}:secret:"
    names = (secret_id, secret_id.removeprefix(place))  # moto takes any account's ARN without the characters
    held = dict.values(secretsmanager_backends[account][region].secrets)
    found = next((one for one in held if one.arn == secret_id or one.name in names), None)
    if found is None:
        return None
    stages = (stage for version in found.versions.values() for stage in version["version_stages"])
    return Secret(found.arn, found.is_deleted(), frozenset(stages))


def schedules() -> list[Schedule]:
    """Return every schedule of all accounts and Regions."""
    return [
        _schedule(account, region, schedule)
        for account, regions in list(scheduler_backends.items())
        for region, backend in list(regions.items())
        for group in list(backend.schedule_groups.values())
        for schedule in list(group.schedules.values())
    ]


def has_schedule_group(account: str, region: str, group: str) -> bool:
    """Tell whether the account has a group of schedules of this name in the Region."""
    return group in scheduler_backends[account][region].schedule_groups


def complete_schedule(account: str, region: str, group: str, name: str, action: str | None) -> None:
    """Set what happens to a schedule after its last invocation, which moto does not change when it updates one."""
    scheduler_backends[account][region].get_schedule(group, name).action_after_completion = action


def delete_schedule(schedule: Schedule) -> None:
    """Delete a schedule; do nothing when it is gone already."""
    groups = scheduler_backends[schedule.account][schedule.region].schedule_groups
    if schedule.group in groups:
        groups[schedule.group].schedules.pop(schedule.name, None)


def _schedule(account: str, region: str, held: Any) -> Schedule:
    window = held.flexible_time_window or {}
    return Schedule(
        account=account,
        region=region,
        group=held.group_name,
        name=held.name,
        arn=held.arn,
        expression=held.schedule_expression,
        zone=held.schedule_expression_timezone,
        start=_moment(held.start_date),
        end=_moment(held.end_date),
        enabled=held.state != "DISABLED",
        window_minutes=int(window.get("MaximumWindowInMinutes") or 0) if window.get("Mode") == "FLEXIBLE" else 0,
        target=held.target,
        deleted_when_completed=held.action_after_completion == "DELETE",
        made=datetime.fromtimestamp(held.creation_date, UTC),
        changed=datetime.fromtimestamp(held.last_modified_date, UTC),
    )


def _moment(given: Any) -> datetime | None:
    """Return the moment of a timestamp as requests have it: epoch seconds, or ISO 8601."""
    if given is None:
        return None
    if isinstance(given, int | float):
        return datetime.fromtimestamp(given, UTC)
    moment = datetime.fromisoformat(str(given))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def write_log_events(account: str, region: str, group: str, stream: str, lines: list[tuple[int, str]]) -> None:
    """Append lines, as (epoch milliseconds, text), to a CloudWatch Logs stream.

    The log group and the stream are made when they do not exist.
    """
    logs = logs_backends[account][region]
    if group not in logs.groups:
        logs.create_log_group(group, {})
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    logs.put_log_events(group, stream, [{"timestamp": at, "message": line} for at, line in lines])


def _policies(role: Any) -> Iterable[Mapping[str, Any]]:
    for text in role.policies.values():
        yield _document(text)
    for managed in role.managed_policies.values():
        yield from _default_version(managed)


def _default_version(managed: Any) -> Iterable[Mapping[str, Any]]:
    for version in managed.versions:
        if version.version_id == managed.default_version_id:
            yield _document(version.document)


def _boundary(account: str, partition: str, role: Any) -> Mapping[str, Any] | None:
    arn = role.permissions_boundary_arn
    if not arn:
        return None
    know_aws_policy(account, arn)
    managed = iam_backends[account][partition].managed_policies.get(arn)
    return next(iter(_default_version(managed)), {"Statement": []}) if managed else {"Statement": []}


def _document(text: Any) -> dict[str, Any]:
    document = text if isinstance(text, dict) else json.loads(unquote(text) if text.startswith("%") else text)
    return dict(document)
