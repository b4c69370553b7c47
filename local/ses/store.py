"""What the strict SES remembers: one contact list per account and Region, and its contacts.

A million contacts must fit: equal preferences are mostly one object, and a contact is kept as a plain tuple. Those
leave the garbage collector's lists, where a million objects of a class would cost every full collection 0.1 s.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from local.paged_dict import PagedDict
from local.ses.account import AccountSettings
from local.ses.jobs import ImportJobs

Preferences = tuple[tuple[str, str], ...]


def shared_preferences(preferences: dict[str, str]) -> Preferences:
    """`{topic: status}` as a tuple that equal ones share."""
    return _shared(tuple(preferences.items()))


@lru_cache(maxsize=4096)
def _shared(made: Preferences) -> Preferences:
    return made


@dataclass(frozen=True)
class Topic:
    """A topic as SES takes it."""

    name: str
    display_name: str
    description: str | None
    default_status: str


Row = tuple[str, Preferences, bool, str | None, float, float]


class Contact(NamedTuple):
    """A contact's row with names. `attributes` is the text of a JSON object. Times are epoch seconds."""

    email: str
    preferences: Preferences
    unsubscribed_all: bool
    attributes: str | None
    created_at: float
    updated_at: float


class ContactRecord(NamedTuple):
    """A contact to be filled in, as an import job's line has it."""

    email: str
    preferences: Preferences = ()
    unsubscribed_all: bool = False
    attributes: str | None = None


@dataclass
class ContactList:
    """A list and its contacts. `token_key` signs its NextTokens, so that no other list takes them."""

    name: str
    description: str | None
    topics: dict[str, Topic]
    tags: dict[str, str]
    created_at: float
    updated_at: float
    token_key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _rows: PagedDict[Row] = field(default_factory=PagedDict)

    def get(self, email: str) -> Contact | None:
        """The contact of exactly this address."""
        row = self._rows.get(email)
        return None if row is None else Contact(*row)

    def put(self, row: Row) -> None:
        """Add a contact, or replace the one of the same address, which keeps its age and its place."""
        known = self._rows.get(row[0])
        if known is not None:
            row = Contact(*row)._replace(created_at=Contact(*known).created_at)
        self._rows.put(row[0], row[:])  # [:] makes a plain tuple of a Contact

    def remove(self, email: str) -> None:
        """Take a contact out."""
        self._rows.remove(email)

    def page(self, start: int, size: int) -> tuple[list[Contact], int | None]:
        """Up to `size` contacts from `start` on, in the order in which they came, and where to go on; None = all."""
        rows, more = self._rows.page(start, size)
        return [Contact(*row) for row in rows], more

    def addresses(self) -> list[str]:
        """Every address."""
        return list(self._rows)

    def forget_topics(self, names: set[str]) -> None:
        """Preferences of topics that are gone go with them."""
        for contact in [Contact(*row) for row in self._rows.values() if any(name in names for name, _ in row[1])]:
            kept = {name: status for name, status in contact.preferences if name not in names}
            self.put(contact._replace(preferences=shared_preferences(kept)))


@dataclass
class Place:
    """SES of one account and Region. Hold `lock` while looking or changing."""

    account: str
    region: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    contact_list: ContactList | None = None
    settings: AccountSettings = field(default_factory=AccountSettings)
    import_jobs: ImportJobs = field(default_factory=ImportJobs)


class Store:
    """All places."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], Place] = {}

    def place(self, account: str, region: str) -> Place:
        """The SES of an account in a Region."""
        with self._lock:
            return self._places.setdefault((account, region), Place(account, region))

    def places(self) -> list[Place]:
        """Every SES that was asked for."""
        with self._lock:
            return list(self._places.values())

    def addresses(self) -> Iterator[str]:
        """Every address held."""
        for place in self.places():
            with place.lock:
                held = [] if place.contact_list is None else place.contact_list.addresses()
            yield from held
