"""TLS of every client: certificates of authorities are loaded once in a process, not for each connection."""

from __future__ import annotations

import functools
import ssl
import threading
from typing import Any

from botocore.httpsession import URLLib3Session
from urllib3.util.ssl_ import create_urllib3_context


def share_contexts() -> None:
    """Have botocore's sessions in this process share a TLS context for each file of certificates.

    urllib3 has the context load them for every new connection, about 20 ms of CPU with botocore's file. Which file it
    is stays botocore's choice: AWS_CA_BUNDLE, the profile's `ca_bundle`, or its own. botocore 1.44 has no public place
    for a context.
    """
    URLLib3Session._get_ssl_context = lambda session: _context(session._verify)  # type: ignore[attr-defined]


@functools.cache
def _context(_verify: bool | str) -> ssl.SSLContext:
    """Return a context that loads what it is told to load once, whichever of the threads that connect comes first."""
    context, loading = create_urllib3_context(), threading.Lock()
    load = functools.cache(context.load_verify_locations)

    def load_verify_locations(*where: Any) -> None:
        with loading:
            load(*where)

    context.load_verify_locations = load_verify_locations  # type: ignore[assignment]
    return context
