"""Signs of life: nobody is sent whom no stored sign names, and who ends a hop and who sends never miss each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, FailureKind
from ses_fleet.orchestrator.signs import Signs, Unnamed, named_ahead
from ses_fleet.runs.hops import Cancel, HopEnd, SignOfLife
from tests.unit.runs.recorded import OWNER, RUN, Recorded

SIGN = f"open/{RUN}/0-{OWNER}.json"


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    for _ in range(2_000):
        if holds():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen")


class Hop(Recorded):
    """Hop 0 of a run, which has not given any sign but that of its start. `seconds` is its own clock."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.signs = Signs(self.hops, 0, OWNER, 60.0, clock=lambda: self.seconds)

    def stored(self) -> dict[int, int] | None:
        """Whom the stored sign names."""
        found = self.s3.stored.get(("results", SIGN))
        return None if found is None else SignOfLife.model_validate_json(found.body).named

    def beats(self, count: int = 1, step: float = 0.1) -> None:
        """Let time pass until so many signs have been asked for."""

        def asked() -> bool:
            self.seconds += step
            return self.s3.asked.count(("put_object", SIGN)) >= count

        until(asked)

    def passes(self) -> bool:
        """A moment."""
        self.seconds += 0.1
        return True

    def is_busy(self) -> bool:
        """Whether anything ran."""
        return self.signs.is_busy

    def is_cancelled(self) -> bool:
        """What the signs know of a cancel."""
        return self.signs.is_cancelled

    def other_end(self) -> HopEnd:
        """What a reaper decides."""
        return HopEnd(hop=0, owner="reaper", by="reaper", ended_at="", next=None, reason="no sign of life")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign is due every tenth of a second: the thread that gives them waits by the real clock."""
    monkeypatch.setattr(limits, "SIGN_SHARE", 1 / 600)


@pytest.fixture
def hop() -> Hop:
    """Hop 0 of a run."""
    return Hop()


def test_nobody_may_be_sent_before_a_stored_sign_names_it(hop: Hop) -> None:
    """By customer and by slice: another number is another slice, and another customer is nobody."""
    hop.signs.name(3, 1)
    assert not hop.signs.may_send(3, 1)
    assert not hop.signs.is_named(3, 1)
    with hop.signs:
        until(lambda: hop.signs.is_named(3, 1))
        assert hop.stored() == {3: 1}
        assert [hop.signs.may_send(*slice_) for slice_ in ((3, 1), (3, 2), (4, 1))] == [True, False, False]
        hop.signs.name(3, 2)
        until(lambda: hop.signs.is_named(3, 2))
        assert hop.stored() == {3: 2}
        assert [hop.signs.may_send(*slice_) for slice_ in ((3, 1), (3, 2))] == [False, True]
    assert hop.signs.sent == {3}


def test_the_first_sign_of_a_run_counts_at_once(hop: Hop) -> None:
    """Nobody can have ended, or cancelled, what does not exist yet; the next sign looks for both."""
    hop.signs.begin({3: 1})
    assert hop.stored() == {3: 1}
    assert [hop.signs.may_send(*slice_) for slice_ in ((3, 1), (4, 1))] == [True, False]
    assert {operation for operation, _ in hop.s3.asked} == {"put_object"}
    hop.hops.ask_to_cancel(Cancel(run_id=RUN, asked_at=""))
    hop.signs.name(4, 1)
    with hop.signs:
        until(lambda: hop.passes() and hop.is_cancelled())
        assert (hop.signs.is_named(4, 1), hop.signs.may_send(4, 1)) == (True, False)
        assert hop.stored() == {3: 1, 4: 1}
        assert hop.hops.end(hop.other_end())
        until(lambda: hop.passes() and hop.signs.is_lost)


@pytest.mark.parametrize("kind", ["server", "lost"])
def test_a_first_sign_is_tried_again_elsewhere(hop: Hop, monkeypatch: pytest.MonkeyPatch, kind: FailureKind) -> None:
    """As often as any call of S3; one whose answer was lost may still be stored, and is removed."""
    monkeypatch.setattr(limits, "CREATE_PAUSE_SECONDS", 0.0)
    failed: list[str] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if operation == "put_object" and done and len(failed) < limits.S3_ATTEMPTS - 1:
            failed.append(key)
            raise AwsCallError("s3", operation, kind, "SlowDown", "no answer", 503)

    hop.s3.hook.happens = happens
    hop.signs.begin({3: 1})
    assert len(set(failed)) == limits.S3_ATTEMPTS - 1
    (there,) = hop.s3.keys("open/")
    assert there not in failed
    assert hop.signs.may_send(3, 1)
    hop.signs.remove()
    assert hop.s3.keys("open/") == []


def test_a_first_sign_that_cannot_be_stored_names_nobody(hop: Hop) -> None:
    """The run does not begin."""
    hop.s3.refused = {SIGN}
    with pytest.raises(AwsCallError):
        hop.signs.begin({3: 1})
    assert not hop.signs.may_send(3, 1)


@pytest.mark.parametrize(
    ("places", "writes", "ahead"), [(1, True, 1), (1, False, 1), (50, True, 25), (50, False, 50), (3, True, 1)]
)
def test_whoever_is_named_ahead_is_fewer_when_the_run_writes(places: int, writes: bool, ahead: int) -> None:
    """After a death, each of them may have been changed for all that is known."""
    assert named_ahead(places, writes=writes) == ahead


def test_nobody_may_be_sent_when_the_last_sign_is_too_old(hop: Hop) -> None:
    """20 s after it was sent, by the process's own clock; the reason is told."""
    assert hop.signs.why_not == "the run's sign of life could not be stored (not tried)"
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.signs.is_named(0, 1))
    for seconds, fresh in ((19.9, True), (20.0, False), (60.0, False)):
        hop.seconds = seconds
        assert (hop.signs.is_fresh, hop.signs.may_send(0, 1), hop.signs.may_read(0)) == (fresh,) * 3
        assert (hop.signs.why_not is None) is fresh


