"""Restoring contacts one by one, over as many slices as that takes, and nobody against their choice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ses_fleet import limits
from ses_fleet.config.topics import Topic
from ses_fleet.errors import CustomerError
from ses_fleet.worker import backups, contact_changes, contact_list, pruned_preferences
from ses_fleet.worker.backups import Manifest
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactList, ContactScan, address, explicit_preferences
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.list_changes import Desire, ListEditor, NewList
from ses_fleet.worker.pruned_preferences import IsErased, OptOuts
from ses_fleet.worker.verification import Verification

_Record = dict[str, Any]

# Takes a record of the backup, the contact as it is (None: there is none) and the same person's other contacts, whose
# addresses differ in case; returns the state that the contact should have, or None to leave it absent.
Decide = Callable[[_Record, Contact | None, Sequence[Contact]], Contact | None]


class ContactRestore:
    """Restores the records of a backup.

    `state` has the file, the line and the counts that the next slice continues from.
    """

    def __init__(self, context: ActionContext, manifest: Manifest, state: State) -> None:
        self.counts: dict[str, int] = {
            "created": 0,
            "updated": 0,
            "unchanged": 0,
            "missing": 0,
            **state.get("counts", {}),
        }
        self._context = context
        self._manifest = manifest
        self._part: int = state.get("part", 1)
        self._line: int = state.get("line", 0)

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        return {"counts": self.counts, "part": self._part, "line": self._line}

    def restore(
        self,
        list_name: str,
        decide: Decide,
        listing: CurrentContacts,
        verification: Verification,
        is_erased: IsErased,
    ) -> None:
        """Restore every record that is still to come, but for those of people who were erased since.

        A contact that is as the record has it costs no request.
        """
        while self._part <= self._manifest.parts:
            records = backups.records(self._context, self._manifest, self._part)
            for record in records[self._line :]:
                ending = "unchanged"
                if not (is_erased(record["email"], self._manifest.created_at) or listing.has(record)):
                    ending = self._one(list_name, record, decide, listing, verification)
                if ending != "updated" and is_erased(record["email"], ""):
                    ending = "erased_before"
                self.counts[ending] = self.counts.get(ending, 0) + 1
                self._line += 1
            self._part, self._line = self._part + 1, 0

    def _one(
        self, list_name: str, record: _Record, decide: Decide, listing: CurrentContacts, verification: Verification
    ) -> str:
        missing = False

        def wish(now: Contact | None, others: Sequence[Contact]) -> Contact | None:
            nonlocal missing
            decided = decide(record, now, others)
            missing = now is None and decided is None
            return decided

        email = record["email"]
        absent, also = listing.lacks(record), listing.other_spellings(record)
        changed = contact_changes.change(self._context, list_name, email, wish, also=also, absent=absent)
        verification.note_read(email, changed.before)
        if changed.ending in ("created", "updated") and not self._context.dry_run:
            verification.note_written(email)
        return "missing" if missing else changed.ending


def without_refused(preferences: dict[str, str], others: Sequence[Contact]) -> dict[str, str]:
    """Return these preferences without opt-ins to topics that the person opted out of in another contact of theirs."""

    def is_refused(topic: str) -> bool:
        return any(one.unsubscribed_all or one.preferences.get(topic) == "OPT_OUT" for one in others)

    return {topic: status for topic, status in preferences.items() if status == "OPT_OUT" or not is_refused(topic)}


def opted_out_by_default(topics: Iterable[Topic]) -> list[Topic]:
    """Return the same topics with the default status OPT_OUT.

    A topic that returns with the default OPT_IN would opt in everybody who had opted out, until each of them is
    restored. It gets its own default when all preferences are restored.
    """
    return [topic.model_copy(update={"default_status": "OPT_OUT"}) for topic in topics]


class TopicRestore:
    """Restores the topics of a backup: first with the default status OPT_OUT, and with their own at the end.

    Topics that others add to the list meanwhile stay. `wanted` are the topics of the backup, `added` the names of those
    that this run added.
    """

    def __init__(self, context: ActionContext, wanted: Sequence[Topic], state: State) -> None:
        self.added: list[str] = state.get("added", [])
        self.list_created: bool = state.get("list_created", False)
        self.editor = ListEditor(context, state.get("editor", {}))
        self._context = context
        self.wanted = wanted

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        return {"added": self.added, "list_created": self.list_created, "editor": self.editor.state()}

    def make(self, wish: NewList) -> ContactList:
        """Create the list, unless another program did meanwhile. Return the list as it is now."""

        def desire(now: ContactList | None) -> Sequence[Topic] | NewList:
            return wish if now is None else self._with_missing(now)

        return self.editor.change(desire, self.note).now

    def bring_back(self, found: ContactList) -> ContactList:
        """Add the missing topics to the list, and return the list as it is then.

        In a dry run only note what would be added.
        """
        if self._context.dry_run:
            self.note(found)
            return found
        if not self._missing(found):
            return found
        return self.editor.change(_of_a_list(self._with_missing), self.note, name=found.name).now

    def finish(self, found: ContactList) -> None:
        """Change these topics to what the backup has, default status included; other topics stay as they are."""
        if not self._context.dry_run and self.wanted:
            by_name = {topic.name: topic for topic in self.wanted}
            desire = _of_a_list(lambda now: [by_name.get(topic.name, topic) for topic in now.topics])
            self.editor.change(desire, name=found.name)

    def note(self, before: ContactList | None) -> None:
        """Note which topics a write added to the list, given the list as it was before, or None if it was created."""
        self.list_created |= before is None
        missing = [] if before is None else self._missing(before)
        self.added += [topic.name for topic in missing if topic.name not in self.added]

    def _with_missing(self, now: ContactList) -> list[Topic]:
        return [*now.topics, *opted_out_by_default(self._missing(now))]

    def _missing(self, now: ContactList) -> list[Topic]:
        have = {topic.name for topic in now.topics}
        return [topic for topic in self.wanted if topic.name not in have]


class Restore:
    """A restore of one customer, over as many slices as that takes. `state` is JSON, without addresses."""

    def __init__(self, context: ActionContext, manifest: Manifest, wanted: Sequence[Topic], state: State) -> None:
        self.contacts = ContactRestore(context, manifest, state.get("contacts", {}))
        self.topics = TopicRestore(context, wanted, state.get("topics", {}))
        self._context = context
        self._verification = Verification(context, state.get("verification", {}))
        self._manifest = manifest
        self._prunes: list[str] | None = state.get("prunes")
        self._listed: bool = state.get("listed", False)
        self._over: bool = state.get("over", False)

    def state(self) -> State:
        """Return what the next slice continues from."""
        return {
            "contacts": self.contacts.state(),
            "topics": self.topics.state(),
            "verification": self._verification.state(),
            "prunes": self._prunes,
            "listed": self._listed,
            "over": self._over,
        }

    def find(self, *, needed: bool = False) -> ContactList | None:
        """Return the customer's list as it is, or None when there is none. One that is `needed` is waited for."""
        return self.topics.editor.find(needed=needed)

    def run(
        self,
        found: ContactList,
        decide: Decide,
        is_erased: IsErased,
        *,
        heed_prunes: bool = True,
    ) -> None:
        """Restore the topics, then the contacts, then the topics' default statuses. Raise SliceTimeoutError on the way.

        With `heed_prunes`, opt-outs that a prune since the backup removed with their topic are restored, too.
        `is_erased` says whether people were erased: nothing is restored of those. One who has come back by themselves
        has what they chose then, and what they refused since then of a topic that returns.
        """
        if self._over:
            return
        refused = self._refused(is_erased) if heed_prunes else {}
        found = self.topics.bring_back(found)
        listing = CurrentContacts(refused)
        if not (self._context.dry_run and self.topics.list_created):
            listing.read(self._context, found, self._verification if not self._listed else None)
            self._listed = True
        self._refuse_again(found.name, listing.refused)
        returning = {*self._manifest.topics, *self.topics.added}
        decide = _heeding(refused, _sparing(is_erased, returning, decide))
        self.contacts.restore(found.name, decide, listing, self._verification, is_erased)
        self.topics.finish(found)
        self._over = True

    def _refused(self, is_erased: IsErased) -> OptOuts:
        names = {topic.name for topic in self.topics.wanted}
        if not names:
            return {}
        run_ids = backups.runs_with_backups(self._context) if self._prunes is None else self._prunes
        since = backups.prunes_since(self._context, self._manifest, run_ids)
        prunes = [one for one in since if names.intersection(one.topics)]
        self._prunes = [one.run_id for one in prunes]
        return pruned_preferences.opt_outs(self._context, prunes, names, is_erased)

    def _refuse_again(self, list_name: str, refused: OptOuts) -> None:
        """Opt out again those who had opted out before a prune, whatever the backup has of them."""
        for email, topics in sorted({} if self._context.dry_run else refused.items()):

            def wish(
                now: Contact | None, _others: Sequence[Contact], topics: frozenset[str] = topics
            ) -> Contact | None:
                return now and replace(now, preferences={**dict.fromkeys(topics, "OPT_OUT"), **now.preferences})

            changed = contact_changes.change(self._context, list_name, email, wish)
            self._verification.note_read(email, changed.before)
            if changed.ending == "updated":
                self._verification.note_written(email)

    def verify(self, *, deliberate: bool = False) -> CustomerError | None:
        """Compare the list afterwards, if any contact was written.

        Return a failure when this run subscribed anybody who had opted out, else None.
        """
        if self._context.dry_run or not self._verification.changed:
            return None
        return self._verification.check(deliberate=deliberate)


