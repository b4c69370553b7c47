"""CPU and memory of processes, as the kernel counts them in /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU seconds (user and system) of some processes, the most memory in MB that one of them had, and how many."""

    cpu: float = 0.0
    peak_mb: float = 0.0
    processes: int = 0

    def plus(self, pid: int) -> Usage:
        """Return this together with a process that may have ended: then it counts no more."""
        try:
            return Usage(self.cpu + cpu_seconds(pid), max(self.peak_mb, memory_mb(pid)[1]), self.processes + 1)
        except (OSError, KeyError):
            return self


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process in MB, now and the most so far."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    now, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def tree(root: int) -> Iterator[int]:
    """Yield the id of a process and of all that descend from it."""
    children = defaultdict(list)
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                children[int(_stat(int(path.name))[1])].append(int(path.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        waiting += children[pid]
        yield pid


def usage_by(root: int, part: Callable[[str], str]) -> dict[str, Usage]:
    """Return what the processes below `root`, and itself, use: by the part that `part` tells of a command line."""
    used: defaultdict[str, Usage] = defaultdict(Usage)
    for pid in tree(root):
        with suppress(OSError):
            name = part(_command(pid))
            used[name] = used[name].plus(pid)
    return dict(used)


def found(root: int, is_wanted: Callable[[str], bool]) -> list[int]:
    """Return the ids of the processes below `root`, and of itself, whose command line is wanted."""
    return [pid for pid in tree(root) if is_wanted(_command(pid))]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
