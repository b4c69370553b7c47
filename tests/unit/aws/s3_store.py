"""An S3 with conditional writes and a clock of its own, and what may happen to a client's calls of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError


@dataclass
class Kept:
    """An object: its bytes, its ETag, and when it was written, by S3's clock."""

    body: bytes
    etag: str
    written: float


@dataclass
class Store:
    """What S3 holds. `now` is its clock in seconds, which tells whole ones; with `kms` an ETag is no MD5."""

    now: float = 1_790_000_000.0
    kms: bool = False
    objects: dict[str, Kept] = field(default_factory=dict)
    writes: int = 0

    def put(self, key: str, body: bytes) -> str:
        """Write it whatever is there."""
        self.writes += 1
        etag = f"kms-{self.writes}" if self.kms else hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.objects[key] = Kept(body, etag, self.now)
        return etag

    def answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """GetObject, PutObject with or without a condition; AwsCallError as S3 refuses."""
        key = parameters["Key"]
        there = self.objects.get(key)
        if operation == "get_object":
            if there is None:
                raise _refused(operation, "NoSuchKey", 404)
            return {
                "Body": io.BytesIO(there.body),
                "ContentLength": len(there.body),
                "ETag": f'"{there.etag}"',
                "LastModified": _moment(there.written),
                "ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(_moment(self.now), usegmt=True)}},
            }
        assert operation == "put_object"
        if "IfMatch" in parameters and there is None:
            raise _refused(operation, "NoSuchKey", 404)
        if "IfMatch" in parameters and there is not None and there.etag != parameters["IfMatch"]:
            raise _refused(operation, "PreconditionFailed", 412)
        if parameters.get("IfNoneMatch") == "*" and there is not None:
            raise _refused(operation, "PreconditionFailed", 412)
        return {"ETag": f'"{self.put(key, parameters["Body"])}"'}


Happens = Callable[[str, dict[str, Any]], str | None]


class Client(AwsClient):
    """One worker's S3. `happens(operation, parameters)` is asked before each call what becomes of it.

    None: it is answered. "lost": it takes effect, and the answer is lost. "before": it gets lost on its way. A status,
    such as "503": S3 answers so, and nothing takes effect. `asked` are the operations so far.
    """

    def __init__(self, store: Store, happens: Happens = lambda *_: None) -> None:
        super().__init__("s3", None)
        self.store = store
        self.happens = happens
        self.asked: list[str] = []

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """As boto3 would, without tries of its own."""
        what = self.happens(operation, parameters)
        self.asked.append(operation)
        if what == "before":
            raise AwsCallError("s3", operation, "lost", "ConnectionClosedError", "no answer")
        if what is not None and what.isdigit():
            raise AwsCallError("s3", operation, "server" if what[0] == "5" else "refused", "Code", "text", int(what))
        answer = self.store.answer(operation, parameters)
        if what == "lost":
            raise AwsCallError("s3", operation, "lost", "ConnectionClosedError", "no answer")
        return answer


def _refused(operation: str, code: str, status: int) -> AwsCallError:
    return AwsCallError("s3", operation, "refused", code, "no", status)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(seconds))
