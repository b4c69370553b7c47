"""Contact lists are refused, changed and lost as SES refuses, changes and loses them."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.http.messages import AwsError
from tests.strict_aws.unit.ses.emulated import ACCOUNT, ADA, REGION, Emulated, preferences, topic

NEEDS_A_LIST = [
    ("GetContactList", {}),
    ("UpdateContactList", {"Topics": []}),
    ("DeleteContactList", {}),
    ("CreateContact", {"EmailAddress": ADA}),
    ("GetContact", {"EmailAddress": ADA}),
    ("UpdateContact", {"EmailAddress": ADA}),
    ("DeleteContact", {"EmailAddress": ADA}),
    ("ListContacts", {}),
]


def names(seen: Emulated) -> list[str]:
    """The topics of the list, in order."""
    return [found["TopicName"] for found in seen.call("GetContactList")["Topics"]]


@pytest.mark.parametrize("name", ["main", "second"])
def test_an_account_has_one_list(name: str) -> None:
    """A second one is refused whatever its name, and the first keeps its contacts."""
    seen = Emulated()
    seen.add("ada")
    refusal = ("BadRequestException", 400, "A maximum of 1 Lists allowed per account.")
    assert seen.refused("CreateContactList", ContactListName=name) == refusal
    assert seen.pages(10) == [["ada"]]


@pytest.mark.parametrize("elsewhere", [(ACCOUNT, "eu-west-1"), ("444455556666", REGION)])
def test_each_account_and_region_has_its_own(elsewhere: tuple[str, str]) -> None:
    """Nothing of one is seen in another."""
    seen = Emulated()
    seen.add("ada")
    assert seen.ses.call(*elsewhere, "ListContactLists", {}) == {"ContactLists": []}
    seen.make_list(*elsewhere)
    assert seen.ses.call(*elsewhere, "ListContacts", {"ContactListName": "main"}) == {"Contacts": []}


@pytest.mark.parametrize("name", ["a", "A-z_0-9", "x" * 64])
def test_a_name_has_up_to_64_letters_digits_hyphens_and_underscores(name: str) -> None:
    """Of lists and of topics."""
    seen = Emulated(empty=True)
    seen.call("CreateContactList", ContactListName=name, Topics=[topic(name)])
    assert seen.call("GetContactList", ContactListName=name)["Topics"] == [topic(name)]


@pytest.mark.parametrize("name", ["", " ", "a b", "ä", "x" * 65, "a/b", "a\n", "a.b"])
def test_any_other_name_is_refused(name: str) -> None:
    """Of lists and of topics, and nothing is made."""
    seen = Emulated(empty=True)
    why = "can't be blank" if not name.strip() else "can contain up to 64 characters"
    code, status, message = seen.refused("CreateContactList", ContactListName=name)
    assert (code, status) == ("BadRequestException", 400)
    assert message.startswith(f"ContactListName {why}")
    assert seen.refused("CreateContactList", ContactListName="ok", Topics=[topic(name)])[2].startswith(
        f"TopicName {why}"
    )
    assert seen.call("ListContactLists") == {"ContactLists": []}


def test_a_list_has_twenty_topics_and_no_more() -> None:
    """Neither when it is made nor when it is changed."""
    seen = Emulated(empty=True)
    refusal = ("BadRequestException", 400, "Maximum of <20> topics allowed per ContactList")
    topics = [topic(f"t{number}") for number in range(21)]
    assert seen.refused("CreateContactList", ContactListName="main", Topics=topics) == refusal
    seen.call("CreateContactList", ContactListName="main", Topics=topics[:20])
    assert seen.refused("UpdateContactList", Topics=topics) == refusal
    assert len(names(seen)) == 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([topic("a"), topic("b"), topic("a")], "Duplicate topic names are not allowed within a List."),
        ([topic("a", DisplayName="x" * 129)], "Topic DisplayName can contain up to <128> characters."),
        ([topic("a", DisplayName="")], "Topic DisplayName can't be blank."),
        ([topic("a", Description="x" * 501)], "Topic Description can contain up to <500> characters."),
        ([topic("a", "OPT_MAYBE")], "Subscription status must be one of OPT_IN, OPT_OUT"),
        ([topic("a", "opt_in")], "Subscription status must be one of OPT_IN, OPT_OUT"),
    ],
)
def test_a_wrong_topic_changes_nothing(wrong: list[dict[str, Any]], message: str) -> None:
    """All topics are refused, with the reason, and the list stays as it was."""
    seen = Emulated()
    before = seen.call("GetContactList")
    seen.now += 60
    assert seen.refused("UpdateContactList", Topics=wrong, Description="new") == ("BadRequestException", 400, message)
    assert seen.call("GetContactList") == before


@pytest.mark.parametrize("member", ["TopicName", "DisplayName", "DefaultSubscriptionStatus"])
def test_what_a_topic_lacks_is_named(member: str) -> None:
    """With the path of the second topic, before the rules of the service are looked at."""
    lacking = {key: value for key, value in topic("b").items() if key != member}
    path = f"topics.2.member.{member[0].lower()}{member[1:]}"
    assert Emulated(empty=True).refused("CreateContactList", ContactListName="a b", Topics=[topic("a"), lacking]) == (
        "BadRequestException",
        400,
        f"1 validation error detected: Value at '{path}' failed to satisfy constraint: Member must not be null",
    )


def test_a_description_has_up_to_500_characters() -> None:
    """Of a list; a list without one says nothing of it."""
    seen = Emulated(empty=True)
    text = "List description can contain up to 500 characters."
    assert seen.refused("CreateContactList", ContactListName="main", Description="x" * 501)[2] == text
    seen.call("CreateContactList", ContactListName="main")
    assert "Description" not in seen.call("GetContactList")
    assert seen.refused("UpdateContactList", Description="x" * 501)[2] == text
    seen.call("UpdateContactList", Description="x" * 500)
    assert seen.call("GetContactList")["Description"] == "x" * 500


@pytest.mark.parametrize(
    "params",
    [{"ContactListName": 1}, {"Description": 1}, {"Topics": "news"}, {"Topics": ["news"]}, {"Tags": {}}],
)
def test_a_value_of_another_type_is_refused(params: dict[str, Any]) -> None:
    """As something that cannot be read, not as something that is not allowed."""
    refusal = Emulated(empty=True).refused("CreateContactList", **{"ContactListName": "main", **params})
    assert refusal[:2] == ("SerializationException", 400)


def test_a_list_is_read_as_it_was_made() -> None:
    """Topics in their order, texts, tags and times."""
    seen = Emulated(empty=True)
    made = {
        "ContactListName": "main",
        "Description": "d",
        "Topics": [topic("b", Description="about b"), topic("a", "OPT_IN")],
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    assert seen.call("CreateContactList", **made) == {}
    times = {"CreatedTimestamp": 1_000.0, "LastUpdatedTimestamp": 1_000.0}
    assert seen.call("GetContactList") == {**made, **times}
    assert seen.call("ListContactLists") == {
        "ContactLists": [{"ContactListName": "main", "LastUpdatedTimestamp": 1_000.0}]
    }


def test_lists_have_no_second_page() -> None:
    """So every NextToken is somebody else's."""
    seen = Emulated()
    assert seen.refused("ListContactLists", NextToken="AAAA")[0] == "BadRequestException"
    assert seen.refused("ListContactLists", PageSize=0)[0] == "BadRequestException"


