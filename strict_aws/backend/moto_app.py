"""moto's server application, called in this process without a connection."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from moto.iam.access_control import PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, FakeKey

from strict_aws.http.messages import AwsError, Request, Response


class MotoApp:
    """moto's server application. `scheme` (http or https) is that of the URLs in its answers."""

    def __init__(self, scheme: str = "http") -> None:
        self._scheme = scheme
        # Bucket policies are evaluated before a request comes here; moto's own evaluation ignores conditions.
        FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL
        FakeKey.etag = property(_etag, FakeKey.etag.fset)
        dispatcher = DomainDispatcherApplication(create_backend_app)
        # moto would look through its folders and all of its patterns of URLs for every request.
        dispatcher.get_backend_for_host = functools.cache(dispatcher.get_backend_for_host)
        self._app: Callable[..., Iterable[bytes]] = dispatcher

    def handle(self, request: Request, account: str) -> Response:
        """Return moto's answer to a request of `account`; raise AwsError 501 when moto does not implement it."""
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            answer["status"], answer["headers"] = int(status.split()[0]), dict(headers)

        try:
            body = b"".join(self._app(_environ(request, account, self._scheme), start_response))
        except NotImplementedError as error:
            raise AwsError("NotImplemented", f"strict_aws does not implement this: {error}", 501) from None
        if answer["status"] == 404 and b"<title>404 Not Found</title>" in body:
            raise AwsError("NotImplemented", "strict_aws does not implement this operation", 501)
        return Response(answer["status"], body, answer["headers"])


def _etag(key: Any) -> str:
    """Return a key's ETag, computed under the key's lock.

    moto's own property reads the object's buffer without that lock, so that a concurrent reader gets a part of it.
    """
    with key.lock:
        if key._etag is None:
            key._value_buffer.seek(0)
            key._etag = hashlib.md5(key._value_buffer.read(), usedforsecurity=False).hexdigest()
        return f'"{key._etag}"'


def _environ(request: Request, account: str, scheme: str) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(request.path, "latin-1"),
        "RAW_URI": request.path + (f"?{request.query}" if request.query else ""),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        # moto would search all accounts for the key, and guess: which account asks was decided before.
        "HTTP_X_MOTO_ACCOUNT_ID": account,
    }
    for name, value in request.headers.items():
        if name not in ("content-length", "content-type", "x-moto-account-id"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ
