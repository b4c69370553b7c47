"""Create-only objects: whose is there, when answers are lost, S3 fails for a moment, and others write the same key."""

from __future__ import annotations

import io
import itertools
from typing import Any, Literal

import pytest

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError

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
