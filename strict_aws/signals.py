"""Waiting for a signal in a process of many threads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def signal_waiter(*numbers: signal.Signals) -> Callable[[], object]:
    """Catch these signals from now on, and return a function that waits until one of them has come.

    The kernel may hand a signal to any thread, which does not wake the main one, and an Event's lock is not safe in a
    handler; the interpreter writes into the pipe in whichever thread the signal arrives.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return lambda: os.read(reading, 1)
