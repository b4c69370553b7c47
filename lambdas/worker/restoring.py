"""Bringing contacts back, one by one, over as many slices as that takes. Never to somebody's loss of privacy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.errors import CustomerError
from worker import backups, contact_changes, contact_list
from worker.backups import Manifest
from worker.contact_changes import Contact
from worker.contact_list import ContactList, Scan, Topic, address, chosen
from worker.job import Job, State
from worker.list_changes import Desire, ListEditor, NewList
from worker.verification import Verification

_Record = dict[str, Any]

# What a record of the backup makes of a contact as it is; None = there is none. None for nobody to be made.
Decide = Callable[[_Record, Contact | None], Contact | None]


class Contacts:
    """A walk over a backup's records. `state` is where the next slice goes on: the part, the line, the numbers."""

    def __init__(self, job: Job, manifest: Manifest, state: State) -> None:
        self.counts: dict[str, int] = {
            "created": 0,
            "updated": 0,
            "unchanged": 0,
            "missing": 0,
            **state.get("counts", {}),
        }
        self._job = job
        self._manifest = manifest
        self._part: int = state.get("part", 1)
        self._line: int = state.get("line", 0)

    def state(self) -> State:
        """JSON, without addresses."""
        return {"counts": self.counts, "part": self._part, "line": self._line}

    def restore(self, list_name: str, decide: Decide, listing: Listing, verification: Verification) -> None:
        """Restore every record that is still to come; those that are as they were cost no call."""
        while self._part <= self._manifest.parts:
            records = backups.records(self._job, self._manifest, self._part)
            for record in records[self._line :]:
                ending = "unchanged"
                if not listing.has(record):
                    ending = self._one(list_name, record, decide, listing, verification)
                self.counts[ending] += 1
                self._line += 1
            self._part, self._line = self._part + 1, 0

    def _one(
        self, list_name: str, record: _Record, decide: Decide, listing: Listing, verification: Verification
    ) -> str:
        missing = False

        def wish(now: Contact | None, _others: Sequence[Contact]) -> Contact | None:
            nonlocal missing
            decided = decide(record, now)
            missing = now is None and decided is None
            return decided

        email = record["email"]
        changed = contact_changes.change(self._job, list_name, email, wish, absent=listing.lacks(record))
        verification.saw(email, changed.before)
        if changed.ending in ("created", "updated") and not self._job.dry_run:
            verification.wrote(email)
        return "missing" if missing else changed.ending


def private(topics: Iterable[Topic]) -> list[Topic]:
    """The same topics, with nobody in them by default.

    A topic that comes back with the default OPT_IN would opt in everybody who had opted out, until each of them is
    restored. So it comes back without that, and gets its default when all preferences are there.
    """
    return [topic.model_copy(update={"default_status": "OPT_OUT"}) for topic in topics]


class Topics:
    """The topics of a backup: first they come back with nobody in them by default, then they get their defaults.

    Whatever topics somebody adds to the list meanwhile stay in it. `added` are those that this run brought back.
    """

    def __init__(self, job: Job, wanted: Sequence[Topic], state: State) -> None:
        self.added: list[str] = state.get("added", [])
        self.list_created: bool = state.get("list_created", False)
        self.editor = ListEditor(job, state.get("editor", {}))
        self._job = job
        self._wanted = wanted

    def state(self) -> State:
        """What the next slice goes on from; JSON."""
        return {"added": self.added, "list_created": self.list_created, "editor": self.editor.state()}

    def make(self, wish: NewList) -> ContactList:
        """Make the list, unless somebody did meanwhile; the list as it is."""

        def desire(now: ContactList | None) -> Sequence[Topic] | NewList:
            return wish if now is None else self._with_missing(now)

        return self.editor.change(desire, self.note).now

    def bring_back(self, found: ContactList) -> ContactList:
        """Have these topics in the list; the list as it then is. In a dry run only say which would come."""
        if self._job.dry_run:
            self.note(found)
            return found
        if not self._missing(found):
            return found
        return self.editor.change(_of_a_list(self._with_missing), self.note, name=found.name).now

    def finish(self, found: ContactList) -> None:
        """Have these topics as the backup has them, defaults too; others stay as they are."""
        if not self._job.dry_run and self._wanted:
            by_name = {topic.name: topic for topic in self._wanted}
            desire = _of_a_list(lambda now: [by_name.get(topic.name, topic) for topic in now.topics])
            self.editor.change(desire, name=found.name)

    def note(self, before: ContactList | None) -> None:
        """Remember which topics a write brought back to the list as it was before."""
        self.list_created |= before is None
        missing = [] if before is None else self._missing(before)
        self.added += [topic.name for topic in missing if topic.name not in self.added]

    def _with_missing(self, now: ContactList) -> list[Topic]:
        return [*now.topics, *private(self._missing(now))]

    def _missing(self, now: ContactList) -> list[Topic]:
        have = {topic.name for topic in now.topics}
        return [topic for topic in self._wanted if topic.name not in have]


