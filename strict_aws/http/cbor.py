"""Concise Binary Object Representation (RFC 8949), as far as AWS's SDKs speak it: no tags, and whole lengths only."""

from __future__ import annotations

import io
import struct
from typing import Any, cast

from strict_aws.http.messages import AwsError

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _SIMPLE = 0, 1, 2, 3, 4, 5, 7
_VALUES = {20: False, 21: True, 22: None}
_SIMPLES = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}
_LENGTHS = {24: ">B", 25: ">H", 26: ">I", 27: ">Q"}
_DOUBLE = 27


def decoded(body: bytes) -> dict[str, Any]:
    """Return the map in the body, or an empty one when there is none; raise AwsError when it is no such map."""
    if not body:
        return {}
    try:
        value = _read(io.BytesIO(body))
    except (struct.error, UnicodeDecodeError, KeyError, RecursionError):
        raise AwsError("SerializationException", "the body is not CBOR", 400) from None
    return value if isinstance(value, dict) else {}


def encoded(value: object) -> bytes:
    """Return a value of JSON's kinds in CBOR; numbers with fractions are doubles."""
    if value is None or isinstance(value, bool):
        return _SIMPLES[value]
    if isinstance(value, int):
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return _head(_TEXT, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return _head(_MAP, len(value)) + b"".join(encoded(key) + encoded(one) for key, one in value.items())
    items = cast("list[object]", value)
    return _head(_LIST, len(items)) + b"".join(map(encoded, items))


def _head(kind: int, number: int) -> bytes:
    if number < min(_LENGTHS):
        return bytes([kind << 5 | number])
    size = next(one for one, form in _LENGTHS.items() if number < 1 << 8 * struct.calcsize(form))
    return bytes([kind << 5 | size]) + struct.pack(_LENGTHS[size], number)


def _read(stream: io.BytesIO) -> Any:
    (first,) = _unpacked(">B", stream)
    kind, size = divmod(first, 32)
    if kind == _SIMPLE:
        return _unpacked(">d", stream)[0] if size == _DOUBLE else _VALUES[size]
    number = size if size < min(_LENGTHS) else _unpacked(_LENGTHS[size], stream)[0]
    if kind in (_UNSIGNED, _NEGATIVE):
        return number if kind == _UNSIGNED else -1 - number
    if kind in (_BYTES, _TEXT):
        text = _taken(stream, number)
        return text if kind == _BYTES else text.decode()
    if kind == _LIST:
        return [_read(stream) for _ in range(number)]
    return {_read(stream): _read(stream) for _ in range(number)}


def _unpacked(form: str, stream: io.BytesIO) -> tuple[Any, ...]:
    return struct.unpack(form, _taken(stream, struct.calcsize(form)))


def _taken(stream: io.BytesIO, size: int) -> bytes:
    taken = stream.read(size)
    if len(taken) < size:
        raise struct.error("cut off")
    return taken
