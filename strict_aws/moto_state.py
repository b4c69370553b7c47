"""Everything we touch of moto's inner state, in one place: what a new version of moto could take from us."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends
from moto.iam.access_control import PermissionResult
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from moto.sqs.models import sqs_backends

from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_service.events import EventSettings, Message


@dataclass(frozen=True)
class Role:
    """An IAM role as moto holds it: documents are parsed."""

    arn: str
    role_id: str
    trust: Mapping[str, Any]
    policies: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket as moto holds it. `policy` is a JSON text, None where there is none."""

    account: str
    region: str
    policy: str | None


class MotoApp:
    """moto's server application, called in process. `scheme` is of the URLs in its answers."""

    def __init__(self, scheme: str = "http") -> None:
        self._scheme = scheme
        # Bucket policies are asked before a request comes here; moto takes conditional ones for unconditional.
        FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL
        FakeKey.etag = property(_etag, FakeKey.etag.fset)
        self._app: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(create_backend_app)

    def handle(self, request: Request, account: str) -> Response:
        """Answer a request as `account`; AwsError 501 for what moto does not implement."""
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            answer["status"], answer["headers"] = int(status.split()[0]), dict(headers)

        try:
            body = b"".join(self._app(_environ(request, account, self._scheme), start_response))
        except NotImplementedError as error:
            raise AwsError("NotImplemented", f"the local cloud does not implement this: {error}", 501) from None
        if answer["status"] == 404 and b"<title>404 Not Found</title>" in body:
            raise AwsError("NotImplemented", "the local cloud does not implement this operation", 501)
        return Response(answer["status"], body, answer["headers"])


def _etag(key: Any) -> str:
    """moto's own reads the object without its lock: whoever reads it at that moment gets nothing, or half."""
    with key.lock:
        if key._etag is None:
            key._value_buffer.seek(0)
            key._etag = hashlib.md5(key._value_buffer.read(), usedforsecurity=False).hexdigest()
        return f'"{key._etag}"'


def find_role(arn: str) -> Role | None:
    """The role of this exact ARN, path included, or None."""
    partition, account = arn.split(":")[1], arn.split(":")[4]
    for role in iam_backends[account][partition].roles.values():
        if role.arn == arn:
            return Role(arn, role.id, _document(role.assume_role_policy_document), tuple(_policies(role)))
    return None


def know_aws_policy(account: str, arn: str) -> None:
    """Let an account attach one of the policies that AWS manages: moto would load all of them into every account."""
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
    """The bucket of this name, whoever's it is, or None."""
    bucket = _bucket(name)
    if bucket is None:
        return None
    text = None if bucket.policy is None else bytes(bucket.policy).decode(errors="replace")
    return Bucket(bucket.account_id, bucket.region_name, text)


def read_object(bucket: str, key: str) -> bytes | None:
    """An object's latest version past every policy, or None."""
    found = _bucket(bucket)
    held = None if found is None else s3_backends[found.account_id][found.partition].get_object(bucket, key)
    return None if held is None else bytes(held.value)


def _bucket(name: str) -> Any:
    partition, account = s3_backends.bucket_accounts.get(name, (None, None))
    return None if account is None else s3_backends[account][partition].buckets.get(name)


def find_function(account: str, region: str, name_or_arn: str, qualifier: str | None) -> FunctionSpec:
    """A function as deployed now; AwsError 404 as Lambda answers it."""
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
    """A function's asynchronous configuration; Lambda's defaults where it has none."""
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


def send_to_queue(arn: str, message: Message) -> None:
    """Put a message into an SQS queue."""
    _, _, _, region, account, name = arn.split(":", 5)
    attributes = {key: {"DataType": kind, "StringValue": value} for key, (kind, value) in message.attributes.items()}
    sqs_backends[account][region].send_message(name, message.body, message_attributes=attributes)


def write_log_events(account: str, region: str, group: str, stream: str, lines: list[tuple[int, str]]) -> None:
    """Append lines to a CloudWatch Logs stream, making group and stream where they are missing."""
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
        for version in managed.versions:
            if version.version_id == managed.default_version_id:
                yield _document(version.document)


def _document(text: Any) -> dict[str, Any]:
    document = text if isinstance(text, dict) else json.loads(unquote(text) if text.startswith("%") else text)
    return dict(document)


def _environ(request: Request, account: str, scheme: str) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(request.path, "latin-1"),
        "RAW_URI": request.path + (f"?{request.query}" if request.query else ""),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        # Which account a key belongs to was decided before: moto would search all of them, and guess.
        "HTTP_X_MOTO_ACCOUNT_ID": account,
    }
    for name, value in request.headers.items():
        if name not in ("content-length", "content-type", "x-moto-account-id"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


def make_bucket(moto: MotoApp, account: str, name: str, *, versioned: bool) -> None:
    """An empty bucket of us-east-1."""
    moto.handle(Request("PUT", f"/{name}", "", {}, b""), account)
    if versioned:
        status = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        moto.handle(Request("PUT", f"/{name}", "versioning", {}, status), account)


def make_regional_bucket(account: str, region: str, name: str, policy: Mapping[str, Any] | None) -> None:
    """An empty bucket in a Region of partition aws, which nobody else may have."""
    backend = s3_backends[account]["aws"]
    backend.create_bucket(name, region)
    if policy is not None:
        backend.put_bucket_policy(name, json.dumps(policy).encode())


def put_object(moto: MotoApp, account: str, bucket: str, key: str, body: bytes) -> None:
    """Write an object past every policy, or replace it."""
    # moto lets only who signs replace an object.
    signed = f"AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/s3/aws4_request"
    headers = {"content-type": "application/json", "authorization": signed, "host": "s3.amazonaws.com"}
    answer = moto.handle(Request("PUT", f"/{bucket}/{key}", "", headers, body), account)
    assert answer.status == HTTPStatus.OK  # noqa: S101  # the bucket is ours


def make_role(arn: str, *, trust: Mapping[str, Any], policies: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the role of this ARN, with its path, its trust policy and its inline policies by name."""
    _, partition, _, _, account_id, resource = arn.split(":", 5)
    path, _, name = resource.removeprefix("role").rpartition("/")
    backend = iam_backends[account_id][partition]
    made = backend.create_role(
        role_name=name,
        assume_role_policy_document=json.dumps(trust),
        path=f"{path}/",
        permissions_boundary=None,
        description="",
        tags=[],
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
    """A function whose events are never retried. Which Python runs it is the local runtime's affair."""
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
