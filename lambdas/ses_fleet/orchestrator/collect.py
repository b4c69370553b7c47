"""What a run keeps of its results: what it returns, and a file with every whole result on the way to S3."""

from __future__ import annotations

import contextlib
import heapq
import json
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Protocol

from ses_fleet import limits
from ses_fleet.compression import GzipPieces
from ses_fleet.runs.models import CustomerResult


class Comparison(Protocol):
    """What is found out of all customers together, as their results come in: `fleet` of the Summary."""

    def add(self, result: CustomerResult) -> None:
        """Take in one customer's result."""

    def answer(self, order: Sequence[str]) -> dict[str, Any]:
        """Return the JSON of `fleet`, with customers in the order of `order`."""


class Collector:
    """Takes results in any order. Its memory is bounded by the response, not by what customers answer.

    Data stays inline in config order, so data is dropped as soon as the data before it alone fills the response.
    `where_is` returns the s3:// URI of the n-th customer's stored result.
    """

    def __init__(self, expected: int, where_is: Callable[[int], str], comparison: Comparison | None = None) -> None:
        self.comparison = comparison
        self._expected = expected
        self._where_is = where_is
        self._results: dict[int, CustomerResult] = {}
        self._sizes: dict[int, int] = {}
        self._held: list[int] = []  # a heap of negated indexes: the last in config order goes first
        self._held_bytes = 0
        self._cut_at = expected  # from here on nothing is inline
        self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        self._gzip: GzipPieces | None = GzipPieces()

    def add(self, index: int, result: CustomerResult, stored: bytes) -> None:
        """Take in the n-th customer's result; `stored` is its whole JSON text."""
        self._append(stored)
        if self.comparison is not None:
            self.comparison.add(result)
        self._results[index] = result.model_copy(update={"logs": None, "continuation": None, "plan": None})
        if result.data is None:
            return
        self._sizes[index] = len(json.dumps(result.data).encode())
        self._held_bytes += self._sizes[index]
        heapq.heappush(self._held, -index)
        while self._held and (self._held_bytes > limits.RESPONSE_INLINE_BYTES or -self._held[0] > self._cut_at):
            self._drop(-heapq.heappop(self._held))

    def result(self, index: int) -> CustomerResult | None:
        """Return the n-th customer's result, or None while it has none."""
        return self._results.get(index)

    def results(self) -> list[CustomerResult]:
        """Return all results in config order, without log lines, with as much data as the response may hold."""
        return [self._results[index] for index in range(self._expected)]

    def results_file(self) -> BinaryIO | None:
        """Return results.jsonl.gz, complete and rewound, or None when the disk was too small for it."""
        try:
            if self._gzip is None:
                return None
            self._file.write(self._gzip.end())
            self._file.seek(0)
        except OSError:
            return None
        return self._file

    def close(self) -> None:
        """Remove the temporary file of the whole results."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _append(self, stored: bytes) -> None:
        if self._gzip is None:
            return
        try:
            self._file.write(self._gzip.add(stored + b"\n"))
        except OSError:  # the disk is full: results/ has them all
            self._gzip = None

    def _drop(self, index: int) -> None:
        self._held_bytes -= self._sizes.pop(index)
        self._cut_at = min(self._cut_at, index)
        result = self._results[index]
        where = result.data_location or self._where_is(index)
        self._results[index] = result.model_copy(update={"data": None, "data_location": where})
