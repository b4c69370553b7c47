"""A dict that can be read page by page while it changes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class PagedDict(Generic[V]):
    """Values by key, in the order in which their keys came.

    A key has a serial number for as long as it stays, and pages go on from a serial number: whatever is added or
    removed between two pages, no other value is repeated or skipped. A page costs what it holds, wherever it begins.
    """

    def __init__(self) -> None:
        self._serials: dict[str, int] = {}
        # Ascending serial numbers, and beside each its value: None when it has gone, until the next compaction.
        self._order = array("q")
        self._values: list[V | None] = []
        self._next = 0
        self._gone = 0

    def __len__(self) -> int:
        return len(self._serials)

    def __contains__(self, key: str) -> bool:
        return key in self._serials

    def __iter__(self) -> Iterator[str]:
        return iter(self._serials)

    def get(self, key: str) -> V | None:
        """Return the value of a key, or None when there is none."""
        serial = self._serials.get(key)
        return None if serial is None else self._values[self._position(serial)]

    def put(self, key: str, value: V) -> None:
        """Add a value at the end, or replace the key's value in its place."""
        serial = self._serials.setdefault(key, self._next)
        if serial != self._next:
            self._values[self._position(serial)] = value
            return
        self._order.append(serial)
        self._values.append(value)
        self._next += 1

    def remove(self, key: str) -> None:
        """Remove a key with its value; raise KeyError when there is none."""
        self._values[self._position(self._serials.pop(key))] = None
        self._gone += 1
        # The last value is never one that has gone: a page that promises another can keep it.
        while self._values and self._values[-1] is None:
            self._values.pop()
            self._order.pop()
            self._gone -= 1
        if self._gone * 2 > len(self._values):
            self._compact()

    def serial(self, key: str) -> int:
        """Return the serial number of a key; raise KeyError when there is none."""
        return self._serials[key]

    def values(self) -> Iterator[V]:
        """Yield all values in their order."""
        return (value for value in self._values if value is not None)

    def page(self, start: int, size: int) -> tuple[list[V], int | None]:
        """Return up to `size` values from serial number `start` on, and where the next page starts.

        The latter is None on the last page.
        """
        position, found = self._position(start), list[V]()
        while position < len(self._values) and len(found) < size:
            end = position + size - len(found)
            found += [value for value in self._values[position:end] if value is not None]
            position = end
        return found, self._order[position] if position < len(self._order) else None

    def _pairs(self, start: int) -> Iterator[tuple[int, V]]:
        for position in range(self._position(start), len(self._values)):
            value = self._values[position]
            if value is not None:
                yield self._order[position], value

    def _position(self, serial: int) -> int:
        return bisect_left(self._order, serial)

    def _compact(self) -> None:
        kept = [(serial, value) for serial, value in zip(self._order, self._values, strict=True) if value is not None]
        self._order = array("q", (serial for serial, _ in kept))
        self._values = [value for _, value in kept]
        self._gone = 0
