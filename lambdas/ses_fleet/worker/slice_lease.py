"""The lease in one slice of a customer: taken before anything runs, kept from slice to slice, given back at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ses_fleet import limits
from ses_fleet.aws.s3 import TooLargeError
from ses_fleet.errors import AwsCallError, CustomerError, NotStartedError, SesFleetError
from ses_fleet.runs.work import WorkItem
from ses_fleet.worker.budget import SliceBudget
from ses_fleet.worker.lease import LONGEST_SECONDS, Holder, Lease, LeaseObject

# From this wait on a lease is one that its holder renews: a dead one's was over before.
_LONGEST_WAIT_SECONDS = LONGEST_SECONDS + limits.LEASE_WAIT_SECONDS


@dataclass(frozen=True)
class Waiting:
    """The slice ended while it waited for the lease. `seconds` is how long the customer has waited in all its slices.

    The next slice is given the same state as this one. `holder` is who has the lease.
    """

    seconds: float
    holder: Holder


class SliceLease:
    """The lease of the customer's list in one slice, which has nothing to do with it before `begin`.

    `earlier` is the continuation of the slice before, empty in the first one.
    """

    def __init__(self, item: WorkItem, lease: LeaseObject, budget: SliceBudget, earlier: dict[str, Any]) -> None:
        self._item = item
        self._object = lease
        self._budget = budget
        self._earlier = earlier
        self._held: Lease | None = None

    def begin(self) -> Waiting | None:
        """Take the lease, and return None; or Waiting when the item says to wait and another slice must do so.

        When somebody else holds it, or S3 does not say, raise NotStartedError if nothing ran of the customer so far,
        and CustomerError if something did.
        """
        waited = self._earlier.get("waited", 0.0)
        waits = self._item.wait_for_lease or in_second_phase(self._earlier)
        patience = _LONGEST_WAIT_SECONDS - waited if waits else limits.LEASE_WAIT_SECONDS
        try:
            found, seconds = self._object.wait(self._earlier.get("lease"), self._budget, patience)
        except AwsCallError as failure:
            text = f"could not be read or taken ({failure.code}: {failure.text})"
            advice = "run this customer again" if failure.transient else "check the worker role's policy on the bucket"
            raise self._refusal(failure.code, f"{text}; {advice}") from None
        except TooLargeError as failure:
            raise self._refusal("NoLease", f"is no lease ({failure}); delete that object") from None
        if isinstance(found, Lease):
            self._held = found
            return None
        waited += seconds
        if waits and waited < _LONGEST_WAIT_SECONDS - limits.SHORTEST_WAIT_SECONDS:
            return Waiting(waited, found)
        raise self._in_use(found)

    def handed_on(self) -> dict[str, Any] | None:
        """Return what the next slice takes the lease over by, JSON, or None when this one did not take it."""
        return None if self._held is None else self._held.handed_on()

    def end(self, warn: Callable[[str], None], *, outcome_unknown: bool) -> None:
        """Give the lease back, if it was taken, or let it end in a minute when a write may still take effect.

        When that fails, only warn: the lease ends by itself.
        """
        if self._held is None:
            return
        where = self._object.bucket.location(self._object.key)
        give_back = self._object.keep_for_grace if outcome_unknown else self._object.release
        try:
            if not give_back(self._held):
                warn(
                    f"the lease {where} was over before this customer was, and another run has taken it: check the list"
                )
        except AwsCallError as failure:
            seconds = round(self._held.document.seconds)
            text = f"the lease {where} could not be given back ({failure.code}); it ends by itself within {seconds} s"
            warn(f"{text}, and the list is not changed by another run before")

    def _in_use(self, holder: Holder) -> SesFleetError:
        return self._refusal("ListInUse", f"is held by {holder}; run this customer again after that")

    def _refusal(self, type_: str, what: str) -> SesFleetError:
        customer = self._item.customer
        text = f"the contact list of account {customer.account_id} in {customer.region}"
        lease = f"the lease {self._object.bucket.location(self._object.key)} {what}"
        if has_run(self._earlier):
            text = f"{text} was not worked on any further for {customer.customer_code}: {lease}"
            return CustomerError("operation", type_, text, retryable=True)
        return NotStartedError(f"{text} was not touched: {lease}")


def in_second_phase(earlier: dict[str, Any]) -> bool:
    """Return whether the first phase of an action of two is over."""
    return bool(earlier.get("second_phase"))


def has_run(earlier: dict[str, Any]) -> bool:
    """Return whether anything ran of the customer in earlier slices, and not only a wait for the lease."""
    return bool(earlier) and bool(earlier.get("ran", True))


def waiting_on(earlier: dict[str, Any], waiting: Waiting) -> dict[str, Any]:
    """Return the continuation of a slice in which nothing but a wait happened."""
    unchanged = earlier or {"state": {}, "pace": None, "idle": 0, "ran": False}
    return {**unchanged, "waited": round(waiting.seconds, 3)}
