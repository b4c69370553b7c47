"""The hops of a run in S3: their claims and ends, their signs of life, and where customers stopped between slices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, ListedObject
from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.runs.hops import Cancel, HopClaim, HopEnd, Progress, SignOfLife
from ses_fleet.runs.keys import (
    cancel_key,
    continuation_key,
    continuations_prefix,
    hop_claim_key,
    hop_end_key,
    hops_prefix,
    sign_key,
    signs_prefix,
    source_key,
)


@dataclass(frozen=True)
class HopRecord:
    """What the invocations of one run write for each other.

    Every method raises AwsCallError when S3 does not answer.
    """

    bucket: Bucket
    run_id: str

    def claim(self, claim: HopClaim) -> bool:
        """Claim the turn of a further invocation; False when another delivery of its event has claimed it."""
        return self.bucket.create(hop_claim_key(self.run_id, claim.hop), _json(claim))

    def end(self, end: HopEnd) -> bool:
        """Decide what follows a hop; False when that is decided already, by another invocation."""
        return self.bucket.create(hop_end_key(self.run_id, end.hop), _json(end))

    def end_of(self, hop: int) -> HopEnd | None:
        """Return what follows the hop, or None while that is not decided."""
        stored = self.bucket.find(hop_end_key(self.run_id, hop), limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else HopEnd.model_validate_json(stored.body)

    def ends(self) -> list[HopEnd]:
        """Return what followed each hop that is over, in the order of the hops."""
        keys = [listed.key for listed in self.bucket.objects(hops_prefix(self.run_id))]
        bodies = self._read([key for key in keys if key.endswith("/end.json")], limits.MAX_RECORD_BYTES)
        return sorted(map(HopEnd.model_validate_json, bodies), key=lambda end: end.hop)

    def give_sign(self, sign: SignOfLife, place: int = 0) -> None:
        """Write the sign of life of an invocation, over the last one that it wrote at this place.

        One whose answer was lost may still be written later, over a newer one: the next must have another place.
        """
        self.bucket.write(_sign_key(self.run_id, sign.hop, sign.owner, place), _json(sign))

    def remove_sign(self, hop: int, owner: str, place: int = 0) -> None:
        """Remove the sign of life of an invocation at this place."""
        self.bucket.delete(_sign_key(self.run_id, hop, owner, place))

    def named(self, owner: str) -> dict[int, int]:
        """Return everybody whom any hop has named in a sign of life and who was not finished then.

        That is the index of the customer with the highest number of its slices. `owner` is that of plan.json: other
        starts of the same id have named whom they never sent.
        """
        named: dict[int, int] = {}
        keys = [listed.key for listed in self.signs(owner)]
        for body in self._read(keys, limits.MAX_SIGN_BYTES):
            for index, number in SignOfLife.model_validate_json(body).named.items():
                named[index] = max(number, named.get(index, 0))
        return named

    def signs(self, owner: str) -> Iterator[ListedObject]:
        """Yield the signs of life of the run's hops; `owner` is that of plan.json, who is hop 0."""
        prefix = signs_prefix(self.run_id)
        for listed in self.bucket.objects(prefix):
            if not listed.key.startswith(f"{prefix}0-") or listed.key.startswith(f"{prefix}0-{owner}"):
                yield listed

    def remove_signs(self, older_than: float = -math.inf) -> None:
        """Remove the run from the index of open runs; signs that are not older than so many seconds stay."""
        for listed in list(self.bucket.objects(signs_prefix(self.run_id))):
            if listed.age > older_than:
                self.bucket.delete(listed.key)

    def keep_progress(self, progress: Progress) -> None:
        """Write where a customer stopped between two slices."""
        self.bucket.write(continuation_key(self.run_id, progress.customer_code, progress.index), _json(progress))

    def keep_source(self, hop: int, progress: Progress) -> None:
        """Write where the reading of an Identity Center stopped that this hop began.

        The code of the progress is the name of the source.
        """
        self.bucket.write(source_key(self.run_id, progress.customer_code, hop), _json(progress))

    def between_slices(self) -> set[str]:
        """Return the keys of what `keep_progress` has written."""
        return {listed.key for listed in self.bucket.objects(continuations_prefix(self.run_id))}

    def progress(self, customers: Iterable[tuple[int, CustomerIdentity]]) -> dict[int, Progress]:
        """Return, by index, where these customers stopped between two slices; those without are left out."""
        there = self.between_slices()
        keys = [continuation_key(self.run_id, customer.customer_code, index) for index, customer in customers]
        bodies = self._read([key for key in keys if key in there], limits.MAX_RECORD_BYTES)
        return {found.index: found for found in map(Progress.model_validate_json, bodies)}

    def sources(self, hop: int) -> dict[str, Progress]:
        """Return, by name, where the reading of Identity Centers stopped that this hop began."""
        first = source_key(self.run_id, "", hop).removesuffix(".json")
        keys = sorted(key for key in self.between_slices() if key.startswith(first))
        bodies = self._read(keys, limits.MAX_RECORD_BYTES)
        return {found.customer_code: found for found in map(Progress.model_validate_json, bodies)}

    def ask_to_cancel(self, cancel: Cancel) -> None:
        """Ask that the run starts nothing any more. A request that is there already stays as it is."""
        self.bucket.create(cancel_key(self.run_id), _json(cancel))

    def cancel(self) -> Cancel | None:
        """Return the request to cancel the run, or None when nobody made it."""
        stored = self.bucket.find(cancel_key(self.run_id), limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else Cancel.model_validate_json(stored.body)

    def _read(self, keys: Iterable[str], limit: int) -> list[bytes]:
        """Return the objects that still exist."""
        with ThreadPoolExecutor(limits.RECORD_READERS) as pool:
            found = pool.map(lambda key: self.bucket.find(key, limit=limit), keys)
            return [stored.body for stored in found if stored is not None]


def _json(model: HopClaim | HopEnd | SignOfLife | Progress | Cancel) -> bytes:
    return model.model_dump_json().encode()


def _sign_key(run_id: str, hop: int, owner: str, place: int) -> str:
    return sign_key(run_id, hop, f"{owner}-{place}" if place else owner)
