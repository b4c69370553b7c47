"""Tombstones: who was erased stays erased, under whichever key, and nothing tells who it is without the key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people.hash_keys import HashKeys
from ses_fleet.worker.erased import ErasedPeople, Why
from tests.unit.memory_s3 import MemoryS3

ACCOUNT, REGION = "111122223333", "eu-west-1"
PREFIX = f"erased/{ACCOUNT}-{REGION}/"
ADA, BOB = "Ada@X.example", "bob@x.example"
FIRST, SECOND = Why("run-1", "T-1", "2026-11-01T00:00:00Z"), Why("run-2", "T-2", "2026-11-02T00:00:00Z")


def hash_keys(current: str, *older: str) -> HashKeys:
    """A secret's keys, each made of its id."""
    made = {key_id: base64.b64encode(key_id.encode() * 32).decode() for key_id in (current, *older)}
    return HashKeys.parse(json.dumps({"current": current, "keys": made}))


def no_key() -> HashKeys | None:
    """No setting names a secret."""
    return None


def never() -> HashKeys:
    """Whoever asks for the keys fails."""
    raise AssertionError("the keys were read")


@pytest.fixture
def s3() -> MemoryS3:
    """An empty results bucket."""
    return MemoryS3()


def load(s3: MemoryS3, read_keys: Callable[[], HashKeys | None]) -> ErasedPeople:
    """As a slice begins."""
    return ErasedPeople.load(Bucket(s3, "results"), ACCOUNT, REGION, read_keys)


def buried(s3: MemoryS3, *people: str, current: str = "k1", why: Why = FIRST) -> None:
    """Have these people erased."""
    for one in people:
        load(s3, lambda: hash_keys(current, "k0", "k1", "k2")).bury(one, why)


def documents(s3: MemoryS3) -> list[dict[str, Any]]:
    """Every tombstone."""
    return [json.loads(s3.stored["results", key].body) for key in s3.keys(PREFIX)]


def test_without_tombstones_no_key_is_read_and_nobody_is_erased(s3: MemoryS3) -> None:
    """One request, for the listing."""
    assert not load(s3, never).is_erased(ADA)
    assert s3.asked == [("list_objects_v2", PREFIX)]


def test_who_was_erased_is_found_again_in_whatever_spelling(s3: MemoryS3) -> None:
    """In each slice anew; the keys are read once, and each tombstone too."""
    buried(s3, ADA)
    read: list[int] = []

    def keys() -> HashKeys:
        read.append(1)
        return hash_keys("k1")

    people = load(s3, keys)
    s3.asked.clear()
    assert [people.is_erased(one) for one in (ADA, ADA.upper(), BOB, ADA.lower())] == [True, True, False, True]
    assert (len(read), len(s3.asked)) == (1, 1)


def test_a_tombstone_is_of_one_list(s3: MemoryS3) -> None:
    """Of an account and Region, so that a customer's code may change."""
    buried(s3, ADA)
    others = ((ACCOUNT, "eu-west-2"), ("444455556666", REGION))
    for place in others:
        assert not ErasedPeople.load(Bucket(s3, "results"), *place, never).is_erased(ADA)


def test_nothing_in_a_tombstone_tells_who_it_is(s3: MemoryS3) -> None:
    """State, key, hash, when, by whom, why; the same hash is in its key."""
    buried(s3, ADA)
    (key,) = s3.keys()
    expected = hash_keys("k1").hash_of(ADA)
    assert key == f"{PREFIX}k1/{expected}.json"
    (document,) = documents(s3)
    assert document == {
        "state": "erased",
        "key_id": "k1",
        "hash": expected,
        "erased_at": FIRST.at,
        "run_id": "run-1",
        "ticket": "T-1",
        "history": [],
    }


