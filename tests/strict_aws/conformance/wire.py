"""The local cloud's endpoint without HTTP: what botocore would send goes straight in, and what would come back out."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from strict_aws.http.messages import Request, Response
from strict_aws.http.operations import output_shape
from tests.strict_aws.conformance.shapes import problems, xml_problems

URL = "http://127.0.0.1:9"


@functools.cache
def session() -> botocore.session.Session:
    """One for all: it keeps the models."""
    return botocore.session.get_session()


@dataclass(frozen=True)
class Answered:
    """How a request ended: the HTTP status, and the error's code where there is one."""

    status: int
    code: str | None
    body: bytes


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@functools.cache
def _client(service: str, account: str, region: str) -> Any:
    return session().create_client(
        service,
        region_name=region,
        endpoint_url=URL,
        aws_access_key_id=account,
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


class Wire:
    """Clients of an endpoint. `handle` answers a request."""

    def __init__(self, handle: Any, account: str, region: str) -> None:
        self._handle, self._account, self._region = handle, account, region
        self._last = Response(0)

    def ask(self, service: str, operation: str, parameters: dict[str, Any]) -> Answered | None:
        """Send a request; None when botocore itself does not take it."""
        client = _client(service, self._account, self._region)
        client.meta.events.register("before-send", self._answered)
        try:
            client._make_api_call(operation, parameters)
        except ParamValidationError:
            return None
        except ClientError as error:
            return Answered(self._last.status, str(error.response["Error"]["Code"]), self._last.body)
        finally:
            client.meta.events.unregister("before-send", self._answered)
        return Answered(self._last.status, None, self._last.body)

    def _answered(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent: Any = request
        parts = urlsplit(sent.url)
        headers = {name.lower(): _text(value) for name, value in sent.headers.items()}
        body = sent.body.read() if hasattr(sent.body, "read") else sent.body
        body = body.encode() if isinstance(body, str) else bytes(body or b"")
        self._last = self._handle(Request(sent.method, parts.path or "/", parts.query, headers, body))
        made: Any = HeadersDict(self._last.headers)
        return AWSResponse(sent.url, self._last.status, made, _Body(self._last.body))


def shape_problems(service: str, operation: str, body: bytes) -> list[str]:
    """What is wrong with the shape of an answer's body."""
    shape = output_shape(service, operation)
    if session().get_service_model(service).metadata["protocol"] == "query":
        return list(xml_problems(operation, body, shape))
    return list(problems(json.loads(body or b"{}"), shape))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
