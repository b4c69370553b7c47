"""Clients that say on standard error what they wait for, when AWS takes long to answer."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient

_NAMES = {
    "lambda": "Lambda",
    "organizations": "Organizations",
    "resourcegroupstaggingapi": "the tagging API",
    "s3": "S3",
    "sts": "STS",
}


def say(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"ses-fleet: {text}\n")


class PatientClient(AwsClient):
    """The same client; of a call without an answer for WAIT_NOTICE_SECONDS it says so, of several at once only once.

    `longest` is how many seconds a call may take with all tries of the SDK, without its pauses between them.
    """

    def __init__(self, client: AwsClient, *, longest: float, tell: Callable[[str], None] = say) -> None:
        super().__init__(client.service, client)
        self._longest = longest
        self._tell = tell
        self._told_at = float("-inf")
        self._telling = threading.Lock()

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation, as AwsClient does."""
        with self._watched(operation):
            return dict(self._client.call(operation, **parameters))

    def drop_connections(self) -> None:
        """Close the connections that are not in use."""
        self._client.drop_connections()

    def read_body(self, operation: str, answer: Mapping[str, Any], limit: int) -> bytes:
        """Return the streamed body of an answer, as AwsClient does."""
        with self._watched(operation):
            return bytes(self._client.read_body(operation, answer, limit))

    @contextmanager
    def _watched(self, operation: str) -> Iterator[None]:
        timer = threading.Timer(limits.WAIT_NOTICE_SECONDS, self._say_once, (operation,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _say_once(self, operation: str) -> None:
        with self._telling:
            now = time.monotonic()
            if now - self._told_at < self._longest:
                return
            self._told_at = now
        name = _NAMES.get(self.service, self.service)
        self._tell(
            f"{name} has not answered {operation} for {limits.WAIT_NOTICE_SECONDS:g} s: waiting for it, with all tries "
            f"about {self._longest:.0f} s at most; Ctrl-C ends the waiting"
        )
