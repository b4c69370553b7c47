"""HTTPS for the endpoint, with a certificate that is made when it starts and removed when it stops."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from cheroot import errors
from cheroot.ssl import Adapter


class Certificate:
    """A certificate for 127.0.0.1 and localhost, by an authority of its own.

    `context` serves it. `bundle` is the file with the authority's certificate, which clients must trust. It lies in
    `directory`, which is made for it and which functions can read. No private key stays in a file.
    """

    def __init__(self, directory: Path) -> None:
        import trustme  # makes keys by a library that takes 0.1 s to import, which only --tls needs

        authority = trustme.CA()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self.context)
        directory.mkdir()
        self.bundle = directory / "ca.pem"
        authority.cert_pem.write_to_path(self.bundle)


class TlsAdapter(Adapter):
    """cheroot's interface to TLS, which leaves the handshake to the thread that serves the connection.

    cheroot's own adapters shake hands where connections are accepted, so that one slow client would delay all others.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: Any) -> Any:
        """Return the listening socket unchanged."""
        return sock

    def wrap(self, sock: Any) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Return a socket that speaks TLS after its `do_handshake`; raise FatalSSLAlert when the client is gone."""
        try:
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}
        except (OSError, ValueError) as error:
            sock.close()
            raise errors.FatalSSLAlert(*error.args) from error

    def get_environ(self) -> dict[str, str]:
        """Return no variables, because no service looks at the connection."""
        return {}

    def makefile(self, sock: Any, mode: str = "r", bufsize: int = -1) -> Any:
        """Raise NotImplementedError: `connections.Connection` makes its files itself, so cheroot never asks."""
        raise NotImplementedError
