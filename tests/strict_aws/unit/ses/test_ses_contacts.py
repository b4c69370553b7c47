"""Contacts are made, merged, wiped and refused as SES does it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.strict_aws.unit.ses.emulated import ADA, Emulated, preferences, topic


def test_a_contact_is_read_as_it_was_made() -> None:
    """Everything, with the topics it said nothing about under their defaults."""
    seen = Emulated()
    seen.add("ada", TopicPreferences=preferences(ads="OPT_IN"), UnsubscribeAll=True, AttributesData='{"a":  1}')
    assert seen.contact() == {
        "ContactListName": "main",
        "EmailAddress": ADA,
        "TopicPreferences": preferences(ads="OPT_IN"),
        "TopicDefaultPreferences": preferences(news="OPT_IN"),
        "UnsubscribeAll": True,
        "AttributesData": '{"a":  1}',
        "CreatedTimestamp": 1_000.0,
        "LastUpdatedTimestamp": 1_000.0,
    }


def test_a_contact_that_said_nothing_follows_the_defaults() -> None:
    """As they are when it is read, not when it was made."""
    seen = Emulated()
    seen.add("ada")
    assert seen.contact()["TopicDefaultPreferences"] == preferences(news="OPT_IN", ads="OPT_OUT")
    seen.call("UpdateContactList", Topics=[topic("news", "OPT_OUT")])
    assert seen.contact()["TopicDefaultPreferences"] == preferences(news="OPT_OUT")
    assert (seen.contact()["TopicPreferences"], seen.contact()["UnsubscribeAll"]) == ([], False)
    assert "AttributesData" not in seen.contact()


def test_a_contact_is_made_once() -> None:
    """A second time is refused and changes nothing."""
    seen = Emulated()
    seen.add("ada", UnsubscribeAll=True)
    refusal = ("AlreadyExistsException", 400, f"{ADA} already exists in List.")
    assert seen.refused("CreateContact", EmailAddress=ADA) == refusal
    assert seen.contact()["UnsubscribeAll"] is True


def test_addresses_are_compared_exactly() -> None:
    """Our choice: what is spelled otherwise is somebody else."""
    seen = Emulated()
    seen.add("ada", "Ada")
    assert seen.pages(10) == [["ada", "Ada"]]
    assert seen.refused("GetContact", EmailAddress="ADA@x.example")[0] == "NotFoundException"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"EmailAddress": ""}, "EmailAddress can't be blank."),
        ({"EmailAddress": "nobody"}, "EmailAddress <nobody> is invalid"),
        ({"EmailAddress": "a b@x.example"}, "EmailAddress <a b@x.example> is invalid"),
        ({"EmailAddress": "a@b@x.example"}, "EmailAddress <a@b@x.example> is invalid"),
        ({"EmailAddress": f"{'a' * 311}@x.example"}, f"EmailAddress <{'a' * 311}@x.example> is invalid"),
        ({"TopicPreferences": preferences(other="OPT_IN")}, "List: main doesn't contain Topic: other"),
        ({"TopicPreferences": preferences(news="YES")}, "Subscription status must be one of OPT_IN, OPT_OUT"),
        ({"AttributesData": "[]"}, "AttributesData must be a valid JSON object"),
        ({"AttributesData": "{"}, "AttributesData must be a valid JSON object"),
        ({"AttributesData": ""}, "AttributesData must be a valid JSON object"),
        ({"AttributesData": '{"a": NaN}'}, "AttributesData must be a valid JSON object"),
        ({"AttributesData": '{"a": ' + "[" * 100_000}, "AttributesData must be a valid JSON object"),
    ],
)
@pytest.mark.parametrize("operation", ["CreateContact", "UpdateContact"])
def test_a_wrong_contact_is_refused(operation: str, params: dict[str, Any], message: str) -> None:
    """With the reason, whether it is made or changed, and nothing happens."""
    seen = Emulated()
    seen.add("bob")
    before = seen.contact("bob@x.example")
    sent = {"EmailAddress": "new@x.example" if operation == "CreateContact" else "bob@x.example", **params}
    assert seen.refused(operation, **sent) == ("BadRequestException", 400, message)
    assert seen.pages(10) == [["bob"]]
    assert seen.contact("bob@x.example") == before


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({}, "emailAddress"),
        (
            {"EmailAddress": ADA, "TopicPreferences": [{"SubscriptionStatus": "OPT_IN"}]},
            "topicPreferences.1.member.topicName",
        ),
        (
            {"EmailAddress": ADA, "TopicPreferences": [{"TopicName": "news"}]},
            "topicPreferences.1.member.subscriptionStatus",
        ),
    ],
)
def test_what_a_contact_lacks_is_named(params: dict[str, Any], path: str) -> None:
    """The refusal names the missing member with its path."""
    message = f"1 validation error detected: Value at '{path}' failed to satisfy constraint: Member must not be null"
    assert Emulated().refused("CreateContact", **params)[2] == message


def test_of_several_faults_the_first_in_order_is_reported() -> None:
    """Statuses before the address, the address before the list, the list before its topics, those before attributes."""
    seen = Emulated()
    faults: dict[str, Any] = {
        "TopicPreferences": preferences(other="YES"),
        "EmailAddress": "nobody",
        "ContactListName": "other",
        "AttributesData": "no",
    }
    said = []
    mendings: list[dict[str, Any]] = [
        {"TopicPreferences": preferences(other="OPT_IN")},
        {"EmailAddress": ADA},
        {"ContactListName": "main"},
        {"TopicPreferences": []},
        {},
    ]
    for mended in mendings:
        said.append(seen.refused("CreateContact", **faults)[2])
        faults |= mended
    assert said == [
        "Subscription status must be one of OPT_IN, OPT_OUT",
        "EmailAddress <nobody> is invalid",
        "List with name: other doesn't exist.",
        "List: main doesn't contain Topic: other",
        "AttributesData must be a valid JSON object",
    ]


@pytest.mark.parametrize(
    "params",
    [{"UnsubscribeAll": 1}, {"AttributesData": {}}, {"EmailAddress": ["a"]}, {"TopicPreferences": [["news"]]}],
)
def test_a_value_of_another_type_is_refused(params: dict[str, Any]) -> None:
    """As something that cannot be read."""
    refusal = Emulated().refused("CreateContact", **{"EmailAddress": ADA, **params})
    assert refusal[:2] == ("SerializationException", 400)


def test_any_string_unsubscribes() -> None:
    """Even "false", as AWS reads it."""
    seen = Emulated()
    seen.add("ada", UnsubscribeAll="false")
    assert seen.contact()["UnsubscribeAll"] is True


def test_of_a_topic_sent_twice_the_last_counts() -> None:
    """This is our choice, because nothing is documented."""
    seen = Emulated()
    seen.add("ada", TopicPreferences=[*preferences(news="OPT_IN"), *preferences(news="OPT_OUT")])
    assert seen.contact()["TopicPreferences"] == preferences(news="OPT_OUT")


def test_an_update_wipes_attributes_and_resubscribes_when_they_are_omitted() -> None:
    """That is why whoever updates must send the whole contact."""
    seen = Emulated()
    seen.add("ada", UnsubscribeAll=True, AttributesData='{"a": 1}', TopicPreferences=preferences(ads="OPT_IN"))
    seen.now += 60
    assert seen.call("UpdateContact", EmailAddress=ADA) == {}
    contact = seen.contact()
    assert contact["UnsubscribeAll"] is False
    assert "AttributesData" not in contact
    assert contact["TopicPreferences"] == preferences(ads="OPT_IN")
    assert (contact["CreatedTimestamp"], contact["LastUpdatedTimestamp"]) == (1_000.0, 1_060.0)


@pytest.mark.parametrize(
    ("sent", "after"),
    [
        ([], preferences(ads="OPT_IN")),
        (preferences(news="OPT_OUT"), preferences(ads="OPT_IN", news="OPT_OUT")),
        (preferences(ads="OPT_OUT"), preferences(ads="OPT_OUT")),
    ],
)
def test_an_update_merges_preferences_by_topic(sent: list[dict[str, str]], after: list[dict[str, str]]) -> None:
    """What is not sent stays."""
    seen = Emulated()
    seen.add("ada", TopicPreferences=preferences(ads="OPT_IN"))
    seen.call("UpdateContact", EmailAddress=ADA, TopicPreferences=sent)
    assert seen.contact()["TopicPreferences"] == after


@pytest.mark.parametrize("operation", ["GetContact", "UpdateContact", "DeleteContact"])
def test_a_missing_contact_is_said_to_be_missing(operation: str) -> None:
    """Also after it was deleted; an address that none can have is a bad request instead."""
    seen = Emulated()
    seen.add("ada")
    seen.call("DeleteContact", EmailAddress=ADA)
    refusal = ("NotFoundException", 404, f"{ADA} doesn't exist in List.")
    assert seen.refused(operation, EmailAddress=ADA) == refusal
    assert seen.refused(operation, EmailAddress="nobody")[0] == "BadRequestException"


def test_a_contact_that_comes_back_has_forgotten_everything() -> None:
    """Deleting takes its choices, too."""
    seen = Emulated()
    seen.add("ada", UnsubscribeAll=True, AttributesData="{}", TopicPreferences=preferences(ads="OPT_IN"))
    seen.call("DeleteContact", EmailAddress=ADA)
    seen.now += 60
    seen.add("ada")
    contact = seen.contact()
    assert (contact["UnsubscribeAll"], contact["TopicPreferences"], contact["CreatedTimestamp"]) == (False, [], 1_060.0)
