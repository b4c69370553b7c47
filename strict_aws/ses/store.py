"""What the strict SES remembers: one contact list per account and Region with its contacts, and more.

A million contacts must fit: equal preferences are mostly one object, and a contact is kept as a plain tuple. Python's
garbage collector does not follow those, while a million objects of a class would cost every full collection 0.1 s.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from strict_aws.conditions.history import Remembered, RememberingDict, Retention
from strict_aws.paging.page_tokens import ANYBODY, Asked
from strict_aws.ses.account import REASONS, AccountSettings
from strict_aws.ses.identities import Identities
from strict_aws.ses.jobs import ImportJobs

Preferences = tuple[tuple[str, str], ...]


def shared_preferences(preferences: dict[str, str]) -> Preferences:
    """Return `{topic: status}` as a tuple, which equal preferences share."""
    return _shared(tuple(preferences.items()))


@lru_cache(maxsize=4096)
def _shared(made: Preferences) -> Preferences:
    return made


@dataclass(frozen=True)
class Topic:
    """A topic with the members that SES takes."""

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
    """A contact that is to be put, with the members of an import job's record."""

    email: str
    preferences: Preferences = ()
    unsubscribed_all: bool = False
    attributes: str | None = None


@dataclass(frozen=True)
class Heading:
    """What UpdateContactList changes of a list. `updated_at` is epoch seconds."""

    description: str | None
    topics: dict[str, Topic]
    updated_at: float


@dataclass
class ContactList:
    """A list and its contacts. `token_key` signs its NextTokens, so that no other list takes them.

    `at` None means as it is now; else it is read as it was at that time, and must not be changed.
    """

    name: str
    tags: dict[str, str]
    created_at: float
    _heading: Remembered[Heading]
    _rows: RememberingDict[Row]
    token_key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    at: float | None = None

    @classmethod
    def new(cls, name: str, tags: dict[str, str], heading: Heading, retention: Retention) -> ContactList:
        """Return an empty list that was made when its heading was."""
        return cls(name, tags, heading.updated_at, Remembered(heading, retention), RememberingDict(retention))

    @property
    def heading(self) -> Heading:
        """The description, the topics and when they changed."""
        return self._heading.as_of(self.at)

    @property
    def topics(self) -> dict[str, Topic]:
        """The topics by name, in the order in which they were sent."""
        return self.heading.topics

    def as_of(self, at: float) -> ContactList:
        """Return the list as it was at that time. It must not be changed."""
        return replace(self, at=at)

    def change_heading(self, heading: Heading) -> None:
        """Set another description and other topics, from the heading's `updated_at` on."""
        self._heading.set(heading, heading.updated_at)

    def get(self, email: str) -> Contact | None:
        """Return the contact of exactly this address, or None when there is none."""
        row = self._rows.get_as_of(email, self.at)
        return None if row is None else Contact(*row)

    def put(self, row: Row, at: float | None) -> None:
        """Add a contact, or replace the one of the same address, which keeps its age and its place.

        It is there from `at` on; `at` None means that it seems to have been there always.
        """
        known = self._rows.get(row[0])
        if known is not None:
            row = Contact(*row)._replace(created_at=Contact(*known).created_at)
        plain = row[:]  # [:] makes a plain tuple of a Contact
        if at is None:
            self._rows.put(row[0], plain)
        else:
            self._rows.change(row[0], plain, at)

    def remove(self, email: str, at: float) -> None:
        """Remove a contact from `at` on."""
        self._rows.take_out(email, at)

    def forget(self) -> None:
        """Forget earlier states, so that the list seems to have been always as it is."""
        self._heading.forget()
        self._rows.forget()

    def page(self, start: int, size: int) -> tuple[list[Contact], int | None]:
        """Return up to `size` contacts from `start` on in the order in which they came, and where the next page starts.

        The latter is None on the last page.
        """
        rows, more = self._rows.page_as_of(start, size, self.at)
        return [Contact(*row) for row in rows], more

    def contacts(self) -> list[Contact]:
        """Return all contacts as they are now, in the order in which they came."""
        return [Contact(*row) for row in self._rows.values()]

    def addresses(self) -> list[str]:
        """Return the addresses of all contacts."""
        return list(self._rows)

    def forget_topics(self, names: set[str], at: float) -> None:
        """Remove the preferences for topics that were removed."""
        for contact in [Contact(*row) for row in self._rows.values() if any(name in names for name, _ in row[1])]:
            kept = {name: status for name, status in contact.preferences if name not in names}
            self.put(contact._replace(preferences=shared_preferences(kept)), at)


class Suppressed(NamedTuple):
    """An address on the suppression list. `updated_at` is epoch seconds."""

    email: str
    reason: str
    updated_at: float


@dataclass
class Suppression:
    """An account's suppression list in a Region, and for which reasons SES puts addresses there by itself."""

    listed: RememberingDict[Suppressed]
    reasons: Remembered[tuple[str, ...]]
    token_key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @classmethod
    def new(cls, retention: Retention) -> Suppression:
        """Return an empty suppression list for bounces and complaints."""
        return cls(RememberingDict(retention), Remembered(REASONS, retention))


@dataclass
class Place:
    """SES of one account and Region. Hold `lock` while reading or changing it.

    `at` None means as it is now; else it is read as it was at that time, and must not be changed. `asked` is who reads.
    """

    account: str
    region: str
    retention: Retention
    suppression: Suppression
    lists: Remembered[ContactList | None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    settings: AccountSettings = field(default_factory=AccountSettings)
    import_jobs: ImportJobs = field(default_factory=ImportJobs)
    identities: Identities = field(default_factory=Identities)
    at: float | None = None
    asked: Asked = ANYBODY

    @classmethod
    def new(cls, account: str, region: str) -> Place:
        """Return a place without any list, contacts and jobs."""
        retention = Retention()
        nothing: ContactList | None = None
        return cls(account, region, retention, Suppression.new(retention), Remembered(nothing, retention))

    @property
    def contact_list(self) -> ContactList | None:
        """The one list that there may be, or None."""
        found = self.lists.as_of(self.at)
        return found if found is None or self.at is None else found.as_of(self.at)

    def seen(self, at: float | None, asked: Asked) -> Place:
        """Return the place as it was at that time for this reader; `at` None means as it is now."""
        jobs = self.import_jobs if at is None else self.import_jobs.as_of(at)
        return replace(self, at=at, asked=asked, import_jobs=jobs)

    def forget(self) -> None:
        """Forget earlier states of the list, so that it seems to have been always as it is."""
        self.lists.forget()
        if self.lists.now is not None:
            self.lists.now.forget()

    def addresses(self) -> list[str]:
        """Return every address that is held in the place."""
        found = self.lists.now
        listed = found.addresses() if found is not None else []
        return [*listed, *self.suppression.listed, *self.identities.addresses()]


class Store:
    """The places of all accounts and Regions. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], Place] = {}

    def place(self, account: str, region: str) -> Place:
        """Return SES of an account in a Region, which is made when it is first asked for."""
        with self._lock:
            found = self._places.get((account, region))
            if found is None:  # making one in vain at every call would take a third of the call's time
                found = self._places[account, region] = Place.new(account, region)
            return found

    def places(self) -> list[Place]:
        """Return all places that were asked for."""
        with self._lock:
            return list(self._places.values())

    def addresses(self) -> Iterator[str]:
        """Yield every address that is held in any place."""
        for place in self.places():
            with place.lock:
                held = place.addresses()
            yield from held