class CurrentContacts:
    """The contacts that are in the list now, read with one request a thousand contacts instead of one each.

    Only digests are kept, and the addresses that have capitals, so that a long list fits in memory. A contact that is
    created meanwhile is not in it: SES refuses to create it again, and then it is read.
    """

    def __init__(self, refused: OptOuts | None = None) -> None:
        self.refused: OptOuts = {}  # opt-outs that contacts of the list do not have yet
        self._to_refuse = refused or {}
        self._emails: set[bytes] = set()
        self._states: set[bytes] = set()
        self._with_capitals: defaultdict[bytes, list[str]] = defaultdict(list)

    def read(self, context: ActionContext, found: ContactList, verification: Verification | None) -> None:
        """Read the whole list, and give its contacts to `verification`."""
        for page in ContactScan({"list": found.model_dump(mode="json")}).pages(context, self._forget):
            if verification is not None:
                verification.note_all_read(map(contact_list.record, page))
            for one in page:
                email = address(one)
                self._emails.add(_digest(email))
                if left := self._to_refuse.get(email, frozenset()) - explicit_preferences(one).keys():
                    self.refused[email] = left
                if email != email.casefold():
                    self._with_capitals[_digest(email.casefold())].append(email)
                self._states.add(_digest(email, bool(one.get("UnsubscribeAll")), explicit_preferences(one)))

    def _forget(self) -> None:
        self.refused.clear()
        self._emails.clear()
        self._states.clear()
        self._with_capitals.clear()

    def lacks(self, record: _Record) -> bool:
        """Return whether the record's contact is not in the list."""
        return _digest(record["email"]) not in self._emails

    def other_spellings(self, record: _Record) -> list[str]:
        """Return the addresses in the list that differ from the record's only in case: SES keeps them apart."""
        email = record["email"]
        folded = email.casefold()
        small = [folded] if _digest(folded) in self._emails else []
        return [one for one in [*small, *self._with_capitals.get(_digest(folded), ())] if one != email]

    def has(self, record: _Record) -> bool:
        """Return whether a contact exactly like the record is in the list; False when only reading it could tell."""
        if record.get("attributes") is not None:
            return False
        state = _digest(record["email"], record.get("unsubscribed_all", False), record["preferences"])
        return state in self._states


