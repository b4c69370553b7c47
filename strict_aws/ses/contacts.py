"""The operations on one contact.

A wrong request is reported in this order (observed): the members and statuses of preferences, the address, the list,
the topics of preferences, and AttributesData last (our choice).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from strict_aws.ses import shapes, validation
from strict_aws.ses.contact_lists import Answer, Params, wanted
from strict_aws.ses.described import describer
from strict_aws.ses.errors import contact_exists, no_contact
from strict_aws.ses.store import Contact, ContactList, Place, shared_preferences


@dataclass(frozen=True)
class ContactOperations:
    """The operations on one contact.

    Each takes botocore's input and returns botocore's output, with the place's lock held.
    """

    clock: Callable[[], float]

    def create_contact(self, place: Place, params: Params) -> Answer:
        """Make a contact; refuse one that exists already."""
        found, sent = self._sent(place, params)
        if found.get(sent.email) is not None:
            raise contact_exists(sent.email)
        found.put(sent, sent.updated_at)
        return {}

    def get_contact(self, place: Place, params: Params) -> Answer:
        """Return everything about a contact, its attributes and the default preferences included."""
        found, contact = _known(place, params)
        answer: Answer = {
            "ContactListName": found.name,
            **describer(found)(contact),
            "CreatedTimestamp": contact.created_at,
        }
        return answer if contact.attributes is None else {**answer, "AttributesData": contact.attributes}

    def update_contact(self, place: Place, params: Params) -> Answer:
        """Merge preferences by topic; attributes and UnsubscribeAll are reset when they are omitted (observed)."""
        found, sent = self._sent(place, params)
        known = found.get(sent.email)
        if known is None:
            raise no_contact(sent.email)
        merged = shared_preferences({**dict(known.preferences), **dict(sent.preferences)})
        found.put(sent._replace(preferences=merged), sent.updated_at)
        return {}

    def delete_contact(self, place: Place, params: Params) -> Answer:
        """Delete the contact with all that it had chosen."""
        found, contact = _known(place, params)
        found.remove(contact.email, self.clock())
        return {}

    def _sent(self, place: Place, params: Params) -> tuple[ContactList, Contact]:
        chosen = shapes.preferences(params.get("TopicPreferences"))
        unsubscribed_all = shapes.flag(params.get("UnsubscribeAll"))
        attributes = shapes.optional_text(params.get("AttributesData"))
        email = _address(params)
        found = wanted(place, params)
        validation.preferences([chosen], found)
        validation.attributes(attributes)
        now = self.clock()
        return found, Contact(email, chosen, unsubscribed_all, attributes, created_at=now, updated_at=now)


def _address(params: Params) -> str:
    return validation.address(shapes.text(params.get("EmailAddress"), "emailAddress"))


def _known(place: Place, params: Params) -> tuple[ContactList, Contact]:
    email = _address(params)
    found = wanted(place, params)
    contact = found.get(email)
    if contact is None:
        raise no_contact(email)
    return found, contact
