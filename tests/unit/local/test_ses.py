"""The strict SES refuses what AWS refuses and pages as AWS pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.ses import bulk
from local.ses.rate import RateLimit
from local.ses.service import StrictSes
from local.web import AwsError

ACCOUNT, REGION = "111122223333", "us-east-1"


def topic(name: str, status: str = "OPT_OUT", **more: Any) -> dict[str, Any]:
    """A topic as the API takes it."""
    return {"TopicName": name, "DisplayName": name or "x", "DefaultSubscriptionStatus": status, **more}


class Account:
    """One account's SES; `made` = with a list `main` of two topics."""

    def __init__(self, *, made: bool = True, rate: RateLimit | None = None) -> None:
        self.now = 1_000.0
        self.ses = StrictSes(rate=rate, clock=lambda: self.now)
        if made:
            self.ses.create_list(ACCOUNT, REGION, "main", description="d", topics=[topic("in", "OPT_IN"), topic("out")])

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """An operation on the list `main`, unless another is named."""
        if operation not in ("CreateContactList", "ListContactLists", "GetAccount"):
            params.setdefault("ContactListName", "main")
        return self.ses.call(ACCOUNT, REGION, operation, params)

    def refused(self, operation: str, **params: Any) -> tuple[str, int, str]:
        """How it is refused: code, status, message."""
        with pytest.raises(AwsError) as error:
            self.call(operation, **params)
        return error.value.code, error.value.status, error.value.message

    def contact(self, email: str) -> dict[str, Any]:
        """One contact."""
        return self.call("GetContact", EmailAddress=email)

    def emails(self, size: int, **params: Any) -> list[list[str]]:
        """Every page's addresses."""
        pages: list[list[str]] = []
        token: dict[str, str] = {}
        while True:
            page = self.call("ListContacts", PageSize=size, **params, **token)
            pages.append([contact["EmailAddress"] for contact in page["Contacts"]])
            if "NextToken" not in page:
                return pages
            token = {"NextToken": page["NextToken"]}


def preferences(**chosen: str) -> list[dict[str, str]]:
    """Topic preferences as the API takes them; `in_` stands for the topic `in`."""
    return [{"TopicName": name.rstrip("_"), "SubscriptionStatus": status} for name, status in chosen.items()]


@pytest.mark.parametrize("name", ["main", "second"])
def test_an_account_has_one_list(name: str) -> None:
    """A second one is refused, even of the same name; another Region is another SES."""
    account = Account()
    assert account.refused("CreateContactList", ContactListName=name) == (
        "BadRequestException",
        400,
        "A maximum of 1 Lists allowed per account.",
    )
    account.ses.call(ACCOUNT, "eu-west-1", "CreateContactList", {"ContactListName": name})


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, None, "a/b", "a\n"])
def test_names_have_a_grammar(name: Any) -> None:
    """Of lists and of topics."""
    account = Account(made=False)
    assert account.refused("CreateContactList", ContactListName=name)[0] == "BadRequestException"
    assert account.refused("CreateContactList", ContactListName="ok", Topics=[topic(name)])[0] == "BadRequestException"


@pytest.mark.parametrize(
    "topics",
    [
        [topic(f"t{n}") for n in range(21)],
        [topic("a"), topic("a")],
        [topic("a", "OPT_MAYBE")],
        [topic("a", DisplayName="x" * 129)],
        [topic("a", DisplayName="")],
        [topic("a", Description="x" * 501)],
        [{"TopicName": "a"}],
    ],
)
def test_topics_have_rules(topics: list[dict[str, Any]]) -> None:
    """At most twenty, names unique, lengths and statuses as SES has them."""
    account = Account(made=False)
    assert account.refused("CreateContactList", ContactListName="ok", Topics=topics)[0] == "BadRequestException"
    assert account.call("ListContactLists")["ContactLists"] == []


def test_what_is_not_there_is_404() -> None:
    """Lists and contacts."""
    account = Account()
    assert account.refused("GetContactList", ContactListName="x") == (
        "NotFoundException",
        404,
        "List with name: x doesn't exist.",
    )
    assert account.refused("GetContact", EmailAddress="a@b.example")[:2] == ("NotFoundException", 404)
    assert account.refused("DeleteContact", EmailAddress="a@b.example")[:2] == ("NotFoundException", 404)


def test_a_contact_is_created_once() -> None:
    """A duplicate is refused and changes nothing."""
    account = Account()
    account.call("CreateContact", EmailAddress="a@b.example", UnsubscribeAll=True)
    assert account.refused("CreateContact", EmailAddress="a@b.example")[0] == "AlreadyExistsException"
    assert account.contact("a@b.example")["UnsubscribeAll"] is True


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"EmailAddress": "nobody"}, "EmailAddress is invalid"),
        ({"TopicPreferences": preferences(other="OPT_IN")}, "List: main doesn't contain Topic: other"),
        ({"TopicPreferences": preferences(in_="YES")}, "Subscription status must be one of OPT_IN, OPT_OUT"),
        ({"AttributesData": "[]"}, "AttributesData must be a valid JSON object"),
        ({"AttributesData": "{"}, "AttributesData must be a valid JSON object"),
    ],
)
def test_a_bad_contact_is_refused(params: dict[str, Any], message: str) -> None:
    """With SES's words."""
    account = Account()
    assert account.refused("CreateContact", **{"EmailAddress": "a@b.example", **params}) == (
        "BadRequestException",
        400,
        message,
    )


