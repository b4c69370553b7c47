"""find-contact: say for each of some people whether the customer's list has them, and the suppression list.

Nobody is said to be absent unless SES said so of that person, in a list that was there before and afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from ses_fleet.actions.data.find_contact import FindContactData
from ses_fleet.actions.params import FindContactParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people import addresses
from ses_fleet.people.rows import Row
from ses_fleet.worker import contact_changes, contact_list, suppression
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.record_files import RecordFileWriter
from ses_fleet.worker.suppression import Entry, Lookup

PEOPLE = "people"
Answer = TypeVar("Answer")
_Suppressed = Entry | Literal["unknown"] | None


class _Match(NamedTuple):
    """A contact that was found, and whether its address is the row's or that in another case of letters."""

    contact: Contact
    match: Literal["exact", "folded"]


def run(context: ActionContext, params: FindContactParams, state: State) -> Outcome:
    """Look the people up. Records are `{row, found, list, preferences, effective, unsubscribed_all, attributes, match,
    suppressed}`, in `people-*` below `data_location`; `row` is the line of the people file.
    """
    search = _Search(context, params, state)
    try:
        search.run()
    except SliceTimeoutError:
        done, all_ = search.at, len(context.rows)
        context.log(f"⏳ Customer {context.code}: {done} of {all_} people looked up; continuing in another slice")
        return More(search.state())
    data = search.data()
    context.log(f"🔎 Customer {context.code}: {_shown(data)}")
    return Done(data, data_location=context.results.location(search.writer.prefix))


def _shown(data: FindContactData) -> str:
    folded = f" ({data.folded} in another case of letters)" if data.folded else ""
    suppressed = "unknown" if data.suppressed is None else str(data.suppressed)
    return (
        f"of {data.people} people {data.contacts} are contacts of {data.contact_list}{folded}, {data.not_found} are "
        f"not; suppressed: {suppressed}"
    )


class _Search:
    """The search in one customer's account. `at` counts the people who were looked up."""

    def __init__(self, context: ActionContext, params: FindContactParams, state: State) -> None:
        self.at: int = state.get("at", 0)
        self.writer = RecordFileWriter(context, context.data_prefix, state.get("written", {}), PEOPLE)
        self._context = context
        self._snapshot = ListSnapshot(context, "listing", state.get("listing", {})) if params.thorough else None
        kept = state.get("list")
        self._list = None if kept is None else ContactList.model_validate(kept)
        self._suppression = _Suppression(context, state.get("suppression", {}))
        self._counts: dict[str, int] = state.get("counts", {})

    def state(self) -> State:
        """Write every record, and return what the next slice continues from; JSON without addresses."""
        self.writer.flush()
        return {
            "at": self.at,
            "written": self.writer.state(),
            "listing": self._snapshot.state() if self._snapshot else {},
            "list": self._list and self._list.model_dump(mode="json"),
            "suppression": self._suppression.state(),
            "counts": self._counts,
        }

    def run(self) -> None:
        """Look everybody up. Raise SliceTimeoutError when the slice ends before that."""
        context, found = self._context, self._opened()
        listed = self._listed()
        self._suppression.read()
        for number, row in list(context.numbered_rows.items())[self.at :]:
            with_row = _Asked(number, row, found, listed.get(addresses.folded(row.email), []))
            self._keep(with_row, self._match(with_row), self._suppression.of(number))
            self.at += 1
        if self._counts.get("not_found"):
            contact_list.check_is_same(context, found)
        self.writer.flush()

    def data(self) -> FindContactData:
        """Return the counts, once everybody was looked up."""
        assert self._list is not None  # noqa: S101  # run has opened it
        return FindContactData(
            contact_list=self._list.name,
            people=self.at,
            contacts=self._counts.get("contacts", 0),
            folded=self._counts.get("folded", 0),
            not_found=self._counts.get("not_found", 0),
            suppressed=self._counts.get("suppressed", 0) if self._suppression.is_there else None,
            parts=self.writer.parts,
        )

    def _opened(self) -> ContactList:
        if self._list is None:
            self._list = self._snapshot.open() if self._snapshot else contact_list.find(self._context)
        if self._list is None:
            text = (
                f"{self._context.code} has no contact list in {self._context.customer.region}, or not the one that "
                "config.json names: whether anybody is a contact there is not proven"
            )
            raise CustomerError("operation", "NoContactList", text)
        return self._list

    def _listed(self) -> dict[str, list[str]]:
        """Return, by case-folded address, the addresses that the list has of the people; nothing without `thorough`."""
        if self._snapshot is None:
            return {}
        asked = {addresses.folded(row.email) for row in self._context.rows}
        found = self._snapshot.run(lambda contact: addresses.folded(contact["email"]) in asked)
        return {email: [contact["email"] for contact in contacts] for email, contacts in found.items()}

    def _match(self, asked: _Asked) -> _Match | None:
        exact = asked.get(self._context, asked.row.email)
        if exact is not None:
            return _Match(exact, "exact")
        for email in asked.listed:
            contact = None if email == asked.row.email else asked.get(self._context, email)
            if contact is not None:
                return _Match(contact, "folded")
        return None

    def _keep(self, asked: _Asked, found: _Match | None, suppressed: _Suppressed) -> None:
        self._count("not_found" if found is None else "contacts")
        if found is not None and found.match == "folded":
            self._count("folded")
        if isinstance(suppressed, Entry):
            self._count("suppressed")
        shown = suppressed._asdict() if isinstance(suppressed, Entry) else suppressed
        self.writer.add([{"row": asked.number, **_contact(asked.found, found), "suppressed": shown}])

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1


