"""Decode bodies that SDKs send to S3 in chunks with a checksum behind them, as they do over HTTPS.

S3 API reference, "Signature calculations: including trailing headers".
"""

from __future__ import annotations

from dataclasses import replace

from strict_aws.http.messages import AwsError, Request

_HASH = "x-amz-content-sha256"
_OF_THE_ENCODING = frozenset({_HASH, "transfer-encoding", "x-amz-decoded-content-length", "x-amz-trailer"})


def plain(request: Request) -> Request:
    """Return the request with its decoded body, and with the trailing headers among the others.

    A request that is not encoded like this is returned as it is. Raise AwsError 400 when the chunks are not complete.
    """
    if not request.headers.get(_HASH, "").startswith("STREAMING-"):
        return request
    try:
        body, trailers = _decoded(request.body)
    except ValueError:
        raise _incomplete() from None
    expected = request.headers.get("x-amz-decoded-content-length", str(len(body)))
    if expected != str(len(body)):
        raise _incomplete()
    kept = {name: value for name, value in request.headers.items() if name not in _OF_THE_ENCODING}
    encodings = [one.strip() for one in kept.pop("content-encoding", "").split(",")]
    if left := ", ".join(one for one in encodings if one not in ("", "aws-chunked")):
        kept["content-encoding"] = left
    return replace(request, headers={**kept, **trailers}, body=body)


def _decoded(body: bytes) -> tuple[bytes, dict[str, str]]:
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        at = end + 2
        if size == 0:
            return b"".join(parts), _trailers(body[at:])
        if body[at + size : at + size + 2] != b"\r\n":
            raise ValueError("a chunk has another size than it says")
        parts.append(body[at : at + size])
        at += size + 2


def _trailers(lines: bytes) -> dict[str, str]:
    pairs = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    found = {name.decode().strip().lower(): value.decode().strip() for name, _, value in pairs}
    found.pop("x-amz-trailer-signature", None)
    return found


def _incomplete() -> AwsError:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return AwsError("IncompleteBody", message)
