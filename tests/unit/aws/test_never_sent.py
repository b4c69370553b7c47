"""Whether a request was certainly not sent, decided over real sockets: the name of botocore's error does not tell."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from ses_fleet.aws import clients
from ses_fleet.errors import AwsCallError
from tests.unit.aws.listeners import ANSWER, Serve, listening, self_signed


def refused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def failure(monkeypatch: pytest.MonkeyPatch, endpoint: str, *, attempts: int = 1) -> AwsCallError:
    """What an Invoke at this endpoint comes to."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr(clients, "Config", lambda **options: Config(**{**options, "proxies": {}}))
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    keys = clients.Credentials("ASIAKEY", "SECRET", "TOKEN")
    client = clients.client(
        "lambda", "us-east-1", credentials=keys, attempts=attempts, connect_timeout=0.3, read_timeout=0.3
    )
    with pytest.raises(AwsCallError) as error:
        client.read_body("invoke", client.call("invoke", FunctionName="worker", Payload=b"{}"), 1_000)
    return error.value


def request_of(connection: socket.socket) -> None:
    """Read the whole request."""
    received = b""
    while not received.endswith(b"\r\n\r\n{}"):
        received += connection.recv(65_536)


def silent(connection: socket.socket) -> None:
    """Never answer; until the other side gives up."""
    while connection.recv(65_536):
        pass


def closing(connection: socket.socket) -> None:
    """Close at the first bytes."""
    connection.recv(1)


def closing_after_the_request(connection: socket.socket) -> None:
    """The request was read, and maybe done."""
    request_of(connection)


def half_an_answer(connection: socket.socket) -> None:
    """The request was done; its answer breaks off."""
    request_of(connection)
    connection.sendall(ANSWER[:-1])


def half_a_head(connection: socket.socket) -> None:
    """The request was done; not even the status came back."""
    request_of(connection)
    connection.sendall(ANSWER[:8])


def test_a_refused_connection_was_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    found = failure(monkeypatch, f"http://127.0.0.1:{refused_port()}")
    assert (found.kind, found.code, found.transient) == ("unreachable", "EndpointConnectionError", True)


def test_a_host_that_nobody_knows_was_never_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the message says what it may be: a Region that AWS does not have."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = failure(monkeypatch, "http://lambda.us-east-3.invalid")
    assert (found.kind, found.code) == ("unreachable", "EndpointConnectionError")
    assert "the service's host name does not exist: check the Region" in found.text


@pytest.mark.parametrize("serve", [silent, closing], ids=lambda way: str(way.__name__))
def test_a_handshake_that_fails_is_before_the_request(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that never answers it, one that closes: botocore calls them a read timeout and a closed connection."""
    with listening(serve) as port:
        assert failure(monkeypatch, f"https://127.0.0.1:{port}").kind == "unreachable"


def test_what_speaks_no_tls_got_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handshake is refused by our side."""

    def plain(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(ANSWER)

    with listening(plain) as port:
        assert failure(monkeypatch, f"https://127.0.0.1:{port}").kind == "unreachable"


LOST = [silent, closing, closing_after_the_request, half_an_answer, half_a_head]


@pytest.mark.parametrize("serve", LOST, ids=lambda way: str(way.__name__))
def test_what_may_have_been_sent_is_lost(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection stood, so that something may have arrived."""
    with listening(serve) as port:
        assert failure(monkeypatch, f"http://127.0.0.1:{port}").kind == "lost"


@pytest.mark.parametrize("serve", LOST, ids=lambda way: str(way.__name__))
def test_over_tls_too(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After the handshake, an SSLError is no proof that nothing was sent."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def secured(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            wrapped = context.wrap_socket(connection, server_side=True)
            serve(wrapped)
            wrapped.detach()

    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    with listening(secured) as port:
        assert failure(monkeypatch, f"https://127.0.0.1:{port}").kind == "lost"


def test_a_certificate_that_is_not_trusted_got_no_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Our side ends the handshake."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def secured(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            context.wrap_socket(connection, server_side=True).recv(1)

    with listening(secured) as port:
        found = failure(monkeypatch, f"https://127.0.0.1:{port}")
    assert (found.kind, found.code) == ("unreachable", "SSLError")


def test_one_try_that_may_have_arrived_counts_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's last try reached nobody; the one before it may have."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def accept_once() -> None:
        with listener.accept()[0] as connection:
            request_of(connection)
            listener.close()

    thread = threading.Thread(target=accept_once, daemon=True)
    thread.start()
    found = failure(monkeypatch, f"http://127.0.0.1:{port}", attempts=2)
    thread.join(5)
    assert (found.kind, found.code) == ("lost", "EndpointConnectionError")


def test_a_failure_while_another_is_handled_is_judged_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody was handling when the call was made is no part of it."""
    with listening(closing_after_the_request) as port:
        try:
            raise failure(monkeypatch, f"http://127.0.0.1:{refused_port()}")
        except AwsCallError as first:
            kinds = [first.kind, failure(monkeypatch, f"http://127.0.0.1:{port}").kind]
    assert kinds == ["unreachable", "lost"]


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before any connection."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    clients._warm_session.cache_clear()
    try:
        with pytest.raises(AwsCallError) as error:
            clients.client("lambda", "us-east-1").call("invoke", FunctionName="worker")
    finally:
        clients._warm_session.cache_clear()
    assert (error.value.kind, error.value.code) == ("unreachable", "NoCredentialsError")
