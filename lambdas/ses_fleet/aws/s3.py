"""S3 objects: the few ways in which they are read and written here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, TypeVar

from ses_fleet import limits
from ses_fleet.aws import server_time
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class StoredObject:
    """An object's bytes, its ETag, and its VersionId: None in a bucket without versions.

    `age` is how many seconds ago it was written, by S3's own clock, which tells whole seconds. It is None where the
    answer did not say.
    """

    body: bytes
    etag: str
    version_id: str | None
    age: float | None

    @property
    def version(self) -> str | None:
        """Return the VersionId, or the ETag in a bucket without versions; None when the answer had neither."""
        return self.version_id or self.etag or None


@dataclass(frozen=True)
class ListedObject:
    """A key, and how many seconds ago its object was written, by S3's own clock, which tells whole seconds."""

    key: str
    age: float


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object: its VersionId, whether it is the present one, when it was written, and its bytes.

    In a bucket without versions the only one is called `null`.
    """

    key: str
    is_latest: bool
    written: datetime
    version_id: str = ""
    size: int = 0


class TooLargeError(Exception):
    """The object is larger than the reader allows. `size` is its size in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


@dataclass(frozen=True)
class Bucket:
    """One bucket, used through one S3 client.

    With `owner`, S3 refuses writes when the bucket belongs to another account.
    """

    s3: AwsClient
    name: str
    owner: str | None = None

    def read(self, key: str, *, limit: int, version_id: str | None = None) -> StoredObject:
        """Return the object, or one version of it.

        Raise AwsCallError when it cannot be read, and TooLargeError above `limit` bytes.
        """
        wanted = {} if version_id is None else {"VersionId": version_id}
        answer = self.s3.call("get_object", Bucket=self.name, Key=key, **wanted)
        size = int(answer["ContentLength"])
        if size > limit:
            raise TooLargeError(size)
        body = self.s3.read_body("get_object", answer, limit)
        return StoredObject(body, _etag(answer), _version_id(answer), server_time.age_of(answer))

    def find(self, key: str, *, limit: int) -> StoredObject | None:
        """Return the object, or None when it does not exist. Raise as `read` does."""
        try:
            return self.read(key, limit=limit)
        except AwsCallError as failure:
            if failure.status == 404:
                return None
            raise

    def write(self, key: str, body: bytes | BinaryIO, content_type: str = "application/json") -> str | None:
        """Write the object, over one that exists, and return its version as in StoredObject.

        Raise AwsCallError when it fails.
        """
        return _version(self.s3.call("put_object", Key=key, Body=body, ContentType=content_type, **self._whose()))

    def delete(self, key: str) -> None:
        """Delete the object, if it exists. Raise AwsCallError when S3 refuses that."""
        self.s3.call("delete_object", Key=key, **self._whose())

    def create(self, key: str, body: bytes, content_type: str = "application/json") -> bool:
        """Write the object unless it exists.

        Return True when it holds exactly `body` now, False when it holds something else.

        A caller that must know that it was *this* call and no other puts a token of its own into `body`. The answer to
        our own write may be lost after its effect, and the next try is refused then, so a refusal is believed only
        after the object was read back. Raise AwsCallError when S3 does not say, after CREATE_ATTEMPTS tries.
        """
        return self._written_if({"IfNoneMatch": "*"}, key, body, content_type, expected=None) is not None

    def replace(self, key: str, body: bytes, etag: str, content_type: str = "application/json") -> str | None:
        """Overwrite the object if it is the one with this ETag, and return the ETag that it has then.

        Return None when there is another object or none; nothing is written then. Put a token of the caller into `body`
        and expect an AwsCallError as for `create`.
        """
        written = self._written_if({"IfMatch": etag}, key, body, content_type, expected=etag)
        return None if written is None else written.etag

    def write_over(self, key: str, body: bytes, etag: str | None) -> StoredObject | None:
        """Write the object if the one with this ETag is still there, or with None if there is none.

        Return what is there then, or None when there is another object; nothing is written then. Expect an AwsCallError
        as for `create`.
        """
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        return self._written_if(condition, key, body, "application/json", expected=etag)

    def overwrite_once(self, key: str, body: bytes, etag: str, content_type: str = "application/json") -> bool:
        """Send one request that overwrites the object if it is the one with this ETag. Return whether S3 did so.

        Raise AwsCallError when S3 fails; it may have done so then.
        """
        try:
            self.s3.call("put_object", Key=key, Body=body, ContentType=content_type, IfMatch=etag, **self._whose())
        except AwsCallError as failure:
            if failure.status in (404, 412):
                return False
            raise
        return True

    def _written_if(
        self, condition: dict[str, str], key: str, body: bytes, content_type: str, *, expected: str | None
    ) -> StoredObject | None:
        """Write the object on a condition. Return it, or None when something else than `expected` is there."""
        parameters = {"ContentType": content_type, **condition, **self._whose()}
        for attempt in range(1, limits.CREATE_ATTEMPTS + 1):
            try:
                answer = self.s3.call("put_object", Key=key, Body=body, **parameters)
                return StoredObject(body, _etag(answer), _version_id(answer), None)
            except AwsCallError as failure:
                # 412: the condition does not hold. 409: another conditional write of the key was under way, and either
                # or none took effect. 404: there is no object to compare with (S3 API, PutObject). After a transient
                # failure the effect is not known.
                missing = failure.status == 404 and expected is not None
                if not missing and failure.status not in (409, 412) and not failure.transient:
                    raise
                there = self._patiently(lambda: self._comparable(key, len(body)))
                if there is not None and there.body == body:
                    return there
                if (None if there is None else there.etag) != expected:
                    return None
                if attempt == limits.CREATE_ATTEMPTS:
                    raise
            _wait(attempt)
        raise AssertionError("the last try returns or raises")

    def _comparable(self, key: str, size: int) -> StoredObject | None:
        """Return the object, None when it does not exist, and one that equals nothing when it is far larger."""
        try:
            return self.find(key, limit=max(size, limits.COMPARED_BYTES))
        except TooLargeError:
            return StoredObject(b"", "", None, None)

    def _patiently(self, read: Callable[[], _Found]) -> _Found:
        """Return the result of a reading call, repeated while S3 fails with a transient error."""
        for attempt in range(1, limits.CREATE_ATTEMPTS):
            try:
                return read()
            except AwsCallError as failure:
                if not failure.transient:
                    raise
            _wait(attempt)
        return read()

    def objects(self, prefix: str, *, after: str | None = None) -> Iterator[ListedObject]:
        """Yield every object below `prefix`, in the order of the keys; with `after` only those whose key follows it.

        Raise AwsCallError when S3 does not answer.
        """
        position = {} if after is None else {"StartAfter": after}
        while True:
            page = self.s3.call("list_objects_v2", Bucket=self.name, Prefix=prefix, **position)
            now = server_time.moment_of(page)
            for entry in page.get("Contents") or ():
                written: datetime = entry["LastModified"]
                yield ListedObject(str(entry["Key"]), (now - written).total_seconds())
            if not page.get("IsTruncated"):
                return
            position = {"ContinuationToken": page["NextContinuationToken"]}

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """Yield every version below `prefix`, present and old ones; markers of deletions are left out.

        Raise AwsCallError when S3 does not answer.
        """
        position: dict[str, str] = {}
        while True:
            page = self.s3.call("list_object_versions", Bucket=self.name, Prefix=prefix, **position)
            for entry in page.get("Versions") or ():
                yield StoredVersion(
                    str(entry["Key"]),
                    bool(entry.get("IsLatest")),
                    entry["LastModified"],
                    str(entry.get("VersionId") or ""),
                    int(entry.get("Size") or 0),
                )
            if not page.get("IsTruncated"):
                return
            names = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
            position = {name: str(page[member]) for name, member in names.items() if page.get(member)}

    def folders(self, prefix: str, *, after: str = "") -> list[str]:
        """Return the names right below `prefix`, which ends with a slash, that have objects below them.

        With `after` only those that follow it in the order of the keys.
        """
        found: list[str] = []
        position = {"StartAfter": prefix + after} if after else {}
        while True:
            page = self.s3.call("list_objects_v2", Bucket=self.name, Prefix=prefix, Delimiter="/", **position)
            found += [str(one["Prefix"]).removeprefix(prefix).rstrip("/") for one in page.get("CommonPrefixes") or ()]
            if not page.get("IsTruncated"):
                return found
            position = {"ContinuationToken": page["NextContinuationToken"]}

    def location(self, key: str) -> str:
        """Return the object's s3:// URI."""
        return f"s3://{self.name}/{key}"

    def _whose(self) -> dict[str, str]:
        return {"Bucket": self.name, **({"ExpectedBucketOwner": self.owner} if self.owner else {})}


def _version(answer: dict[str, Any]) -> str | None:
    return _version_id(answer) or _etag(answer) or None


def _version_id(answer: dict[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return str(version) if version and version != "null" else None


def _etag(answer: dict[str, Any]) -> str:
    return str(answer.get("ETag") or "").strip('"')


def _wait(attempt: int) -> None:
    longest = limits.CREATE_PAUSE_SECONDS * 2 ** (attempt - 1)
    time.sleep(random.uniform(longest / 2, longest))  # noqa: S311  # jitter, not a secret
