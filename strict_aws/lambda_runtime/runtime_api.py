"""The Lambda Runtime API, served to one environment on a loopback port of its own.

The process asks for its next invocation, and posts the response or the error of the one that it has.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PREFIX = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class Event:
    """One invocation as the process gets it."""

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str
    client_context: str | None = None


class Exchange:
    """What the process and the environment hand each other.

    `on_ready` is called when the process asks for work, `on_answer(kind, request_id, body)` when it posts a `response`,
    an `error` or an `init_error`.
    """

    def __init__(self, on_ready: Callable[[], None], on_answer: Callable[[str, str | None, bytes], None]) -> None:
        self.on_ready = on_ready
        self.on_answer = on_answer
        self._given = threading.Condition()
        self._event: Event | None = None
        self._closed = False

    def give(self, event: Event) -> None:
        """Hand the process its next invocation."""
        with self._given:
            self._event = event
            self._given.notify_all()

    def next_event(self) -> Event | None:
        """Wait for the next invocation and return it; return None when the environment is closed."""
        self.on_ready()
        with self._given:
            self._given.wait_for(lambda: self._event is not None or self._closed)
            event, self._event = self._event, None
            return None if self._closed else event

    def close(self) -> None:
        """Let a waiting process go without an invocation."""
        with self._given:
            self._closed = True
            self._given.notify_all()


class RuntimeApi:
    """The HTTP side of an Exchange. `address` is the value of AWS_LAMBDA_RUNTIME_API."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        handler = type("Handler", (_Handler,), {"exchange": exchange})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="runtime-api", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving, and let waiting requests go."""
        self._exchange.close()
        self._closed = True
        self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection (Linux)
        self._thread.join()
        self._server.server_close()

    def _serve(self) -> None:
        # serve_forever would wake up many times a second, in every environment, to see whether it has to end.
        while not self._closed:
            self._server.handle_request()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report nothing, because killed processes leave broken connections behind."""


class _Handler(BaseHTTPRequestHandler):
    exchange: Exchange
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer

    def do_GET(self) -> None:  # http.server's name
        if self.path != f"{_PREFIX}invocation/next":
            self._answer(404)
            return
        event = self.exchange.next_event()
        if event is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
            "Lambda-Runtime-Trace-Id": _trace_id(event.request_id),
            "Content-Type": "application/json",
        }
        if event.client_context:
            headers["Lambda-Runtime-Client-Context"] = event.client_context
        self._answer(200, event.payload, headers)

    def do_POST(self) -> None:  # http.server's name
        body = self._body()
        parts = self.path.removeprefix(_PREFIX).split("/")
        if parts == ["init", "error"]:
            kind, request_id = "init_error", None
        elif len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            kind, request_id = parts[2], parts[1]
        else:
            self._answer(404)
            return
        # The answer is taken in before it is acknowledged: what follows finds the environment settled.
        self.exchange.on_answer(kind, request_id, body)
        self._answer(202, b'{"status":"OK"}')

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Log nothing: the journal and the function's log say what matters."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return body

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _trace_id(request_id: str) -> str:
    plain = request_id.replace("-", "")
    return f"Root=1-{plain[:8]}-{plain[8:]};Sampled=0"
