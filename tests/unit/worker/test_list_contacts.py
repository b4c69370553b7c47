"""list-contacts: every contact once, as it is, whatever the slices; filters that know defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ses_fleet import limits
from ses_fleet.actions.params import ListContactsParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import list_contacts
from tests.unit.worker.world import World, contact


def params(**given_ones: Any) -> ListContactsParams:
    """Checked parameters."""
    return ListContactsParams.model_validate(given_ones)


def test_a_contact_is_written_as_it_is() -> None:
    """Explicit preferences, what they come to, and when it was changed; where the files are, not what is in them."""
    world = World(contact(1, {"out": "OPT_IN"}), contact(2, {"in": "OPT_IN"}, unsubscribed=True))
    done = world.run(list_contacts.run, params())
    assert done.data == {"contact_list": "main", "total": 2, "parts": 1}
    assert done.data_location == "s3://results/data/run-1/acme/"
    assert list(world.objects.written) == ["data/run-1/acme/contacts-00001.jsonl.gz"]
    first, second = world.written()
    assert first["last_updated_at"] is not None
    assert first | {"last_updated_at": None} == {
        "email": "c1@x.example",
        "preferences": {"out": "OPT_IN"},
        "effective": {"in": "OPT_IN", "out": "OPT_IN"},
        "unsubscribed_all": False,
        "last_updated_at": None,
    }
    assert second["effective"] == {"in": "OPT_OUT", "out": "OPT_OUT"}
    assert second["unsubscribed_all"] is True
    assert not any("x.example" in line for line in world.lines)


def test_no_list_and_an_empty_one() -> None:
    """Both are answers."""
    world = World(made=False)
    done = world.run(list_contacts.run, params())
    assert (done.data, done.data_location) == ({"contact_list": None, "total": 0, "parts": 0}, None)
    world = World()
    assert world.data(list_contacts.run, params()) == {"contact_list": "main", "total": 0, "parts": 0}
    assert world.objects.written == {}


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 25_000])
def test_every_contact_is_written_once_in_ten_slices_and_more(count: int) -> None:
    """In order, nothing lost or repeated between slices."""
    world = World(*(contact(number) for number in range(count)))
    data = world.data(list_contacts.run, params(), budget=1.5, per_second=1.0)
    assert [entry["email"] for entry in world.written()] == [f"c{number}@x.example" for number in range(count)]
    assert data["total"] == count
    assert data["parts"] == len(world.objects.written)
    assert world.slices >= 10 or count < 25_000


def test_a_large_list_is_written_in_parts_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also within one slice: a worker never holds a list."""
    monkeypatch.setattr(limits, "PART_BYTES", 10_000)
    world = World(*(contact(number) for number in range(20_000)))
    assert world.data(list_contacts.run, params())["parts"] >= 3
    assert len(world.written()) == 20_000


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"topic": "in"}, [1, 2]),
        ({"topic": "in", "status": "OPT_IN"}, [1, 2]),
        ({"topic": "in", "status": "OPT_OUT"}, [3, 4, 5]),
        ({"topic": "out"}, [2]),
        ({"topic": "out", "status": "OPT_OUT"}, [1, 3, 4, 5]),
        ({"unsubscribed": True}, [4, 5]),
        ({"unsubscribed": False}, [1, 2, 3]),
        ({"topic": "in", "status": "OPT_OUT", "unsubscribed": False}, [3]),
        ({"changed_since": "2000-01-01"}, [1, 2, 3, 4, 5]),
        ({"changed_since": "2999-01-01T00:00:00Z"}, []),
    ],
)
def test_filters_know_defaults_and_unsubscribing(wanted: dict[str, Any], found: list[int]) -> None:
    """1 said nothing, 2 wants all, 3 wants nothing, 4 and 5 left altogether."""
    world = World(
        contact(1),
        contact(2, {"in": "OPT_IN", "out": "OPT_IN"}),
        contact(3, {"in": "OPT_OUT"}),
        contact(4, unsubscribed=True),
        contact(5, {"in": "OPT_IN", "out": "OPT_IN"}, unsubscribed=True),
    )
    assert world.data(list_contacts.run, params(**wanted))["total"] == len(found)
    assert [entry["email"] for entry in world.written()] == [f"c{number}@x.example" for number in found]


