"""The strict SES: it refuses what AWS refuses, and pages as AWS pages. There is no HTTP in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from strict_aws.conditions import unset_members
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.conditions.rate import RateLimit, Throttle
from strict_aws.paging.page_tokens import Asked
from strict_aws.ses import account as accounts
from strict_aws.ses import identity_operations, truth
from strict_aws.ses.account import AccountSettings, Standing
from strict_aws.ses.contact_lists import Answer, ContactListOperations, Params, wanted
from strict_aws.ses.contacts import ContactOperations
from strict_aws.ses.filling import fill, made_rows
from strict_aws.ses.identities import Identities, Identity
from strict_aws.ses.import_jobs import ImportJobOperations
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.listing import list_contacts
from strict_aws.ses.objects import NoObjects, ObjectSource
from strict_aws.ses.rate import too_many_requests
from strict_aws.ses.store import Contact, ContactRecord, Place, Store, Topic
from strict_aws.ses.suppression import SuppressionOperations

_Operation = Callable[[Place, Params], Answer]
_READING = ("Get", "List")


class StrictSes:
    """SES's contact lists, contacts, import jobs, suppression lists and identities. Safe to use from many threads.

    `operations` are the names that it serves. `rate` None means no throttle. `clock` returns epoch seconds. `objects`
    is what import jobs read from: without it every job is refused. `failed_records_url` returns an import job's
    FailedRecordsS3Url for the token that `failed_records` takes. `conditions` None means those of the preset `kind`.

    Before anything is asked of an account in a Region, its import jobs do what they were due to do by then. With a read
    lag every reading call sees the state of a moment of its own; writes act on the newest state.
    """

    def __init__(
        self,
        *,
        rate: RateLimit | None,
        clock: Callable[[], float] = time.time,
        objects: ObjectSource | None = None,
        failed_records_url: Callable[[str], str] = "https://failed-records.invalid/{}".format,
        conditions: CurrentConditions | None = None,
    ) -> None:
        self._clock = clock
        self._conditions = conditions or CurrentConditions()
        self._throttle = None if rate is None else Throttle(rate, clock)
        self._store = Store()
        self._jobs = ImportJobOperations(clock, objects or NoObjects(), failed_records_url)
        lists, contacts = ContactListOperations(clock), ContactOperations(clock)
        suppression = SuppressionOperations(clock)
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
            "CreateImportJob": self._jobs.create_import_job,
            "GetImportJob": self._jobs.get_import_job,
            "ListImportJobs": self._jobs.list_import_jobs,
            "PutSuppressedDestination": suppression.put_suppressed_destination,
            "GetSuppressedDestination": suppression.get_suppressed_destination,
            "DeleteSuppressedDestination": suppression.delete_suppressed_destination,
            "ListSuppressedDestinations": suppression.list_suppressed_destinations,
            "PutAccountSuppressionAttributes": suppression.put_account_suppression_attributes,
            "GetAccount": _get_account,
            "GetEmailIdentity": identity_operations.get_email_identity,
            "ListEmailIdentities": identity_operations.list_email_identities,
        }
        self.operations = frozenset(self._operations)

    @contextmanager
    def _place(self, account: str, region: str) -> Iterator[Place]:
        """Yield SES of an account in a Region, locked, and with its import jobs advanced to now."""
        place = self._store.place(account, region)
        with place.lock:
            place.retention.seconds = self._conditions.now.read_lag_seconds
            self._jobs.advance(place)
            yield place

    def call(self, account: str, region: str, operation: str, params: Params, *, caller: str | None = None) -> Answer:
        """Return the answer to one request in botocore's shapes, with times as epoch seconds.

        Raise AwsError as SES would. `caller` is the access key id that signed the request: NextTokens may be valid for
        that key only.
        """
        if self._throttle is not None and not self._throttle.admits((account, region)):
            raise too_many_requests()
        with self._place(account, region) as place:
            seen = self._seen(place, caller) if operation.startswith(_READING) else place
            answer = self._operations[operation](seen, params)
        return unset_members.leave_out("sesv2", operation, answer, self._conditions)

    def _seen(self, place: Place, caller: str | None) -> Place:
        """Return the place as this reading call sees it."""
        conditions = self._conditions.now
        lag, seconds, own_only = conditions.read_lag_seconds, conditions.token_seconds, conditions.tokens_of_session
        if lag <= 0 and seconds is None and not own_only:
            return place
        now = self._clock()
        return place.seen(now - self._conditions.up_to(lag) if lag > 0 else None, Asked(caller, now, seconds, own_only))

    def create_list(
        self, account: str, region: str, name: str, *, description: str | None, topics: Sequence[Mapping[str, Any]]
    ) -> None:
        """Make the account's list as the API would, without the throttle. `topics` are in the API's shape.

        Every read sees the list at once, also one that lags.
        """
        params = {"ContactListName": name, "Description": description, "Topics": topics}
        with self._place(account, region) as place:
            self._operations["CreateContactList"](place, params)
            place.forget()

    def fill(self, account: str, region: str, list_name: str, contacts: Iterable[ContactRecord]) -> int:
        """Put many contacts into a list at once, without the throttle, and return how many there were.

        One with the address of a known contact replaces it, as an import job's PUT does (observed). Either all are put
        or, when one is refused, none. Every read sees them at once, also one that lags.
        """
        params = {"ContactListName": list_name}
        with self._place(account, region) as place:
            wanted(place, params)
        # The lock is free meanwhile: a million take seconds, and where they come from may ask this SES, too.
        made = made_rows(contacts, self._clock())
        with self._place(account, region) as place:
            fill(wanted(place, params), made)
            place.forget()
        return len(made)

    def truth(self, account: str, region: str, list_name: str | None = None) -> bytes:
        """Return a list as it really is now as JSON lines: itself with its topics, then its contacts.

        Contacts have the form of an import job's records. Without a name, return the account's lists without their
        contacts. Raise AwsError 404 when there is no such list.
        """
        with self._place(account, region) as place:
            if list_name is not None:
                return truth.as_lines(wanted(place, {"ContactListName": list_name}))
            return b"" if place.contact_list is None else truth.list_line(place.contact_list)

    def topics(self, account: str, region: str, list_name: str) -> tuple[str, ...]:
        """Return the names of a list's topics as they are now, whatever the conditions."""
        return tuple(topic.name for topic in self.true_topics(account, region, list_name))

    def true_topics(self, account: str, region: str, list_name: str) -> list[Topic]:
        """Return a list's topics as they are now, whatever the conditions.

        Raise AwsError when there is no such list.
        """
        with self._place(account, region) as place:
            return list(wanted(place, {"ContactListName": list_name}).topics.values())

    def true_contacts(self, account: str, region: str, list_name: str) -> list[Contact]:
        """Return a list's contacts as they are now, whatever the conditions.

        Raise AwsError when there is no such list.
        """
        with self._place(account, region) as place:
            return wanted(place, {"ContactListName": list_name}).contacts()

    def set_account(
        self,
        account: str,
        region: str,
        *,
        production_access: bool = True,
        sending_enabled: bool = True,
        standing: Standing | None = None,
        reasons: Sequence[str] | None = None,
    ) -> None:
        """Set what GetAccount answers for an account in a Region, from now on and in every read.

        `standing` None means a good one, `reasons` None that those of the suppression list stay as they are.
        """
        with self._place(account, region) as place:
            place.settings = AccountSettings(production_access, sending_enabled, standing or Standing())
            if reasons is not None:
                place.suppression.reasons.set(tuple(reasons), self._clock())
                place.suppression.reasons.forget()

    def set_identities(self, account: str, region: str, wanted: Iterable[Identity]) -> None:
        """Replace the identities of an account in a Region, from now on and in every read."""
        with self._place(account, region) as place:
            place.identities = Identities.of(wanted)

    def set_import_jobs(self, account: str, region: str, settings: ImportJobSettings) -> None:
        """Set how long the next import jobs take and whether they fail; existing jobs go on as before."""
        with self._place(account, region) as place:
            place.import_jobs.settings = settings

    def advance_import_jobs(self) -> None:
        """Let all import jobs do what they were due to do by now: call this before changing what they read."""
        for place in self._store.places():
            with self._place(place.account, place.region):
                pass

    def failed_records(self, token: str) -> bytes | None:
        """Return the records of an import job that failed, as JSON lines `{"emailAddress": …, "reason": …}`.

        emailAddress is null where none could be read. Return None for an unknown token.
        """
        return self._jobs.failed.get(token)

    def addresses(self) -> Iterator[str]:
        """Yield every address that is held, so that logs can be searched for them."""
        self.advance_import_jobs()
        return self._store.addresses()


def _get_account(place: Place, _: Params) -> Answer:
    return accounts.get_account(place.settings, place.suppression.reasons.as_of(place.at))
