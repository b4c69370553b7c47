"""A comparison after a run: whether anybody who had opted out or unsubscribed would receive mail now.

A run that changes contacts notes who had unsubscribed or opted out, and whom it wrote. When everything is done it reads
the list again and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ses_fleet import limits
from ses_fleet.errors import CustomerError
from ses_fleet.worker import contact_changes, record_files
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.record_files import Record, RecordFileWriter

_CHOICES, _WRITTEN, _AGAIN = "choices", "written", "subscribed-again"


@dataclass(frozen=True)
class Comparison:
    """What the list shows afterwards. `missing` are expected addresses that are not in it.

    `by_us` and `by_others` are contacts that had opted out and would receive mail now, by whether this run wrote them:
    `{email, said, now, written_by_this_run}`.
    """

    by_us: tuple[Record, ...]
    by_others: tuple[Record, ...]
    missing: tuple[str, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Return whether no expected contact is missing and nobody would receive mail against their choice."""
        return not (self.by_us or self.by_others or self.missing)


class Verification:
    """What a run saw and wrote, over all its slices, and the comparison at its end.

    `state` is JSON without addresses; those lie in S3, with the customer's data of this run.
    """

    def __init__(self, context: ActionContext, state: State) -> None:
        self._context = context
        self._choices = RecordFileWriter(context, context.data_prefix, state.get(_CHOICES, {}), _CHOICES)
        self._written = RecordFileWriter(context, context.data_prefix, state.get(_WRITTEN, {}), _WRITTEN)
        self._snapshot_state: State = state.get("harvest", {})
        self._round: int = state.get("round", 0)

    @property
    def changed(self) -> bool:
        """Return whether this run wrote any contact."""
        return self._written.total > 0

    def state(self) -> State:
        """Return what the next slice continues from."""
        self._choices.flush()
        self._written.flush()
        return {
            _CHOICES: self._choices.state(),
            _WRITTEN: self._written.state(),
            "harvest": self._snapshot_state,
            "round": self._round,
        }

    def note_read(self, email: str, contact: Contact | None) -> None:
        """Note a contact as it was when it was read; None, for one that does not exist, is ignored."""
        if contact is not None:
            self.note_all_read([contact.record(email)])

    def note_all_read(self, records: Iterable[Record]) -> None:
        """Note contacts as the files have them; only those who opted out of something are kept."""
        self._choices.add(choice for record in records if (choice := _choice(record)) is not None)

    def note_written(self, *emails: str) -> None:
        """Note that this run wrote these contacts."""
        self._written.add({"email": email} for email in emails)

    def check(self, *, deliberate: bool = False) -> CustomerError | None:
        """Compare, unless the worker's settings turn that off, and report what was found.

        Return a failure when this run subscribed anybody who had opted out, else None.
        """
        if self._context.settings.verify_contacts == "off":
            self._context.warn("the list was not compared afterwards, because VERIFY_CONTACTS is off")
            return None
        return report(self._context, self.compare(), deliberate=deliberate)

    def compare(self, expected: Collection[str] = ()) -> Comparison:
        """Read the list and compare. `expected` are case-folded addresses that should be in it.

        Read it again, with pauses, while something is not as expected, because reads may lag. Raise SliceTimeoutError
        when the slice ends meanwhile, and CustomerError when the list is gone.
        """
        choices = self._opt_outs()
        folded = {email.casefold() for email in choices} | set(expected)
        return self._compare(expected, choices, self._written_by_us(), lambda: self._read_list(folded))

    def compare_few(self, found: ContactList, most: int) -> Comparison | None:
        """Compare only contacts that this run wrote and that had opted out of something, each asked for alone.

        Return None, and read nothing, when those are more than `most`: then the list is to be read. Raise
        SliceTimeoutError when the slice ends meanwhile; the next slice asks for all of them again.
        """
        choices, written = self._opt_outs(), self._written_by_us()
        asked = sorted(written.intersection(choices))
        if len(asked) > most:
            return None
        return self._compare((), choices, written, lambda: (found, self._read_each(found.name, asked)))

    def _compare(
        self,
        expected: Collection[str],
        choices: dict[str, Record],
        written: set[str],
        read: Callable[[], tuple[ContactList, dict[str, list[Record]]]],
    ) -> Comparison:
        def ours(contact: Record) -> bool:
            return contact["email"] in written or contact["email"].casefold() in expected

        while True:
            found, there = read()
            again = _subscribed_again(found, choices, there)
            comparison = Comparison(
                by_us=tuple({**one, "written_by_this_run": True} for one in again if ours(one)),
                by_others=tuple({**one, "written_by_this_run": False} for one in again if not ours(one)),
                missing=tuple(sorted(set(expected) - there.keys())),
            )
            if comparison.as_expected or self._round == len(limits.READ_BACK_PAUSES_SECONDS):
                return comparison
            pause = limits.READ_BACK_PAUSES_SECONDS[self._round]
            self._round, self._snapshot_state = self._round + 1, {}
            self._context.ses.pause(pause)

    def _read_list(self, wanted: Collection[str]) -> tuple[ContactList, dict[str, list[Record]]]:
        snapshot = ListSnapshot(self._context, f"afterwards-{self._round}", self._snapshot_state)
        try:
            found = snapshot.open()
            if found is None:
                text = f"the contact list of {self._context.code} was deleted after this run changed it"
                raise CustomerError("operation", "NoContactList", text, outcome_unknown=True)
            return found, snapshot.run(lambda contact: contact["email"].casefold() in wanted)
        except SliceTimeoutError:
            self._snapshot_state = snapshot.state()
            raise

    def _read_each(self, list_name: str, emails: Iterable[str]) -> dict[str, list[Record]]:
        there: dict[str, list[Record]] = {}
        for email in emails:
            contact = contact_changes.get(self._context.ses, list_name, email)
            if contact is not None:
                there.setdefault(email.casefold(), []).append(contact.record(email))
        return there

    def _written_by_us(self) -> set[str]:
        return {one["email"] for one in self._read(self._written, _WRITTEN)}

    def _opt_outs(self) -> dict[str, Record]:
        """Return, by address, everything that a contact was seen to have opted out of."""
        said: dict[str, Record] = {}
        for one in self._read(self._choices, _CHOICES):
            before = said.setdefault(one["email"], one)
            if before is not one:
                said[one["email"]] = {
                    "email": one["email"],
                    "unsubscribed_all": before["unsubscribed_all"] or one["unsubscribed_all"],
                    "opted_out": sorted({*before["opted_out"], *one["opted_out"]}),
                }
        return said

    def _read(self, writer: RecordFileWriter, name: str) -> Iterator[Record]:
        writer.flush()
        for number in range(1, writer.parts + 1):
            yield from record_files.records(self._context, writer.prefix, number, name)


