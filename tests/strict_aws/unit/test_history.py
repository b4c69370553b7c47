"""What things were: as a copy of everything made before each change would tell it."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strict_aws.conditions.history import Remembered, RememberingDict, Retention

KEYS = "abcde"


class Step(NamedTuple):
    """A change: after so many seconds, a key gets a value, or goes (None)."""

    seconds: int
    key: str
    value: int | None


def steps() -> st.SearchStrategy[list[Step]]:
    """Any history of changes to a few keys."""
    value = st.one_of(st.none(), st.integers(1, 9))
    return st.lists(st.builds(Step, st.integers(0, 3), st.sampled_from(KEYS), value), max_size=25)


def pages(held: RememberingDict[str], at: float | None, size: int) -> list[str]:
    """Every value, page by page."""
    found: list[str] = []
    start: int | None = 0
    while start is not None:
        page, start = held.page_as_of(start, size, at)
        assert len(page) == size or start is None, "only the last page may be short"
        assert page or start is None
        found += page
    return found


@given(steps(), st.integers(1, 4), st.integers(1, 6))
def test_every_moment_that_is_kept_is_read_as_it_was(history: list[Step], size: int, kept: int) -> None:
    """By key and page by page, in the order of that time, whatever came, went and came back since."""
    held: RememberingDict[str] = RememberingDict(Retention(kept))
    copies: list[tuple[int, dict[str, str]]] = [(0, {})]
    now = 0
    for seconds, key, value in history:
        now += seconds
        copy = dict(copies[-1][1])
        if value is not None:
            copy[key] = f"{key}{value}"
            held.change(key, copy[key], now)
        elif key in copy:
            del copy[key]
            held.take_out(key, now)
        copies.append((now, copy))
    for at in range(max(0, now - kept), now + 1):
        was = [copy for changed_at, copy in copies if changed_at <= at][-1]
        assert {key: held.get_as_of(key, at) for key in KEYS} == {key: was.get(key) for key in KEYS}
        assert pages(held, at, size) == list(was.values())
    assert pages(held, None, size) == list(copies[-1][1].values())


def test_nothing_is_kept_that_nobody_may_see() -> None:
    """Not without a retention, and not for longer than it says."""
    retention = Retention()
    held: RememberingDict[str] = RememberingDict(retention)
    held.change("a", "1", 1)
    assert (held._before, len(held._journal)) == ({}, 0)
    retention.seconds = 2
    for second in range(2, 100):
        held.change("a", str(second), second)
        held.change(f"k{second}", "x", second)
        held.take_out(f"k{second}", second)
    assert len(held._journal) <= 3 * 3
    assert len(held._former) <= 3
    assert len(held._before) <= 1 + 3
    assert held.get_as_of("a", 97.5) == "97"


def test_a_past_can_be_forgotten() -> None:
    """What is there now then always was."""
    held: RememberingDict[str] = RememberingDict(Retention(10))
    held.change("a", "1", 1)
    held.change("b", "1", 2)
    held.take_out("a", 3)
    held.forget()
    assert pages(held, 1.0, 5) == ["1"]
    assert (held.get_as_of("a", 2.5), held.get_as_of("b", 0.5)) == (None, "1")


@pytest.mark.parametrize(("at", "value"), [(0.5, "a"), (1.0, "b"), (1.5, "b"), (2.0, "c"), (None, "c")])
def test_a_single_value_is_remembered(at: float | None, value: str) -> None:
    """From the moment of its change on it is the new one."""
    held = Remembered("a", Retention(5))
    held.set("b", 1.0)
    held.set("c", 2.0)
    assert held.as_of(at) == value
    held.forget()
    assert held.as_of(at) == held.now == "c"
