"""The run record in S3: what the command follows, and what a second start finds."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, ConfigurationError, OrchestratorError, Problem, RequestError
from ses_fleet.runs import personal_params
from ses_fleet.runs.keys import (
    barrier_key,
    fleet_key,
    personal_params_key,
    pinned_key,
    plan_key,
    receipt_key,
    refusal_key,
    refusals_prefix,
    result_key,
    results_file_key,
    results_prefix,
    summary_key,
)
from ses_fleet.runs.models import RunPlan, RunRequest, Summary
from ses_fleet.runs.request import personal_values, without_personal_values

# What a repeated start may differ in and still be the same request.
_IDENTITY_FIELDS = frozenset({"run_id", "trigger"})


@dataclass(frozen=True)
class RunRecord:
    """One run's plan, results and Summary. Each object is written once; what passes between hops is in HopRecord."""

    bucket: Bucket
    run_id: str

    @property
    def summary_location(self) -> str:
        """Return the s3:// URI of summary.json."""
        return self.bucket.location(summary_key(self.run_id))

    def result_location(self, customer_code: str, index: int) -> str:
        """Return the s3:// URI of the stored result of the customer with this place in plan.json."""
        return self.bucket.location(result_key(self.run_id, customer_code, index))

    def claim(self, plan: RunPlan) -> bool:
        """Write plan.json, or return False when the run exists.

        ConfigurationError when it cannot be written, and OrchestratorError when S3 does not say whether it was: the run
        may exist then, and the reaper would end it or let it go on.
        """
        try:
            return self.bucket.create(plan_key(self.run_id), plan.model_dump_json().encode())
        except AwsCallError as failure:
            if failure.transient:
                text = (
                    f"S3 did not say whether run {self.run_id} has begun ({failure.code}): `ses-fleet runs show "
                    f"{self.run_id}` tells it; the reaper looks after it if it has"
                )
                raise OrchestratorError(text) from None
            raise self.unusable(plan_key(self.run_id), "written", failure) from None

    def keep_personal(self, values: Mapping[str, object], owner: str) -> str | None:
        """Write the request's personal values for workers to read. Return the object's key, or None without values.

        Every start of a run has an object of its own, and plan.json names the one that counts, so two starts of one
        run id never use each other's values. ConfigurationError when the object cannot be written.
        """
        if not values:
            return None
        key = personal_params_key(self.run_id, owner)
        try:
            self.bucket.create(key, personal_params.stored(values))
        except AwsCallError as failure:
            raise self.unusable(key, "written", failure) from None
        return key

    def decide_result(self, index: int, customer_code: str, body: bytes) -> bool:
        """Write one customer's result, with its data and its log lines; False when it has another result already."""
        return self.bucket.create(result_key(self.run_id, customer_code, index), body)

    def write_results_file(self, file: BinaryIO) -> None:
        """Write results.jsonl.gz, which has every result of the run."""
        self.bucket.write(results_file_key(self.run_id), file, "application/gzip")

    def write_fleet(self, body: bytes) -> str:
        """Write the comparison of customers that is too large for the Summary, and return its s3:// URI."""
        self.bucket.write(fleet_key(self.run_id), body)
        return self.bucket.location(fleet_key(self.run_id))

    def write_summary(self, summary: Summary) -> bool:
        """Write summary.json, which says that the run is over; False when it was written already.

        A start that an earlier version refused, and kept there, does not stand in the way.
        """
        # Two reapers of one moment would say the same to the letter: random blanks tell which of them wrote it.
        blanks = "".join(secrets.choice(" \n") for _ in range(limits.TOKEN_BLANKS))
        key, body = summary_key(self.run_id), f"{summary.model_dump_json()}{blanks}".encode()
        if self.bucket.create(key, body):
            return True
        there = self.bucket.find(key, limit=limits.MAX_RECORD_BYTES)
        if there is None or not _is_refusal(Summary.model_validate_json(there.body)):
            return False
        return self.bucket.replace(key, body, there.etag) is not None

    @property
    def receipt_location(self) -> str:
        """Return the s3:// URI of the receipt of an erasure."""
        return self.bucket.location(receipt_key(self.run_id))

    def write_receipt(self, body: bytes) -> bytes:
        """Write the receipt of an erasure unless there is one, and return the one that is there then.

        Raise AwsCallError when that fails, and TooLargeError when what is there is no receipt.
        """
        key = receipt_key(self.run_id)
        created = self.bucket.create(key, body)
        return body if created else self.bucket.read(key, limit=limits.MAX_RECORD_BYTES).body

    def open_barrier(self) -> None:
        """Store that the second phase of the run begins; raise AwsCallError when S3 does not say that it is stored."""
        self.bucket.create(barrier_key(self.run_id), json.dumps({"run_id": self.run_id}).encode())

    def is_barrier_open(self) -> bool:
        """Return whether the second phase of the run has begun; raise AwsCallError when S3 does not answer."""
        return self.bucket.find(barrier_key(self.run_id), limit=limits.MAX_RECORD_BYTES) is not None

    def write_refusal(self, summary: Summary, request_id: str) -> None:
        """Write the refusal of one start, for those who follow the record."""
        self.bucket.write(refusal_key(self.run_id, request_id), summary.model_dump_json().encode())

    def refusal(self, request_id: str) -> Summary | None:
        """Return the refusal of the start by this request, or None when it was not refused so far."""
        return self._summary(refusal_key(self.run_id, request_id))

    def last_refusal(self) -> Summary | None:
        """Return the newest refusal of a start of this id, or None when none was refused."""
        listed = min(self.bucket.objects(refusals_prefix(self.run_id)), key=lambda one: one.age, default=None)
        # Earlier versions kept a refusal where the Summary of a run is.
        found = self._summary(summary_key(self.run_id) if listed is None else listed.key)
        return found if found is not None and _is_refusal(found) else None

    def pin(self, owner: str, name: str, body: bytes) -> None:
        """Keep a configuration file as this start of the run read it; ConfigurationError when it cannot be written."""
        key = pinned_key(self.run_id, owner, name)
        try:
            self.bucket.write(key, body)
        except AwsCallError as failure:
            raise self.unusable(key, "written", failure) from None

    def existing(self, request: RunRequest) -> RunPlan | None:
        """Return the plan of the run that has this id, or None when there is none.

        RequestError when the run was started with another request.
        """
        plan = self.plan()
        if plan is not None and not self.is_of(plan, request):
            text = f"run {self.run_id} exists and was started with another request; choose another id"
            raise RequestError([Problem("$.run_id", text)])
        return plan

    def is_of(self, plan: RunPlan, request: RunRequest) -> bool:
        """Return whether the run was started with this request; ConfigurationError when that cannot be found out."""
        return plan.request == comparable(request) and self._same_person(plan, request)

    def _same_person(self, plan: RunPlan, request: RunRequest) -> bool:
        """Return whether the personal values are the same; values that have expired count as different ones."""
        wanted = personal_values(request)
        key = plan.personal_params
        if key is None:
            return not wanted
        try:
            return personal_params.read(self.bucket, key) == wanted
        except AwsCallError as failure:
            raise self.unusable(key, "read", failure) from None

    def plan(self) -> RunPlan | None:
        """Read plan.json; None when there is no such run, ConfigurationError when the record cannot be read."""
        try:
            stored = self.bucket.find(plan_key(self.run_id), limit=limits.MAX_RECORD_BYTES)
        except AwsCallError as failure:
            raise self.unusable(plan_key(self.run_id), "read", failure) from None
        return None if stored is None else RunPlan.model_validate_json(stored.body)

    def summary(self) -> Summary | None:
        """Read summary.json; None while the run is not over, also where an earlier version kept a refusal there."""
        found = self._summary(summary_key(self.run_id))
        return None if found is not None and _is_refusal(found) else found

    def with_results(self, plan: RunPlan) -> list[int]:
        """Return the indexes of the customers that have a result, in config order."""
        there = {listed.key for listed in self.bucket.objects(results_prefix(self.run_id))}
        codes = enumerate(customer.customer_code for customer in plan.customers)
        return [index for index, code in codes if result_key(self.run_id, code, index) in there]

    def stored_results(self, plan: RunPlan, indexes: Iterable[int]) -> Iterator[tuple[int, bytes | None]]:
        """Yield (index, body of results/<code>.json or None) for these customers, reading a few at a time."""

        def read(index: int) -> tuple[int, bytes | None]:
            key = result_key(self.run_id, plan.customers[index].customer_code, index)
            stored = self.bucket.find(key, limit=limits.MAX_RECORD_BYTES)
            return index, stored.body if stored else None

        with ThreadPoolExecutor(limits.RECORD_READERS) as pool:
            # Not all at once: what has been read waits in memory until it is taken.
            waiting = iter(indexes)
            while some := list(islice(waiting, limits.RECORD_READERS)):
                yield from pool.map(read, some)

    def _summary(self, key: str) -> Summary | None:
        stored = self.bucket.find(key, limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else Summary.model_validate_json(stored.body)

    def unusable(self, key: str, done: str, failure: AwsCallError) -> ConfigurationError:
        """Return the refusal of a run whose record cannot be `done`: "read" or "written"."""
        location = self.bucket.location(key)
        text = f"{location} could not be {done} ({failure.code}), so nothing was started"
        return ConfigurationError([Problem("$.environment_variables.RESULTS_BUCKET", text)])


def _is_refusal(summary: Summary) -> bool:
    return summary.exit_code == 2


def comparable(request: RunRequest) -> dict[str, object]:
    """Return the request as plan.json keeps it, without the run's id and trigger and without personal values.

    Together with those values it decides whether a repeated start is the same run.
    """
    impersonal = without_personal_values(request)
    return impersonal.model_dump(mode="json", exclude_none=True, exclude=set(_IDENTITY_FIELDS))
