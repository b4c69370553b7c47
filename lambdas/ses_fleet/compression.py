"""Gzip made piece by piece, without a file of its own."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS  # zlib's manual: a gzip header and trailer around the largest window
# What we write is made while somebody waits, and its records resemble each other: more effort saves little.
_EFFORT = 1


class GzipPieces:
    """One gzip member. Nothing has to be closed: a gzip.GzipFile that is abandoned, as its worker was stopped, would
    write to its file once more when it is collected."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_EFFORT, zlib.DEFLATED, _GZIP)

    def add(self, data: bytes) -> bytes:
        """What is ready to be written of all that was added; maybe nothing yet."""
        return self._compressor.compress(data)

    def end(self) -> bytes:
        """The rest."""
        return self._compressor.flush()