def test_an_older_key_still_tells_and_new_ones_are_buried_under_the_newer(s3: MemoryS3) -> None:
    """Both must be in the secret; nobody is buried twice."""
    buried(s3, ADA, current="k1")
    people = load(s3, lambda: hash_keys("k2", "k1"))
    assert people.is_erased(ADA)
    assert people.bury(ADA, SECOND) == "was_erased"
    assert people.bury(BOB, SECOND) == "buried"
    assert [one["key_id"] for one in documents(s3)] == ["k1", "k2"]
    again = load(s3, lambda: hash_keys("k2", "k1"))
    assert again.is_erased(ADA)
    assert again.is_erased(BOB)


def failure(s3: MemoryS3, read_keys: Callable[[], HashKeys | None]) -> CustomerError:
    """How the customer fails who cannot know who is erased."""
    with pytest.raises(CustomerError) as error:
        load(s3, read_keys)
    assert "nothing was changed" in error.value.message
    assert not error.value.outcome_unknown
    return error.value


def test_a_key_that_is_missing_fails_the_customer_and_is_named(s3: MemoryS3) -> None:
    """Whom its tombstones mean, nobody could tell."""
    buried(s3, ADA, current="k1")
    found = failure(s3, lambda: hash_keys("k2"))
    assert (found.category, found.type) == ("configuration", "ErasureKeyMissing")
    assert "the key k1 any more" in found.message


def test_without_the_setting_a_list_with_tombstones_fails(s3: MemoryS3) -> None:
    """And one without any does not ask for it."""
    load(s3, no_key)
    buried(s3, ADA)
    found = failure(s3, no_key)
    assert (found.category, found.type) == ("configuration", "NoErasureSecret")
    assert "erasure_secret" in found.message


def test_tombstones_that_cannot_be_listed_fail_the_customer(s3: MemoryS3) -> None:
    """An import that does not know who is erased would bring people back."""

    def denied(operation: str, _key: str, done: bool) -> None:
        if operation == "list_objects_v2" and not done:
            raise AwsCallError("s3", operation, "refused", "AccessDenied", "a policy does not allow it", 403)

    s3.hook.happens = denied
    assert failure(s3, never).type == "AccessDenied"


@pytest.mark.parametrize("name", ["readme.txt", "k1/short.json", "K1/" + "0" * 64 + ".json", "k1/" + "0" * 64])
def test_what_is_no_tombstone_fails_the_customer(name: str, s3: MemoryS3) -> None:
    """It may stand for somebody."""
    s3.put("results", f"{PREFIX}{name}", b"{}")
    assert failure(s3, lambda: hash_keys("k1")).type == "DamagedData"


def test_a_tombstone_that_is_damaged_fails_the_customer_whom_it_may_mean(s3: MemoryS3) -> None:
    """Others are not asked for."""
    buried(s3, ADA)
    (key,) = s3.keys()
    s3.put("results", key, b"{}")
    people = load(s3, lambda: hash_keys("k1"))
    assert not people.is_erased(BOB)
    with pytest.raises(CustomerError, match="is no tombstone"):
        people.is_erased(ADA)


def test_a_tombstone_that_was_lifted_erases_nobody_and_keeps_its_history(s3: MemoryS3) -> None:
    """In every slice after it, and at once in the one that lifted it."""
    buried(s3, ADA)
    people = load(s3, lambda: hash_keys("k1"))
    assert people.lift(ADA, SECOND) == "lifted"
    assert not people.is_erased(ADA)
    assert not load(s3, lambda: hash_keys("k1")).is_erased(ADA)
    (document,) = documents(s3)
    assert (document["state"], document["lifted_at"], document["run_id"], document["ticket"]) == (
        *("lifted", SECOND.at, "run-2", "T-2"),
    )
    assert "erased_at" not in document
    assert document["history"] == [{"state": "erased", "at": FIRST.at, "run_id": "run-1", "ticket": "T-1"}]


def test_lifting_says_when_there_was_nothing_to_lift(s3: MemoryS3) -> None:
    """Nobody was erased, or it was lifted before."""
    assert load(s3, never).lift(ADA, FIRST) == "was_not_erased"
    buried(s3, ADA)
    people = load(s3, lambda: hash_keys("k1"))
    people.lift(ADA, FIRST)
    for one in (people, load(s3, lambda: hash_keys("k1"))):
        assert one.lift(ADA, SECOND) == "was_not_erased"
    assert documents(s3)[0]["run_id"] == "run-1"