def test_defaults_are_derived_when_read() -> None:
    """Topics without an explicit preference, as the list has them now."""
    account = Account()
    account.call("CreateContact", EmailAddress="a@b.example", TopicPreferences=preferences(out="OPT_IN"))
    assert account.contact("a@b.example")["TopicDefaultPreferences"] == preferences(in_="OPT_IN")
    account.call("UpdateContactList", Topics=[topic("in", "OPT_OUT"), topic("out"), topic("new")])
    assert account.contact("a@b.example")["TopicDefaultPreferences"] == preferences(in_="OPT_OUT", new="OPT_OUT")


def test_an_update_wipes_what_it_omits_but_merges_preferences() -> None:
    """Omitting AttributesData or UnsubscribeAll loses them: that is why a whole state must be sent."""
    account = Account()
    account.call(
        "CreateContact",
        EmailAddress="a@b.example",
        UnsubscribeAll=True,
        AttributesData='{"a": 1}',
        TopicPreferences=preferences(out="OPT_IN"),
    )
    account.now += 60
    account.call("UpdateContact", EmailAddress="a@b.example", TopicPreferences=preferences(in_="OPT_OUT"))
    contact = account.contact("a@b.example")
    assert contact["UnsubscribeAll"] is False
    assert "AttributesData" not in contact
    assert contact["TopicPreferences"] == preferences(out="OPT_IN", in_="OPT_OUT")
    assert contact["LastUpdatedTimestamp"] - contact["CreatedTimestamp"] == 60


def test_a_list_is_updated_in_place() -> None:
    """What is omitted is kept, [] clears, contacts stay, preferences of a topic that went are lost."""
    account = Account()
    account.call("CreateContact", EmailAddress="a@b.example", TopicPreferences=preferences(out="OPT_IN", in_="OPT_OUT"))
    account.call("UpdateContactList", Description="new")
    assert [t["TopicName"] for t in account.call("GetContactList")["Topics"]] == ["in", "out"]
    account.call("UpdateContactList", Topics=[topic("out")])
    assert account.call("GetContactList")["Description"] == "new"
    assert account.contact("a@b.example")["TopicPreferences"] == preferences(out="OPT_IN")
    account.call("UpdateContactList", Topics=[])
    assert account.call("GetContactList")["Topics"] == []


def test_a_deleted_list_takes_its_contacts() -> None:
    """A new one of the same name is empty."""
    account = Account()
    account.call("CreateContact", EmailAddress="a@b.example")
    account.call("DeleteContactList")
    account.call("CreateContactList", ContactListName="main")
    assert account.emails(10) == [[]]


def test_pages_have_the_size_asked_for_and_real_tokens() -> None:
    """A token of another question, or none of ours, is refused."""
    account = Account()
    account.ses.fill(ACCOUNT, REGION, "main", bulk.generate(count=25, seed=1, opt_in={}, topics=[]))
    assert [len(page) for page in account.emails(10)] == [10, 10, 5]
    assert [len(page) for page in account.emails(25)] == [25]
    token = account.call("ListContacts", PageSize=10)["NextToken"]
    for bad in ("nonsense", "", token[:-4]):
        assert account.refused("ListContacts", PageSize=10, NextToken=bad)[0] == "BadRequestException"
    other = {"FilteredStatus": "OPT_IN", "TopicFilter": {"TopicName": "in"}}
    assert account.refused("ListContacts", PageSize=10, NextToken=token, Filter=other)[0] == "BadRequestException"
    for size in (0, 1001, "10"):
        assert account.refused("ListContacts", PageSize=size)[0] == "BadRequestException"


def test_a_page_has_neither_attributes_nor_creation_time() -> None:
    """Only GetContact tells them."""
    account = Account()
    account.call("CreateContact", EmailAddress="a@b.example", AttributesData="{}")
    (contact,) = account.call("ListContacts")["Contacts"]
    assert set(contact) == {
        "EmailAddress",
        "TopicPreferences",
        "TopicDefaultPreferences",
        "UnsubscribeAll",
        "LastUpdatedTimestamp",
    }


def test_a_filtered_page_may_be_empty_and_go_on() -> None:
    """Empty pages that carry a token are not the end."""
    account = Account()
    account.ses.fill(ACCOUNT, REGION, "main", bulk.generate(count=30, seed=1, opt_in={}, topics=[]))
    account.call("CreateContact", EmailAddress="last@b.example", TopicPreferences=preferences(out="OPT_IN"))
    condition = {"FilteredStatus": "OPT_IN", "TopicFilter": {"TopicName": "out"}}
    assert account.emails(10, Filter=condition) == [[], [], [], ["last@b.example"]]