def test_a_sign_that_cannot_be_stored_is_tried_again_soon(hop: Hop) -> None:
    """Nobody is started meanwhile, and the reason is told; then everything goes on."""
    hop.s3.refused = {SIGN}
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.s3.asked.count(("put_object", SIGN)) >= 2)
        assert not hop.signs.may_send(0, 1)
        assert hop.signs.why_not == "the run's sign of life could not be stored (AccessDenied)"
        hop.s3.refused = set()
        until(lambda: hop.signs.may_send(0, 1))
        assert hop.signs.why_not is None


def test_a_sign_that_named_nobody_new_is_tried_again_soon_too(hop: Hop) -> None:
    """Who is with a worker needs the next one: the hop would be taken for dead without it."""
    hop.s3.refused = {SIGN}
    with hop.signs:
        hop.beats()
        until(lambda: hop.s3.asked.count(("put_object", SIGN)) >= 2)


def test_a_sign_that_may_still_arrive_never_replaces_a_newer_one(hop: Hop) -> None:
    """The next one lies at another place; that of before is removed, and counts if it comes after all."""
    lost: list[str] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if operation == "put_object" and key == SIGN and done and not lost:
            lost.append(key)
            raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no answer")

    hop.s3.hook.happens = happens
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.signs.may_send(0, 1))
    assert lost
    (now,) = hop.s3.keys("open/")
    assert now != SIGN
    hop.s3.put("results", SIGN, hop.s3.stored["results", now].body.replace(b'{"0":1}', b'{"7":2}'))
    assert hop.hops.named(OWNER) == {0: 1, 7: 2}


def test_a_sign_is_given_every_few_seconds(hop: Hop) -> None:
    """Although nobody is to be named."""
    with hop.signs:
        hop.beats(4)


