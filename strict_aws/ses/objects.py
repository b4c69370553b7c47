"""What the strict SES needs of S3: may it read an object, and what does the object hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class S3Object:
    """An object, and the account and Region whose SES wants to read it."""

    account: str
    region: str
    bucket: str
    key: str


class ObjectSource(Protocol):
    """Where import jobs read from."""

    def refusal(self, wanted: S3Object) -> str | None:
        """Why SES may not read this object, None when it may. Whether there is such an object is not asked."""
        ...

    def read(self, wanted: S3Object) -> bytes | None:
        """What the object holds now, None when there is none."""
        ...


class NoObjects:
    """An S3 in which SES may read nothing."""

    def refusal(self, wanted: S3Object) -> str | None:
        """Always."""
        return f"Amazon SES cannot read from the bucket {wanted.bucket}: this SES has no S3"

    def read(self, wanted: S3Object) -> bytes | None:  # noqa: ARG002  # the protocol's
        """Nothing."""
        return None
