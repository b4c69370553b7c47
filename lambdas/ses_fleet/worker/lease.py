"""The lease of a contact list: the right of one run to change the list of an account and Region, for a limited time.

The lease is one object of the results bucket, written on conditions only. Free, it has a constant body whose ETag is
known without reading it, so that taking a free lease, taking over from the slice before and giving it back are one call
of S3 each: two a slice, and none before a write. Taking it needs five calls for the first lease of a list, four after
one that nobody gave back and where S3's ETag is not the MD5 of the body, and three to see that it is held.

SES knows nothing of leases, so what keeps two runs apart is time. A lease lasts until LEASE_GRACE_SECONDS after the
holder's function must have ended, and the holder sends no write in the last seconds of its function. Whether a lease is
over is told by S3's clock alone: how long before its own answer S3 had written the object.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, ValidationError

from ses_fleet import clock, limits
from ses_fleet.aws.s3 import Bucket, StoredObject
from ses_fleet.errors import AwsCallError
from ses_fleet.identifiers import CustomerCode, RunId
from ses_fleet.model_bases import Stored
from ses_fleet.worker.budget import SliceBudget

# No lease lasts longer.
LONGEST_SECONDS = limits.WORKER_FUNCTION_TIMEOUT_SECONDS + limits.LEASE_GRACE_SECONDS
FREE = b'{"free": true}'
# S3 documents this for an object that PutObject wrote, unless it is encrypted with a key of KMS or of the customer.
FREE_ETAG = hashlib.md5(FREE, usedforsecurity=False).hexdigest()


class LeaseDocument(Stored):
    """leases/<account>-<region>.json while it is held: by which slice, and for how many seconds after it was written.

    `owner` is a token of the worker's invocation, by which it knows its own lease. `number` counts the slices of the
    customer that have held it. `taken_at` is for people; nothing is decided by it.
    """

    run_id: RunId
    customer_code: CustomerCode
    number: int
    owner: str
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    taken_at: str


@dataclass(frozen=True)
class Holder:
    """Who holds a lease. `seconds` is how long it lasts at most if the holder does nothing any more."""

    who: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.who}, for at most {max(1, round(self.seconds))} s more"


@dataclass(frozen=True)
class Lease:
    """A lease that is held, and the ETag of its object."""

    etag: str
    document: LeaseDocument

    def handed_on(self) -> dict[str, Any]:
        """Return what the next slice of the customer takes the lease over by; JSON."""
        return {"etag": self.etag, "number": self.document.number}


@dataclass(frozen=True)
class LeaseObject:
    """The lease of one account and Region, as one invocation of the worker sees it.

    `function` is the time that the invocation may still run, `owner` a token that no other invocation has. Whoever
    takes it gets an AwsCallError when S3 fails, and a TooLargeError when the object is no lease.
    """

    bucket: Bucket
    key: str
    run_id: str
    customer_code: str
    function: SliceBudget
    owner: str = field(default_factory=lambda: secrets.token_hex(8))

    def take(self, before: dict[str, Any] | None = None) -> Lease | Holder:
        """Take the lease, unless somebody holds one that is not over. Return it, or who holds it.

        `before` is what the slice before handed on; its lease is taken over by its ETag.
        """
        document = self._document(before)
        etag = self._replace(document, before["etag"] if before else FREE_ETAG)
        return self._look(document) if etag is None else Lease(etag, document)

    def wait(self, before: dict[str, Any] | None, budget: SliceBudget, seconds: float) -> tuple[Lease | Holder, float]:
        """Take the lease, and look again while it is held: within the budget, with pauses of so many seconds in all.

        Return the lease, or who holds it, and for how many seconds it was waited.
        """
        found = self.take(before)
        waited = 0.0
        while isinstance(found, Holder):
            pause = random.uniform(*limits.LEASE_LOOK_SECONDS)  # noqa: S311  # jitter, not a secret
            pause = min(pause, seconds - waited, budget.left())
            if pause <= 0:
                break
            time.sleep(pause)
            waited += pause
            found = self._look(self._document(before))
        return found, waited

    def release(self, lease: Lease) -> bool:
        """Give the lease back. Return False when it was over and somebody else has it: theirs is left alone.

        Raise AwsCallError when S3 fails: then the lease ends by itself.
        """
        return self._give_back(lease, FREE)

    def keep_for_grace(self, lease: Lease) -> bool:
        """End the lease LEASE_GRACE_SECONDS from now, as a write may still take effect.

        Return and raise as `release` does.
        """
        short = lease.document.model_copy(update={"seconds": limits.LEASE_GRACE_SECONDS})
        return self._give_back(lease, _body(short))

    def _look(self, document: LeaseDocument) -> Lease | Holder:
        """Read the lease and take it if it does not exist, is free or is over. Return it, or who holds it."""
        for _ in range(limits.LEASE_TRIES):
            found = self.bucket.find(self.key, limit=limits.LEASE_BYTES)
            if found is None:
                self.bucket.create(self.key, _body(document))
                continue
            held = _read(found)
            if held is not None and held.owner == self.owner:
                return Lease(found.etag, held)  # a write of ours whose effect S3 had not told
            holder = _holder(found, held)
            if holder is not None:
                return holder
            etag = self._replace(document, found.etag)
            if etag is not None:
                return Lease(etag, document)
        return Holder("several runs, one right after the other", 0.0)

    def _replace(self, document: LeaseDocument, etag: str) -> str | None:
        return self.bucket.replace(self.key, _body(document), etag)

    def _give_back(self, lease: Lease, body: bytes) -> bool:
        """Overwrite the lease if it is still ours. After a lost answer it does not matter which of our tries did it."""
        tries = 0
        while True:
            tries += 1
            try:
                return self.bucket.overwrite_once(self.key, body, lease.etag) or tries > 1
            except AwsCallError as failure:
                again = failure.transient or failure.status == 409
                if not again or tries == limits.LEASE_TRIES or not self.function.covers(_ONE_TRY_SECONDS):
                    raise
            time.sleep(random.uniform(*limits.READ_PAUSE_SECONDS) * tries)  # noqa: S311  # jitter, not a secret

    def _document(self, before: dict[str, Any] | None) -> LeaseDocument:
        return LeaseDocument(
            run_id=self.run_id,
            customer_code=self.customer_code,
            number=1 + (before["number"] if before else 0),
            owner=self.owner,
            seconds=round(self.function.left() + limits.LEASE_GRACE_SECONDS, 3),
            taken_at=clock.iso(clock.now()),
        )


# What one more try to give a lease back may take of the function's time.
_ONE_TRY_SECONDS = limits.CONNECT_TIMEOUT_SECONDS + limits.LEASE_CALL_SECONDS + limits.WORKER_MARGIN_SECONDS


def _read(found: StoredObject) -> LeaseDocument | None:
    """Return what the object says of its holder, or None when it says nothing of one."""
    try:
        return LeaseDocument.model_validate_json(found.body)
    except ValidationError:
        return None


def _holder(found: StoredObject, held: LeaseDocument | None) -> Holder | None:
    """Return who holds the lease, or None when it is free, or over by S3's clock. One without an age is not over.

    What nobody can read is taken for a lease of the longest kind, so that it is over some time.
    """
    if found.body == FREE:
        return None
    who = (
        "somebody whose lease cannot be read" if held is None else f"run {held.run_id} (customer {held.customer_code})"
    )
    left = (LONGEST_SECONDS if held is None else held.seconds) - (found.age or 0.0)
    return Holder(who, left) if left >= 0 else None


def _body(document: LeaseDocument) -> bytes:
    return document.model_dump_json().encode()
