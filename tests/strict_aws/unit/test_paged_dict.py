"""The dict that is paged while it changes behaves as an ordinary one and never loses its place."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strict_aws.paging.paged_dict import PagedDict

step = st.tuples(st.sampled_from(["put", "put", "remove"]), st.integers(0, 12))


def whole(paged: PagedDict[int], size: int) -> list[int]:
    """All values, page by page; every page but the last one is full."""
    values, start = list[int](), 0
    while True:
        page, more = paged.page(start, size)
        values += page
        if more is None:
            return values
        assert len(page) == size
        start = more


@given(steps=st.lists(step, max_size=60), size=st.integers(1, 5))
def test_it_is_a_dict_in_order(steps: list[tuple[str, int]], size: int) -> None:
    """After any steps it holds what a dict holds, in a dict's order, however it is read."""
    paged, model = PagedDict[int](), dict[str, int]()
    for number, (kind, key) in enumerate(steps):
        if kind == "put":
            paged.put(str(key), number)
            model[str(key)] = number
        elif str(key) in model:
            paged.remove(str(key))
            del model[str(key)]
    assert list(paged.values()) == list(model.values()) == whole(paged, size)
    assert {key: paged.get(key) for key in paged} == model
    assert (len(paged), paged.get("absent")) == (len(model), None)


def test_what_has_gone_cannot_be_removed_again() -> None:
    """KeyError, as of a dict."""
    paged = PagedDict[int]()
    paged.put("a", 1)
    paged.remove("a")
    with pytest.raises(KeyError):
        paged.remove("a")


def test_a_place_outlives_what_has_gone_around_it() -> None:
    """Nine in ten go, before the place and after it: reading goes on with the next that is left."""
    paged = PagedDict[int]()
    for number in range(1_000):
        paged.put(str(number), number)
    _, start = paged.page(0, 500)
    for number in range(1_000):
        if number % 10:
            paged.remove(str(number))
    assert start is not None
    assert paged.page(start, 1_000) == (list(range(500, 1_000, 10)), None)


def test_what_has_gone_takes_no_room() -> None:
    """A list whose contacts come and go all day does not grow."""
    paged = PagedDict[int]()
    for number in range(10_000):
        paged.put(str(number), number)
    for number in range(1, 9_999):
        paged.remove(str(number))
    assert list(paged.values()) == [0, 9_999]
    assert len(pickle.dumps(paged)) < 1_000


def test_a_place_is_never_given_twice() -> None:
    """What comes after everything has gone is behind every place handed out before."""
    paged = PagedDict[int]()
    for number in range(4):
        paged.put(str(number), number)
    _, start = paged.page(0, 3)
    for number in range(4):
        paged.remove(str(number))
    paged.put("new", 9)
    assert start is not None
    assert paged.page(start, 10) == ([9], None)
