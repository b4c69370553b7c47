"""Read many things at once, and take them in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

_Key = TypeVar("_Key")
_Read = TypeVar("_Read")


def in_order(read: Callable[[_Key], _Read], keys: Iterable[_Key], *, at_once: int) -> Iterator[_Read]:
    """Yield what `read` returns for each key, in the order of the keys, while `at_once` of them are read or wait.

    What `read` raises is raised at its place, and ends the iteration. The threads are daemons: whoever is interrupted
    in between ends without waiting for answers, as a single read would.
    """
    started: deque[Future[_Read]] = deque()
    for key in keys:
        if len(started) == at_once:
            yield started.popleft().result()
        started.append(_started(read, key))
    while started:
        yield started.popleft().result()


def _started(read: Callable[[_Key], _Read], key: _Key) -> Future[_Read]:
    future: Future[_Read] = Future()

    def run() -> None:
        try:
            future.set_result(read(key))
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is taken
            future.set_exception(error)

    threading.Thread(target=run, name="read", daemon=True).start()
    return future
