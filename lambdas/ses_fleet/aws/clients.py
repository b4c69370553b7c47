"""Clients of AWS's services, and the translation of what AWS and the SDK raise into AwsCallError."""

from __future__ import annotations

import functools
import io
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore
import botocore.session
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPSConnection, AWSRequest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    LoginError,
    MissingDependencyException,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSOError,
    TokenRetrievalError,
)
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from ses_fleet import foreign_errors, limits
from ses_fleet.aws import tls
from ses_fleet.errors import AwsCallError, FailureKind, SesFleetError

_THROTTLING_CODES = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
     "RequestThrottled", "RequestThrottledException", "SlowDown", "BandwidthLimitExceeded"}
)  # fmt: skip

# botocore raises these before anything of the request has left the process.
_BEFORE_SENDING = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    LoginError,
    MissingDependencyException,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSOError,
    TokenRetrievalError,
)
# Every error raised inside these came before the request, because they make the connection, TLS included. The class of
# the error does not tell: a handshake that times out raises ReadTimeoutError, one that is cut off SSLError or
# ConnectionClosedError, and so do answers that are lost.
_CONNECTING = frozenset({AWSHTTPConnection.connect.__code__, AWSHTTPSConnection.connect.__code__})
_WRONG_SETTING = "a setting of the AWS SDK, such as AWS_ENDPOINT_URL, is malformed"
_NO_SUCH_HOST = "the service's host name does not exist: check the Region, and whether the service is offered there"

tls.share_contexts()


class _Tries(threading.local):
    """Whether one of the SDK's tries of this thread's call may have reached AWS."""

    sent = False


_tries = _Tries()


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of one assumed role. Its repr shows none of them."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


