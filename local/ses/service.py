"""The strict SES: refuses what AWS refuses, pages as AWS pages. No HTTP in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from local.ses import validation
from local.ses.contact_lists import Answer, ContactListOperations, Params, not_found, wanted
from local.ses.contacts import ContactOperations
from local.ses.rate import RateLimit, Throttle
from local.ses.store import Contact, ContactRecord, Place, Store

_Operation = Callable[[Place, Params], Answer]


class StrictSes:
    """Contact lists and contacts of every account and Region. Safe to call from many threads.

    `rate` None = no throttle. `clock` gives epoch seconds.
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
            "ListContacts": contacts.list_contacts,
            "GetAccount": _get_account,
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
        """Make the account's list, past the throttle."""
        place = self._store.place(account, region)
        params = {"ContactListName": name, "Description": description, "Topics": topics}
        with place.lock:
            self._operations["CreateContactList"](place, params)

    def fill(self, account: str, region: str, list_name: str, contacts: Iterable[ContactRecord]) -> int:
        """Put many contacts into a list at once, each replacing one of the same address; how many there were."""
        place = self._store.place(account, region)
        now, count = self._clock(), 0
        with place.lock:
            found = wanted(place, {"ContactListName": list_name})
            for record in contacts:
                for topic, status in record.preferences:
                    if topic not in found.topics or status not in ("OPT_IN", "OPT_OUT"):
                        raise validation.bad_request(f"List: {found.name} doesn't contain Topic: {topic}")
                email = validation.address(record.email)
                found.put(Contact(email, record.preferences, record.unsubscribed_all, record.attributes, now, now))
                count += 1
        return count

    def topics(self, account: str, region: str, list_name: str) -> tuple[str, ...]:
        """The names of a list's topics."""
        place = self._store.place(account, region)
        with place.lock:
            if place.contact_list is None or place.contact_list.name != list_name:
                raise not_found(list_name)
            return tuple(place.contact_list.topics)

    def set_account(self, account: str, region: str, *, production_access: bool, sending_enabled: bool) -> None:
        """What GetAccount says of an account."""
        place = self._store.place(account, region)
        with place.lock:
            place.production_access, place.sending_enabled = production_access, sending_enabled

    def addresses(self) -> Iterator[str]:
        """Every address held, for searching logs."""
        return self._store.addresses()


def _get_account(place: Place, params: Params) -> Answer:  # noqa: ARG001  # every operation has this form
    return {
        "ProductionAccessEnabled": place.production_access,
        "SendingEnabled": place.sending_enabled,
        "EnforcementStatus": "HEALTHY",
        "DedicatedIpAutoWarmupEnabled": False,
    }
