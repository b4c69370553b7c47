"""Slices in flight: at most so many at once. Threads only invoke; everything else runs in the calling thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from ses_fleet import foreign_errors
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.invoke import Answer
from ses_fleet.runs.work import ErrorInfo


class SlicePool:
    """Sends slices and hands over their answers. `peak` is the most that were in flight at once.

    `closed` is set when the pool is closed: threads that are still waiting to try again send nothing after that.
    """

    def __init__(
        self, size: int, send: Callable[[CustomerRun], Answer], closed: threading.Event, *, writes: bool
    ) -> None:
        self.peak = 0
        self.in_flight: dict[int, CustomerRun] = {}
        self._size = size
        self._send = send
        self._closed = closed
        self._writes = writes
        self._abandoned: set[int] = set()  # answered for already, but their threads still hold a place
        self._answers: queue.SimpleQueue[tuple[int, Answer] | None] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(max_workers=size, thread_name_prefix="invoke")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let no thread send anything more, and wait for none of them."""
        self._closed.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def is_full(self) -> bool:
        """Return whether every place is taken."""
        return self.places <= 0

    @property
    def places(self) -> int:
        """Return how many more slices could be started now."""
        return self._size - len(self.in_flight) - len(self._abandoned)

    def start(self, run: CustomerRun) -> None:
        """Send a slice of this customer from one of the pool's threads."""
        self.in_flight[run.index] = run
        self.peak = max(self.peak, len(self.in_flight) + len(self._abandoned))
        self._threads.submit(self._invoke, run)

    def receive(self, timeout: float) -> tuple[CustomerRun, Answer] | None:
        """Return the next answer, or None when none came in `timeout` seconds that anybody still waits for.

        Return None at once when `wake` is called.
        """
        try:
            received = self._answers.get(timeout=timeout)
        except queue.Empty:
            return None
        if received is None:
            return None
        index, answer = received
        if index in self._abandoned:
            self._abandoned.discard(index)
            return None
        return self.in_flight.pop(index), answer

    def wake(self) -> None:
        """Have `receive` return, as more may be started now. May be called from any thread."""
        self._answers.put(None)

    def abandon(self, index: int) -> CustomerRun:
        """Wait for this customer's answer no longer; its place stays taken until its thread ends."""
        self._abandoned.add(index)
        return self.in_flight.pop(index)

    def _invoke(self, run: CustomerRun) -> None:
        try:
            answer = self._send(run)
        except Exception as error:  # noqa: BLE001  # the boundary: a customer never goes without a result
            text = f"the orchestrator failed to invoke the worker: {foreign_errors.crash(error)}"
            info = ErrorInfo(category="internal", type=type(error).__name__, message=text, outcome_unknown=self._writes)
            answer = Answer(0.0, error=info, attempts=1)
        self._answers.put((run.index, answer))
