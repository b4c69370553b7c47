"""What the strict SES needs of S3: whether it may read an object, and what the object holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class S3Object:
    """An object, and the account and Region whose SES reads it."""

    account: str
    region: str
    bucket: str
    key: str


class ObjectSource(Protocol):
    """The interface of what import jobs read from."""

    def refusal(self, wanted: S3Object) -> str | None:
        """Return why SES may not read this object, or None when it may. Whether the object exists does not matter."""
        ...

    def read(self, wanted: S3Object) -> bytes | None:
        """Return what the object holds now, or None when there is no such object."""
        ...


class NoObjects:
    """An S3 in which SES may read nothing."""

    def refusal(self, wanted: S3Object) -> str | None:
        """Return a refusal for every object."""
        return f"Amazon SES cannot read from the bucket {wanted.bucket}: this SES has no S3"

    def read(self, wanted: S3Object) -> bytes | None:  # noqa: ARG002  # the protocol's
        """Return None for every object."""
        return None
