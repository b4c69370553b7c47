"""The run record in S3: what the CLI follows, what a second start finds, what is left of a killed run."""

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
    """One run's record. Objects are written once, but for a result that a later slice completes."""

    bucket: Bucket
    run_id: str

    @property
    def summary_location(self) -> str:
        """s3:// URI of the summary."""
        return self.bucket.location(summary_key(self.run_id))

    def result_location(self, customer_code: str, index: int) -> str:
        """s3:// URI of one customer's result."""
        return self.bucket.location(result_key(self.run_id, customer_code, index))

    def claim(self, plan: RunPlan) -> bool:
        """Write plan.json unless the run exists; ConfigurationError when it cannot be written."""
        try:
            return self.bucket.create(plan_key(self.run_id), plan.model_dump_json().encode())
        except AwsCallError as failure:
            raise self._unusable(plan_key(self.run_id), "written", failure) from None

    def keep_personal(self, values: Mapping[str, object], owner: str) -> str | None:
        """Write what the request says of a person, for workers to read; the object's key, None for nothing to keep.

        Every start has an object of its own, and plan.json names the one that holds: two starts of one run id never
        take each other's. ConfigurationError when it cannot be written.
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
        """Write one customer's result, whole."""
        self.bucket.write(result_key(self.run_id, customer_code, index), body)

    def write_results_file(self, file: BinaryIO) -> None:
        """Write results.jsonl.gz."""
        self.bucket.write(results_file_key(self.run_id), file, "application/gzip")

    def write_fleet(self, body: bytes) -> str:
        """Write the comparison of customers that is too large for the Summary; its s3:// URI."""
        self.bucket.write(fleet_key(self.run_id), body)
        return self.bucket.location(fleet_key(self.run_id))

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json: the run is over."""
        self.bucket.write(summary_key(self.run_id), summary.model_dump_json().encode())

    def write_refusal(self, summary: Summary) -> None:
        """Tell whoever follows that the run was refused, unless a run of this id exists."""
        if self.bucket.find(plan_key(self.run_id), limit=limits.MAX_RECORD_BYTES) is None:
            self.bucket.create(summary_key(self.run_id), summary.model_dump_json().encode())

    def existing(self, request: RunRequest) -> Summary | None:
        """The state of a run of this id, or None when there is none.

        The finished run's Summary, or one with `exit_code` null. RequestError when the id is another request's.
        """
        plan = self.plan()
        if plan is None:
            return None
        if not self.is_of(plan, request):
            text = f"run {self.run_id} exists and was started with another request; choose another id"
            raise RequestError([Problem("$.run_id", text)])
        return self.state(plan)

    def is_of(self, plan: RunPlan, request: RunRequest) -> bool:
        """Whether the run is this request's; ConfigurationError when what it keeps of a person cannot be read."""
        return plan.request == comparable(request) and self._same_person(plan, request)

    def _same_person(self, plan: RunPlan, request: RunRequest) -> bool:
        """Whether the personal parameters are the same; where nobody can tell any more, they are not."""
        wanted = personal_params.values_of(request)
        key = plan.personal_params
        if key is None:
            return not wanted
        try:
            return personal_params.read(self.bucket, key) == wanted
        except AwsCallError as failure:
            raise self._unusable(key, "read", failure) from None

    def plan(self) -> RunPlan | None:
        """plan.json; None when there is no such run, ConfigurationError when the record cannot be read."""
        try:
            stored = self.bucket.find(plan_key(self.run_id), limit=limits.MAX_RECORD_BYTES)
        except AwsCallError as failure:
            raise self._unusable(plan_key(self.run_id), "read", failure) from None
        return None if stored is None else RunPlan.model_validate_json(stored.body)

    def state(self, plan: RunPlan) -> Summary:
        """The finished run's Summary, or what is known so far: `exit_code` null."""
        finished = self.summary()
        if finished is not None:
            return finished
        return summaries.unfinished(plan, self._results_so_far(plan), self.summary_location)

    def summary(self) -> Summary | None:
        """summary.json, if the run is over."""
        stored = self.bucket.find(summary_key(self.run_id), limit=limits.MAX_RECORD_BYTES)
        return None if stored is None else Summary.model_validate_json(stored.body)

    def stored_results(self, plan: RunPlan, indexes: Iterable[int]) -> Iterator[tuple[int, bytes | None]]:
        """(index, results/<code>.json or None), a few at a time."""

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
        """Write what is left for the next invocation."""
        self.bucket.write(hop_key(self.run_id, hop.hop), hop.model_dump_json().encode())

    def hop(self, number: int) -> Hop | None:
        """What was announced for the n-th hop."""
        stored = self.bucket.find(hop_key(self.run_id, number), limit=limits.MAX_HOP_BYTES)
        return None if stored is None else Hop.model_validate_json(stored.body)

    def claim_hop(self, claim: HopClaim) -> bool:
        """Take the n-th hop's turn; False when it was taken already."""
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
