"""What the invocations of one run write for each other: each claim and each end once, by whoever was first."""

from __future__ import annotations

import pytest

from ses_fleet.errors import AwsCallError
from ses_fleet.runs.hops import Cancel, HopEnd, Progress
from tests.unit.runs.recorded import OWNER, RUN, Recorded, customer


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes at once."""
    monkeypatch.setattr("ses_fleet.aws.s3._wait", lambda _: None)


@pytest.fixture
def there() -> Recorded:
    """A run of three customers."""
    return Recorded()


def lose_answers(there: Recorded) -> None:
    """Have every answer to a write lost after its effect."""

    def happens(operation: str, _key: str, done: bool) -> None:
        if operation == "put_object" and done:
            raise AwsCallError("s3", operation, "lost", "ConnectionClosedError", "no")

    there.s3.hook.happens = happens


@pytest.mark.parametrize("lost", [False, True])
def test_a_hop_is_claimed_once(there: Recorded, lost: bool) -> None:
    """Also when the answers are lost: the token tells whose claim is there."""
    if lost:
        lose_answers(there)
    assert there.claim(1, "o1")
    assert there.claim(1, "o1")
    assert not there.claim(1, "o2")
    assert there.claim(2, "o2")


@pytest.mark.parametrize("lost", [False, True])
def test_a_hop_has_one_end(there: Recorded, lost: bool) -> None:
    """Whoever is second hears that it was decided, and by whom."""
    if lost:
        lose_answers(there)
    assert there.hops.end_of(0) is None
    first = there.end(0, 1, "o1")
    second = HopEnd(hop=0, owner="o2", by="reaper", ended_at="", next=None, reason="r")
    assert not there.hops.end(second)
    assert there.hops.end_of(0) == first


def test_everybody_whom_any_hop_has_named_is_named(there: Recorded) -> None:
    """With the highest number of a slice; a hop's later sign stands for its earlier ones."""
    assert there.hops.named(OWNER) == {}
    there.sign({0: 1, 1: 1})
    there.sign({0: 3}, hop=1, owner="a")
    there.sign({0: 2, 2: 5}, hop=2, owner="b")
    assert there.hops.named(OWNER) == {0: 3, 1: 1, 2: 5}
    there.sign({})
    assert there.hops.named(OWNER) == {0: 3, 2: 5}


def test_whom_another_start_of_the_same_id_has_named_is_nobody(there: Recorded) -> None:
    """It did not write plan.json, so it sends nobody; the signs of the run's later hops count all the same."""
    there.sign({0: 1})
    there.sign({1: 1}, owner="another")
    there.sign({2: 1}, hop=1, owner="another")
    assert there.hops.named(OWNER) == {0: 1, 2: 1}


def test_a_run_leaves_the_index_whole(there: Recorded) -> None:
    """Its own signs only; a start that did not become the run removes its own one."""
    there.sign()
    there.sign(owner="loser")
    there.s3.put("results", "open/r10/0-x.json", b"{}")
    there.hops.remove_sign(0, "loser")
    assert there.s3.keys("open/") == [f"open/{RUN}/0-o0.json", "open/r10/0-x.json"]
    there.hops.remove_signs()
    assert there.s3.keys("open/") == ["open/r10/0-x.json"]


def test_where_customers_stopped_is_found_by_their_place(there: Recorded) -> None:
    """Each has an object of its own, written over its last one; who has none is left out."""
    everybody = list(enumerate(there.plan.customers))
    assert there.hops.progress(everybody) == {}
    there.progress(0, 1)
    between = [there.progress(0, 2), there.progress(2, 1)]
    there.hops.keep_source(0, Progress(index=0, customer_code="0123", slices=1))
    assert there.hops.progress(everybody) == {0: between[0], 2: between[1]}
    assert there.hops.progress([(2, customer(2))]) == {2: between[1]}


def test_the_reading_of_an_identity_center_is_of_the_hop_that_began_it(there: Recorded) -> None:
    """By the name of the source; hop 1 is not hop 10."""
    mine = Progress(index=0, customer_code="0123", slices=1, continuation={"at": 1})
    there.hops.keep_source(1, mine)
    there.hops.keep_source(10, mine.model_copy(update={"slices": 7}))
    assert there.hops.sources(1) == {"0123": mine}
    assert there.hops.sources(0) == {}


def test_a_run_is_cancelled_when_somebody_asked_for_it(there: Recorded) -> None:
    """The first request counts, however often it is asked for."""
    assert there.hops.cancel() is None
    for at in ("2026-03-01T06:00:00Z", "2026-03-01T06:00:09Z"):
        there.hops.ask_to_cancel(Cancel(run_id=RUN, asked_at=at))
        assert there.hops.cancel() == Cancel(run_id=RUN, asked_at="2026-03-01T06:00:00Z")
