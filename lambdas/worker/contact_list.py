"""Reading a customer's contact list: which one it is, and all its contacts, over as many slices as that takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import Field

from shared import limits
from shared.errors import AwsCallError
from shared.models import Stored
from worker.job import Job, State


class Topic(Stored):
    """A topic as the list has it."""

    name: str
    display_name: str | None = None
    description: str | None = None
    default_status: str


class ContactList(Stored):
    """A contact list as it was when it was read; times are ISO 8601."""

    name: str
    description: str | None = None
    created_at: str | None = None
    last_updated_at: str | None = None
    topics: tuple[Topic, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)


class Scan:
    """A walk over the contacts of the account's list. `found` is None until `open`, or when there is no list."""

    def __init__(self, state: State) -> None:
        kept = state.get("list")
        self.found = None if kept is None else ContactList.model_validate(kept)
        self._token: str | None = state.get("token")
        self._before = self._token

    def state(self) -> State:
        """What the next slice goes on from; JSON."""
        return {"list": self.found and self.found.model_dump(mode="json"), "token": self._token}

    def open(self, job: Job) -> ContactList | None:
        """Find the list, unless an earlier slice did."""
        if self.found is None:
            self.found = find(job)
        return self.found

    def before(self) -> State:
        """The same, but for the page last given: it will come once more."""
        return {**self.state(), "token": self._before}

    def pages(
        self,
        job: Job,
        condition: dict[str, Any] | None = None,
        size: int = limits.SES_PAGE_SIZE,
        ses: Reader | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Every page that is still to come, as SES has them. After SliceTimeoutError, `state` is where to go on."""
        if self.found is None:
            return
        asked: dict[str, Any] = {"ContactListName": self.found.name, "PageSize": size}
        if condition is not None:
            asked["Filter"] = condition
        while True:
            if self._token is not None:
                asked["NextToken"] = self._token
            answer = (ses or job.ses).read("list_contacts", **asked)
            self._before = self._token
            # An empty page with a token is not the end.
            self._token = answer.get("NextToken") or None
            yield answer.get("Contacts", [])
            if self._token is None:
                return


def chosen(contact: dict[str, Any]) -> dict[str, str]:
    """The explicit preferences of a contact as ListContacts and GetContact show it: {topic: status}."""
    return {one["TopicName"]: one["SubscriptionStatus"] for one in contact.get("TopicPreferences") or ()}


def record(contact: dict[str, Any]) -> dict[str, Any]:
    """A contact as our files have it: `{email, preferences, unsubscribed_all}`."""
    return {
        "email": contact["EmailAddress"],
        "preferences": chosen(contact),
        "unsubscribed_all": bool(contact.get("UnsubscribeAll")),
    }


def api_preferences(preferences: dict[str, str]) -> list[dict[str, str]]:
    """Preferences as CreateContact and UpdateContact take them."""
    return [{"TopicName": topic, "SubscriptionStatus": status} for topic, status in preferences.items()]


def api_topics(topics: Iterable[Topic]) -> list[dict[str, str]]:
    """Topics as CreateContactList and UpdateContactList take them: always all of them, complete."""
    return [
        {
            "TopicName": topic.name,
            "DisplayName": topic.display_name or topic.name,
            "DefaultSubscriptionStatus": topic.default_status,
            **({"Description": topic.description} if topic.description else {}),
        }
        for topic in topics
    ]


class Reader(Protocol):
    """What reads: the client alone, or the requests of a unit that goes on to write."""

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request."""


def find(job: Job, ses: Reader | None = None) -> ContactList | None:
    """The list named in config.json, else the account's only one; None when there is none."""
    reader = ses or job.ses
    name = job.customer.contact_list_name or first_name(job, reader)
    if name is None:
        return None
    try:
        answer = reader.read("get_contact_list", ContactListName=name)
    except AwsCallError as failure:
        # Only a list that was configured by name may turn out not to be there: then the account has none of that name.
        if failure.status == 404 and job.customer.contact_list_name is not None:
            return None
        raise
    return described(answer)


def described(answer: dict[str, Any]) -> ContactList:
    """GetContactList's answer in our words."""
    return ContactList(
        name=answer["ContactListName"],
        description=answer.get("Description"),
        created_at=_iso(answer.get("CreatedTimestamp")),
        last_updated_at=_iso(answer.get("LastUpdatedTimestamp")),
        topics=tuple(_topic(topic) for topic in answer.get("Topics", [])),
        tags={tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])},
    )


def first_name(job: Job, ses: Reader | None = None) -> str | None:
    """The name of the account's only list, if it has one."""
    reader, token = ses or job.ses, dict[str, str]()
    while True:
        answer = reader.read("list_contact_lists", **token)
        for entry in answer.get("ContactLists", []):
            return str(entry["ContactListName"])
        if not answer.get("NextToken"):
            return None
        token = {"NextToken": answer["NextToken"]}


def _topic(topic: dict[str, Any]) -> Topic:
    return Topic(
        name=topic["TopicName"],
        display_name=topic.get("DisplayName"),
        description=topic.get("Description"),
        default_status=topic["DefaultSubscriptionStatus"],
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
