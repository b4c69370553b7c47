"""Writes on a condition: whose is there, when answers are lost, S3 fails for a moment, and others write, too."""

from __future__ import annotations

import io
import itertools
from typing import Any, Literal

import pytest

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from tests.unit.aws.s3_store import Client, Store

OURS, THEIRS = b'{"owner": "a"}', b'{"owner": "b"}'
Event = Literal["ok", "lost_before", "lost_after", "500", "503", "unreachable", "409", "theirs_409", "theirs_first"]


class S3(AwsClient):
    """S3's conditional writes as they are, with what happens to each request in turn."""

    def __init__(self, writes: list[Event], reads: list[str] | None = None, there: bytes | None = None) -> None:
        super().__init__("s3", None)
        self.writes, self.reads = list(writes), list(reads or [])
        self.there = there
        self.puts = 0

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The next thing that happens."""
        if operation == "get_object":
            self._read_fails()
            if self.there is None:
                raise AwsCallError("s3", operation, "refused", "NoSuchKey", "", 404)
            return {"ContentLength": len(self.there), "Body": io.BytesIO(self.there)}
        self.puts += 1
        self._write(self.writes.pop(0) if self.writes else "ok", parameters["Body"])
        return {}

    def _read_fails(self) -> None:
        event = self.reads.pop(0) if self.reads else "ok"
        if event == "lost":
            raise AwsCallError("s3", "get_object", "lost", "ReadTimeoutError", "")
        if event == "500":
            raise AwsCallError("s3", "get_object", "server", "InternalError", "", 500)

    def _write(self, event: Event, body: bytes) -> None:
        if event.startswith("theirs"):
            self.there = self.there or THEIRS
        if event.endswith("409"):
            raise AwsCallError("s3", "put_object", "refused", "ConditionalRequestConflict", "", 409)
        if event in ("500", "503"):
            raise AwsCallError("s3", "put_object", "server", "InternalError", "", int(event))
        if event == "unreachable":
            raise AwsCallError("s3", "put_object", "unreachable", "EndpointConnectionError", "")
        if event == "lost_before":
            raise AwsCallError("s3", "put_object", "lost", "ConnectionClosedError", "")
        if self.there is not None:
            raise AwsCallError("s3", "put_object", "refused", "PreconditionFailed", "", 412)
        self.there = body
        if event == "lost_after":
            raise AwsCallError("s3", "put_object", "lost", "ConnectionClosedError", "")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes at once."""
    monkeypatch.setattr("ses_fleet.aws.s3._wait", lambda _: None)


EVENTS: tuple[Event, ...] = (
    "ok", "lost_before", "lost_after", "500", "503", "unreachable", "409", "theirs_409", "theirs_first",
)  # fmt: skip


@pytest.mark.parametrize("reads", [[], ["lost"], ["500", "lost"]])
def test_the_answer_is_what_the_object_holds(reads: list[str]) -> None:
    """True = ours is there, False = another's is; whatever was lost, refused or tried again on the way."""
    for writes in itertools.product(EVENTS, repeat=3):
        s3 = S3(list(writes), reads)
        created = Bucket(s3, "b").create("k", OURS)
        assert s3.there == (OURS if created else THEIRS), writes


def test_the_lost_answer_of_ones_own_write_is_no_loss() -> None:
    """The SDK sends it again, and S3 refuses what is there: 412 of one's own object."""
    s3 = S3(["ok"], there=OURS)
    assert Bucket(s3, "b").create("k", OURS)
    assert s3.puts == 1


@pytest.mark.parametrize("there", [THEIRS, b"", OURS + b" ", OURS[:-1]])
def test_anothers_object_is_anothers(there: bytes) -> None:
    """Also one that is longer, shorter or begins alike; it is not written over."""
    s3 = S3([], there=there)
    assert not Bucket(s3, "b").create("k", OURS)
    assert s3.there == there


def test_a_conflict_with_nobody_there_is_tried_again() -> None:
    """409 says that another write was under way, not that it won."""
    s3 = S3(["409", "409"])
    assert Bucket(s3, "b").create("k", OURS)
    assert s3.puts == 3


def test_s3_that_never_says_is_a_failure_in_the_end() -> None:
    """Nobody is told that the object is theirs, or another's."""
    s3 = S3(["409"] * 100)
    with pytest.raises(AwsCallError) as error:
        Bucket(s3, "b").create("k", OURS)
    assert (error.value.status, s3.puts) == (409, limits.CREATE_ATTEMPTS)


def test_a_refusal_is_not_tried_again() -> None:
    """No permission will not come by itself."""

    class Denied(S3):
        def call(self, operation: str, **_: Any) -> dict[str, Any]:
            self.puts += 1
            raise AwsCallError("s3", operation, "refused", "AccessDenied", "", 403)

    s3 = Denied([])
    with pytest.raises(AwsCallError):
        Bucket(s3, "b").create("k", OURS)
    assert s3.puts == 1


def test_what_cannot_be_read_back_is_a_failure() -> None:
    """Not an answer."""
    with pytest.raises(AwsCallError):
        Bucket(S3(["lost_after"], ["500"] * 100), "b").create("k", OURS)


