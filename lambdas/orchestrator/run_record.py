"""The run record in S3: what the CLI follows, what a second start finds, what is left of a killed run."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator import summary as summaries
from orchestrator.plan import Plan
from shared.errors import AwsCallError, ConfigurationError, Fault, RequestError
from shared.models import CustomerResult, PlannedCustomer, RunPlan, RunRequest, Summary
from shared.objects import Bucket
from shared.record import plan_key, result_key, summary_key

# A plan of 5,000 customers with the longest names and warnings is a few megabytes.
_MAX_RECORD_BYTES = 32 * 1024 * 1024
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
            raise self._unusable("written", failure) from None

    def write_result(self, index: int, result: CustomerResult) -> None:
        """Write one customer's result, whole."""
        self.bucket.write(result_key(self.run_id, result.customer_code, index), result.model_dump_json().encode())

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json: the run is over."""
        self.bucket.write(summary_key(self.run_id), summary.model_dump_json().encode())

    def write_refusal(self, summary: Summary) -> None:
        """Tell whoever follows that the run was refused, unless a run of this id exists."""
        if self.bucket.find(plan_key(self.run_id), limit=_MAX_RECORD_BYTES) is None:
            self.bucket.create(summary_key(self.run_id), summary.model_dump_json().encode())

    def existing(self, request: RunRequest) -> Summary | None:
        """The state of a run of this id, or None when there is none.

        The finished run's Summary, or one with `exit_code` null. RequestError when the id is another request's.
        """
        try:
            stored = self.bucket.find(plan_key(self.run_id), limit=_MAX_RECORD_BYTES)
        except AwsCallError as failure:
            raise self._unusable("read", failure) from None
        if stored is None:
            return None
        plan = RunPlan.model_validate_json(stored.body)
        if plan.request != comparable(request):
            text = f"run {self.run_id} exists and was started with another request; choose another id"
            raise RequestError([Fault("$.run_id", text)])
        finished = self.bucket.find(summary_key(self.run_id), limit=_MAX_RECORD_BYTES)
        if finished is not None:
            return Summary.model_validate_json(finished.body)
        return summaries.unfinished(plan, self._results_so_far(plan), self.summary_location)

    def _unusable(self, done: str, failure: AwsCallError) -> ConfigurationError:
        location = self.bucket.location(plan_key(self.run_id))
        text = f"{location} could not be {done} ({failure.code}), so nothing was started"
        return ConfigurationError([Fault("$.environment_variables.RESULTS_BUCKET", text)])

    def _results_so_far(self, plan: RunPlan) -> list[CustomerResult]:
        return [self._result_so_far(plan, index) for index in range(len(plan.customers))]

    def _result_so_far(self, plan: RunPlan, index: int) -> CustomerResult:
        customer = plan.customers[index]
        key = result_key(self.run_id, customer.customer_code, index)
        stored = self.bucket.find(key, limit=_MAX_RECORD_BYTES)
        if stored is not None:
            return CustomerResult.model_validate_json(stored.body)
        return CustomerResult(**customer.model_dump(), status="not_started", warnings=("no result yet",))


def comparable(request: RunRequest) -> dict[str, object]:
    """The request as plan.json keeps it: what decides whether a second start is the same run."""
    return request.model_dump(mode="json", exclude_none=True, exclude=set(_IDENTITY_FIELDS))


def plan_document(plan: Plan, run_id: str, started_at: str, deadline: str) -> RunPlan:
    """plan.json of a plan."""
    return RunPlan(
        run_id=run_id,
        request=comparable(plan.request),
        started_at=started_at,
        deadline=deadline,
        customers=tuple(
            PlannedCustomer(
                customer_code=item.code, customer_name=item.name, account_id=item.account_id, region=item.region
            )
            for item in plan.items
        ),
        warnings=plan.warnings,
        concurrency=plan.concurrency,
        config_version=summaries.config_version(plan),
    )
