"""S3 objects: the few ways in which they are read and written here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError


@dataclass(frozen=True)
class StoredObject:
    """An object's bytes, and its VersionId or, in a bucket without versions, its ETag."""

    body: bytes
    version: str | None


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

    def read(self, key: str, *, limit: int) -> StoredObject:
        """Return the object. Raise AwsCallError when it cannot be read, and TooLargeError above `limit` bytes."""
        answer = self.s3.call("get_object", Bucket=self.name, Key=key)
        size = int(answer["ContentLength"])
        if size > limit:
            raise TooLargeError(size)
        return StoredObject(self.s3.read_body("get_object", answer, limit), _version(answer))

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
        conditions = {"ContentType": content_type, "IfNoneMatch": "*", **self._whose()}
        for attempt in range(1, limits.CREATE_ATTEMPTS + 1):
            try:
                self.s3.call("put_object", Key=key, Body=body, **conditions)
            except AwsCallError as failure:
                # 412: the object exists. 409: another conditional write of the key was under way, and either or none
                # took effect (S3 API, PutObject). After a transient failure the effect is not known.
                if failure.status not in (409, 412) and not failure.transient:
                    raise
                there = self._patiently(lambda: self._holds(key, body))
                if there is not None:
                    return there
                if attempt == limits.CREATE_ATTEMPTS:
                    raise
            else:
                return True
            _wait(attempt)
        raise AssertionError("the last try returns or raises")

    def _holds(self, key: str, body: bytes) -> bool | None:
        """Return whether the object holds exactly `body`, or None when it does not exist."""
        try:
            found = self.find(key, limit=len(body))
        except TooLargeError:
            return False
        return None if found is None else found.body == body

    def _patiently(self, read: Callable[[], bool | None]) -> bool | None:
        """Return the result of a reading call, repeated while S3 fails with a transient error."""
        for attempt in range(1, limits.CREATE_ATTEMPTS):
            try:
                return read()
            except AwsCallError as failure:
                if not failure.transient:
                    raise
            _wait(attempt)
        return read()

    def folders(self, prefix: str) -> list[str]:
        """Return the names right below `prefix`, which ends with a slash, that have objects below them."""
        found: list[str] = []
        position: dict[str, str] = {}
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
    version = answer.get("VersionId")
    if version and version != "null":
        return str(version)
    etag = answer.get("ETag")
    return str(etag).strip('"') if etag else None


def _wait(attempt: int) -> None:
    longest = limits.CREATE_PAUSE_SECONDS * 2 ** (attempt - 1)
    time.sleep(random.uniform(longest / 2, longest))  # noqa: S311  # jitter, not a secret
