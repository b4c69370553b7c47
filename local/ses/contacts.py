"""The operations on contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.ses import paging, validation
from local.ses.contact_lists import Answer, Params, wanted
from local.ses.store import Contact, ContactList, Place, Preferences, shared_preferences
from local.web import AwsError


@dataclass(frozen=True)
class ContactOperations:
    """Each takes botocore's input and gives botocore's output; the place's lock is held."""

    clock: Callable[[], float]

    def create_contact(self, place: Place, params: Params) -> Answer:
        """A contact that exists already is refused."""
        found = wanted(place, params)
        email = validation.address(params.get("EmailAddress"))
        if email in found.contacts:
            raise AwsError("AlreadyExistsException", f"{email} already exists in List.")
        now = self.clock()
        found.put(self._contact(email, params, validation.preferences(params.get("TopicPreferences"), found), now))
        return {}

    def get_contact(self, place: Place, params: Params) -> Answer:
        """Everything, attributes and defaults included."""
        found = wanted(place, params)
        contact = _known(found, params)
        answer: Answer = {
            "ContactListName": found.name,
            **_described(found, contact),
            "CreatedTimestamp": contact.created_at,
        }
        return answer if contact.attributes is None else {**answer, "AttributesData": contact.attributes}

    def update_contact(self, place: Place, params: Params) -> Answer:
        """Preferences merge by topic; attributes are wiped and UnsubscribeAll is reset when omitted (observed)."""
        found = wanted(place, params)
        known = _known(found, params)
        given = validation.preferences(params.get("TopicPreferences"), found)
        merged = shared_preferences({**dict(known.preferences), **dict(given)})
        found.put(self._contact(known.email, params, merged, self.clock()))
        return {}

    def delete_contact(self, place: Place, params: Params) -> Answer:
        """The contact and what it had chosen."""
        found = wanted(place, params)
        found.remove(_known(found, params).email)
        return {}

    def list_contacts(self, place: Place, params: Params) -> Answer:
        """A page of the list's order. A filter is applied to the page: it may leave it empty, with a NextToken."""
        found = wanted(place, params)
        size = paging.page_size(params.get("PageSize"))
        question = (found.name, found.created_at, params.get("Filter"))
        contacts, more = found.page(paging.read_token(params.get("NextToken"), *question), size)
        wanted_ones = _filter(found, params.get("Filter") or {})
        answer: Answer = {"Contacts": [_described(found, contact) for contact in contacts if wanted_ones(contact)]}
        return answer if more is None else {**answer, "NextToken": paging.make_token(more, *question)}

    @staticmethod
    def _contact(email: str, params: Params, preferences: Preferences, now: float) -> Contact:
        return Contact(
            email=email,
            preferences=preferences,
            unsubscribed_all=bool(params.get("UnsubscribeAll", False)),
            attributes=validation.attributes(params.get("AttributesData")),
            created_at=now,
            updated_at=now,
        )


def _known(found: ContactList, params: Params) -> Contact:
    contact = found.contacts.get(str(params.get("EmailAddress")))
    if contact is None:
        raise AwsError("NotFoundException", f"{params.get('EmailAddress')} doesn't exist in List.", 404)
    return contact


def _described(found: ContactList, contact: Contact) -> Answer:
    explicit = dict(contact.preferences)
    return {
        "EmailAddress": contact.email,
        "TopicPreferences": [{"TopicName": name, "SubscriptionStatus": status} for name, status in contact.preferences],
        "TopicDefaultPreferences": [
            {"TopicName": topic.name, "SubscriptionStatus": topic.default_status}
            for topic in found.topics.values()
            if topic.name not in explicit
        ],
        "UnsubscribeAll": contact.unsubscribed_all,
        "LastUpdatedTimestamp": contact.updated_at,
    }


def _filter(found: ContactList, condition: dict[str, Any]) -> Callable[[Contact], bool]:
    if not condition.get("FilteredStatus"):
        return lambda _: True
    status = validation.filtered_status(condition["FilteredStatus"])
    topic_filter = condition.get("TopicFilter") or {}
    name = topic_filter.get("TopicName")
    if name is None:
        # Not documented: here a status alone means UnsubscribeAll, the one status that a contact as a whole has.
        return lambda contact: contact.unsubscribed_all == (status == "OPT_OUT")
    if name not in found.topics:
        raise validation.bad_request(f"List: {found.name} doesn't contain Topic: {name}")
    topic, use_default = found.topics[name], bool(topic_filter.get("UseDefaultIfPreferenceUnavailable"))

    def matches(contact: Contact) -> bool:
        explicit = use_default or contact.unsubscribed_all or name in dict(contact.preferences)
        return explicit and contact.effective(topic) == status

    return matches
