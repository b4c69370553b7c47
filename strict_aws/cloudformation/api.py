"""The services' APIs, called for a stack. What a stack makes takes effect exactly as if a client had made it."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.model import Shape

from strict_aws.http.messages import Request, Response

Send = Callable[[Request], Response]


class Api:
    """An account's services in one Region, called as its administrator. `send` answers a signed request."""

    def __init__(self, send: Send, url: str, account: str, region: str) -> None:
        self._send = send
        self._url = url
        self.account, self.region = account, region
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation with those of the parameters that it knows, and return its answer in botocore's shape.

        Values are converted to the types that the operation wants, because templates write numbers as texts and
        documents as objects. Raise ClientError when the service refuses.
        """
        known = _members(service, operation)
        wanted = {name: _cast(known[name], value) for name, value in parameters.items() if name in known}
        answer: dict[str, Any] = self._client(service)._make_api_call(operation, wanted)
        return answer

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            client: Any = _session().create_client(
                service,
                region_name=self.region,
                endpoint_url=self._url,
                aws_access_key_id=self.account,
                aws_secret_access_key="local",
                config=config,
            )
            client.meta.events.register("before-send", self._answered)
            self._clients[service] = client
        return self._clients[service]

    def _answered(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent: Any = request
        parts = urlsplit(sent.url)
        headers = {name.lower(): _text(value) for name, value in sent.headers.items()}
        headers["host"] = parts.netloc
        body = sent.body.read() if hasattr(sent.body, "read") else sent.body
        answer = self._send(Request(sent.method, parts.path or "/", parts.query, headers, _bytes(body)))
        return _answer(sent.url, answer)


def known(service: str, operation: str) -> frozenset[str]:
    """Return the names of an operation's parameters."""
    return frozenset(_members(service, operation))


class _Raw(io.BytesIO):
    """A response body in the form in which botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the whole body at once."""
        yield self.read()


def _answer(url: str, answer: Response) -> AWSResponse:
    headers: Any = HeadersDict(answer.headers)
    return AWSResponse(url, answer.status, headers, _Raw(answer.body))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def _members(service: str, operation: str) -> Mapping[str, Shape]:
    shape = _session().get_service_model(service).operation_model(operation).input_shape
    return {} if shape is None else shape.members


def _cast(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        return {name: _cast(shape.members[name], inner) for name, inner in value.items() if name in shape.members}
    if kind == "list" and isinstance(value, list):
        return [_cast(shape.member, inner) for inner in value]
    if kind == "map" and isinstance(value, Mapping):
        return {name: _cast(shape.value, inner) for name, inner in value.items()}
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return str(value).lower() == "true"
    return _string(value) if kind == "string" else value


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)
