"""S3 in memory: versions, conditional writes, listings and a clock of its own, for tests that need no process."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError

Json = dict[str, Any]
BEGAN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


@dataclass
class Stored:
    """One object; a `version` is its ETag behind a `v`."""

    body: bytes
    written: datetime

    @property
    def etag(self) -> str:
        """S3's: the MD5 of the body."""
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()


@dataclass
class Before:
    """What a test does at each request: called with (operation, key) before it, and after it with `done` True."""

    happens: Callable[[str, str, bool], None] = field(default=lambda _operation, _key, _done: None)


class MemoryS3(AwsClient):
    """Buckets by (bucket, key). `refused` are the ends of keys that nobody may write, `asked` the requests so far.

    `versioned` is whether buckets keep versions. Time passes when `advance` is called.
    """

    def __init__(self, *, versioned: bool = True) -> None:
        super().__init__("s3", None)
        self.stored: dict[tuple[str, str], Stored] = {}
        self.versions: dict[tuple[str, str, str], Stored] = {}
        self.refused: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.now = BEGAN
        self.versioned = versioned
        self.hook = Before()
        self._lock = threading.RLock()

    def advance(self, seconds: float) -> None:
        """Let so much time pass at S3."""
        self.now += timedelta(seconds=seconds)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Have this object."""
        with self._lock:
            self.stored[bucket, key] = made = Stored(body, self.now)
            self.versions[bucket, key, f"v{made.etag}"] = made

    def keys(self, prefix: str = "", bucket: str = "results") -> list[str]:
        """The keys below a prefix."""
        return sorted(key for place, key in self.stored if place == bucket and key.startswith(prefix))

    def call(self, operation: str, **parameters: Any) -> Json:
        """Answer GetObject, PutObject, DeleteObject and ListObjectsV2."""
        key = str(parameters.get("Key") or parameters.get("Prefix") or "")
        self.hook.happens(operation, key, False)
        with self._lock:
            self.asked.append((operation, key))
            answer: Json = getattr(self, f"_{operation}")(parameters)
            answer["ResponseMetadata"] = {"HTTPHeaders": {"date": format_datetime(self.now, usegmt=True)}}
        self.hook.happens(operation, key, True)
        return answer

    def _get_object(self, wanted: Json) -> Json:
        place = (wanted["Bucket"], wanted["Key"])
        version = wanted.get("VersionId")
        found = self.stored.get(place) if version is None else self.versions.get((*place, version))
        if found is None:
            raise AwsCallError("s3", "get_object", "refused", "NoSuchKey", "no", 404)
        return {
            "Body": io.BytesIO(found.body),
            "ContentLength": len(found.body),
            "LastModified": found.written,
            **self._names(found),
        }

    def _put_object(self, wanted: Json) -> Json:
        bucket, key = wanted["Bucket"], wanted["Key"]
        if any(key.endswith(end) for end in self.refused):
            raise AwsCallError("s3", "put_object", "refused", "AccessDenied", "no", 403)
        there = self.stored.get((bucket, key))
        if wanted.get("IfNoneMatch") == "*" and there is not None:
            raise AwsCallError("s3", "put_object", "refused", "PreconditionFailed", "no", 412)
        if "IfMatch" in wanted and there is None:
            raise AwsCallError("s3", "put_object", "refused", "NoSuchKey", "no", 404)
        if there is not None and wanted.get("IfMatch", there.etag) != there.etag:
            raise AwsCallError("s3", "put_object", "refused", "PreconditionFailed", "no", 412)
        body = wanted["Body"]
        self.put(bucket, key, body if isinstance(body, bytes) else body.read())
        return self._names(self.stored[bucket, key])

    def _delete_object(self, wanted: Json) -> Json:
        self.stored.pop((wanted["Bucket"], wanted["Key"]), None)
        return {}

    def _list_objects_v2(self, wanted: Json) -> Json:
        after = wanted.get("StartAfter", "")
        keys = [key for key in self.keys(wanted["Prefix"], wanted["Bucket"]) if key > after]
        entries = [{"Key": key, "LastModified": self.stored[wanted["Bucket"], key].written} for key in keys]
        return {"Contents": entries, "IsTruncated": False}

    def _list_object_versions(self, wanted: Json) -> Json:
        bucket, prefix = wanted["Bucket"], wanted["Prefix"]
        entries = [
            {"Key": key, "IsLatest": self.stored.get((place, key)) is found, "LastModified": found.written}
            for (place, key, _), found in sorted(self.versions.items())
            if place == bucket and key.startswith(prefix)
        ]
        return {"Versions": entries, "IsTruncated": False}

    def _names(self, found: Stored) -> Json:
        version = {"VersionId": f"v{found.etag}"} if self.versioned else {}
        return {"ETag": f'"{found.etag}"', **version}
