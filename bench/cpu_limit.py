"""Hold processes to a part of a CPU, as Lambda holds a function to the part that its memory buys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_V1, _V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
_PERIOD_US = 20_000  # short, so that a pause is no longer than Lambda's
_LEAST_QUOTA_US = 1_000  # the kernel takes no less


class CpuLimitError(Exception):
    """This machine lets us limit nobody; the message says why."""


@contextmanager
def limited_to(cpus: float, pids: list[int]) -> Iterator[None]:
    """Hold these processes together to so many CPUs inside the block; raise CpuLimitError where that is not allowed."""
    base = _V1 if (_V1 / "cpu.cfs_quota_us").exists() else _V2
    group = base / f"ses-fleet-bench-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise CpuLimitError(f"no control group can be made below {base}: {error}") from None
    try:
        _limit(group, max(int(cpus * _PERIOD_US), _LEAST_QUOTA_US))
        _move(pids, group)
        yield
    except OSError as error:
        raise CpuLimitError(f"{group} cannot be used: {error}") from None
    finally:
        with suppress(OSError):  # a process that has ended is in no group
            _move(pids, base)
        with suppress(OSError):
            group.rmdir()


def _limit(group: Path, quota_us: int) -> None:
    if group.parent == _V1:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota_us))
    else:
        (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")


def _move(pids: list[int], group: Path) -> None:
    for pid in pids:
        (group / "cgroup.procs").write_text(str(pid))