def test_a_hop_that_was_ended_by_another_is_lost(hop: Hop) -> None:
    """Nothing may be sent any more, whatever was named; whoever waits is woken, and no further sign is given."""
    woken = threading.Event()
    hop.signs.watch(woken.set)
    assert hop.hops.end(hop.other_end())
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.signs.is_lost)
        assert woken.wait(5)
        assert not hop.signs.may_send(0, 1)
        assert not hop.signs.may_read(0)
    assert hop.s3.asked.count(("put_object", SIGN)) == 1


def test_its_own_end_is_no_loss(hop: Hop) -> None:
    """The owner's token tells."""
    hop.end(0, None, OWNER)
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.signs.is_named(0, 1))
    assert not hop.signs.is_lost


@pytest.mark.parametrize("moment", range(6))
def test_who_ends_a_hop_reads_the_name_or_the_hop_sees_the_end(hop: Hop, moment: int) -> None:
    """Whenever somebody ends it, before or after each request of a sign: nobody is sent whom the closer did not see."""
    moments: list[bool] = []
    seen: list[dict[int, int]] = []

    def happens(_operation: str, key: str, _done: bool) -> None:
        if threading.current_thread().name != "signs-of-life" or "cancel" in key:
            return
        if len(moments) == moment:
            moments.append(True)
            assert hop.hops.end(hop.other_end())
            seen.append(hop.hops.named(OWNER))
        else:
            moments.append(False)

    hop.s3.hook.happens = happens
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.signs.is_lost or hop.signs.is_named(0, 1))
        sent = hop.signs.may_send(0, 1)
        until(lambda: hop.passes() and len(moments) > moment)
    (named,) = seen
    assert not sent or named == {0: 1}
    assert moment >= 4 or sent is (moment == 3)


def test_the_last_sign_drops_who_was_never_sent(hop: Hop) -> None:
    """Who was named ahead, whose result is stored, and of whose slice nothing ran; who was sent stays."""
    for index in range(4):
        hop.signs.name(index, 1)
    with hop.signs:
        until(lambda: hop.stored() == {0: 1, 1: 1, 2: 1, 3: 1} and hop.signs.is_named(3, 1))
        assert all(hop.signs.may_send(index, 1) for index in (0, 1, 2))
        hop.signs.forget(1)
        hop.signs.take_back(2)
        assert hop.signs.sent == {0}
        hop.signs.last()
        assert hop.stored() == {0: 1}


def test_nobody_may_be_sent_after_the_last_sign(hop: Hop) -> None:
    """Although a sign before it named them: a thread that is late must not send whom it does not name."""
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.signs.may_send(0, 1))
        hop.signs.last()
        assert hop.stored() == {0: 1}
        assert not hop.signs.may_send(0, 1)
        assert not hop.signs.may_read(0)


def test_a_last_sign_that_cannot_be_stored_changes_nothing(hop: Hop) -> None:
    """More customers than necessary are taken for sent then."""
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: hop.signs.is_named(0, 1))
        hop.s3.refused = {SIGN}
        hop.signs.last()
    assert hop.stored() == {0: 1}


def test_a_hop_is_busy_once_something_ran() -> None:
    """What was sent and not taken back, and what has its result; a throttled account's tries are nothing."""
    for outcome, busy in (("sent", True), ("forget", True), ("take_back", False)):
        hop = Hop()
        hop.signs.name(0, 1)
        with hop.signs:
            until(lambda: hop.signs.is_named(0, 1))  # noqa: B023  # waited for at once
        assert not hop.signs.is_busy
        assert hop.signs.may_send(0, 1)
        if outcome != "sent":
            getattr(hop.signs, outcome)(0)
            assert hop.signs.sent == frozenset()
        assert hop.signs.is_busy is busy


def test_a_hop_of_which_one_slice_ran_is_busy(hop: Hop) -> None:
    """Although nothing ran of the next one, on every try of which it was to be sent; the one that ran stays named."""
    with hop.signs:
        for number in (1, 2):
            hop.signs.name(0, number)
            until(lambda number=number: hop.signs.may_send(0, number))  # type: ignore[misc]
            assert hop.signs.may_send(0, number)
        hop.signs.take_back(0)
        hop.signs.last()
    assert (hop.signs.sent, hop.is_busy(), hop.stored()) == (frozenset({0}), True, {0: 1})