def test_an_update_keeps_what_it_omits_and_clears_with_nothing() -> None:
    """Topics and description are each replaced whole; only the time of the last change moves."""
    seen = Emulated()
    seen.now += 60
    seen.call("UpdateContactList", Topics=[topic("new")])
    found = seen.call("GetContactList")
    assert (names(seen), found["Description"]) == (["new"], "d")
    assert (found["CreatedTimestamp"], found["LastUpdatedTimestamp"]) == (1_000.0, 1_060.0)
    seen.call("UpdateContactList", Description="", Topics=None)
    assert (names(seen), seen.call("GetContactList")["Description"]) == (["new"], "")
    seen.call("UpdateContactList", Topics=[])
    assert names(seen) == []


def test_preferences_of_a_removed_topic_are_gone_for_good() -> None:
    """Those of a topic that stays are not, and a topic that comes back starts from its default."""
    seen = Emulated()
    seen.add("ada", TopicPreferences=preferences(news="OPT_OUT", ads="OPT_IN"))
    seen.call("UpdateContactList", Topics=[topic("ads")])
    assert seen.contact()["TopicPreferences"] == preferences(ads="OPT_IN")
    seen.call("UpdateContactList", Topics=[topic("ads"), topic("news", "OPT_IN")])
    assert seen.contact()["TopicPreferences"] == preferences(ads="OPT_IN")
    assert seen.contact()["TopicDefaultPreferences"] == preferences(news="OPT_IN")


def test_an_update_leaves_contacts_as_they_are() -> None:
    """Their attributes, their UnsubscribeAll, their times and their order."""
    seen = Emulated()
    seen.add("ada", "bob", UnsubscribeAll=True, AttributesData="{}", TopicPreferences=preferences(ads="OPT_IN"))
    before = [seen.contact(ADA), seen.contact("bob@x.example")]
    seen.now += 60
    seen.call("UpdateContactList", Topics=[topic("ads"), topic("news", "OPT_IN")])
    assert [seen.contact(ADA), seen.contact("bob@x.example")] == before
    assert seen.pages(1) == [["ada"], ["bob"]]


def test_a_deleted_list_takes_its_contacts() -> None:
    """A new one of the same name is empty, and the old one's tokens are not its own."""
    seen = Emulated()
    seen.add("ada", "bob")
    token = seen.call("ListContacts", PageSize=1)["NextToken"]
    seen.call("DeleteContactList")
    seen.make_list(ACCOUNT, REGION)
    assert seen.pages(10) == [[]]
    assert seen.refused("ListContacts", PageSize=1, NextToken=token)[0] == "BadRequestException"


@pytest.mark.parametrize(("operation", "params"), NEEDS_A_LIST)
def test_a_missing_list_is_said_to_be_missing(operation: str, params: dict[str, Any]) -> None:
    """By every operation that names one; a name that no list can have is a bad request instead."""
    seen = Emulated()
    assert seen.refused(operation, ContactListName="other", **params) == (
        "NotFoundException",
        404,
        "List with name: other doesn't exist.",
    )
    assert seen.refused(operation, ContactListName="a b", **params)[0] == "BadRequestException"


def test_a_seeded_list_follows_the_same_rules() -> None:
    """Whoever fills the emulator cannot make what SES would not."""
    seen = Emulated(empty=True)
    with pytest.raises(AwsError, match="can contain up to 64 characters"):
        seen.ses.create_list(ACCOUNT, REGION, "a b", description=None, topics=[])
    seen.make_list(ACCOUNT, REGION)
    with pytest.raises(AwsError, match="A maximum of 1 Lists"):
        seen.make_list(ACCOUNT, REGION)
