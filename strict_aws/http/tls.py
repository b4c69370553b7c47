"""The certificate of a local cloud that speaks HTTPS: made for it alone, and gone with it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from cheroot import errors
from cheroot.ssl import Adapter


class Certificate:
    """A certificate for 127.0.0.1 and localhost, by an authority of its own.

    `context` serves it. `bundle` is the file with the authority's certificate, which clients trust. It lies in a folder
    of its own, which functions see; the private keys are in no file that stays.
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
    """cheroot's way to TLS. The handshake is left to the thread that serves the connection.

    cheroot's own adapters shake hands where connections are accepted: one client that is slow would hold up all others.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: Any) -> Any:
        """The listening socket stays as it is."""
        return sock

    def wrap(self, sock: Any) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """A socket that speaks TLS after its `do_handshake`; FatalSSLAlert when the client is gone already."""
        try:
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}
        except (OSError, ValueError) as error:
            sock.close()
            raise errors.FatalSSLAlert(*error.args) from error

    def get_environ(self) -> dict[str, str]:
        """Nothing: no service of the local cloud looks at the connection."""
        return {}

    def makefile(self, sock: Any, mode: str = "r", bufsize: int = -1) -> Any:
        """Not asked: connections.Connection makes its files itself."""
        raise NotImplementedError
