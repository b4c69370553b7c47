"""Calls of a service with a request rate: paced, counted, and sent again only where that cannot do anything twice.

`read` sends a reading request alone. Every write is sent by `read_modify_write`: read, decide and write as one unit.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.budget import SliceBudget, SliceTimeoutError
from ses_fleet.worker.pacing import Pacer

Result = TypeVar("Result")

# These refusals of a write contradict what was read: another program was quicker, or the read showed an older state.
_CONTRADICTIONS = frozenset(
    {
        ("create_contact", "AlreadyExistsException"),
        ("create_contact_list", "AlreadyExistsException"),
        ("create_contact_list", "BadRequestException"),  # observed: "A maximum of 1 Lists allowed per account."
        ("delete_contact", "NotFoundException"),
        ("delete_suppressed_destination", "NotFoundException"),
        ("update_contact", "NotFoundException"),
        ("update_contact_list", "NotFoundException"),
    }
)


class ReadClient(Protocol):
    """Anything that sends reading requests: a client, or the requests of a unit that goes on to write."""

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request and return its answer. Raise AwsCallError when it fails."""


class UnitClient:
    """The requests of one unit of read, decide and write: each is sent once, and none after one that failed.

    `wrote` is whether the last request was a write.
    """

    def __init__(self, send: Callable[..., dict[str, Any]]) -> None:
        self.wrote = False
        self._send = send

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request and return its answer. Raise AwsCallError when it fails, also when it is throttled."""
        _check_reading(operation)
        self.wrote = False
        return self._send(operation, parameters)

    def write(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a writing request and return its answer.

        Raise AwsCallError when it fails; its `outcome_unknown` is whether the write may have taken effect. Raise
        SliceTimeoutError, and send nothing, when the function's time is too short for another write.
        """
        self.wrote = True
        try:
            return self._send(operation, parameters, writes=True)
        except AwsCallError as failure:
            failure.outcome_unknown = failure.kind in ("server", "lost")
            raise

    def may_begin_again(self, failure: AwsCallError) -> bool:
        """Return whether the unit may be run anew after this failure of its last request, and whether that can help."""
        if not self.wrote:
            return failure.transient
        return failure.kind in ("conflict", "unreachable") or (failure.operation, failure.code) in _CONTRADICTIONS


class PacedClient:
    """A client that waits until each request may be sent. `calls` counts the requests sent, retries included.

    `write_time` is the time in which writes may be sent; None for a client that sends none.
    """

    def __init__(self, client: AwsClient, pacer: Pacer, write_time: SliceBudget | None = None) -> None:
        self._client = client
        self._pacer = pacer
        self._write_time = write_time
        self.calls = 0

    @property
    def pace(self) -> list[float]:
        """Return the pacer's state, JSON, for the next slice."""
        return self._pacer.saved()

    def now(self) -> float:
        """Return the present time in epoch seconds, which passes in pauses and between slices."""
        return self._pacer.now()

    def pause(self, seconds: float) -> None:
        """Sleep for this many seconds. Raise SliceTimeoutError when the slice ends before that."""
        self._pacer.pause(seconds)

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request and return its answer.

        Send it again when it was throttled, as long as the slice lasts, and a few times after a 5xx or a lost answer.
        Raise AwsCallError when it fails, and SliceTimeoutError when the slice ends.
        """
        _check_reading(operation)
        broken = 0
        while True:
            try:
                return self._send(operation, parameters)
            except AwsCallError as failure:
                if failure.kind == "throttled":
                    self._back_off()
                    continue
                broken += 1
                if not failure.transient or broken == limits.READ_ATTEMPTS:
                    raise
                self._pacer.pause(random.uniform(*limits.READ_PAUSE_SECONDS) * broken)  # noqa: S311  # jitter, not a secret

    def read_modify_write(self, requests: int, unit: Callable[[UnitClient], Result]) -> Result:
        """Return what `unit` returns, which reads, decides and writes with at most this many requests.

        They are reserved before the first one, so that nothing is waited for between a read and the write that it
        decides. A write is never sent again as it was: after one that was throttled, was certainly not sent or
        contradicted what was read, `unit` is run anew. Raise every other AwsCallError, and SliceTimeoutError when the
        slice ends.
        """
        attempt = throttled = 0
        while True:
            self._pacer.reserve(requests)
            client = UnitClient(self._send)
            try:
                return unit(client)
            except AwsCallError as failure:
                if failure.kind == "throttled":
                    throttled += 1
                    self._back_off(throttled)
                    continue
                attempt += 1
                if attempt == limits.CHANGE_ATTEMPTS or not client.may_begin_again(failure):
                    raise
            # Reads may lag: the next one shows after a while what contradicted the last one.
            self._pacer.pause(2.0 ** (attempt - 1) * random.uniform(*limits.CHANGE_PAUSE_SECONDS))  # noqa: S311  # jitter

    def _send(self, operation: str, parameters: dict[str, Any], *, writes: bool = False) -> dict[str, Any]:
        self._pacer.wait()
        if writes and not (self._write_time and self._write_time.covers(0)):
            raise SliceTimeoutError("the function's time is too short for another write")
        if writes and self.calls == 0:
            # A connection of an earlier invocation may be dead, and nobody would know whether the write arrived.
            self._client.drop_connections()
        self.calls += 1
        try:
            return self._client.call(operation, **parameters)
        finally:
            self._pacer.answered()

    def _back_off(self, throttled: int = 1) -> None:
        """Wait after the n-th throttled request in a row, longer each time."""
        self._pacer.emptied()
        longest = min(limits.BACK_OFF_SECONDS, 2.0 ** (throttled - 1))
        self._pacer.pause(longest * random.uniform(*limits.BACK_OFF_JITTER))  # noqa: S311  # jitter, not a secret


class Waiter:
    """Waits for what SES may not show yet, because its reads may lag behind its writes.

    `looks` counts the reads that did not show it, over all slices: slices that are shorter than the pauses end, too.
    """

    def __init__(self, looks: int = 0) -> None:
        self.looks = looks

    def find(self, ses: PacedClient, look: Callable[[], Result], good: Callable[[Result], bool]) -> Result:
        """Return what `look` returns, called again with pauses until the result is `good` or the pauses are used up.

        Raise SliceTimeoutError when the slice ends before that.
        """
        found = look()
        while not good(found) and self.looks < len(limits.READ_BACK_PAUSES_SECONDS):
            self.looks += 1
            ses.pause(limits.READ_BACK_PAUSES_SECONDS[self.looks - 1])
            found = look()
        if good(found):
            self.looks = 0
        return found


def _check_reading(operation: str) -> None:
    """Raise ValueError for an operation that writes: `UnitClient.write` sends those, after a read that decides them."""
    if not operation.startswith(("get_", "list_")):
        raise ValueError(f"{operation} is not a reading call")
