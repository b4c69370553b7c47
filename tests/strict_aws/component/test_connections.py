"""The local cloud's HTTP server and its clients' bad manners, with and without TLS."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from strict_aws.endpoint import make_server
from strict_aws.http.connections import drop_current
from strict_aws.http.tls import Certificate


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with what was sent, or not at all."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if body == b"drop":
        drop_current()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class Server:
    """Where it listens, and how to reach it."""

    def __init__(self, port: int, trust: ssl.SSLContext | None) -> None:
        self.port, self.trust = port, trust

    def connect(self) -> http.client.HTTPConnection:
        """A client of its own connection."""
        if self.trust is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.trust)

    def ask(self, body: bytes) -> bytes:
        """One request on a connection of its own."""
        client = self.connect()
        try:
            return post(client, body)
        finally:
            client.close()


def post(client: http.client.HTTPConnection, body: bytes) -> bytes:
    """One request on this connection."""
    client.request("POST", "/", body)
    return client.getresponse().read()


@contextmanager
def serving(certificate: Certificate | None) -> Iterator[Server]:
    """A server of the local cloud's kind."""
    made = make_server(echo, 0, None if certificate is None else certificate.context)
    made.prepare()
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    trust = None if certificate is None else ssl.create_default_context(cafile=str(certificate.bundle))
    try:
        yield Server(made.bind_addr[1], trust)
    finally:
        made.stop()
        thread.join(2)


@pytest.fixture(params=["http", "https"], scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that speaks HTTP and one that speaks HTTPS, one after the other."""
    folder = tmp_path_factory.mktemp("tls") / "tls"
    with serving(Certificate(folder) if request.param == "https" else None) as made:
        yield made


def test_a_connection_serves_many_requests(server: Server) -> None:
    """Of any size; it is not made anew."""
    client = server.connect()
    client.connect()
    assert client.sock is not None
    ours = client.sock.getsockname()
    for size in (0, 1, 16_384, 100_000, 6 * 2**20, 1):
        assert post(client, b"x" * size) == b"x" * size
        assert client.sock.getsockname() == ours
    client.close()


def test_who_asks_before_sending_is_told_to_go_on(server: Server) -> None:
    """`Expect: 100-continue` is answered before the body is there."""
    client = server.connect()
    client.connect()
    assert client.sock is not None
    client.sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    assert client.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    client.sock.sendall(b"body")
    answer = b""
    while not answer.endswith(b"body"):
        answer += client.sock.recv(1000)
    assert b"200 OK" in answer
    client.close()


def test_two_requests_in_one_go_are_both_answered(server: Server) -> None:
    """The second is there already when the first was answered, and wakes nobody by coming."""
    client = server.connect()
    client.connect()
    assert client.sock is not None
    # The first fills what is read at once to the last byte: of the second, TLS alone knows.
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    size = 8192 - len(head % 8000)
    request = head % size + b"y" * size
    client.sock.sendall(request + request)
    answer = b""
    while answer.count(b"y") < 2 * size:
        received = client.sock.recv(65_536)
        assert received
        answer += received
    client.close()


def test_a_dropped_connection_gives_no_answer_and_disturbs_nobody(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The client sees it closed; the next one is served."""
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
        server.ask(b"drop")
    assert server.ask(b"more") == b"more"
    assert errors(caplog) == []


def test_clients_that_vanish_leave_no_trace(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Before they said anything, in the middle of a request, and while they are answered."""
    for sent in (b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nxxx"):
        client = server.connect()
        client.connect()
        assert client.sock is not None
        client.sock.sendall(sent)
        reset(client.sock)
    client = server.connect()
    client.request("POST", "/", b"x" * 5_000_000)
    assert client.sock is not None
    reset(client.sock)
    assert server.ask(b"still there") == b"still there"
    assert errors(caplog) == []


def test_hundreds_are_served_at_once(server: Server) -> None:
    """Each with a connection of its own, as many as a fleet's functions hold open."""
    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(server.ask, [b"%d" % n for n in range(300)])) == [b"%d" % n for n in range(300)]


def test_who_does_not_shake_hands_holds_up_nobody(tmp_path: Path) -> None:
    """A client that connects and says nothing: others are accepted meanwhile."""
    with serving(Certificate(tmp_path / "tls")) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        assert server.ask(b"me") == b"me"
        for one in silent:
            one.close()


def test_who_cannot_shake_hands_is_closed_and_leaves_no_trace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Plain HTTP, and a client that does not know the certificate."""
    with serving(Certificate(tmp_path / "tls")) as server:
        plain = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        with pytest.raises((http.client.HTTPException, OSError)):
            post(plain, b"x")
        plain.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            Server(server.port, ssl.create_default_context()).ask(b"x")
        assert server.ask(b"me") == b"me"
    assert errors(caplog) == []


def test_no_file_with_a_private_key_is_left(tmp_path: Path) -> None:
    """Functions see the folder, so it holds the authority's certificate alone."""
    certificate = Certificate(tmp_path / "tls")
    assert [*certificate.bundle.parent.iterdir()] == [certificate.bundle]
    assert "PRIVATE KEY" not in certificate.bundle.read_text()


def reset(sock: socket.socket) -> None:
    """Close it at once, as the kernel does for who was killed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    plain = sock.detach()
    socket.close(plain)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What would be on the local cloud's stderr."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
