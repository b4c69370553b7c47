"""Values that can be read as they were a moment ago, for reads that lag behind writes.

What was before each change is kept, not copies of the whole, and only for as long as a `Retention` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge
from typing import Generic, TypeVar

from strict_aws.paging.paged_dict import PagedDict

V = TypeVar("V")

# (when it changed, what it was before, the change before that one)
_Before = tuple[float, V | None, "_Before[V] | None"]


@dataclass
class Retention:
    """For how many seconds earlier values are kept. It may change at any time."""

    seconds: float = 0.0


class Remembered(Generic[V]):
    """A value that can be read as it was. Times are epoch seconds and must ascend."""

    def __init__(self, value: V, retention: Retention) -> None:
        self._value = value
        self._retention = retention
        self._before: deque[tuple[float, V]] = deque()

    @property
    def now(self) -> V:
        """The newest value that was set."""
        return self._value

    def set(self, value: V, at: float) -> None:
        """Set another value, which holds from `at` on."""
        while self._before and self._before[0][0] < at - self._retention.seconds:
            self._before.popleft()
        if self._retention.seconds > 0:
            self._before.append((at, self._value))
        self._value = value

    def as_of(self, at: float | None) -> V:
        """Return the value as it was at that time; None means now."""
        if at is not None:
            for changed_at, value in self._before:
                if changed_at > at:
                    return value
        return self._value

    def forget(self) -> None:
        """Forget earlier values, so that the newest one seems to have been there always."""
        self._before.clear()


class RememberingDict(PagedDict[V]):
    """A PagedDict that can be read as it was. Times are epoch seconds and must ascend."""

    def __init__(self, retention: Retention) -> None:
        super().__init__()
        self._retention = retention
        # By serial number, its last change first; and in the order of the changes.
        self._before: dict[int, _Before[V]] = {}
        self._journal: deque[tuple[_Before[V], int, str]] = deque()
        # Serial numbers that keys had before they were taken out.
        self._former: dict[str, list[int]] = {}

    def change(self, key: str, value: V, at: float) -> None:
        """Add a value at the end, or replace the key's value in its place, from `at` on."""
        if self._is_idle:
            self.put(key, value)
            return
        self._prune(at)
        known = self.get(key)
        self.put(key, value)
        self._note(key, self.serial(key), known, at)

    def take_out(self, key: str, at: float) -> None:
        """Remove a value from `at` on; raise KeyError when there is none."""
        if self._is_idle:
            self.remove(key)
            return
        self._prune(at)
        known, serial = self.get(key), self.serial(key)
        self.remove(key)
        if self._note(key, serial, known, at):
            self._former.setdefault(key, []).append(serial)

    def get_as_of(self, key: str, at: float | None) -> V | None:
        """Return the value as it was at that time, or None when there was none; `at` None means now."""
        if at is None or not self._before:
            return self.get(key)
        newest: list[tuple[int, V | None]] = [(serial, None) for serial in self._former.get(key, ())]
        if key in self:
            newest.append((self.serial(key), self.get(key)))
        found = (self._was(serial, value, at) for serial, value in newest)
        return next((value for value in found if value is not None), None)

    def page_as_of(self, start: int, size: int, at: float | None) -> tuple[list[V], int | None]:
        """Return up to `size` values of that time from serial number `start` on, and where the next page starts.

        The latter is None on the last page. `at` None means now.
        """
        if at is None or not self._before:
            return self.page(start, size)
        found: list[V] = []
        for serial, newest in merge(self._pairs(start), self._gone_pairs(start), key=lambda pair: pair[0]):
            value = self._was(serial, newest, at)
            if value is None:
                continue
            if len(found) == size:
                return found, serial
            found.append(value)
        return found, None

    def forget(self) -> None:
        """Forget earlier values, so that what is there now seems to have been there always."""
        self._before.clear()
        self._journal.clear()
        self._former.clear()

    @property
    def _is_idle(self) -> bool:
        return self._retention.seconds <= 0 and not self._journal

    def _note(self, key: str, serial: int, known: V | None, at: float) -> bool:
        if self._retention.seconds <= 0:
            return False
        entry = (at, known, self._before.get(serial))
        self._before[serial] = entry
        self._journal.append((entry, serial, key))
        return True

    def _was(self, serial: int, newest: V | None, at: float) -> V | None:
        value, before = newest, self._before.get(serial)
        while before is not None and before[0] > at:
            value, before = before[1], before[2]
        return value

    def _gone_pairs(self, start: int) -> Iterable[tuple[int, None]]:
        gone = sorted(serial for serials in self._former.values() for serial in serials if serial >= start)
        return ((serial, None) for serial in gone)

    def _prune(self, at: float) -> None:
        """Drop changes that are older than the retention, and with each the earlier ones of the same value."""
        while self._journal and self._journal[0][0][0] < at - self._retention.seconds:
            entry, serial, key = self._journal.popleft()
            if self._before.get(serial) is entry:
                del self._before[serial]
                self._drop_former(key, serial)

    def _drop_former(self, key: str, serial: int) -> None:
        serials = self._former.get(key)
        if serials is not None and serial in serials:
            serials.remove(serial)
            if not serials:
                del self._former[key]