BEFORE = b'{"owner": ""}'
# What becomes of our n-th write; "theirs": another one writes first, "back": another one writes what was there before.
FATES = (
    "ok",
    "lost",
    "before",
    "500",
    "503",
    "409",
    "412",
    "404",
    "theirs",
    "theirs 409",
    "theirs lost",
    "back",
    "gone",
)


class Beside:
    """A bucket, and what happens to each of our writes of `k` in turn; reads are answered after `reads` have failed."""

    def __init__(self, fates: tuple[str, ...], reads: tuple[str, ...] = (), *, kms: bool = False) -> None:
        self.store = Store(kms=kms)
        self.etag = self.store.put("k", BEFORE)
        self.fates, self.reads = list(fates), list(reads)
        self.client = Client(self.store, self._happens)
        self.bucket = Bucket(self.client, "b")

    def _happens(self, operation: str, _parameters: dict[str, Any]) -> str | None:
        if operation == "get_object":
            return self.reads.pop(0) if self.reads else None
        fate, _, then = (self.fates.pop(0) if self.fates else "ok").partition(" ")
        if fate in ("theirs", "back"):
            self.store.put("k", THEIRS if fate == "theirs" else BEFORE)
        if fate == "gone":
            self.store.objects.pop("k", None)
        fate = then or fate
        return None if fate in ("ok", "theirs", "back", "gone") else fate

    @property
    def now(self) -> bytes | None:
        """What is there."""
        kept = self.store.objects.get("k")
        return None if kept is None else kept.body


@pytest.mark.parametrize("kms", [False, True])
@pytest.mark.parametrize("reads", [(), ("lost",), ("500", "lost")])
def test_an_overwrite_answers_what_the_object_holds(reads: tuple[str, ...], kms: bool) -> None:
    """The ETag it has, when it is ours; None when it is another's or gone; whatever happened on the way."""
    for fates in itertools.product(FATES, repeat=2):
        beside = Beside(fates, reads, kms=kms)
        etag = beside.bucket.replace("k", OURS, beside.etag)
        assert (etag is not None) == (beside.now == OURS), fates
        assert etag is None or etag == beside.store.objects["k"].etag, fates
        if not any(fate.startswith(("theirs", "gone")) for fate in fates) and not (kms and "back" in fates):
            assert etag is not None, fates


def test_only_the_object_that_was_read_is_overwritten() -> None:
    """Another one is left, also one that came between two tries of ours."""
    for fates in (("theirs",), ("before", "theirs"), ("503", "409", "theirs lost")):
        beside = Beside(fates)
        assert beside.bucket.replace("k", OURS, beside.etag) is None
        assert beside.now == THEIRS


def test_an_object_that_is_as_it_was_is_the_one_that_was_read() -> None:
    """An ETag tells bytes and no versions: who must not overwrite an equal object gives each a token."""
    beside = Beside(("before", "back"))
    assert beside.bucket.replace("k", OURS, beside.etag)


def test_an_overwrite_of_nothing_is_none() -> None:
    """It does not create; 404 is believed after a look."""
    beside = Beside(("gone",))
    assert beside.bucket.replace("k", OURS, beside.etag) is None
    assert beside.now is None


def test_a_404_of_an_object_that_is_there_is_not_believed() -> None:
    """It is there when it is read, so it is tried again."""
    beside = Beside(("404", "412", "409"))
    assert beside.bucket.replace("k", OURS, beside.etag)
    assert beside.client.asked.count("put_object") == 4


def test_an_overwrite_that_s3_never_decides_is_a_failure() -> None:
    """After five tries, with the last one's code; a refusal for another reason at once."""
    beside = Beside(("503",) * 100)
    with pytest.raises(AwsCallError) as error:
        beside.bucket.replace("k", OURS, beside.etag)
    assert (error.value.status, beside.client.asked.count("put_object")) == (503, limits.CREATE_ATTEMPTS)
    beside = Beside(("403",))
    with pytest.raises(AwsCallError) as error:
        beside.bucket.replace("k", OURS, beside.etag)
    assert (error.value.status, beside.client.asked) == (403, ["put_object"])


def test_an_object_that_is_far_larger_is_anothers() -> None:
    """It is not read to its end."""
    beside = Beside(("412",))
    beside.store.put("k", b"x" * (limits.COMPARED_BYTES + 1))
    assert beside.bucket.replace("k", OURS, beside.etag) is None


@pytest.mark.parametrize(("fate", "done"), [("ok", True), ("theirs", False), ("gone", False)])
def test_a_single_overwrite_is_one_request(fate: str, done: bool) -> None:
    """Nothing is read, and nothing sent again."""
    beside = Beside((fate,))
    assert beside.bucket.overwrite_once("k", OURS, beside.etag) == done
    assert beside.client.asked == ["put_object"]
    assert (beside.now == OURS) == done


@pytest.mark.parametrize("fate", ["lost", "before", "503", "409", "403"])
def test_a_single_overwrite_that_fails_says_so(fate: str) -> None:
    """Whether it took effect is the caller's question."""
    beside = Beside((fate,))
    with pytest.raises(AwsCallError):
        beside.bucket.overwrite_once("k", OURS, beside.etag)
    assert beside.client.asked == ["put_object"]