class AwsClient:
    """A client of botocore whose failures are AwsCallError. Threads may share it, as they may botocore's.

    `used_at` is when its last call ended, as time.time() has it.
    """

    def __init__(self, service: str, client: Any) -> None:
        self.service = service
        self.used_at = time.time()
        self._client = client

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation by botocore's method name, such as `get_contact_list`, and return its answer.

        Raise AwsCallError when it fails.
        """
        _tries.sent = False
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except (ClientError, BotoCoreError, HTTPClientError, ResponseParserError) as error:
            raise _failure(self.service, operation, error) from None
        finally:
            self.used_at = time.time()
        return answer

    def drop_connections(self) -> None:
        """Close the connections that are not in use; the next calls make new ones."""
        self._client.close()

    def read_body(self, operation: str, answer: Mapping[str, Any], limit: int) -> bytes:
        """Return the streamed `Body` (or `Payload`) of an answer, up to `limit` bytes.

        Raise AwsCallError (lost) when the stream breaks off.
        """
        stream = answer.get("Body") or answer["Payload"]
        body = b""
        try:
            # Up to its end: only there does botocore notice that a body is shorter than announced.
            while len(body) < limit and (chunk := stream.read(limit - len(body))):
                body += chunk
        except Exception as error:  # noqa: BLE001  # urllib3, http.client and botocore each raise their own
            code = foreign_errors.code(type(error).__name__)
            raise AwsCallError(self.service, operation, "lost", code, foreign_errors.words(code, "lost")) from None
        return body


@functools.cache
def _warm_session() -> botocore.session.Session:
    # It holds the loaded models of services and nothing of a customer; building one for each client is slow.
    return botocore.session.Session()


def client(
    service: str,
    region: str | None,
    *,
    credentials: Credentials | None = None,
    attempts: int = 1,
    connect_timeout: float = limits.CONNECT_TIMEOUT_SECONDS,
    read_timeout: float = limits.CALL_READ_TIMEOUT_SECONDS,
    connections: int = 1,
    session: botocore.session.Session | None = None,
) -> AwsClient:
    """Return a new client, with `credentials` of a customer, else with those of `session`, else the process's own.

    With the `region` None it is the one of the process's own settings. `attempts` counts all tries of the SDK: with 1
    it never sends anything twice. Timeouts are seconds. Raise AwsCallError when the settings do not allow a client.
    """
    config = Config(
        user_agent=_user_agent(),
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    keys: dict[str, Any] = (
        {}
        if credentials is None
        else {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token,
        }
    )
    try:
        session = session or _warm_session()
        if not (region or session.get_config_variable("region")):  # botocore would fail when it signs
            raise NoRegionError
        raw: Any = session.create_client(service, region_name=region or None, config=config, **keys)
    except (BotoCoreError, ValueError) as error:
        raise _not_made(service, error) from None
    raw.meta.events.register("needs-retry", _note_try)
    if service == "s3":
        raw.meta.events.register("before-call.s3", _send_at_once)  # after botocore's own, which sets the header
    if "json" in raw.meta.service_model.resolved_protocol:
        raw.meta.events.register("before-parse", _read_whole)
    return AwsClient(service, raw)


def _user_agent() -> str:
    """Return what names us in customers' CloudTrail, with the SDK's setting for an application's own id.

    botocore builds its own anew for every request, which takes a tenth of a call's CPU.
    """
    own = os.environ.get("AWS_SDK_UA_APP_ID")
    return f"ses-fleet Botocore/{botocore.__version__}" + (f" app/{own}" if own else "")


def _not_made(service: str, error: Exception) -> AwsCallError:
    """Return why there is no client: no Region, an unknown profile, an endpoint that is not a URL."""
    code = foreign_errors.code(type(error).__name__)
    is_known = isinstance(error, BotoCoreError)
    text = foreign_errors.words(code, "unreachable") if is_known else _WRONG_SETTING
    return AwsCallError(service, "client", "unreachable", code, text)


def download(url: str, limit: int) -> bytes:
    """Return the content at a pre-signed URL of AWS, up to `limit` bytes.

    Raise AwsCallError, which does not name the URL.
    """
    try:
        session = URLLib3Session(timeout=limits.CALL_READ_TIMEOUT_SECONDS)
        answer = session.send(AWSRequest("GET", url, stream_output=True).prepare())
        body: bytes = answer.raw.read(limit, decode_content=True)
    except Exception as error:  # noqa: BLE001  # urllib3, http.client and botocore each raise their own
        raise AwsCallError("s3", "download", "lost", type(error).__name__, "no answer") from None
    if answer.status_code != 200:
        raise AwsCallError("s3", "download", "refused", f"HTTP{answer.status_code}", "refused", answer.status_code)
    return body


def _read_whole(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], operation_model: Any, **_: Any
) -> None:
    """Refuse a successful answer that was cut off or is no JSON object: botocore would take it for an empty one.

    A page of contacts that was cut off would look like a list without contacts. `Contacts` are returned as the JSON
    they came in, a null page as an empty one: names are the same, times stay epoch seconds, and null members stay null,
    which botocore omits elsewhere. botocore's parser takes 40 µs a contact, most of a page's CPU, to turn JSON into the
    same JSON.
    """
    body = response_dict["body"]
    if response_dict["status_code"] >= 300 or not isinstance(body, bytes):
        return
    announced = str(response_dict["headers"].get("content-length") or len(body))
    try:
        page = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        page = None
    if announced != str(len(body)) or not isinstance(page, dict):
        raise ResponseParserError("the answer is not complete")
    if operation_model.name == "ListContacts":
        customized_response_dict["Contacts"] = page.pop("Contacts", None) or []
        response_dict["body"] = json.dumps(page).encode()


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    """Send a small body with its headers: with `Expect: 100-continue` S3 is asked first, which takes a round trip."""
    body = params.get("body")
    if isinstance(body, io.BytesIO) and body.getbuffer().nbytes <= limits.BODY_SENT_AT_ONCE_BYTES:
        params["headers"].pop("Expect", None)


def _note_try(response: object, caught_exception: Exception | None, **_: Any) -> None:
    """Note every try that may have been sent; botocore reports each one here, also those that it repeats silently."""
    if response is not None or (caught_exception is not None and not _never_sent(caught_exception)):
        _tries.sent = True


def _failure(service: str, operation: str, error: Exception) -> AwsCallError:
    if isinstance(error, ClientError):
        return _service_failure(service, operation, error)
    code = foreign_errors.code(type(error).__name__)
    kind: FailureKind = "lost"
    if isinstance(error, ParamValidationError):
        kind = "refused"
    elif not _tries.sent and _never_sent(error):
        kind = "unreachable"
    unknown_host = any(isinstance(one, socket.gaierror) for one in _causes(error))
    text = _NO_SUCH_HOST if unknown_host else foreign_errors.words(code, kind)
    return AwsCallError(service, operation, kind, code, text)


def _never_sent(error: BaseException) -> bool:
    """Return whether the failure came before anything of the request could have been sent."""
    return isinstance(error, _BEFORE_SENDING) or any(_came_out_of_connecting(one) for one in _causes(error))


def _came_out_of_connecting(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in _CONNECTING:
            return True
        trace = trace.tb_next
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, but not an error of ours that was being handled when the call was made."""
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and not isinstance(current, SesFleetError) and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _service_failure(service: str, operation: str, error: ClientError) -> AwsCallError:
    code = foreign_errors.code(error.response.get("Error", {}).get("Code"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    kind = _kind(code, status)
    return AwsCallError(service, operation, kind, code, _words(service, code, kind, error), status)


def _words(service: str, code: str, kind: FailureKind, error: ClientError) -> str:
    """Return what the error means. SES has one code for everything that it refuses; its message says which it is."""
    message = str(error.response.get("Error", {}).get("Message") or "")
    known = foreign_errors.known_reason(message) if (service, code) == ("sesv2", "BadRequestException") else None
    return known or foreign_errors.words(code, kind)


def _kind(code: str, status: int | None) -> FailureKind:
    if code == "ConcurrentModificationException":
        return "conflict"  # SES answers it with HTTP 500
    if status == 429 or code in _THROTTLING_CODES:
        return "throttled"
    return "server" if status is not None and status >= 500 else "refused"