class _Asked(NamedTuple):
    """A row that is looked up: its number, and the addresses in the list that differ from its own by case alone."""

    number: int
    row: Row
    found: ContactList
    listed: list[str]

    def get(self, context: ActionContext, email: str) -> Contact | None:
        """Return the contact of this address, or None when SES says that there is none."""
        return _asked_of_ses(context, self.number, lambda: contact_changes.get(context.ses, self.found.name, email))


class _Suppression:
    """The account's suppression list. `is_there` is False in SES's sandbox, where nobody can read one."""

    def __init__(self, context: ActionContext, state: State) -> None:
        self.is_there: bool = state.get("there", True)
        self._context = context
        self._emails = {number: row.email for number, row in context.numbered_rows.items()}
        self._lookup = Lookup(self._emails, suppression.most_pages(len(self._emails)), state.get("lookup", {}))

    def state(self) -> State:
        """Return what the next slice continues from; JSON without addresses."""
        return {"there": self.is_there, "lookup": self._lookup.state()}

    def read(self) -> None:
        """Read pages of the list if that may be fewer requests than one for each of the people."""
        if self.is_there:
            self._unless_in_sandbox(lambda: self._lookup.read(self._context.ses))

    def of(self, number: int) -> _Suppressed:
        """Return the entry of a row, None for an address that is not on the list, or "unknown"."""
        if self._lookup.is_known(number):
            return self._lookup.entry(number)
        found: _Suppressed = "unknown"

        def ask() -> None:
            nonlocal found
            found = suppression.get(self._context.ses, self._emails[number])

        if self.is_there:
            _asked_of_ses(self._context, number, lambda: self._unless_in_sandbox(ask))
        return found

    def _unless_in_sandbox(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except AwsCallError as failure:
            if not suppression.is_refused_in_sandbox(self._context, failure):
                raise
            self.is_there = False
            self._context.warn(
                "SES is in its sandbox here, where nobody can read the suppression list: it is not known"
            )


def _asked_of_ses(context: ActionContext, number: int, ask: Callable[[], Answer]) -> Answer:
    """Return the answer. Raise CustomerError, which names the row, when SES refuses its address."""
    try:
        return ask()
    except AwsCallError as failure:
        if failure.kind != "refused" or failure.status != 400:
            raise
        text = (
            f"SES refused {failure.operation} for row {number} of the people file ({failure.code}: {failure.text}); "
            f"nothing is proven for {context.code}: correct the row, or leave it out"
        )
        raise CustomerError("operation", failure.code, text) from None


def _contact(found_in: ContactList, found: _Match | None) -> dict[str, Any]:
    if found is None:
        unknown = dict.fromkeys(("preferences", "effective", "unsubscribed_all", "attributes", "match"))
        return {"found": False, "list": found_in.name, **unknown}
    contact = found.contact
    return {
        "found": True,
        "list": found_in.name,
        "preferences": contact.preferences,
        "effective": _effective(found_in, contact),
        "unsubscribed_all": contact.unsubscribed_all,
        "attributes": "no" if contact.attributes is None else "yes",
        "match": found.match,
    }


def _effective(found_in: ContactList, contact: Contact) -> dict[str, str]:
    """Return what the contact gets of each topic: unsubscribing beats a preference, which beats the topic's default."""
    defaults = {topic.name: topic.default_status for topic in found_in.topics}
    return dict.fromkeys(defaults, "OPT_OUT") if contact.unsubscribed_all else {**defaults, **contact.preferences}
