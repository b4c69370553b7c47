"""Reading a customer's contact list: its name and topics, and all its contacts, over as many slices as that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from ses_fleet import limits
from ses_fleet.config.topics import Topic
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.model_bases import Stored
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.paced_client import PacedClient, ReadClient
from ses_fleet.worker.pagination import Paginator
from ses_fleet.worker.responses import list_of, required_text, text_of

_PREFERENCE = "a preference of a contact"


class ContactList(Stored):
    """A contact list as it was when it was read. Times are ISO 8601 in UTC."""

    name: str
    description: str | None = None
    created_at: str | None = None
    last_updated_at: str | None = None
    topics: tuple[Topic, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)


class ContactScan:
    """All contacts of the account's list. `found` is the list, or None before `open` and when there is none."""

    def __init__(self, state: State) -> None:
        kept = state.get("list")
        self.found = None if kept is None else ContactList.model_validate(kept)
        self._paginator = Paginator("list_contacts", "Contacts", state)

    def state(self) -> State:
        """Return the position that the next slice continues from; JSON. A page that was interrupted is read again."""
        return {"list": self.found and self.found.model_dump(mode="json"), **self._paginator.state()}

    @property
    def is_last_page(self) -> bool:
        """Return whether the page that was yielded last is the list's last one."""
        return self._paginator.is_last

    def open(self, context: ActionContext) -> ContactList | None:
        """Return the customer's list, found once for all slices, or None when there is none."""
        if self.found is None:
            self.found = find(context)
        return self.found

    def pages(
        self,
        context: ActionContext,
        restart: Callable[[], None],
        condition: dict[str, Any] | None = None,
        size: int = limits.SES_PAGE_SIZE,
        *,
        look_again: bool = False,
        ses: ReadClient | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield every page of contacts that is still to come, as SES answers it.

        After SliceTimeoutError, a scan made from `state` yields the rest. When a continuation token is refused,
        `restart` is called and all pages come again from the first one: it must forget everything made of the pages
        before. Raise CustomerError (operation) when that happens again, and when the list was deleted or replaced while
        it was read; nothing made of its pages may be used then. That is checked after several pages, and with
        `look_again` also after one, for a caller that asked more about its contacts.
        """
        if self.found is None:
            return
        asked: dict[str, Any] = {"ContactListName": self.found.name, "PageSize": size}
        if condition is not None:
            asked["Filter"] = condition
        reader = ses or _RetryNotFound(context.ses)
        try:
            yield from self._paginator.pages(reader, asked, restart)
        except AwsCallError as failure:
            if failure.status != 404:
                raise
            raise _vanished(context, self.found.name) from None
        if look_again or (self._paginator.several and ses is None):
            check_is_same(context, self.found)


def explicit_preferences(contact: dict[str, Any]) -> dict[str, str]:
    """Return the explicit preferences of a contact of ListContacts or GetContact: {topic: status}."""
    preferences = contact.get("TopicPreferences") or ()
    try:
        # This takes most of a page's CPU time, and answers are nearly always complete.
        found = {one["TopicName"]: one["SubscriptionStatus"] for one in preferences}
    except (KeyError, TypeError):
        found = {"": ""}
    if all(found) and all(found.values()):
        return found
    return {
        required_text(one, "TopicName", _PREFERENCE): required_text(one, "SubscriptionStatus", _PREFERENCE)
        for one in list_of(contact, "TopicPreferences")
    }


def address(contact: dict[str, Any]) -> str:
    """Return the address of a contact of ListContacts. Raise CustomerError when it has none."""
    return required_text(contact, "EmailAddress", "a contact")


def record(contact: dict[str, Any]) -> dict[str, Any]:
    """Return a contact as the files in S3 have it: `{email, preferences, unsubscribed_all}`."""
    return {
        "email": address(contact),
        "preferences": explicit_preferences(contact),
        "unsubscribed_all": bool(contact.get("UnsubscribeAll")),
    }


def api_preferences(preferences: dict[str, str]) -> list[dict[str, str]]:
    """Return {topic: status} in the form that CreateContact and UpdateContact take."""
    return [{"TopicName": topic, "SubscriptionStatus": status} for topic, status in preferences.items()]


def api_topics(topics: Iterable[Topic]) -> list[dict[str, str]]:
    """Return topics in the form that CreateContactList and UpdateContactList take: all of them, with every field."""
    return [
        {
            "TopicName": topic.name,
            "DisplayName": topic.display_name or topic.name,
            "DefaultSubscriptionStatus": topic.default_status,
            **({"Description": topic.description} if topic.description else {}),
        }
        for topic in topics
    ]


def find(context: ActionContext) -> ContactList | None:
    """Return the list that config.json names, else the account's only one; None when there is none.

    Raise CustomerError (operation) when the list disappears while it is looked for.
    """
    configured = context.customer.contact_list_name
    name = configured or first_name(context)
    if name is None:
        return None
    reader = context.ses if configured is not None else _RetryNotFound(context.ses)
    try:
        return from_answer(reader.read("get_contact_list", ContactListName=name), name)
    except AwsCallError as failure:
        if failure.status != 404:
            raise
    # Only a configured name may be of no list: then the account has none of that name.
    if configured is not None:
        return None
    raise _vanished(context, name)


def none_there(context: ActionContext) -> CustomerError:
    """Return the failure of a customer without a contact list, for an action that creates none."""
    text = (
        f"{context.code} has no contact list in {context.customer.region}: run manage-topic-all first, or manage-topic"
    )
    return CustomerError("operation", "NoContactList", text)


def read(context: ActionContext, name: str) -> ContactList:
    """Return the list of that name as it is now. Raise CustomerError (operation) when it does not exist any more."""
    try:
        return from_answer(_RetryNotFound(context.ses).read("get_contact_list", ContactListName=name), name)
    except AwsCallError as failure:
        if failure.status != 404:
            raise
        raise _vanished(context, name) from None


def check_is_same(context: ActionContext, began: ContactList) -> None:
    """Raise CustomerError (operation) when the list was deleted since it was read, or replaced by one of its name."""
    now = read(context, began.name)
    if None not in (began.created_at, now.created_at) and began.created_at != now.created_at:
        message = (
            f"the contact list {began.name} of {context.code} was deleted and created again while it was read; "
            "nothing of it was used. Run this customer again"
        )
        raise CustomerError("operation", "ContactListReplaced", message, retryable=True)


def from_answer(answer: dict[str, Any], asked: str | None = None) -> ContactList:
    """Return GetContactList's answer as a ContactList.

    `asked` is the name that was asked for, which the answer may omit.
    """
    name = text_of(answer, "ContactListName") or asked
    return ContactList(
        name=name or required_text(answer, "ContactListName", "a contact list"),
        description=text_of(answer, "Description"),
        created_at=_iso(answer.get("CreatedTimestamp")),
        last_updated_at=_iso(answer.get("LastUpdatedTimestamp")),
        topics=tuple(_topic(topic) for topic in list_of(answer, "Topics")),
        tags={required_text(tag, "Key", "a tag"): text_of(tag, "Value") or "" for tag in list_of(answer, "Tags")},
    )


def given_to_all(found: ContactList) -> list[str]:
    """Return the topics that a contact gets that says nothing of them: those whose default status is OPT_IN."""
    return [topic.name for topic in found.topics if topic.default_status == "OPT_IN"]


def first_name(context: ActionContext, ses: ReadClient | None = None) -> str | None:
    """Return the name of the account's only list, or None when it has none."""
    for page in Paginator("list_contact_lists", "ContactLists").pages(ses or context.ses, {}, lambda: None):
        for entry in page:
            return required_text(entry, "ContactListName", "a contact list")
    return None


def _topic(topic: dict[str, Any]) -> Topic:
    return Topic(
        name=required_text(topic, "TopicName", "a topic"),
        display_name=text_of(topic, "DisplayName"),
        description=text_of(topic, "Description"),
        default_status=required_text(topic, "DefaultSubscriptionStatus", "a topic"),
    )


class _RetryNotFound:
    """Reads of a list that SES has shown already: one that is not found is read again, because reads may lag."""

    def __init__(self, ses: PacedClient) -> None:
        self._ses = ses

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request and return its answer.

        Raise AwsCallError 404 only when the list stays missing for a while.
        """
        for pause in limits.READ_BACK_PAUSES_SECONDS:
            try:
                return self._ses.read(operation, **parameters)
            except AwsCallError as failure:
                if failure.status != 404:
                    raise
            self._ses.pause(pause)
        return self._ses.read(operation, **parameters)


def _vanished(context: ActionContext, name: str) -> CustomerError:
    message = f"the contact list {name} of {context.code} was deleted while it was read; nothing of it was used"
    return CustomerError("operation", "ContactListVanished", f"{message}. Run this customer again", retryable=True)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
