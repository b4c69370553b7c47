"""What the strict SES remembers: one contact list per account and Region, and its contacts.

A million contacts must fit: contacts have slots, and equal preferences are one object.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

Preferences = tuple[tuple[str, str], ...]

_shared: dict[Preferences, Preferences] = {}


def shared_preferences(preferences: dict[str, str]) -> Preferences:
    """`{topic: status}` as a tuple that equal ones share."""
    made = tuple(preferences.items())
    return _shared.setdefault(made, made)


@dataclass(frozen=True)
class Topic:
    """A topic as SES takes it."""

    name: str
    display_name: str
    description: str | None
    default_status: str


@dataclass(slots=True)
class Contact:
    """One contact. `place` is where it stands in its list's order. Times are epoch seconds."""

    email: str
    preferences: Preferences
    unsubscribed_all: bool
    attributes: str | None
    created_at: float
    updated_at: float
    place: int = -1

    def effective(self, topic: Topic) -> str:
        """UnsubscribeAll beats an explicit preference, which beats the topic's default."""
        if self.unsubscribed_all:
            return "OPT_OUT"
        return dict(self.preferences).get(topic.name, topic.default_status)


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact to be filled in, as an import job's line has it."""

    email: str
    preferences: Preferences = ()
    unsubscribed_all: bool = False
    attributes: str | None = None


@dataclass
class ContactList:
    """A list. Contacts keep their place in `_order` until they go, so that pages neither repeat nor skip."""

    name: str
    description: str | None
    topics: dict[str, Topic]
    created_at: float
    updated_at: float
    contacts: dict[str, Contact] = field(default_factory=dict)
    _order: list[Contact | None] = field(default_factory=list)

    def put(self, contact: Contact) -> None:
        """Add a contact, or replace the one of the same address in its place."""
        known = self.contacts.get(contact.email)
        if known is not None:
            contact.place, contact.created_at = known.place, known.created_at
            self._order[known.place] = contact
        else:
            contact.place = len(self._order)
            self._order.append(contact)
        self.contacts[contact.email] = contact

    def remove(self, email: str) -> None:
        """Take a contact out; the places of the others stay."""
        self._order[self.contacts.pop(email).place] = None

    def page(self, place: int, size: int) -> tuple[list[Contact], int | None]:
        """Up to `size` contacts from `place` on, and the place to go on from; None = no more."""
        found: list[Contact] = []
        while place < len(self._order) and len(found) < size:
            contact = self._order[place]
            place += 1
            if contact is not None:
                found.append(contact)
        return found, place if place < len(self._order) else None

    def forget_topics(self, names: set[str]) -> None:
        """Preferences of topics that are gone go with them."""
        for contact in self.contacts.values():
            if any(name in names for name, _ in contact.preferences):
                contact.preferences = shared_preferences(
                    {name: status for name, status in contact.preferences if name not in names}
                )


@dataclass
class Place:
    """SES of one account and Region. Hold `lock` while looking or changing."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    contact_list: ContactList | None = None
    production_access: bool = True
    sending_enabled: bool = True


class Store:
    """All places."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], Place] = {}

    def place(self, account: str, region: str) -> Place:
        """The SES of an account in a Region."""
        with self._lock:
            return self._places.setdefault((account, region), Place())

    def addresses(self) -> Iterator[str]:
        """Every address held."""
        with self._lock:
            places = list(self._places.values())
        for place in places:
            if place.contact_list is not None:
                yield from list(place.contact_list.contacts)