def report(context: ActionContext, comparison: Comparison, *, deliberate: bool = False) -> CustomerError | None:
    """Write who was found to S3, warn about what others did, and return a failure for what this run did, or None.

    With `deliberate`, this run was asked to subscribe the contacts that it wrote, so they are no failure.
    """
    by_us = () if deliberate else comparison.by_us
    rows = [*by_us, *comparison.by_others]
    if not rows:
        return None
    writer = RecordFileWriter(context, context.data_prefix, {}, _AGAIN)
    writer.add(rows)
    writer.flush()
    where = f"{context.results.location(context.data_prefix)}{_AGAIN}-*"
    if comparison.by_others:
        context.warn(
            f"{len(comparison.by_others)} contacts that had unsubscribed or opted out were subscribed again during "
            f"this run, by themselves or by another program: see {where}"
        )
    if not by_us:
        return None
    text = (
        f"{len(by_us)} contacts of {context.code} that had unsubscribed or opted out were subscribed again by this "
        f"run: look at {where} and correct them"
    )
    return CustomerError("operation", "SubscribedAgain", text)


def _choice(record: Record) -> Record | None:
    opted_out = sorted(topic for topic, status in record["preferences"].items() if status == "OPT_OUT")
    if not (record["unsubscribed_all"] or opted_out):
        return None
    return {"email": record["email"], "unsubscribed_all": record["unsubscribed_all"], "opted_out": opted_out}


def _subscribed_again(
    found: ContactList, choices: dict[str, Record], there: dict[str, list[Record]]
) -> list[dict[str, Any]]:
    defaults = {topic.name: topic.default_status for topic in found.topics}
    return [
        {"email": now["email"], "said": said, "now": now}
        for contacts in there.values()
        for now in contacts
        if (said := choices.get(now["email"])) is not None and _gets_mail_against(said, now, defaults)
    ]


def _gets_mail_against(said: Record, now: Record, defaults: dict[str, str]) -> bool:
    if now["unsubscribed_all"]:
        return False
    effective = {**defaults, **now["preferences"]}
    return said["unsubscribed_all"] or any(
        effective[topic] == "OPT_IN" for topic in said["opted_out"] if topic in defaults
    )
