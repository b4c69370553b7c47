"""cheroot's connections, changed to ignore clients that vanish, as killed functions do, and to speak TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import Any

from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection

_serving = threading.local()


def drop_current() -> None:
    """Close the connection whose request this thread answers, so that the client gets no answer."""
    with contextlib.suppress(OSError):
        _serving.connection.socket.shutdown(socket.SHUT_RDWR)


class _Writer(StreamWriter):
    """A writer that closes silently.

    From Python 3.13 on, one that fails to close while it is collected prints a traceback.
    """

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().close()


class _TlsReader(StreamReader):
    """A reader that counts what TLS has decrypted already as data, because no selector would wake for it."""

    def __init__(self, sock: ssl.SSLSocket, mode: str, size: int) -> None:
        super().__init__(sock, mode, size)
        self._sock = sock

    def has_data(self) -> bool:
        return self._sock.pending() > 0 or bool(super().has_data())  # type: ignore[no-untyped-call]  # see below


def _make_file(sock: Any, mode: str = "r", size: int = 8192) -> Any:
    if "r" not in mode:
        return _Writer(sock, mode, size)
    return _TlsReader(sock, mode, size) if isinstance(sock, ssl.SSLSocket) else StreamReader(sock, mode, size)


class Connection(HTTPConnection):
    """A connection with the readers and writers of this module. TLS shakes hands in the thread that serves it."""

    def __init__(self, server: Any, sock: socket.socket, makefile: Any = None) -> None:  # noqa: ARG002  # cheroot's form
        super().__init__(server, sock, _make_file)
        self._greeted = not isinstance(sock, ssl.SSLSocket)

    def communicate(self) -> Any:
        """Serve one request, and return False when the connection is to be closed.

        While it is served, `drop_current` in this thread closes this connection.
        """
        _serving.connection = self
        try:
            if not self._greeted:
                self.socket.do_handshake()
                self._greeted = True
            return super().communicate()  # type: ignore[no-untyped-call]  # cheroot annotates half of it
        except OSError:  # also TLS's errors: the client is gone, does not trust the certificate, or speaks no TLS
            return False

    def close(self) -> None:
        """Close the connection and ignore all errors: one would end the thread, and with it the server."""
        with contextlib.suppress(OSError, ValueError):
            super().close()
        self.socket.close()
