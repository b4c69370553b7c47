"""cheroot's connections, made to take a client's sudden end in silence: killed functions are such clients."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection

_serving = threading.local()


def drop_current() -> None:
    """Close the connection whose request this thread answers: the client gets no answer."""
    with contextlib.suppress(OSError):
        _serving.connection.socket.shutdown(socket.SHUT_RDWR)


class _Writer(StreamWriter):
    """From Python 3.13 on a file that cannot be closed while it is collected prints a traceback."""

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().close()


def _make_file(sock: socket.socket, mode: str = "r", size: int = 8192) -> Any:
    return StreamReader(sock, mode, size) if "r" in mode else _Writer(sock, mode, size)


class Connection(HTTPConnection):
    """A connection with our writer."""

    def __init__(self, server: Any, sock: socket.socket, makefile: Any = None) -> None:  # noqa: ARG002  # cheroot's form
        super().__init__(server, sock, _make_file)

    def communicate(self) -> Any:
        """Serve one request; while it is served, the thread knows its connection."""
        _serving.connection = self
        return super().communicate()  # type: ignore[no-untyped-call]  # cheroot annotates half of it