def test_empty_filtered_pages_are_not_the_end() -> None:
    """The only one who wants it is the last."""
    people = [contact(number) for number in range(3_000)]
    world = World(*people, contact(3_000, {"out": "OPT_IN"}))
    assert world.data(list_contacts.run, params(topic="out"))["total"] == 1
    assert world.asked.count("ListContacts") == 4


def test_changed_since_is_exact() -> None:
    """At or after, to the second's fraction."""
    world = World(contact(1))
    page: Any = world.ses.call("111122223333", "us-east-1", "ListContacts", {"ContactListName": "main"})
    updated = page["Contacts"][0]["LastUpdatedTimestamp"]
    for offset, total in ((-0.001, 1), (0.4, 0), (-0.4, 1)):
        moment = datetime.fromtimestamp(updated + offset, UTC)
        data = world.data(list_contacts.run, params(changed_since=moment.isoformat()), customer={})
        assert data["total"] == total
        world.objects.written.clear()


def test_an_unknown_topic_is_named_with_the_nearest() -> None:
    """Before anything is read of the contacts."""
    world = World(contact(1))
    with pytest.raises(CustomerError, match="has no topic") as error:
        world.run(list_contacts.run, params(topic="inn"))
    assert error.value.message == 'the list main of acme has no topic "inn"; did you mean "in"?'
    assert (error.value.category, error.value.type) == ("operation", "UnknownTopic")
    assert "ListContacts" not in world.asked


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"status": "OPT_IN"}, "needs params.topic"),
        ({"topic": "a", "status": "MAYBE"}, "'OPT_IN' or 'OPT_OUT'"),
        ({"changed_since": "yesterday"}, "must be an ISO 8601 date or time"),
        ({"changed_since": 20260101}, "must be an ISO 8601 date or time"),
        ({"unsubscribed": "yes"}, "valid boolean"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_wrong_filters_are_refused(wrong: dict[str, Any], message: str) -> None:
    """In words that help."""
    with pytest.raises(ValidationError, match=message):
        params(**wrong)


def test_a_part_that_cannot_be_written_fails_the_customer() -> None:
    """Saying which, and whose policy to look at."""
    world = World(contact(1))
    world.objects.refusal = AwsCallError("s3", "put_object", "refused", "AccessDenied", "no", 403)
    with pytest.raises(CustomerError) as error:
        world.run(list_contacts.run, params())
    assert (error.value.category, error.value.type, error.value.retryable) == ("operation", "AccessDenied", False)
    assert "could not write s3://results/data/run-1/acme/contacts-00001.jsonl.gz" in error.value.message


statuses = st.sampled_from(["OPT_IN", "OPT_OUT"])


@given(
    people=st.lists(st.tuples(st.booleans(), st.dictionaries(st.sampled_from(["in", "out"]), statuses)), max_size=20),
    topic=st.sampled_from(["in", "out"]),
    status=statuses,
)
def test_a_filter_finds_what_a_naive_model_finds(
    people: list[tuple[bool, dict[str, str]]], topic: str, status: str
) -> None:
    """Whether SES's own filter is used or not."""
    world = World(*(contact(n, chosen, unsubscribed=gone) for n, (gone, chosen) in enumerate(people)))
    world.run(list_contacts.run, params(topic=topic, status=status))
    default = {"in": "OPT_IN", "out": "OPT_OUT"}[topic]
    effective = ["OPT_OUT" if gone else chosen.get(topic, default) for gone, chosen in people]
    wanted = [f"c{n}@x.example" for n, found in enumerate(effective) if found == status]
    assert [entry["email"] for entry in world.written()] == wanted
