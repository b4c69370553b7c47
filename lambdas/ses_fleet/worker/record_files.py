"""Files of records in S3: gzip-compressed JSON Lines, written one after the other while the records come."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from ses_fleet import limits
from ses_fleet.aws.s3 import TooLargeError
from ses_fleet.compression import GzipPieces
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs.keys import CONTACTS, part_name, walk_prefix
from ses_fleet.worker.context import ActionContext, State

Record = dict[str, Any]


class RecordFileWriter:
    """Writes files of bounded size below `prefix`. `total` counts records, `parts` the files written.

    `restarts` counts how often the writing began again: the files of each time have a prefix of their own. With
    `create_only` no file is ever overwritten.
    """

    def __init__(
        self, context: ActionContext, prefix: str, state: State, name: str = CONTACTS, *, create_only: bool = False
    ) -> None:
        self._write = context.create if create_only else context.write
        self._base = prefix
        self._name = name
        self.restarts: int = state.get("walk", 0)
        self.total: int = state.get("total", 0)
        self.parts: int = state.get("parts", 0)
        self._buffer = bytearray()
        self._open: GzipPieces | None = None

    def state(self) -> State:
        """Return what the next slice continues from, after `flush`; JSON."""
        return {"total": self.total, "parts": self.parts, "walk": self.restarts}

    @property
    def prefix(self) -> str:
        """Return the key prefix of the files that count; there are no others of this name below it."""
        return walk_prefix(self._base, self.restarts)

    def restart(self) -> None:
        """Forget every record. Files that were written stay in S3, and nothing refers to them any more."""
        if self.parts:
            self.restarts += 1
        self.total = self.parts = 0
        self._buffer.clear()
        self._open = None

    def add(self, records: Iterable[Record]) -> None:
        """Append records, and write a file when it is large enough."""
        lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
        if not lines:
            return
        self.total += len(lines)
        if self._open is None:
            self._open = GzipPieces()
        self._buffer += self._open.add(("\n".join(lines) + "\n").encode())
        if len(self._buffer) >= limits.PART_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the records that are still in memory as a file of their own, so that they outlive this slice."""
        if self._open is None:
            return
        self._buffer += self._open.end()
        self._open = None
        key = f"{self.prefix}{part_name(self.parts + 1, self._name)}"
        self._write(key, bytes(self._buffer), "application/gzip")
        self.parts += 1
        self._buffer.clear()


def records(context: ActionContext, prefix: str, part: int, name: str = CONTACTS) -> list[Record]:
    """Return the records of one file, numbered from 1.

    Raise CustomerError when it is damaged or missing; none of its records is returned then.
    """
    return list(lines(context, prefix, part, name))


def lines(context: ActionContext, prefix: str, part: int, name: str = CONTACTS) -> Iterator[Record]:
    """Yield the records of one file, one in memory at a time.

    Raise CustomerError when it is missing, and where it is damaged: some records were yielded then.
    """
    key = f"{prefix}{part_name(part, name)}"
    body = read(context, key)
    try:
        yield from _lines(body or b"gone")
    except (OSError, EOFError, zlib.error, ValueError):
        text = f"{context.results.location(key)} is damaged or missing; nothing in it was used"
        raise CustomerError("operation", "DamagedData", text) from None


def read(context: ActionContext, key: str) -> bytes | None:
    """Return an object of the results bucket, or None when it does not exist.

    Raise CustomerError when it cannot be read.
    """
    where = context.results.location(key)
    try:
        stored = context.results.find(key, limit=limits.MAX_PART_BYTES)
    except AwsCallError as failure:
        text = f"could not read {where} ({failure.code}): check the worker role's policy on the bucket"
        raise CustomerError("operation", failure.code, text, retryable=failure.transient) from None
    except TooLargeError as error:
        text = f"{where} has {error.size} bytes, more than any file of ses-fleet; it was not read"
        raise CustomerError("operation", "DamagedData", text) from None
    return None if stored is None else stored.body


def _lines(body: bytes) -> Iterator[Record]:
    with gzip.open(io.BytesIO(body), "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("no record")  # noqa: TRY004  # what is in a file is a value
            yield record
