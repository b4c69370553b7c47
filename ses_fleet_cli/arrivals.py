"""The results of a run as they are stored, each of them once."""

from __future__ import annotations

from collections.abc import Iterator

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.runs.keys import result_key, results_prefix
from ses_fleet.runs.models import CustomerResult, RunPlan
from ses_fleet_cli.parallel import in_order


class Arrivals:
    """Finds the results of a run's customers in its record."""

    def __init__(self, bucket: Bucket, plan: RunPlan) -> None:
        self._bucket = bucket
        self._prefix = results_prefix(plan.run_id)
        codes = enumerate(customer.customer_code for customer in plan.customers)
        self._keys = sorted(result_key(plan.run_id, code, index) for index, code in codes)
        self._missing = set(self._keys)
        self._before = 0  # so many of the keys are those of results that were yielded

    def look(self) -> Iterator[CustomerResult]:
        """Yield the results that no look has yielded yet, in the order in which they were stored, to the second.

        Several are read at once. Raise AwsCallError when S3 does not answer, and ValidationError for a result that is
        not what this version writes; those that follow are left to the next look.
        """
        found = self._found() if self._missing else []
        for key, body in zip(found, in_order(self._read, found, at_once=limits.COMMAND_S3_CONNECTIONS), strict=True):
            if body is not None:
                self._missing.discard(key)
                yield CustomerResult.model_validate_json(body)

    def _found(self) -> list[str]:
        """Return the keys of stored results that were not yielded, oldest first."""
        listed = self._bucket.objects(self._prefix, after=self._yielded_up_to())
        new = [one for one in listed if one.key in self._missing]
        return [one.key for one in sorted(new, key=lambda one: one.age, reverse=True)]

    def _yielded_up_to(self) -> str | None:
        """Return the last key before which, itself included, no result is missing; None when the first one is.

        A listing need not begin before it. How far it gets depends on how close to their keys' order results come.
        """
        while self._before < len(self._keys) and self._keys[self._before] not in self._missing:
            self._before += 1
        return self._keys[self._before - 1] if self._before else None

    def _read(self, key: str) -> bytes | None:
        stored = self._bucket.find(key, limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else stored.body
