"""Preferences for topics that are about to be removed: they are saved, and compared again right before the removal."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ses_fleet import limits
from ses_fleet.worker import backups
from ses_fleet.worker.backups import BackupWriter
from ses_fleet.worker.contact_list import ContactList, ContactScan, address, explicit_preferences
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.paced_client import UnitClient
from ses_fleet.worker.record_files import Record


class PreferencesChangedError(Exception):
    """A preference for a topic that is to be removed changed since the preferences were saved."""


class TopicBackup:
    """The backup of one customer's prune, over as many slices as that takes.

    `going` are the names of the topics to be removed. `location` is the backup's s3:// URI once it is complete. `state`
    is JSON, without addresses.
    """

    def __init__(self, context: ActionContext, state: State) -> None:
        self._context = context
        self.going: tuple[str, ...] = tuple(state.get("going", ()))
        self.location: str | None = state.get("location")
        self._generation: int = state.get("generation", 1)
        self._scan = ContactScan(state.get("scan", {}))
        self._writer = BackupWriter(context, state.get("written", {}), generation=self._generation)
        self._contacts: int = state.get("contacts", 0)  # of the whole list
        self._warned = False
        self._cut: int = state.get("cut", 0)  # slices that ended during the comparison

    def state(self) -> State:
        """Return what the next slice continues from."""
        return {
            "going": list(self.going),
            "location": self.location,
            "generation": self._generation,
            "scan": self._scan.state() if self.going else {},
            "written": self._writer.state(),
            "contacts": self._contacts,
            "cut": self._cut,
        }

    def begin(self, found: ContactList, going: tuple[str, ...]) -> None:
        """Begin the backup of the preferences for these topics. Raise SliceTimeoutError when it takes another slice."""
        self.going = going
        self._scan = _scan_of(found)
        self.resume()

    def resume(self) -> None:
        """Save what is still missing, if a backup was begun and is not complete."""
        found = self._scan.found
        if self.location is not None or found is None:
            return
        for page in self._scan.pages(self._context, self._forget):
            self._contacts += len(page)
            self._writer.add(self._records(page))
        saved = (found, self.going, self._writer)
        self.location = backups.complete(self._context, "topics", *saved, generation=self._generation)

    @property
    def requests(self) -> int:
        """Return how many requests to reserve for `compare`: with the two that follow it, no more than a burst."""
        if self.location is None:
            return 0
        return min(1 + self._contacts // limits.SES_PAGE_SIZE, max(0, self._context.settings.ses_burst - 2))

    def compare(self, client: UnitClient) -> None:
        """Read the list again, in the unit that removes the topics.

        Raise PreferencesChangedError when a preference changed.

        This is left out, with a warning, for a list that changes all the time or that one slice is too short to read.
        """
        if self.location is None or self._is_given_up():
            return
        saved = {_digest(record) for record in self._writer.records()}
        found = self._scan.found
        assert found is not None  # noqa: S101  # what was saved was of a list
        for page in _scan_of(found).pages(self._context, lambda: None, ses=client):
            if not all(_digest(record) in saved for record in self._records(page)):
                raise PreferencesChangedError

    def note_interrupted(self) -> None:
        """Note that a slice ended before the comparison and the removal were over; both must fit in one slice."""
        self._cut += self.location is not None

    def start_over(self) -> None:
        """Save all preferences again, in a new backup of the same run; the newest one counts."""
        self._context.log(f"🔁 Customer {self._context.code}: preferences changed meanwhile; saving them again")
        found = self._scan.found
        assert found is not None  # noqa: S101  # what was saved was of a list
        self._generation += 1
        self._writer = BackupWriter(self._context, {}, generation=self._generation)
        self._contacts, self.location = 0, None
        self.begin(found, self.going)

    def _is_given_up(self) -> bool:
        if max(self._generation, self._cut) < limits.CHANGE_ATTEMPTS:
            return False
        if self._warned:
            return True
        self._warned = True  # the unit may run several times
        self._context.warn(
            "the preferences for the topics to remove were not compared again right before the removal, because the "
            "list is large or changes all the time: choices made since they were saved are not in the backup"
        )
        return True

    def _records(self, page: list[dict[str, Any]]) -> list[Record]:
        chose = [(address(contact), explicit_preferences(contact)) for contact in page]
        going = [(email, {name: said[name] for name in said if name in self.going}) for email, said in chose]
        return [{"email": email, "preferences": said} for email, said in going if said]

    def _forget(self) -> None:
        self._contacts = 0
        self._writer.restart()


def _scan_of(found: ContactList) -> ContactScan:
    return ContactScan({"list": found.model_dump(mode="json")})


def _digest(record: Record) -> bytes:
    return hashlib.blake2b(json.dumps(record, sort_keys=True).encode(), digest_size=limits.DIGEST_BYTES).digest()