def _heeding(refused: OptOuts, decide: Decide) -> Decide:
    """Return `decide` extended by what people had opted out of, where they have no preference now.

    This also covers a contact that was just given one, because the next read may show it as it was before.
    """

    def decided(record: _Record, now: Contact | None, others: Sequence[Contact]) -> Contact | None:
        topics = refused.get(record["email"], frozenset()) - (now.preferences if now else {}).keys()
        if topics:
            record = {**record, "preferences": {**record["preferences"], **dict.fromkeys(topics, "OPT_OUT")}}
        return decide(record, now, others)

    return decided


def _sparing(is_erased: IsErased, returning: Collection[str], decide: Decide) -> Decide:
    """Return `decide` for all but those who were erased and had come back by themselves when the backup was made.

    Nothing of them is restored but what they had refused of topics that return, whose default might subscribe them.
    """

    def decided(record: _Record, now: Contact | None, others: Sequence[Contact]) -> Contact | None:
        if not is_erased(record["email"], ""):
            return decide(record, now, others)
        saved = record["preferences"]
        refused = {topic: "OPT_OUT" for topic in returning if saved.get(topic) == "OPT_OUT"}
        return now and replace(now, preferences={**refused, **now.preferences})

    return decided


def _of_a_list(desire: Callable[[ContactList], list[Topic]]) -> Desire:
    """Return `desire` for a list that must exist: a restore that began with a list creates no other one."""

    def desired(now: ContactList | None) -> list[Topic]:
        assert now is not None  # noqa: S101  # the editor was told which list: without it, it raises
        return desire(now)

    return desired


def _digest(*parts: object) -> bytes:
    text = "\n".join(str(sorted(part.items())) if isinstance(part, dict) else str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=limits.DIGEST_BYTES).digest()
