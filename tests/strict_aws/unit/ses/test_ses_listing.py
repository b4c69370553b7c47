"""ListContacts: real pages, tokens that are good for one question, filters that leave pages empty."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strict_aws.ses import bulk
from tests.strict_aws.unit.ses.emulated import ACCOUNT, REGION, Emulated, preferences

OPTED_IN = {"FilteredStatus": "OPT_IN", "TopicFilter": {"TopicName": "ads"}}


def filled(count: int) -> Emulated:
    """A list with contacts without preferences."""
    seen = Emulated()
    seen.ses.fill(ACCOUNT, REGION, "main", bulk.generate(count=count, seed=1, opt_in={}, topics=[]))
    return seen


def test_a_page_shows_only_what_ses_shows() -> None:
    """Neither attributes nor the time of creation, and no total."""
    seen = Emulated()
    seen.add("ada", AttributesData="{}", TopicPreferences=preferences(ads="OPT_IN"))
    assert seen.call("ListContacts") == {
        "Contacts": [
            {
                "EmailAddress": "ada@x.example",
                "TopicPreferences": preferences(ads="OPT_IN"),
                "TopicDefaultPreferences": preferences(news="OPT_IN"),
                "UnsubscribeAll": False,
                "LastUpdatedTimestamp": 1_000.0,
            }
        ]
    }


@pytest.mark.parametrize(
    ("count", "size", "pages"), [(0, 10, [0]), (25, 10, [10, 10, 5]), (20, 10, [10, 10]), (3, 1000, [3])]
)
def test_pages_are_full_and_the_last_has_no_token(count: int, size: int, pages: list[int]) -> None:
    """A list that ends with a full page has no empty one after it."""
    assert [len(page) for page in filled(count).pages(size)] == pages


def test_a_page_has_fifty_contacts_unless_asked_otherwise() -> None:
    """Our choice, as is the most that may be asked for: 1,000."""
    seen = filled(1_001)
    assert len(seen.call("ListContacts")["Contacts"]) == 50
    assert len(seen.call("ListContacts", PageSize=1_000)["Contacts"]) == 1_000
    for size in (0, -1, 1_001, "10", True):
        assert seen.refused("ListContacts", PageSize=size)[:2] == ("BadRequestException", 400)


def test_a_token_can_be_used_again_with_another_size() -> None:
    """It names a place, not a page."""
    seen = filled(10)
    everyone = seen.pages(10)[0]
    token = seen.call("ListContacts", PageSize=4)["NextToken"]
    for size in (1, 3, 3):
        page = seen.call("ListContacts", PageSize=size, NextToken=token)["Contacts"]
        assert [contact["EmailAddress"].partition("@")[0] for contact in page] == everyone[4 : 4 + size]


def tampered(token: str) -> Iterator[str]:
    """The token with each of its bytes changed."""
    made = base64.urlsafe_b64decode(token)
    for position in range(len(made)):
        yield base64.urlsafe_b64encode(made[:position] + bytes([made[position] ^ 1]) + made[position + 1 :]).decode()


def test_no_token_can_be_made_up() -> None:
    """Garbage, parts and changed ones are refused."""
    seen = filled(10)
    token = seen.call("ListContacts", PageSize=4)["NextToken"]
    for bad in ("", "nonsense", "ä", token[:-4], token + token, f" {token}", "A" * len(token), *tampered(token)):
        assert seen.refused("ListContacts", NextToken=bad)[:2] == ("BadRequestException", 400)
    assert seen.refused("ListContacts", NextToken=4)[0] == "SerializationException"


@pytest.mark.parametrize("elsewhere", [(ACCOUNT, "eu-west-1"), ("444455556666", REGION)])
def test_a_token_is_good_for_its_list_only(elsewhere: tuple[str, str]) -> None:
    """Not for another account's or Region's of the same name, made at the same time, with the same contacts."""
    seen = filled(10)
    seen.make_list(*elsewhere)
    seen.ses.fill(*elsewhere, "main", bulk.generate(count=10, seed=1, opt_in={}, topics=[]))
    params = {"ContactListName": "main", "PageSize": 4}
    token = seen.ses.call(*elsewhere, "ListContacts", params)["NextToken"]
    assert seen.refused("ListContacts", NextToken=token)[0] == "BadRequestException"


@pytest.mark.parametrize(("first", "then"), [({}, OPTED_IN), (OPTED_IN, {}), (OPTED_IN, {"FilteredStatus": "OPT_IN"})])
def test_a_token_is_good_for_its_filter_only(first: dict[str, Any], then: dict[str, Any]) -> None:
    """Another question starts from the beginning."""
    seen = filled(10)
    token = seen.call("ListContacts", PageSize=4, Filter=first)["NextToken"]
    assert seen.refused("ListContacts", PageSize=4, Filter=then, NextToken=token)[0] == "BadRequestException"
    assert "Contacts" in seen.call("ListContacts", PageSize=4, Filter=first, NextToken=token)


def test_a_filtered_page_may_be_empty_and_go_on() -> None:
    """Who stops at the first empty page misses the contact on the last."""
    seen = filled(30)
    seen.add("last", TopicPreferences=preferences(ads="OPT_IN"))
    assert seen.pages(10, Filter=OPTED_IN) == [[], [], [], ["last"]]


@pytest.mark.parametrize(
    ("topic_name", "status", "use_default", "found"),
    [
        ("news", "OPT_IN", False, ["yes"]),
        ("news", "OPT_IN", None, ["yes"]),
        ("news", "OPT_IN", True, ["yes", "silent"]),
        ("news", "OPT_OUT", False, ["no", "gone"]),
        ("news", "OPT_OUT", True, ["no", "gone"]),
        ("ads", "OPT_IN", True, []),
        ("ads", "OPT_OUT", False, ["gone"]),
        ("ads", "OPT_OUT", True, ["yes", "no", "silent", "gone"]),
    ],
)
def test_a_topic_filter_takes_the_default_only_when_told_to(
    topic_name: str, status: str, use_default: bool | None, found: list[str]
) -> None:
    """UnsubscribeAll is out of everything, whatever was chosen."""
    seen = Emulated()
    seen.add("yes", TopicPreferences=preferences(news="OPT_IN"))
    seen.add("no", TopicPreferences=preferences(news="OPT_OUT"))
    seen.add("silent")
    seen.add("gone", UnsubscribeAll=True, TopicPreferences=preferences(news="OPT_IN"))
    by_topic = {"TopicName": topic_name, "UseDefaultIfPreferenceUnavailable": use_default}
    assert seen.pages(50, Filter={"FilteredStatus": status, "TopicFilter": by_topic}) == [found]


@pytest.mark.parametrize(("status", "found"), [("OPT_IN", ["ada"]), ("OPT_OUT", ["gone"])])
def test_a_status_alone_is_that_of_the_whole_contact(status: str, found: list[str]) -> None:
    """Our choice: UnsubscribeAll or not."""
    seen = Emulated()
    seen.add("ada", TopicPreferences=preferences(news="OPT_OUT", ads="OPT_OUT"))
    seen.add("gone", UnsubscribeAll=True)
    assert seen.pages(50, Filter={"FilteredStatus": status}) == [found]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ({"FilteredStatus": "YES"}, "BadRequestException"),
        ({"FilteredStatus": ""}, "BadRequestException"),
        ({"FilteredStatus": "OPT_IN", "TopicFilter": {"TopicName": "other"}}, "BadRequestException"),
        (
            {"FilteredStatus": "OPT_IN", "TopicFilter": {"UseDefaultIfPreferenceUnavailable": True}},
            "BadRequestException",
        ),
        ({"TopicFilter": {"TopicName": "news"}}, "BadRequestException"),
        ({"FilteredStatus": "OPT_IN", "TopicFilter": "news"}, "SerializationException"),
        ("OPT_IN", "SerializationException"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(condition: Any, code: str) -> None:
    """Rather than passed over, which would show everybody."""
    assert Emulated().refused("ListContacts", Filter=condition)[:2] == (code, 400)


def test_when_the_rest_is_deleted_the_next_page_is_the_last() -> None:
    """A token from before leads to an empty page without one."""
    seen = filled(6)
    first = seen.call("ListContacts", PageSize=3)
    for contact in seen.call("ListContacts", PageSize=3, NextToken=first["NextToken"])["Contacts"]:
        seen.call("DeleteContact", EmailAddress=contact["EmailAddress"])
    assert seen.call("ListContacts", PageSize=3, NextToken=first["NextToken"]) == {"Contacts": []}
    assert "NextToken" not in seen.call("ListContacts", PageSize=3)


change = st.tuples(st.sampled_from(["delete", "create", "update"]), st.integers(0, 39))


@given(count=st.integers(0, 30), turns=st.lists(st.tuples(st.integers(1, 9), st.lists(change, max_size=12))))
def test_paging_shows_every_untouched_contact_once(count: int, turns: list[tuple[int, list[tuple[str, int]]]]) -> None:
    """Whatever the sizes of the pages, and whoever comes, goes or comes back between them."""
    seen = Emulated()
    seen.add(*(f"c{number}" for number in range(count)))
    there, touched, shown = set(range(count)), set[int](), list[str]()
    sizes_and_changes, token = iter(turns), dict[str, str]()
    while True:
        size, changes = next(sizes_and_changes, (5, []))
        page = seen.call("ListContacts", PageSize=size, **token)
        shown += [contact["EmailAddress"] for contact in page["Contacts"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        for kind, number in changes:
            if (kind == "create") == (number in there):
                continue
            seen.call(f"{kind.title()}Contact", EmailAddress=f"c{number}@x.example")
            if kind != "update":
                touched.add(number)
                there ^= {number}
    untouched = [f"c{number}@x.example" for number in range(count) if number not in touched]
    assert [email for email in shown if email in set(untouched)] == untouched


def test_a_late_page_costs_what_an_early_one_costs() -> None:
    """So reading a list is linear in its contacts."""
    seen = filled(60_000)
    token = dict[str, str]()
    costs: list[float] = []
    while True:
        began = time.thread_time()
        page = seen.call("ListContacts", PageSize=100, **token)
        costs.append(time.thread_time() - began)
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(costs) == 600
    assert min(costs[-20:]) < 5 * min(costs[:20])
