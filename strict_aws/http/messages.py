"""What passes between the local cloud's HTTP endpoint and the services behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` is percent-decoded nowhere: as sent. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class AwsError(Exception):
    """An error as an AWS API answers it; the endpoint gives it the shape of the caller's protocol.

    `reason` is for the journal only: why, in words that AWS would not tell the caller.
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