def test_a_cancel_that_was_asked_for_before_is_seen_before_anybody_is_named(hop: Hop) -> None:
    """A later hop of a cancelled run starts nobody, not even one."""
    hop.hops.ask_to_cancel(Cancel(run_id=RUN, asked_at=""))
    seen: list[bool] = []

    def happens(operation: str, _key: str, _done: bool) -> None:
        if operation == "put_object":
            seen.append(hop.signs.is_cancelled)

    hop.s3.hook.happens = happens
    with hop.signs:
        hop.beats()
    assert all(seen)


def test_a_look_that_failed_is_made_again_before_anybody_is_named(hop: Hop) -> None:
    """S3 did not say whether the run was cancelled: until it does, nobody is started."""
    hop.hops.ask_to_cancel(Cancel(run_id=RUN, asked_at=""))
    failed: list[str] = []
    seen: list[bool] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if "cancel" in key and not done and not failed:
            failed.append(key)
            raise AwsCallError("s3", operation, "server", "InternalError", "no answer", 500)
        if operation == "put_object":
            seen.append(hop.signs.is_cancelled)

    hop.s3.hook.happens = happens
    hop.signs.name(0, 1)
    with hop.signs:
        until(lambda: bool(seen))
    assert failed
    assert all(seen)


def test_a_cancel_is_seen_with_the_next_sign(hop: Hop) -> None:
    """And whoever waits is woken; it is asked for no more after that."""
    woken = threading.Event()
    with hop.signs:
        hop.beats()
        assert not hop.is_cancelled()
        hop.hops.ask_to_cancel(Cancel(run_id=RUN, asked_at=""))
        hop.signs.watch(woken.set)
        hop.beats(hop.s3.asked.count(("put_object", SIGN)) + 1)
        assert hop.is_cancelled()
        assert woken.wait(5)
        looks = hop.s3.asked.count(("get_object", f"runs/{RUN}/cancel.json"))
        hop.signs.name(0, 1)
        until(lambda: hop.signs.is_named(0, 1))
    assert hop.s3.asked.count(("get_object", f"runs/{RUN}/cancel.json")) == looks


def test_no_sign_is_given_after_the_end(hop: Hop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread ends with the invocation, also when S3 does not answer it in time."""
    release, entered = threading.Event(), threading.Event()
    monkeypatch.setattr(limits, "SIGN_JOIN_SECONDS", 0.01)

    def happens(operation: str, _key: str, done: bool) -> None:
        if (operation, done) == ("put_object", False):
            entered.set()
            release.wait(30)

    hop.s3.hook.happens = happens
    hop.signs.name(0, 1)
    with hop.signs:
        assert entered.wait(5)
    release.set()
    until(lambda: not [one for one in threading.enumerate() if one.name == "signs-of-life"])
    assert hop.s3.asked.count(("put_object", SIGN)) == 1


def test_what_only_reads_for_several_customers_is_not_named(hop: Hop) -> None:
    """But it needs a fresh sign, too, and ends with the turn; what ran of it makes the hop a busy one."""
    intent = Unnamed(hop.signs)
    woken = threading.Event()
    intent.watch(woken.set)
    intent.name(0, 1)
    assert intent.is_named(0, 1)
    assert not intent.may_send(0, 1)
    assert (intent.why_not, intent.is_lost, intent.is_cancelled) == (hop.signs.why_not, False, False)
    with hop.signs:
        hop.beats()
        assert woken.wait(5)
        assert intent.may_send(0, 1)
        assert hop.is_busy()
        intent.take_back(0)
        assert not hop.is_busy()
    assert (hop.stored(), hop.signs.sent, intent.why_not) == ({}, frozenset(), None)
