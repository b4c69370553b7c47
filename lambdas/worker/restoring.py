"""Bringing contacts back, one by one, over as many slices as that takes. Never to somebody's loss of privacy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared import limits
from shared.errors import AwsCallError
from worker import backups
from worker.backups import Manifest
from worker.contact_list import ContactList, Scan, Topic, address, api_preferences, chosen
from worker.job import Job, State
from worker.list_changes import change

_Record = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """How a contact should be. `attributes` None = as they are."""

    preferences: dict[str, str]
    unsubscribed_all: bool
    attributes: str | None = None


@dataclass(frozen=True)
class Contact:
    """How a contact is."""

    preferences: dict[str, str]
    unsubscribed_all: bool
    attributes: str | None


# What a record of the backup makes of a contact as it is; None = there is none. None for nobody to be made.
Decide = Callable[[_Record, Contact | None], Wish | None]


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

    def restore(self, list_name: str, decide: Decide, listing: Listing) -> None:
        """Restore every record that is still to come; those that are as they were cost no call."""
        while self._part <= self._manifest.parts:
            records = backups.records(self._job, self._manifest, self._part)
            for record in records[self._line :]:
                outcome = "unchanged" if listing.has(record) else self._one(list_name, record, decide, listing)
                self.counts[outcome] += 1
                self._line += 1
            self._part, self._line = self._part + 1, 0

    def _one(self, list_name: str, record: _Record, decide: Decide, listing: Listing) -> str:
        for attempt in range(1, limits.CHANGE_ATTEMPTS + 1):
            absent = attempt == 1 and listing.lacks(record)
            now = None if absent else get(self._job, list_name, record["email"])
            wish = decide(record, now)
            if wish is None:
                return "missing"
            if now is not None and _equal(now, wish):
                return "unchanged"
            try:
                self._write(list_name, record["email"], now, wish)
            except AwsCallError as failure:
                made_meanwhile = failure.code == "AlreadyExistsException"
                if attempt == limits.CHANGE_ATTEMPTS or not (made_meanwhile or failure.kind == "conflict"):
                    raise
                continue
            return "created" if now is None else "updated"
        raise AssertionError("unreachable")

    def _write(self, list_name: str, email: str, now: Contact | None, wish: Wish) -> None:
        if self._job.dry_run:
            return
        attributes = wish.attributes if wish.attributes is not None or now is None else now.attributes
        # The whole state, as what an update omits is lost.
        request: dict[str, Any] = {
            "ContactListName": list_name,
            "EmailAddress": email,
            "TopicPreferences": api_preferences(wish.preferences),
            "UnsubscribeAll": wish.unsubscribed_all,
        }
        if attributes is not None:
            request["AttributesData"] = attributes
        self._job.ses.write("create_contact" if now is None else "update_contact", **request)


def get(job: Job, list_name: str, email: str) -> Contact | None:
    """A contact as it is, or None."""
    try:
        answer = job.ses.read("get_contact", ContactListName=list_name, EmailAddress=email)
    except AwsCallError as failure:
        if failure.status == 404:
            return None
        raise
    return Contact(chosen(answer), bool(answer.get("UnsubscribeAll")), answer.get("AttributesData"))


def contact_record(email: str, contact: Contact) -> dict[str, Any]:
    """A contact as a backup with attributes has it."""
    return {
        "email": email,
        "preferences": contact.preferences,
        "unsubscribed_all": contact.unsubscribed_all,
        "attributes": contact.attributes,
    }


def private(topics: list[Topic]) -> list[Topic]:
    """The same topics, with nobody in them by default.

    A topic that comes back with the default OPT_IN would opt in everybody who had opted out, until each of them is
    restored. So it comes back without that, and gets its default when all preferences are there.
    """
    return [topic.model_copy(update={"default_status": "OPT_OUT"}) for topic in topics]


def bring_topics_back(job: Job, found: ContactList, wanted: list[Topic]) -> tuple[ContactList, list[str]]:
    """Have these topics in the list, new ones with nobody in them by default; the list as it then is, the new ones."""
    have = {topic.name for topic in found.topics}
    new = [topic for topic in wanted if topic.name not in have]
    if job.dry_run or not new:
        return found, [topic.name for topic in new]
    changed = change(job, found, lambda now: [*now.topics, *private(_without(new, now))])
    return changed.now, [topic.name for topic in new]


def finish_topics(job: Job, found: ContactList, wanted: list[Topic]) -> None:
    """Have these topics as the backup has them, defaults too; others stay as they are."""
    if job.dry_run:
        return
    by_name = {topic.name: topic for topic in wanted}
    change(job, found, lambda now: [by_name.get(topic.name, topic) for topic in now.topics])


class Listing:
    """Who is in the list, and how: one request a thousand contacts instead of one each.

    Only digests are kept, so that a long list fits. Of nobody it can be wrong for longer than a moment: a contact that
    comes meanwhile is refused by SES, and then asked for.
    """

    def __init__(self) -> None:
        self._emails: set[bytes] = set()
        self._states: set[bytes] = set()

    def read(self, job: Job, found: ContactList) -> None:
        """Read the whole list."""
        for page in Scan({"list": found.model_dump(mode="json")}).pages(job, self._forget):
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


def _without(topics: list[Topic], now: ContactList) -> list[Topic]:
    have = {topic.name for topic in now.topics}
    return [topic for topic in topics if topic.name not in have]


def _equal(now: Contact, wish: Wish) -> bool:
    attributes = wish.attributes is None or wish.attributes == now.attributes
    return attributes and (now.preferences, now.unsubscribed_all) == (wish.preferences, wish.unsubscribed_all)


def _digest(*parts: object) -> bytes:
    text = "\n".join(str(sorted(part.items())) if isinstance(part, dict) else str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=10).digest()
