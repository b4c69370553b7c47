"""Watch the memory of process groups by sampling it, because RLIMIT_AS would stop Python from starting threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

_INTERVAL_SECONDS = 0.1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """One thread that samples every watched process, and calls `exceeded` once for a process above its limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, tuple[int, Callable[[], None]]] = {}
        self._peaks: dict[int, int] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-watch", daemon=True)
        self._thread.start()

    def watch(self, pid: int, limit_mb: int, exceeded: Callable[[], None]) -> None:
        """Sample this process from now on. `limit_mb` is in MB."""
        with self._lock:
            self._watched[pid] = (limit_mb, exceeded)

    def forget(self, pid: int) -> None:
        """Stop sampling this process and forget what it used."""
        with self._lock:
            self._watched.pop(pid, None)
            self._peaks.pop(pid, None)

    def peak_mb(self, pid: int) -> int:
        """Return the most memory, in MB, that the process was seen to use, now included."""
        now = group_rss_bytes(pid) // 2**20
        with self._lock:
            self._peaks[pid] = max(now, self._peaks.get(pid, 0))
            return self._peaks[pid]

    def stop(self) -> None:
        """End the thread that samples."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_INTERVAL_SECONDS):
            with self._lock:
                watched = list(self._watched.items())
            for pid, (limit_mb, exceeded) in watched:
                if self.peak_mb(pid) > limit_mb:
                    self.forget(pid)
                    exceeded()


def group_rss_bytes(pid: int) -> int:
    """Return the resident memory, in bytes, of a process and its children; 0 when the process is gone."""
    try:
        pages = int(_read(f"/proc/{pid}/statm").split()[1])
        children = _read(f"/proc/{pid}/task/{pid}/children").split()
    except (OSError, IndexError):
        return 0
    return pages * _PAGE_BYTES + sum(group_rss_bytes(int(child)) for child in children)


def _read(path: str) -> bytes:
    # Many processes are sampled ten times a second: pathlib and a text layer would take twice as long.
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # see above
        return file.read()