class Restore:
    """A restore of one customer, over as many slices as that takes. `state` is JSON, without addresses."""

    def __init__(self, job: Job, manifest: Manifest, wanted: Sequence[Topic], state: State) -> None:
        self.contacts = Contacts(job, manifest, state.get("contacts", {}))
        self.topics = Topics(job, wanted, state.get("topics", {}))
        self._job = job
        self._verification = Verification(job, state.get("verification", {}))
        self._listed: bool = state.get("listed", False)
        self._over: bool = state.get("over", False)

    def state(self) -> State:
        """What the next slice goes on from."""
        return {
            "contacts": self.contacts.state(),
            "topics": self.topics.state(),
            "verification": self._verification.state(),
            "listed": self._listed,
            "over": self._over,
        }

    def find(self, *, needed: bool = False) -> ContactList | None:
        """The customer's list as it is; None when there is none. One that is `needed` is looked for for a while."""
        return self.topics.editor.find(needed=needed)

    def run(self, found: ContactList, decide: Decide) -> None:
        """Bring the topics back, then the contacts, then the topics' defaults; SliceTimeoutError on the way."""
        if self._over:
            return
        found = self.topics.bring_back(found)
        listing = Listing()
        if not (self._job.dry_run and self.topics.list_created):
            listing.read(self._job, found, self._verification if not self._listed else None)
            self._listed = True
        self.contacts.restore(found.name, decide, listing, self._verification)
        self.topics.finish(found)
        self._over = True

    def verify(self, *, deliberate: bool = False) -> CustomerError | None:
        """Look afterwards, if any contact was written; the failure if somebody would get mail against their word."""
        if self._job.dry_run or not self._verification.changed:
            return None
        return self._verification.verdict(deliberate=deliberate)


class Listing:
    """Who is in the list, and how: one request a thousand contacts instead of one each.

    Only digests are kept, so that a long list fits. Of nobody it can be wrong for longer than a moment: a contact that
    comes meanwhile is refused by SES, and then asked for.
    """

    def __init__(self) -> None:
        self._emails: set[bytes] = set()
        self._states: set[bytes] = set()

    def read(self, job: Job, found: ContactList, verification: Verification | None) -> None:
        """Read the whole list, and tell `verification` of it."""
        for page in Scan({"list": found.model_dump(mode="json")}).pages(job, self._forget):
            if verification is not None:
                verification.saw_all(map(contact_list.record, page))
            for one in page:
                email = address(one)
                self._emails.add(_digest(email))
                self._states.add(_digest(email, bool(one.get("UnsubscribeAll")), chosen(one)))

    def _forget(self) -> None:
        self._emails.clear()
        self._states.clear()

    def lacks(self, record: _Record) -> bool:
        """Whether there is no such contact."""
        return _digest(record["email"]) not in self._emails

    def has(self, record: _Record) -> bool:
        """Whether there is one just so; no, if only asking for it can tell."""
        if record.get("attributes") is not None:
            return False
        state = _digest(record["email"], record.get("unsubscribed_all", False), record["preferences"])
        return state in self._states


def _of_a_list(desire: Callable[[ContactList], list[Topic]]) -> Desire:
    """The same for a list that must be there: a restore that began with a list makes no other one."""

    def desired(now: ContactList | None) -> list[Topic]:
        if now is None:
            text = "the contact list is gone since this run began; run it again"
            raise CustomerError("operation", "NoContactList", text, retryable=True)
        return desire(now)

    return desired


def _digest(*parts: object) -> bytes:
    text = "\n".join(str(sorted(part.items())) if isinstance(part, dict) else str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=10).digest()