def test_a_person_who_was_lifted_can_be_erased_again(s3: MemoryS3) -> None:
    """In the same object, with all that it was."""
    buried(s3, ADA)
    load(s3, lambda: hash_keys("k1")).lift(ADA, SECOND)
    assert load(s3, lambda: hash_keys("k1")).bury(ADA, Why("run-3", None, "2026-11-03T00:00:00Z")) == "buried"
    assert load(s3, lambda: hash_keys("k1")).is_erased(ADA)
    (document,) = documents(s3)
    assert [one["state"] for one in document["history"]] == ["erased", "lifted"]
    assert "ticket" not in document
    assert (document["run_id"], document["erased_at"]) == ("run-3", "2026-11-03T00:00:00Z")


def test_a_person_with_tombstones_under_two_keys_is_lifted_under_both(s3: MemoryS3) -> None:
    """One that stayed would keep the person out."""
    buried(s3, ADA, current="k1")
    load(s3, lambda: hash_keys("k1")).lift(ADA, SECOND)
    buried(s3, ADA, current="k2")
    first = next(key for key in s3.keys(PREFIX) if "/k1/" in key)
    erased = {**json.loads(s3.stored["results", first].body), "state": "erased", "erased_at": FIRST.at}
    s3.put("results", first, json.dumps(erased).encode())
    people = load(s3, lambda: hash_keys("k2", "k1"))
    assert people.lift(ADA, SECOND) == "lifted"
    assert [one["state"] for one in documents(s3)] == ["lifted", "lifted"]


def test_nobody_is_buried_without_a_key(s3: MemoryS3) -> None:
    """The message says where to find how to make one."""
    with pytest.raises(CustomerError, match=r"nobody was erased.*docs/operating\.md") as error:
        load(s3, no_key).bury(ADA, FIRST)
    assert error.value.category == "configuration"
    assert s3.keys() == []


def lost(s3: MemoryS3, wanted: int) -> None:
    """The answer to the n-th PutObject never comes."""
    seen = 0

    def happens(operation: str, _key: str, done: bool) -> None:
        nonlocal seen
        if operation == "put_object" and done:
            seen += 1
            if seen == wanted:
                raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no complete answer came back")

    s3.hook.happens = happens


@pytest.mark.parametrize("answer", [1, 2, 3])
def test_a_lost_answer_leaves_one_tombstone_and_the_truth(answer: int, s3: MemoryS3) -> None:
    """Whichever of erase, lift and erase again it was the answer to."""
    lost(s3, answer)
    people = load(s3, lambda: hash_keys("k1"))
    assert people.bury(ADA, FIRST) == "buried"
    assert people.lift(ADA, FIRST) == "lifted"
    assert people.bury(ADA, SECOND) == "buried"
    (document,) = documents(s3)
    assert [one["state"] for one in document["history"]] == ["erased", "lifted"]


def test_another_ones_change_meanwhile_is_met_and_kept(s3: MemoryS3) -> None:
    """Both lift: the one that comes second finds it lifted, and overwrites nothing."""
    buried(s3, ADA)
    people = load(s3, lambda: hash_keys("k1"))
    assert people.is_erased(ADA)
    raced: list[str] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if operation == "put_object" and not done and not raced:
            raced.append(key)
            load(s3, lambda: hash_keys("k1")).lift(ADA, SECOND)

    s3.hook.happens = happens
    assert people.lift(ADA, FIRST) == "was_not_erased"
    (document,) = documents(s3)
    assert (document["run_id"], len(document["history"])) == ("run-2", 1)


def test_a_write_that_is_refused_fails_the_customer(s3: MemoryS3) -> None:
    """It names the object."""
    s3.refused.add(".json")
    with pytest.raises(CustomerError, match=f"could not write s3://results/{PREFIX}k1/") as error:
        load(s3, lambda: hash_keys("k1")).bury(ADA, FIRST)
    assert error.value.type == "AccessDenied"
