"""describe-list: complete counts or none, and as few calls as can be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.ses.service import StrictSes
from local.ses.store import ContactRecord, shared_preferences
from local.web import AwsError
from shared.actions import DescribeListParams
from shared.aws import AwsClient
from shared.errors import AwsCallError
from shared.models import Customer
from worker.actions import describe_list
from worker.job import Job
from worker.rate import Pacer, SliceBudget, SliceTimeoutError
from worker.ses import PacedSes

ACCOUNT, REGION = "111122223333", "us-east-1"
TOPICS = [
    {"TopicName": "in", "DisplayName": "In", "Description": "d", "DefaultSubscriptionStatus": "OPT_IN"},
    {"TopicName": "out", "DisplayName": "Out", "DefaultSubscriptionStatus": "OPT_OUT"},
]


class Client(AwsClient):
    """The strict SES in the place of boto3."""

    def __init__(self, ses: StrictSes) -> None:
        super().__init__("sesv2", None)
        self._ses = ses
        self.asked: list[str] = []

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """As boto3 would: snake case in, AwsCallError out."""
        name = "".join(part.title() for part in operation.split("_"))
        self.asked.append(name)
        try:
            answer = self._ses.call(ACCOUNT, REGION, name, parameters)
        except AwsError as error:
            raise AwsCallError("sesv2", operation, "refused", error.code, error.message, error.status) from None
        times = {key: datetime.fromtimestamp(answer[key], UTC) for key in answer if key.endswith("Timestamp")}
        return {**answer, **times}


class World:
    """One account, and describe-list run in it."""

    def __init__(self, *contacts: ContactRecord, made: bool = True, topics: Any = None) -> None:
        self.ses = StrictSes(rate=None)
        self.client = Client(self.ses)
        if made:
            self.ses.create_list(ACCOUNT, REGION, "main", description=None, topics=topics or TOPICS)
            self.ses.fill(ACCOUNT, REGION, "main", contacts)

    def run(
        self, *, budget: float = 60.0, per_second: float = 0, name: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """The action's data."""
        customer = Customer(
            customer_code="acme",
            customer_name="Acme",
            account_id=ACCOUNT,
            region=REGION,
            ses_role_arn="arn:aws:iam::111122223333:role/r",
            contact_list_name=name,
        )
        pacer = Pacer(per_second, 5, SliceBudget(budget))
        job = Job(customer, PacedSes(self.client, pacer), lambda _: None)
        return describe_list.run(job, DescribeListParams(**params))


def contact(number: int, preferences: dict[str, str] | None = None, *, unsubscribed: bool = False) -> ContactRecord:
    """A contact with explicit preferences."""
    return ContactRecord(f"c{number}@x.example", shared_preferences(preferences or {}), unsubscribed)


def test_no_list_is_an_answer_and_nothing_is_created() -> None:
    """One call, and the account is as it was."""
    world = World(made=False)
    assert world.run() == {"contact_list": None, "topics": [], "contacts": None}
    assert world.client.asked == ["ListContactLists"]
    assert world.run(name="main")["contact_list"] is None
    assert world.client.asked == ["ListContactLists", "GetContactList"]


def test_defaults_preferences_and_unsubscribes_are_counted_right() -> None:
    """UnsubscribeAll beats an explicit preference, which beats the topic's default."""
    data = World(
        contact(1),
        contact(2, {"in": "OPT_OUT", "out": "OPT_IN"}),
        contact(3, {"out": "OPT_IN"}, unsubscribed=True),
        contact(4, {"in": "OPT_IN"}),
    ).run()
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


@pytest.mark.parametrize(("contacts", "pages"), [(0, 1), (999, 1), (1000, 1), (1001, 2), (2500, 3)])
def test_all_pages_are_counted(contacts: int, pages: int) -> None:
    """Pages of a thousand, to the last."""
    world = World(*(contact(number) for number in range(contacts)))
    assert world.run()["contacts"]["total"] == contacts
    assert world.client.asked == ["ListContactLists", "GetContactList", *["ListContacts"] * pages]


def test_a_configured_list_name_saves_a_call() -> None:
    """ListContactLists would only tell what config.json knows."""
    world = World(contact(1))
    world.run(name="main")
    assert world.client.asked == ["GetContactList", "ListContacts"]


def test_counting_can_be_left_out() -> None:
    """Numbers are then absent, never partial."""
    world = World(contact(1))
    data = world.run(count_contacts=False)
    assert world.client.asked == ["ListContactLists", "GetContactList"]
    assert data["contacts"] is None
    assert {(t["opted_in"], t["opted_out"]) for t in data["topics"]} == {(None, None)}


def test_a_slice_that_ends_while_counting_says_what_to_do() -> None:
    """timeout, with the way to do without; nothing partial is returned."""
    world = World(*(contact(number) for number in range(4001)))
    with pytest.raises(SliceTimeoutError) as error:
        world.run(budget=0.4, per_second=2.0)
    assert error.value.category == "timeout"
    assert "after 3000 contacts were counted" in error.value.message
    assert '"params": {"count_contacts": false}' in error.value.message


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
    data = World(*records, topics=topics).run()
    for topic in data["topics"]:
        name, default = topic["name"], topic["default_status"]
        opted_in = sum(not gone and chosen.get(name, default) == "OPT_IN" for gone, chosen in wanted)
        assert (topic["opted_in"], topic["opted_out"]) == (opted_in, len(wanted) - opted_in)
