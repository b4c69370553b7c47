"""Gzip compression piece by piece, without a file."""

from __future__ import annotations

import zlib

from ses_fleet import limits

_GZIP = 16 + zlib.MAX_WBITS  # zlib's manual: a gzip header and trailer around the largest window


class GzipPieces:
    """Compresses one gzip member. It need not be closed.

    A gzip.GzipFile that is abandoned when its worker is stopped would write to its file again when it is collected.
    """

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(limits.GZIP_LEVEL, zlib.DEFLATED, _GZIP)

    def add(self, data: bytes) -> bytes:
        """Compress `data` and return the bytes that are ready so far; there may be none yet."""
        return self._compressor.compress(data)

    def end(self) -> bytes:
        """Return the remaining bytes, which complete the gzip member."""
        return self._compressor.flush()
