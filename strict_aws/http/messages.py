"""The requests, answers and errors that pass between the HTTP endpoint and the services behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` and `query` are as sent, not percent-decoded. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """One HTTP answer with its status, body and headers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class AwsError(Exception):
    """An error as an AWS API answers it; the endpoint gives it the shape of the caller's protocol.

    `code` and `message` are AWS's own. `reason` is for the journal only: it says why, which AWS would not tell the
    caller. `fields` are further members of the error's body.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        reason: str | None = None,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.reason = reason
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
