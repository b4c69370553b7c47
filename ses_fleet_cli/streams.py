"""Standard output and error that never break a command, although their reader may go away at any time."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO


def prepare() -> None:
    """Replace standard output and error by streams that go on when their reader has gone, or when they are closed."""
    sys.stdout = _lasting(sys.stdout, 1)
    sys.stderr = _lasting(sys.stderr, 2)


def finish() -> str | None:
    """Flush both streams. Return why output was lost, or None: a reader that went away wanted no more of it."""
    failure = None
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
        raw = getattr(getattr(stream, "buffer", None), "raw", None)
        failure = failure or (raw.failure if isinstance(raw, _Lasting) else None)
    return failure


class _Lasting(io.FileIO):
    """A file that discards what it cannot write; `failure` says why, unless its reader went away."""

    failure: str | None = None
    _is_lost = False

    def write(self, data: object, /) -> int:
        """Write the data, or discard it once writing has failed; return its length in bytes."""
        if not self._is_lost:
            try:
                return super().write(data)  # type: ignore[arg-type]  # whatever the buffer above has
            except BrokenPipeError:
                self._is_lost = True
            except BlockingIOError:
                raise
            except OSError as error:
                self._is_lost, self.failure = True, error.strerror
        return memoryview(data).nbytes  # type: ignore[arg-type]


def _lasting(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:  # closed before the command began
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  # for as long as the command runs
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
    raw = _Lasting(descriptor, "w", closefd=False)
    by_line = raw.isatty() or descriptor == 2
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=stream.encoding, errors="replace", line_buffering=by_line)
