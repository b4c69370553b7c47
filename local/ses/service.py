"""The strict SES: refuses what AWS refuses, pages as AWS pages. No HTTP in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from local.ses import account as accounts
from local.ses.account import AccountSettings
from local.ses.contact_lists import Answer, ContactListOperations, Params, wanted
from local.ses.contacts import ContactOperations
from local.ses.filling import fill, made_rows
from local.ses.listing import list_contacts
from local.ses.rate import RateLimit, Throttle
from local.ses.store import ContactRecord, Place, Store

_Operation = Callable[[Place, Params], Answer]


class StrictSes:
    """Contact lists and contacts of every account and Region. Safe to call from many threads.

    `operations` are the names it serves. `rate` None = no throttle. `clock` gives epoch seconds.
    """

    def __init__(self, *, rate: RateLimit | None, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._throttle = None if rate is None else Throttle(rate, clock)
        self._store = Store()
        lists, contacts = ContactListOperations(clock), ContactOperations(clock)
        self._operations: dict[str, _Operation] = {
            "CreateContactList": lists.create_contact_list,
            "GetContactList": lists.get_contact_list,
            "ListContactLists": lists.list_contact_lists,
            "UpdateContactList": lists.update_contact_list,
            "DeleteContactList": lists.delete_contact_list,
            "CreateContact": contacts.create_contact,
            "GetContact": contacts.get_contact,
            "UpdateContact": contacts.update_contact,
            "DeleteContact": contacts.delete_contact,
            "ListContacts": list_contacts,
            "GetAccount": lambda place, _: accounts.get_account(place.settings),
        }
        self.operations = frozenset(self._operations)

    def call(self, account: str, region: str, operation: str, params: Params) -> Answer:
        """Answer one request in botocore's shapes, times as epoch seconds; AwsError as SES would."""
        if self._throttle is not None:
            self._throttle.take(account, region)
        place = self._store.place(account, region)
        with place.lock:
            return self._operations[operation](place, params)

    def create_list(
        self, account: str, region: str, name: str, *, description: str | None, topics: Sequence[Mapping[str, Any]]
    ) -> None:
        """Make the account's list as the API would, past the throttle. `topics` are of the API's shape."""
        place = self._store.place(account, region)
        params = {"ContactListName": name, "Description": description, "Topics": topics}
        with place.lock:
            self._operations["CreateContactList"](place, params)

    def fill(self, account: str, region: str, list_name: str, contacts: Iterable[ContactRecord]) -> int:
        """Put many contacts into a list at once, past the throttle; how many there were.

        One that has the address of a known contact replaces it outright, as an import job's PUT does (observed).
        All are put or, where one is refused, none.
        """
        place, params = self._store.place(account, region), {"ContactListName": list_name}
        with place.lock:
            wanted(place, params)
        # The lock is free meanwhile: a million take seconds, and where they come from may ask this SES, too.
        made = made_rows(contacts, self._clock())
        with place.lock:
            fill(wanted(place, params), made)
        return len(made)

    def topics(self, account: str, region: str, list_name: str) -> tuple[str, ...]:
        """The names of a list's topics."""
        place = self._store.place(account, region)
        with place.lock:
            return tuple(wanted(place, {"ContactListName": list_name}).topics)

    def set_account(self, account: str, region: str, *, production_access: bool, sending_enabled: bool) -> None:
        """What GetAccount says of an account."""
        place = self._store.place(account, region)
        with place.lock:
            place.settings = AccountSettings(production_access, sending_enabled)

    def addresses(self) -> Iterator[str]:
        """Every address held, for searching logs."""
        return self._store.addresses()
