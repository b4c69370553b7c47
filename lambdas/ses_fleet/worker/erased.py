"""Who was erased from a contact list and must not come back: one tombstone a person, found by a keyed hash.

A tombstone is written once and then only overwritten: it is `erased`, or `lifted` when somebody took it away, with the
history of what it was before. Nothing in it can be derived from an address without the key.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, StoredObject, TooLargeError
from ses_fleet.config.customer import Customer
from ses_fleet.errors import AwsCallError, ConfigurationError, CustomerError
from ses_fleet.identifiers import HASH_KEY_ID_PATTERN
from ses_fleet.model_bases import Stored
from ses_fleet.people.hash_keys import HashKeys
from ses_fleet.runs import keys
from ses_fleet.settings import WorkerSettings

_NAME = re.compile(rf"(?P<key_id>{HASH_KEY_ID_PATTERN})/(?P<hash>[0-9a-f]{{64}})\.json")
_State = Literal["erased", "lifted"]
_NOTHING = "nothing was changed in this slice"
_LEFT_ALONE = "the person whom it may mean was left alone"
_MAKE_A_KEY = 'docs/operating.md, section "Erased people", says how to make a key and which setting names it'


class PastState(Stored):
    """What a tombstone was before: since when, by which run, and under which ticket."""

    state: _State
    at: str
    run_id: str
    ticket: str | None = None


class Tombstone(Stored):
    """The body of a tombstone.

    `erased_at` and `lifted_at` are times as ISO 8601 texts; only the one of its state is there.
    """

    state: _State
    key_id: str
    hash: str
    run_id: str
    ticket: str | None = None
    erased_at: str | None = None
    lifted_at: str | None = None
    history: tuple[PastState, ...] = ()

    def past(self) -> tuple[PastState, ...]:
        """Return the history with the present state as its last entry."""
        at = (self.erased_at if self.state == "erased" else self.lifted_at) or ""
        return (*self.history, PastState(state=self.state, at=at, run_id=self.run_id, ticket=self.ticket))

    def body(self) -> bytes:
        """Return the JSON text of the object."""
        return self.model_dump_json(exclude_none=True).encode()


@dataclass(frozen=True)
class Why:
    """What a change of a tombstone says of itself: which run, under which ticket, and when (ISO 8601)."""

    run_id: str
    ticket: str | None
    at: str


class ErasedPeople:
    """Who was erased from the list of an account and Region. It is read once, and knows of its own changes only."""

    def __init__(self, bucket: Bucket, account_id: str, region: str, read_keys: Callable[[], HashKeys | None]) -> None:
        self._bucket = bucket
        self._place = (account_id, region)
        self._read_keys = read_keys
        self._keys: HashKeys | None = None
        self._hashes: defaultdict[str, set[str]] = defaultdict(set)  # by the id of their key
        self._known: dict[str, Tombstone] = {}  # those that were read or written, by their keys in S3

    @classmethod
    def load(
        cls, bucket: Bucket, account_id: str, region: str, read_keys: Callable[[], HashKeys | None]
    ) -> ErasedPeople:
        """List the tombstones. Without any, nobody is erased and no key is read.

        `read_keys` returns the keys, or None when no setting names a secret. Raise CustomerError when S3 does not say
        who is erased, and when the keys of some tombstones are not there.
        """
        made = cls(bucket, account_id, region, read_keys)
        try:
            for one in bucket.objects(keys.erased_prefix(account_id, region)):
                made._note(one.key)
        except AwsCallError as failure:
            raise made._unreadable(keys.erased_prefix(account_id, region), failure, _NOTHING) from None
        if made._hashes:
            made._keys = made._needed_keys()
        return made

    def is_erased(self, address: str, since: str = "") -> bool:
        """Return whether this person was erased and nobody lifted that; upper and lower case do not count.

        With `since`, an ISO 8601 time, return whether that was then or later: who was erased before it and was in the
        list at that time had come back by themselves. Raise CustomerError when a tombstone that may be this person's
        cannot be read.
        """
        found = map(self._tombstone, self._tombstones(address))
        return any(one.state == "erased" and (one.erased_at or "") >= since for one in found)

    def bury(self, address: str, why: Why) -> Literal["buried", "was_erased"]:
        """Write this person's tombstone under the current key, unless one under any key says `erased` already.

        Raise CustomerError when there is no key, or S3 does not say that the tombstone is there.
        """
        if self.is_erased(address):
            return "was_erased"
        held = self._keys = self._keys or self._key_to_bury_with()
        new = Tombstone(
            state="erased",
            key_id=held.current,
            hash=held.hash_of(address),
            run_id=why.run_id,
            ticket=why.ticket,
            erased_at=why.at,
        )
        key = keys.tombstone_key(*self._place, new.key_id, new.hash)

        def again(before: Tombstone) -> Tombstone | None:
            return None if before.state == "erased" else new.model_copy(update={"history": before.past()})

        written = self._create(key, new) or self._overwrite(key, again)
        self._hashes[new.key_id].add(new.hash)
        return "buried" if written else "was_erased"

    def lift(self, address: str, why: Why) -> Literal["lifted", "was_not_erased"]:
        """Overwrite every tombstone of this person that says `erased` with `lifted`, and keep what it said.

        Raise CustomerError when S3 does not say that it was done.
        """

        def lifted(before: Tombstone) -> Tombstone | None:
            present = {"state": "lifted", "run_id": why.run_id, "ticket": why.ticket, "lifted_at": why.at}
            past = {"erased_at": None, "history": before.past()}
            return None if before.state == "lifted" else before.model_copy(update={**present, **past})

        found = [
            self._overwrite(key, lifted) for key in self._tombstones(address) if self._tombstone(key).state == "erased"
        ]
        return "lifted" if any(found) else "was_not_erased"

    def _create(self, key: str, new: Tombstone) -> bool:
        """Write a tombstone unless there is one; return whether it is there as given."""
        try:
            created = self._bucket.create(key, new.body())
        except AwsCallError as failure:
            raise self._unwritable(key, failure) from None
        if created:
            self._known[key] = new
        return created

    def _overwrite(self, key: str, decide: Callable[[Tombstone], Tombstone | None]) -> bool:
        """Overwrite a tombstone as `decide` says from what it is now; return False when that is None."""
        for _ in range(limits.TOMBSTONE_TRIES):
            found, before = self._read(key)
            new = decide(before)
            if new is None:
                self._known[key] = before
                return False
            try:
                written = self._bucket.replace(key, new.body(), found.etag)
            except AwsCallError as failure:
                raise self._unwritable(key, failure) from None
            if written is not None:
                self._known[key] = new
                return True
        text = f"{self._bucket.location(key)} was changed again and again meanwhile; run this customer again"
        raise CustomerError("operation", "TombstoneChanged", text, retryable=True)

    def _note(self, key: str) -> None:
        """Remember a tombstone by its key in S3, which has the key's id and the hash."""
        named = _NAME.fullmatch(key.removeprefix(keys.erased_prefix(*self._place)))
        if named is None:
            raise self._damaged(key, _NOTHING)
        self._hashes[named["key_id"]].add(named["hash"])

    def _tombstones(self, address: str) -> Iterator[str]:
        """Yield the keys in S3 of this person's tombstones, one for each key that people were erased under."""
        held = self._keys
        if held is None:
            return
        for key_id, hashes in self._hashes.items():
            address_hash = held.hash_of(address, key_id)
            if address_hash in hashes:
                yield keys.tombstone_key(*self._place, key_id, address_hash)

    def _tombstone(self, key: str) -> Tombstone:
        if key not in self._known:
            self._known[key] = self._read(key)[1]
        return self._known[key]

    def _read(self, key: str) -> tuple[StoredObject, Tombstone]:
        try:
            found = self._bucket.read(key, limit=limits.TOMBSTONE_BYTES)
            return found, Tombstone.model_validate_json(found.body)
        except AwsCallError as failure:
            raise self._unreadable(key, failure, _LEFT_ALONE) from None
        except (TooLargeError, ValidationError):
            raise self._damaged(key, _LEFT_ALONE) from None

    def _needed_keys(self) -> HashKeys:
        """Return the keys; raise CustomerError unless those of all tombstones are among them."""
        held = self._read_keys()
        if held is None:
            text = (
                f"{self._people} were erased, and without the setting erasure_secret (ERASURE_SECRET of the worker) "
                f"nobody knows who they are; {_NOTHING}: set it again"
            )
            raise CustomerError("configuration", "NoErasureSecret", text)
        missing = sorted(self._hashes.keys() - held.ids)
        if missing:
            text = (
                f"{self._people} were erased, and the secret that erasure_secret names does not have the key "
                f"{', '.join(missing)} any more; {_NOTHING}: put that key back beside the others"
            )
            raise CustomerError("configuration", "ErasureKeyMissing", text)
        return held

    def _key_to_bury_with(self) -> HashKeys:
        held = self._read_keys()
        if held is None:
            text = f"nobody was erased, because no key is there to remember them by: {_MAKE_A_KEY}"
            raise CustomerError("configuration", "NoErasureSecret", text)
        return held

    @property
    def _people(self) -> str:
        account_id, region = self._place
        return f"people of the contact list of account {account_id} in {region}"

    def _unreadable(self, key: str, failure: AwsCallError, untouched: str) -> CustomerError:
        advice = "run this customer again" if failure.transient else "check the worker role's policy on the bucket"
        text = (
            f"who was erased could not be read in {self._bucket.location(key)} ({failure.code}: {failure.text}); "
            f"{untouched}: {advice}"
        )
        return CustomerError("operation", failure.code, text, retryable=failure.transient)

    def _damaged(self, key: str, untouched: str) -> CustomerError:
        text = f"{self._bucket.location(key)} is no tombstone of an erased person; {untouched}: bring back its version"
        return CustomerError("operation", "DamagedData", text)

    def _unwritable(self, key: str, failure: AwsCallError) -> CustomerError:
        advice = "run this customer again" if failure.transient else "check the worker role's policy on the bucket"
        text = f"could not write {self._bucket.location(key)} ({failure.code}: {failure.text}): {advice}"
        return CustomerError("operation", failure.code, text, retryable=failure.transient)


