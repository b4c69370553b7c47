"""Optional members that say nothing are left out; what informs stays."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from strict_aws.conditions import unset_members
from strict_aws.conditions.conditions import Conditions, CurrentConditions
from strict_aws.http.operations import output_shape
from tests.strict_aws.conformance.shapes import problems

CONTACT: dict[str, Any] = {
    "EmailAddress": "a@x.example",
    "TopicPreferences": [{"TopicName": "news", "SubscriptionStatus": "OPT_IN"}],
    "TopicDefaultPreferences": [],
    "UnsubscribeAll": False,
    "LastUpdatedTimestamp": 1_000.0,
}
PAGE: dict[str, Any] = {"Contacts": [CONTACT, {**CONTACT, "UnsubscribeAll": True}]}


def left(operation: str, answer: dict[str, Any], share: float = 1.0, seed: int = 0, service: str = "sesv2") -> Any:
    """What is left of an answer."""
    return unset_members.leave_out(
        service, operation, answer, CurrentConditions(Conditions(unset_share=share, seed=seed))
    )


def test_what_says_nothing_is_null_or_absent() -> None:
    """Empty, false and times; both ways happen, and what informs is always there."""
    ways = set()
    for seed in range(40):
        first, second = left("ListContacts", PAGE, seed=seed)["Contacts"]
        ways |= {(name, name in first) for name in CONTACT}
        assert {name: value for name, value in first.items() if value is not None} == {
            "EmailAddress": "a@x.example",
            "TopicPreferences": CONTACT["TopicPreferences"],
        }
        assert second["UnsubscribeAll"] is True
    unset_ones = ("TopicDefaultPreferences", "UnsubscribeAll", "LastUpdatedTimestamp")
    assert {(name, there) for name in unset_ones for there in (True, False)} <= ways


def test_a_member_that_was_absent_may_be_null() -> None:
    """As some servers write it."""
    answers = [left("ListContacts", {"Contacts": []}, seed=seed) for seed in range(40)]
    made = {tuple(sorted(answer.items())) for answer in answers}
    assert made == {(), (("Contacts", None),), (("NextToken", None),), (("Contacts", None), ("NextToken", None))}


def test_required_members_stay() -> None:
    """Also times and what is empty."""
    suppressed = {"SuppressedDestination": {"EmailAddress": "a@x.example", "Reason": "BOUNCE", "LastUpdateTime": 1.0}}
    users: dict[str, Any] = {"Users": []}
    for seed in range(20):
        kept = left("GetSuppressedDestination", suppressed, seed=seed)["SuppressedDestination"]
        assert suppressed["SuppressedDestination"].items() <= kept.items()
        assert left("ListUsers", users, seed=seed, service="identitystore")["Users"] == []


def test_it_happens_as_often_as_asked_and_the_same_for_a_seed() -> None:
    """Never without a share; about half of the time with a half."""
    page = {"Contacts": [CONTACT] * 400}
    assert left("ListContacts", page, share=0.0) is page
    some = left("ListContacts", page, share=0.5)["Contacts"]
    whole = sum(one.get("UnsubscribeAll") is False for one in some)
    assert 120 < whole < 280
    assert left("ListContacts", page, share=0.5) == left("ListContacts", page, share=0.5)
    assert left("ListContacts", page, share=0.5) != left("ListContacts", page, share=0.5, seed=1)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_the_given_answer_is_not_changed_and_the_new_one_has_its_shape(share: float) -> None:
    """Contacts of a page share what is equal."""
    before = copy.deepcopy(PAGE)
    assert list(problems(left("ListContacts", PAGE, share), output_shape("sesv2", "ListContacts"))) == []
    assert before == PAGE
