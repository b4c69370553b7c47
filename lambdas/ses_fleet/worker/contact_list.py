"""Reading a customer's contact list: which one it is, and all its contacts, over as many slices as that takes."""

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
    """A contact list as it was when it was read; times are ISO 8601."""

    name: str
    description: str | None = None
    created_at: str | None = None
    last_updated_at: str | None = None
    topics: tuple[Topic, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)


class ContactScan:
    """A walk over the contacts of the account's list. `found` is None until `open`, or when there is no list."""

    def __init__(self, state: State) -> None:
        kept = state.get("list")
        self.found = None if kept is None else ContactList.model_validate(kept)
        self._paginator = Paginator("list_contacts", "Contacts", state)

    def state(self) -> State:
        """Return where the next slice goes on; JSON. A page in the middle of which it is asked will come once more."""
        return {"list": self.found and self.found.model_dump(mode="json"), **self._paginator.state()}

    def open(self, context: ActionContext) -> ContactList | None:
        """Find the list, unless an earlier slice did."""
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
        """Yield every page that is still to come, as SES has them. After SliceTimeoutError, `state` is where to go on.

        When a continuation token is refused, `restart` is called and all pages come again from the first one: it must
        forget whatever was made of the pages before. CustomerError (operation) when that happens again, and when the
        list vanished or was made anew meanwhile; then nothing of the pages may be used. That is looked at after
        several pages, and with `look_again` also after one: for who asked more about its contacts.
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
            self._check(context, self.found)

    def _check(self, context: ActionContext, began: ContactList) -> None:
        """Half of a list and half of another one of the same name are no list."""
        now = read(context, began.name)
        if None not in (began.created_at, now.created_at) and began.created_at != now.created_at:
            message = (
                f"the contact list {began.name} of {context.code} was deleted and made anew while it was read; "
                "nothing of it was used. Run this customer again"
            )
            raise CustomerError("operation", "ContactListReplaced", message, retryable=True)


def chosen(contact: dict[str, Any]) -> dict[str, str]:
    """The explicit preferences of a contact as ListContacts and GetContact show it: {topic: status}."""
    preferences = contact.get("TopicPreferences") or ()
    try:
        # Of a page's CPU this is most, and answers are nearly always whole.
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
    """The address of a contact as ListContacts shows it; CustomerError when it has none."""
    return required_text(contact, "EmailAddress", "a contact")


def record(contact: dict[str, Any]) -> dict[str, Any]:
    """A contact as our files have it: `{email, preferences, unsubscribed_all}`."""
    return {
        "email": address(contact),
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


def find(context: ActionContext) -> ContactList | None:
    """The list named in config.json, else the account's only one; None when there is none.

    CustomerError (operation) when the list vanishes between two looks.
    """
    configured = context.customer.contact_list_name
    name = configured or first_name(context)
    if name is None:
        return None
    reader = context.ses if configured is not None else _RetryNotFound(context.ses)
    try:
        return described(reader.read("get_contact_list", ContactListName=name), name)
    except AwsCallError as failure:
        if failure.status != 404:
            raise
    # Only a list that was configured by name may turn out not to be there: then the account has none of that name.
    if configured is not None:
        return None
    raise _vanished(context, name)


def read(context: ActionContext, name: str) -> ContactList:
    """The list of that name as it is now; CustomerError (operation) when it is there no more."""
    try:
        return described(_RetryNotFound(context.ses).read("get_contact_list", ContactListName=name), name)
    except AwsCallError as failure:
        if failure.status != 404:
            raise
        raise _vanished(context, name) from None


def described(answer: dict[str, Any], asked: str | None = None) -> ContactList:
    """GetContactList's answer in our words. `asked` is the name that was asked for: an answer may leave it out."""
    name = text_of(answer, "ContactListName") or asked
    return ContactList(
        name=name or required_text(answer, "ContactListName", "a contact list"),
        description=text_of(answer, "Description"),
        created_at=_iso(answer.get("CreatedTimestamp")),
        last_updated_at=_iso(answer.get("LastUpdatedTimestamp")),
        topics=tuple(_topic(topic) for topic in list_of(answer, "Topics")),
        tags={required_text(tag, "Key", "a tag"): text_of(tag, "Value") or "" for tag in list_of(answer, "Tags")},
    )


def first_name(context: ActionContext, ses: ReadClient | None = None) -> str | None:
    """The name of the account's only list, if it has one."""
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
    """Reads of a list that SES has shown already: one that is not there is asked for again, as reads may lag."""

    def __init__(self, ses: PacedClient) -> None:
        self._ses = ses

    def read(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a reading request; AwsCallError 404 only after the list was missing for a while."""
        for pause in limits.READ_BACK_PAUSES_SECONDS:
            try:
                return self._ses.read(operation, **parameters)
            except AwsCallError as failure:
                if failure.status != 404:
                    raise
            self._ses.pause(pause)
        return self._ses.read(operation, **parameters)


def _vanished(context: ActionContext, name: str) -> CustomerError:
    message = f"the contact list {name} of {context.code} vanished while it was read; nothing of it was used"
    return CustomerError("operation", "ContactListVanished", f"{message}. Run this customer again", retryable=True)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
