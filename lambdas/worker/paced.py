"""Calls to a service with a request rate: paced, counted, retried only where nothing can happen twice."""

from __future__ import annotations

import random
from typing import Any

from shared import limits
from shared.aws import AwsClient
from shared.errors import AwsCallError
from worker.rate import Pacer


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

    def reserve(self, requests: int) -> None:
        """Wait now, so that the next calls follow each other at once: what a read saw is still so at the write."""
        self._pacer.reserve(requests)

    def pause(self, seconds: float) -> None:
        """Let time pass; SliceTimeoutError when the slice ends meanwhile."""
        self._pacer.pause(seconds)

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """A reading call: throttled ones wait and go on within the budget, a 5xx or lost answer is tried again."""
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

    def write(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """A writing call: throttled ones wait and go on, as nothing happened; nothing else is ever sent twice.

        An AwsCallError that leaves its effect unknown says so.
        """
        while True:
            try:
                return self._send(operation, parameters)
            except AwsCallError as failure:
                if failure.kind == "throttled":
                    self._back_off()
                    continue
                failure.outcome_unknown = failure.kind in ("server", "lost")
                raise

    def _send(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._pacer.wait()
        self.calls += 1
        try:
            return self._client.call(operation, **parameters)
        finally:
            self._pacer.answered()

    def _back_off(self) -> None:
        self._pacer.emptied()
        self._pacer.pause(random.uniform(0.5, 1.5))  # noqa: S311  # jitter, not a secret
