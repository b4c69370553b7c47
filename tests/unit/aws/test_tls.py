"""Certificates of authorities: loaded once, trusted only by the clients that were told to trust them."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ses_fleet.aws import clients, tls
from ses_fleet.errors import AwsCallError
from tests.unit.aws.listeners import Answering, self_signed

KEYS = clients.Credentials("ASIAKEY", "SECRET", "TOKEN")


def secured(folder: Path) -> tuple[Answering, Path]:
    """A server with a certificate of its own, and the file with that."""
    folder.mkdir()
    certificate, key = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Answering(context), certificate


def ask(client: clients.AwsClient) -> None:
    """Send a request."""
    client.call("list_contact_lists")


def client_at(monkeypatch: pytest.MonkeyPatch, port: int, bundle: Path) -> clients.AwsClient:
    """A client of a server on this port that trusts these certificates."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{port}")
    return clients.client("sesv2", "us-east-1", credentials=KEYS, connections=8)


def test_certificates_are_loaded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By whichever of the connections that are made at once comes first, whatever the number of clients."""
    loaded = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *where: object) -> None:
        loaded.append(where[0])
        load(context, *where)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    tls._context.cache_clear()
    server, certificate = secured(tmp_path / "one")
    with server:
        made = [client_at(monkeypatch, server.port, certificate) for _ in range(3)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, made * 8))
    assert loaded == [str(certificate)]
    assert len(set(server.connections)) > 1
    tls._context.cache_clear()


def test_each_bundle_is_trusted_by_its_own_clients_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A certificate that one client trusts is refused by another that was told of others, before anything is sent."""
    first, trusted = secured(tmp_path / "first")
    second, other = secured(tmp_path / "second")
    with first, second:
        ask(client_at(monkeypatch, first.port, trusted))
        with pytest.raises(AwsCallError) as error:
            ask(client_at(monkeypatch, first.port, other))
        ask(client_at(monkeypatch, second.port, other))
    assert (error.value.kind, error.value.code) == ("unreachable", "SSLError")
    assert (len(first.authorizations), len(second.authorizations)) == (1, 1)
