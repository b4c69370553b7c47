"""The run record in S3: what the command follows, what a second start finds, and what a killed run leaves behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, ConfigurationError, Problem, RequestError
from ses_fleet.runs import personal_params, results
from ses_fleet.runs import summary as summaries
from ses_fleet.runs.keys import (
    fleet_key,
    hop_claim_key,
    hop_key,
    personal_params_key,
    plan_key,
    result_key,
    results_file_key,
    summary_key,
)
from ses_fleet.runs.models import CustomerResult, Hop, HopClaim, RunPlan, RunRequest, Summary

# What a repeated start may differ in and still be the same request.
_IDENTITY_FIELDS = frozenset({"run_id", "trigger"})


@dataclass(frozen=True)
class RunRecord:
    """One run's record. Each object is written once, except for a result that a later invocation completes."""

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
        """Write plan.json, or return False when the run exists; ConfigurationError when it cannot be written."""
        try:
            return self.bucket.create(plan_key(self.run_id), plan.model_dump_json().encode())
        except AwsCallError as failure:
            raise self._unusable(plan_key(self.run_id), "written", failure) from None

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
            raise self._unusable(key, "written", failure) from None
        return key

    def write_result(self, index: int, customer_code: str, body: bytes) -> None:
        """Write one customer's result, with its data and its log lines."""
        self.bucket.write(result_key(self.run_id, customer_code, index), body)

    def write_results_file(self, file: BinaryIO) -> None:
        """Write results.jsonl.gz, which has every result of the run."""
        self.bucket.write(results_file_key(self.run_id), file, "application/gzip")

    def write_fleet(self, body: bytes) -> str:
        """Write the comparison of customers that is too large for the Summary, and return its s3:// URI."""
        self.bucket.write(fleet_key(self.run_id), body)
        return self.bucket.location(fleet_key(self.run_id))

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json, which says that the run is over."""
        self.bucket.write(summary_key(self.run_id), summary.model_dump_json().encode())

    def write_refusal(self, summary: Summary) -> None:
        """Write the refusal as summary.json for those who follow the record, unless a run of this id exists."""
        if self.bucket.find(plan_key(self.run_id), limit=limits.MAX_RECORD_BYTES) is None:
            self.bucket.create(summary_key(self.run_id), summary.model_dump_json().encode())

    def existing(self, request: RunRequest) -> Summary | None:
        """Return the state of the run that has this id, or None when there is none.

        That is the Summary of a finished run, or one with `exit_code` None. RequestError when the run was started with
        another request.
        """
        plan = self.plan()
        if plan is None:
            return None
        if not self.is_of(plan, request):
            text = f"run {self.run_id} exists and was started with another request; choose another id"
            raise RequestError([Problem("$.run_id", text)])
        return self.state(plan)

    def is_of(self, plan: RunPlan, request: RunRequest) -> bool:
        """Return whether the run was started with this request; ConfigurationError when that cannot be found out."""
        return plan.request == comparable(request) and self._same_person(plan, request)

    def _same_person(self, plan: RunPlan, request: RunRequest) -> bool:
        """Return whether the personal values are the same; values that have expired count as different ones."""
        wanted = personal_params.values_of(request)
        key = plan.personal_params
        if key is None:
            return not wanted
        try:
            return personal_params.read(self.bucket, key) == wanted
        except AwsCallError as failure:
            raise self._unusable(key, "read", failure) from None

    def plan(self) -> RunPlan | None:
        """Read plan.json; None when there is no such run, ConfigurationError when the record cannot be read."""
        try:
            stored = self.bucket.find(plan_key(self.run_id), limit=limits.MAX_RECORD_BYTES)
        except AwsCallError as failure:
            raise self._unusable(plan_key(self.run_id), "read", failure) from None
        return None if stored is None else RunPlan.model_validate_json(stored.body)

    def state(self, plan: RunPlan) -> Summary:
        """Return the Summary of a finished run, or what is known so far, with `exit_code` None."""
        finished = self.summary()
        if finished is not None:
            return finished
        return summaries.unfinished(plan, self._results_so_far(plan), self.summary_location)

    def summary(self) -> Summary | None:
        """Read summary.json; None while the run is not over."""
        stored = self.bucket.find(summary_key(self.run_id), limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else Summary.model_validate_json(stored.body)

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

    def announce(self, hop: Hop) -> None:
        """Write what is left of the run for its next invocation."""
        self.bucket.write(hop_key(self.run_id, hop.hop), hop.model_dump_json().encode())

    def hop(self, number: int) -> Hop | None:
        """Read what was left for the n-th further invocation; None when none was announced."""
        stored = self.bucket.find(hop_key(self.run_id, number), limit=limits.MAX_HOP_BYTES)
        return None if stored is None else Hop.model_validate_json(stored.body)

    def claim_hop(self, claim: HopClaim) -> bool:
        """Claim the turn of a further invocation; False when another delivery of its event has claimed it."""
        return self.bucket.create(hop_claim_key(self.run_id, claim.hop), claim.model_dump_json().encode())

    def _results_so_far(self, plan: RunPlan) -> list[CustomerResult]:
        found = []
        for index, body in self.stored_results(plan, range(len(plan.customers))):
            result = CustomerResult.model_validate_json(body) if body else results.no_result_yet(plan.customers[index])
            found.append(result.model_copy(update={"data": None, "logs": None, "continuation": None}))
        return found

    def _unusable(self, key: str, done: str, failure: AwsCallError) -> ConfigurationError:
        location = self.bucket.location(key)
        text = f"{location} could not be {done} ({failure.code}), so nothing was started"
        return ConfigurationError([Problem("$.environment_variables.RESULTS_BUCKET", text)])


def comparable(request: RunRequest) -> dict[str, object]:
    """Return the request as plan.json keeps it, without the run's id and trigger and without personal values.

    Together with those values it decides whether a repeated start is the same run.
    """
    impersonal = personal_params.without_values(request)
    return impersonal.model_dump(mode="json", exclude_none=True, exclude=set(_IDENTITY_FIELDS))
