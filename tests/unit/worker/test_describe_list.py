"""describe-list and describe-topics: complete counts or none, and as few calls as can be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.actions.data.describe_topics import DescribeTopicsData
from ses_fleet.actions.params import DescribeListParams, Params
from ses_fleet.config.topics import WantedTopic
from ses_fleet.worker.actions import describe_list, describe_topics
from tests.unit.worker.world import World, contact

ALL = DescribeListParams()


def test_no_list_is_an_answer_and_nothing_is_created() -> None:
    """One call, and the account is as it was."""
    world = World(made=False)
    assert world.data(describe_list.run, ALL) == {"contact_list": None, "topics": [], "contacts": None}
    assert world.asked == ["ListContactLists"]
    assert world.data(describe_list.run, ALL, customer={"contact_list_name": "main"})["contact_list"] is None
    assert world.asked == ["ListContactLists", "GetContactList"]
    assert world.data(describe_topics.run, Params()) == {"contact_list": None, "topics": [], "drift": None}


def test_defaults_preferences_and_unsubscribes_are_counted_right() -> None:
    """UnsubscribeAll beats an explicit preference, which beats the topic's default."""
    world = World(
        contact(1),
        contact(2, {"in": "OPT_OUT", "out": "OPT_IN"}),
        contact(3, {"out": "OPT_IN"}, unsubscribed=True),
        contact(4, {"in": "OPT_IN"}),
    )
    data = world.data(describe_list.run, ALL)
    assert [(t["name"], t["opted_in"], t["opted_out"]) for t in data["topics"]] == [("in", 2, 2), ("out", 1, 3)]
    assert data["contacts"] == {"total": 4, "unsubscribed_all": 1}
    assert data["contact_list"]["name"] == "main"
    assert data["topics"][0] | {"opted_in": 0, "opted_out": 0} == {
        "name": "in",
        "display_name": "In",
        "description": "d",
        "default_status": "OPT_IN",
        "opted_in": 0,
        "opted_out": 0,
    }
    found = world.data(describe_topics.run, Params())
    assert found == {"contact_list": "main", "topics": data["topics"], "drift": None}


@pytest.mark.parametrize(("contacts", "pages"), [(0, 1), (999, 1), (1000, 1), (1001, 2), (2500, 3)])
def test_all_pages_are_counted(contacts: int, pages: int) -> None:
    """Pages of a thousand, to the last; after several, one look whether it still is the same list."""
    world = World(*(contact(number) for number in range(contacts)))
    assert world.data(describe_list.run, ALL)["contacts"]["total"] == contacts
    looks = ["GetContactList"] if pages > 1 else []
    assert world.asked == ["ListContactLists", "GetContactList", *["ListContacts"] * pages, *looks]


def test_a_configured_list_name_saves_a_call() -> None:
    """ListContactLists would only tell what config.json knows."""
    world = World(contact(1))
    world.data(describe_list.run, ALL, customer={"contact_list_name": "main"})
    assert world.asked == ["GetContactList", "ListContacts"]


def test_counting_can_be_left_out() -> None:
    """Numbers are then absent, never partial."""
    world = World(contact(1))
    data = world.data(describe_list.run, DescribeListParams(count_contacts=False))
    assert world.asked == ["ListContactLists", "GetContactList"]
    assert data["contacts"] is None
    assert {(t["opted_in"], t["opted_out"]) for t in data["topics"]} == {(None, None)}


def test_counting_goes_on_over_slices() -> None:
    """One request a second after the burst, and slices shorter than the whole: nothing is lost or counted twice."""
    world = World(*(contact(number, {"in": "OPT_OUT"} if number % 3 else {}) for number in range(12_001)))
    data = world.data(describe_list.run, ALL, budget=1.5, per_second=1.0)
    assert world.slices > 3
    assert data["contacts"]["total"] == 12_001
    assert data["topics"][0]["opted_in"] == 4001
    assert world.asked == ["ListContactLists", "GetContactList", *["ListContacts"] * 13, "GetContactList"]
    assert world.time.now - 1_000 >= len(world.asked) - 5


statuses = st.sampled_from(["OPT_IN", "OPT_OUT"])


@given(
    defaults=st.lists(statuses, min_size=1, max_size=4),
    people=st.lists(st.tuples(st.booleans(), st.dictionaries(st.integers(0, 3), statuses, max_size=4)), max_size=30),
)
def test_the_counts_are_a_naive_models(defaults: list[str], people: list[tuple[bool, dict[int, str]]]) -> None:
    """One by one, contact and topic."""
    topics = [
        {"TopicName": f"t{n}", "DisplayName": "x", "DefaultSubscriptionStatus": d} for n, d in enumerate(defaults)
    ]
    wanted = [
        (unsubscribed, {f"t{n}": status for n, status in chosen.items() if n < len(defaults)})
        for unsubscribed, chosen in people
    ]
    records = [contact(n, chosen, unsubscribed=unsubscribed) for n, (unsubscribed, chosen) in enumerate(wanted)]
    data = World(*records, topics=topics).data(describe_topics.run, Params())
    for topic in data["topics"]:
        name, default = topic["name"], topic["default_status"]
        opted_in = sum(not gone and chosen.get(name, default) == "OPT_IN" for gone, chosen in wanted)
        assert (topic["opted_in"], topic["opted_out"]) == (opted_in, len(wanted) - opted_in)


IN = WantedTopic(name="in", display_name="In", description="d", default_status="OPT_IN")
OUT = WantedTopic(name="out", display_name="Out", description="", default_status="OPT_OUT")


def drift(*wanted: WantedTopic, made: bool = True) -> dict[str, Any]:
    """What describe-topics says of the list's topics, "in" and "out", where these are wanted."""
    data = World(made=made).data(describe_topics.run, Params(), topics=wanted)
    found = DescribeTopicsData.read(data)
    assert found.is_different() is any(data["drift"].values())
    return dict(data["drift"])


def test_differences_name_field_and_both_values() -> None:
    """Order is no difference, and neither is an empty description against none; no list has none of the topics."""
    nothing: dict[str, Any] = {"missing": [], "extra": [], "different": []}
    assert drift(OUT, IN) == nothing
    assert drift(IN) == {**nothing, "extra": ["out"]}
    changed = IN.model_copy(update={"display_name": "News", "default_status": "OPT_OUT"})
    assert drift(changed, OUT)["different"] == [
        {"topic": "in", "field": "display_name", "have": "In", "want": "News"},
        {"topic": "in", "field": "default_status", "have": "OPT_IN", "want": "OPT_OUT"},
    ]
    assert drift(IN, OUT, made=False) == {**nothing, "missing": ["in", "out"]}


def test_without_wanted_topics_nothing_is_known_to_differ() -> None:
    """Null is not "no difference"."""
    assert DescribeTopicsData.read(World().data(describe_topics.run, Params())).is_different() is None
