"""The only importer of boto3: sessions, clients, and the translation of AWS's failures into ours."""

from __future__ import annotations

import functools
import gc
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
)
from botocore.httpsession import URLLib3Session

from shared import limits
from shared.errors import AwsCallError, FailureKind
from shared.text import masked, printable

_THROTTLING_CODES = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
     "RequestThrottled", "RequestThrottledException", "SlowDown", "BandwidthLimitExceeded"}
)  # fmt: skip


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of one assumed role. Its repr shows nothing."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


class AwsClient:
    """A boto3 client whose failures are AwsCallError. Safe to share between threads, as boto3's clients are."""

    def __init__(self, service: str, client: Any) -> None:
        self.service = service
        self._client = client

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation by boto3's method name, e.g. `get_contact_list`."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except (ClientError, BotoCoreError, HTTPClientError) as error:
            raise _failure(self.service, operation, error) from None
        return answer

    def read_body(self, operation: str, answer: Mapping[str, Any], limit: int) -> bytes:
        """The streamed `Body` (or `Payload`) of an answer, at most `limit` bytes; a broken stream is `lost`."""
        stream = answer.get("Body") or answer["Payload"]
        try:
            body: bytes = stream.read(limit)
        except Exception as error:  # noqa: BLE001  # urllib3, http.client and botocore each raise their own
            raise AwsCallError(self.service, operation, "lost", type(error).__name__, masked(str(error))) from None
        return body


@functools.cache
def _warm_session() -> boto3.session.Session:
    # Holds loaded service models and nothing of a customer: building one per customer is what makes peers slow.
    return boto3.session.Session()


def warm_up(*services: str) -> None:
    """Load the services' models in a function's init phase, and keep them out of garbage collection.

    No client and nothing of the environment is kept; the collector would otherwise go through half a million
    objects of botocore's, which never change, while customers are served.
    """
    nobody = Credentials("none", "none", "none")
    for service in services:
        client(service, "us-east-1", credentials=nobody)
    gc.collect()
    gc.freeze()


def client(
    service: str,
    region: str | None,
    *,
    credentials: Credentials | None = None,
    attempts: int = 1,
    read_timeout: float = limits.CALL_READ_TIMEOUT_SECONDS,
    connections: int = 1,
) -> AwsClient:
    """A new client: with `credentials` for a customer, else with the process's own.

    `region` None = where the process's own settings say.
    `attempts` counts all tries of the SDK; 1 = it never sends anything twice.
    """
    config = Config(
        connect_timeout=limits.CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    keys = (
        {}
        if credentials is None
        else {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token,
        }
    )
    try:
        raw: Any = _warm_session().client(service, region_name=region, config=config, **keys)  # type: ignore[call-overload]
    except (BotoCoreError, ValueError) as error:  # no Region, a profile that is not there, an endpoint that is no URL
        raise AwsCallError(service, "client", "unreachable", type(error).__name__, masked(str(error))) from None
    if service == "sesv2":
        raw.meta.events.register("before-parse.sesv2.ListContacts", _leave_contacts_as_json)
    return AwsClient(service, raw)


def download(url: str, limit: int) -> bytes:
    """What a pre-signed URL that AWS handed out leads to, at most `limit` bytes; AwsCallError without the URL."""
    try:
        session = URLLib3Session(timeout=limits.CALL_READ_TIMEOUT_SECONDS)
        answer = session.send(AWSRequest("GET", url, stream_output=True).prepare())
        body: bytes = answer.raw.read(limit, decode_content=True)
    except Exception as error:  # noqa: BLE001  # urllib3, http.client and botocore each raise their own
        raise AwsCallError("s3", "download", "lost", type(error).__name__, "no answer") from None
    if answer.status_code != 200:
        raise AwsCallError("s3", "download", "refused", f"HTTP{answer.status_code}", "refused", answer.status_code)
    return body


def _leave_contacts_as_json(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Hand over a page's `Contacts` as the JSON they came in: names are the same, times stay epoch seconds.

    Members of a contact that are null stay null here, which botocore leaves out elsewhere; a null page is an empty one.

    botocore's parser takes 40 µs a contact, most of a page's CPU, to turn JSON into the same JSON.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        page = json.loads(response_dict["body"])
        customized_response_dict["Contacts"] = page.pop("Contacts", None) or []
    except (ValueError, AttributeError):
        return  # not what we know: botocore says what is wrong with it
    response_dict["body"] = json.dumps(page).encode()


def _failure(service: str, operation: str, error: Exception) -> AwsCallError:
    if isinstance(error, ClientError):
        return _service_failure(service, operation, error)
    code = type(error).__name__
    if isinstance(error, ConnectTimeoutError | EndpointConnectionError | NoCredentialsError):
        return AwsCallError(service, operation, "unreachable", code, masked(str(error)))
    if isinstance(error, ParamValidationError):
        return AwsCallError(service, operation, "refused", code, "the parameters do not have the API's form")
    return AwsCallError(service, operation, "lost", code, masked(str(error)))


def _service_failure(service: str, operation: str, error: ClientError) -> AwsCallError:
    details = error.response.get("Error", {})
    code = str(details.get("Code") or "Unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return AwsCallError(
        service, operation, _kind(code, status), printable(code, 80), masked(str(details.get("Message", ""))), status
    )


def _kind(code: str, status: int | None) -> FailureKind:
    if code == "ConcurrentModificationException":
        return "conflict"  # SES answers it with HTTP 500
    if status == 429 or code in _THROTTLING_CODES:
        return "throttled"
    return "server" if status is not None and status >= 500 else "refused"
