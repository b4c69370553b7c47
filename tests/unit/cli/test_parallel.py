"""Reading many things at once: in order, not too many, and nothing that fails is swallowed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ses_fleet_cli.parallel import in_order

PATIENCE = 20.0  # seconds until a read that waits for another one gives up, and the test fails


def test_what_is_read_last_may_be_answered_first() -> None:
    """Each read waits for the one behind it; what is read comes in the order of the keys all the same."""
    answered = [threading.Event() for _ in range(5)]
    answered[4].set()

    def read(key: int) -> str:
        assert answered[min(key + 1, 4)].wait(PATIENCE)
        answered[key].set()
        return str(key)

    assert list(in_order(read, range(5), at_once=5)) == ["0", "1", "2", "3", "4"]


def test_no_more_are_read_ahead_than_is_allowed() -> None:
    """What is read and not taken counts, because it takes memory."""
    begun: list[int] = []

    def read(key: int) -> int:
        begun.append(key)
        return key

    def asked() -> Iterator[int]:
        for key in range(9):
            handed_out.append(key)
            yield key

    handed_out: list[int] = []
    taken = in_order(read, asked(), at_once=3)
    assert next(taken) == 0
    assert len(handed_out) <= 4
    assert set(begun) <= {0, 1, 2, 3}
    assert list(taken) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_read_that_fails_is_told_at_its_place() -> None:
    """What comes before it has been given by then."""

    def read(key: int) -> int:
        if key == 2:
            raise LookupError("two")
        return key

    taken = in_order(read, range(5), at_once=5)
    assert [next(taken), next(taken)] == [0, 1]
    with pytest.raises(LookupError, match="two"):
        next(taken)


def test_whoever_is_interrupted_waits_for_nobody() -> None:
    """A read that hangs does not keep the process from ending."""
    hangs, begun = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def read(key: int) -> int:
        if key:
            threads.append(threading.current_thread())
            begun.set()
            hangs.wait(PATIENCE)
        return key

    taken = in_order(read, range(2), at_once=2)
    assert next(taken) == 0
    assert begun.wait(PATIENCE)
    taken.close()  # type: ignore[attr-defined]  # a generator's
    assert threads[0].is_alive()
    assert threads[0].daemon
    hangs.set()


def test_nothing_to_read_is_nothing() -> None:
    """Nothing is started for it."""
    assert list(in_order(str, [], at_once=3)) == []
