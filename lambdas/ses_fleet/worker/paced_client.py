"""Calls to a service with a request rate: paced, counted, and sent again only where nothing can happen twice.

Reading alone is `read`. Whatever writes is `read_modify_write`: read, decide and write as one unit.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.pacing import Pacer

Result = TypeVar("Result")

# A write that is refused so contradicts what was read: somebody else was quicker, or the read showed an older state.
_CONTRADICTIONS = frozenset(
    {
        ("create_contact", "AlreadyExistsException"),
        ("create_contact_list", "AlreadyExistsException"),
        ("create_contact_list", "BadRequestException"),  # observed: "A maximum of 1 Lists allowed per account."
        ("delete_contact", "NotFoundException"),
        ("update_contact", "NotFoundException"),
        ("update_contact_list", "NotFoundException"),
    }
)


class ReadClient(Protocol):
    """What reads: a client alone, or the requests of a unit that goes on to write."""

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request; AwsCallError when it fails."""


class UnitClient:
    """What one unit of read, decide and write sends: each request once, and none after one that failed.

    `wrote` tells whether the last request sent was a write.
    """

    def __init__(self, send: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        self.wrote = False
        self._send = send

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request; AwsCallError when it fails, also when it is throttled."""
        _check_reading(operation)
        self.wrote = False
        return self._send(operation, parameters)

    def write(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a writing request; an AwsCallError says whether its effect is unknown."""
        self.wrote = True
        try:
            return self._send(operation, parameters)
        except AwsCallError as failure:
            failure.outcome_unknown = failure.kind in ("server", "lost")
            raise

    def may_begin_again(self, failure: AwsCallError) -> bool:
        """Whether reading and deciding anew is safe and of use after this failure of the last request."""
        if not self.wrote:
            return failure.transient
        return failure.kind in ("conflict", "unreachable") or (failure.operation, failure.code) in _CONTRADICTIONS


class PacedClient:
    """A client that waits its turn. `calls` counts requests sent, retries included."""

    def __init__(self, client: AwsClient, pacer: Pacer) -> None:
        self._client = client
        self._pacer = pacer
        self.calls = 0

    @property
    def pace(self) -> list[float]:
        """The pacer's state for the next slice."""
        return self._pacer.saved()

    def pause(self, seconds: float) -> None:
        """Let time pass; SliceTimeoutError when the slice ends meanwhile."""
        self._pacer.pause(seconds)

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """A reading call: throttled ones wait and go on within the budget, a 5xx or lost answer is tried again."""
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
                self._pacer.pause(random.uniform(0.1, 0.5) * broken)  # noqa: S311  # jitter, not a secret

    def read_modify_write(self, requests: int, unit: Callable[[UnitClient], Result]) -> Result:
        """Return what `unit` returns, which reads, decides and writes with at most so many requests.

        They are reserved before the first one, so that nothing is waited for between a read and the write that it
        decides. A write is never sent again as it was: after one that was throttled, was certainly not sent or
        contradicted what was read, `unit` is run anew. Other failures are raised, and so is SliceTimeoutError.
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
            # A read may show what was a moment ago: what contradicted it is seen after a while.
            self._pacer.pause(2.0 ** (attempt - 1) * random.uniform(1.0, 1.5))  # noqa: S311  # jitter

    def _send(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._pacer.wait()
        self.calls += 1
        try:
            return self._client.call(operation, **parameters)
        finally:
            self._pacer.answered()

    def _back_off(self, throttled: int = 1) -> None:
        """Wait after the n-th throttled request, ever longer: several at once need several that are left."""
        self._pacer.emptied()
        longest = min(limits.BACK_OFF_SECONDS, 2.0 ** (throttled - 1))
        self._pacer.pause(longest * random.uniform(0.5, 1.5))  # noqa: S311  # jitter, not a secret


class Waiter:
    """Looks for what SES may not show yet, as its reads may lag behind its writes.

    `looks` tells how often that was in vain, over all slices: slices that are shorter than the pauses end, too.
    """

    def __init__(self, looks: int = 0) -> None:
        self.looks = looks

    def find(self, ses: PacedClient, look: Callable[[], Result], good: Callable[[Result], bool]) -> Result:
        """Return what `look` returns, asked again for a while until it is `good`; SliceTimeoutError meanwhile."""
        found = look()
        while not good(found) and self.looks < len(limits.READ_BACK_PAUSES_SECONDS):
            self.looks += 1
            ses.pause(limits.READ_BACK_PAUSES_SECONDS[self.looks - 1])
            found = look()
        if good(found):
            self.looks = 0
        return found


def _check_reading(operation: str) -> None:
    """ValueError for a call that writes: those are sent by `Requests.write`, after a read that decides them."""
    if not operation.startswith(("get_", "list_")):
        raise ValueError(f"{operation} is no reading call")