def of_list(bucket: Bucket, customer: Customer, settings: WorkerSettings) -> ErasedPeople:
    """Return who was erased from the customer's list, with the keys of the secret that the settings name.

    Raise CustomerError as `ErasedPeople.load` does, and when the secret cannot be read or used.
    """
    return ErasedPeople.load(bucket, customer.account_id, customer.region, lambda: _keys(settings))


def _keys(settings: WorkerSettings) -> HashKeys | None:
    # Imported here: a list without tombstones needs no secret.
    from ses_fleet.aws import secrets

    secret_id = settings.erasure_secret
    if secret_id is None:
        return None
    try:
        return HashKeys.parse(secrets.read(settings.region, secret_id))
    except AwsCallError as failure:
        raise _unread(secret_id, failure) from None
    except ConfigurationError as error:
        found = "; ".join(str(problem) for problem in error.problems)
        text = f"the secret {secret_id} has no keys of erased people: {found}; {_NOTHING}"
        raise CustomerError("configuration", "UnusableErasureSecret", text) from None


def _unread(secret_id: str, failure: AwsCallError) -> CustomerError:
    from ses_fleet.aws import secrets

    text = f"the secret {secret_id} could not be read ({failure.code}): {secrets.why_unread(failure)}; {_NOTHING}"
    if failure.transient:
        return CustomerError("operation", failure.code, f"{text}: run this customer again", retryable=True)
    return CustomerError("configuration", failure.code, text)