@pytest.mark.parametrize(
    ("topic_name", "status", "use_default", "found"),
    [
        ("in", "OPT_IN", False, ["yes"]),
        ("in", "OPT_IN", True, ["yes", "silent"]),
        ("in", "OPT_OUT", False, ["no", "gone"]),
        ("in", "OPT_OUT", True, ["no", "gone"]),
        ("out", "OPT_OUT", True, ["yes", "no", "silent", "gone"]),
    ],
)
def test_a_filter_knows_defaults_when_told_to(
    topic_name: str, status: str, use_default: bool, found: list[str]
) -> None:
    """UseDefaultIfPreferenceUnavailable; UnsubscribeAll is out of everything."""
    account = Account()
    for name, chosen in (("yes", "OPT_IN"), ("no", "OPT_OUT"), ("silent", None)):
        given_ones = preferences(in_=chosen) if chosen else []
        account.call("CreateContact", EmailAddress=f"{name}@b.example", TopicPreferences=given_ones)
    account.call(
        "CreateContact", EmailAddress="gone@b.example", UnsubscribeAll=True, TopicPreferences=preferences(in_="OPT_IN")
    )
    condition = {
        "FilteredStatus": status,
        "TopicFilter": {"TopicName": topic_name, "UseDefaultIfPreferenceUnavailable": use_default},
    }
    assert account.emails(50, Filter=condition) == [[f"{name}@b.example" for name in found]]


def test_the_throttle_is_one_a_second_after_a_burst() -> None:
    """429 for everything, of this account and Region only."""
    account = Account(rate=RateLimit(1.0, 5))
    for _ in range(5):
        account.call("ListContactLists")
    assert account.refused("GetContactList")[:2] == ("TooManyRequestsException", 429)
    account.ses.call(ACCOUNT, "eu-west-1", "ListContactLists", {})
    account.now += 1.0
    account.call("ListContactLists")
    assert account.refused("ListContactLists")[1] == 429


def test_an_account_says_whether_it_is_in_the_sandbox() -> None:
    """Production by default."""
    account = Account()
    assert account.call("GetAccount")["ProductionAccessEnabled"] is True
    account.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=False)
    answer = account.call("GetAccount")
    assert (answer["ProductionAccessEnabled"], answer["SendingEnabled"]) == (False, False)


def test_made_up_contacts_are_always_the_same() -> None:
    """The shares asked for, one in fifty unsubscribed."""
    made = list(bulk.generate(count=5000, seed=7, opt_in={"a": 0.3}, topics=["a", "b"]))
    assert made == list(bulk.generate(count=5000, seed=7, opt_in={"a": 0.3}, topics=["a", "b"]))
    opted_in = sum(dict(contact.preferences)["a"] == "OPT_IN" for contact in made)
    assert opted_in / 5000 == pytest.approx(0.3, abs=0.03)
    assert sum(contact.unsubscribed_all for contact in made) / 5000 == pytest.approx(0.02, abs=0.01)
    with pytest.raises(AwsError, match="no topic c"):
        list(bulk.generate(count=1, seed=0, opt_in={"c": 1.0}, topics=["a"]))


def test_a_bad_import_line_is_named() -> None:
    """By its number."""
    with pytest.raises(AwsError, match="line 2 is not a contact record"):
        list(bulk.parse_import_lines(b'{"emailAddress": "a@b.example"}\nnonsense\n'))


@given(
    size=st.integers(1, 7),
    count=st.integers(0, 30),
    steps=st.lists(st.tuples(st.sampled_from(["delete", "create"]), st.integers(0, 29)), max_size=20),
)
def test_paging_neither_repeats_nor_skips(size: int, count: int, steps: list[tuple[str, int]]) -> None:
    """Contacts that come or go between two pages disturb nobody else."""
    account = Account()
    account.ses.fill(ACCOUNT, REGION, "main", bulk.generate(count=count, seed=1, opt_in={}, topics=[]))
    before = [email for page in account.emails(1000) for email in page]
    seen: list[str] = []
    touched: set[str] = set()
    token: dict[str, str] = {}
    changes = iter(steps)
    while True:
        page = account.call("ListContacts", PageSize=size, **token)
        seen += [contact["EmailAddress"] for contact in page["Contacts"]]
        kind, number = next(changes, ("none", 0))
        if kind == "delete" and number < count and before[number] not in touched:
            account.call("DeleteContact", EmailAddress=before[number])
            touched.add(before[number])
        elif kind == "create" and f"new{number}@b.example" not in touched:
            account.call("CreateContact", EmailAddress=f"new{number}@b.example")
            touched.add(f"new{number}@b.example")
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(seen) == len(set(seen))
    assert [email for email in seen if email not in touched] == [email for email in before if email not in touched]
