"""What passes between processes: frozen, in the order data moves.

event → RunRequest → FleetConfig → Plan → WorkItem → WorkResult → CustomerResult → Summary
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, computed_field

from ses_fleet import limits
from ses_fleet.actions.data import DirectoryFiles
from ses_fleet.config.customer import Customer
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import Category
from ses_fleet.identifiers import RunId
from ses_fleet.model_bases import Stored, Wire

Status = Literal["successful", "failed", "skipped", "not_started"]
Scope = Literal["all", "single"]


class Trigger(Wire):
    """EventBridge Scheduler's context attributes; a delivery that comes twice is one run."""

    schedule_arn: Annotated[str, Field(min_length=1, max_length=2048)]
    scheduled_time: Annotated[str, Field(min_length=1, max_length=64)]


class RunRequest(Wire):
    """The action payload, checked. `max_failures` is a number or a percentage such as "10%"."""

    action: str
    dry_run: bool = False
    max_customer_concurrency: int = 0
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    environment: str | None = None
    max_failures: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^(100|[0-9]{1,2})%$")] | None = None
    customer_timeout_seconds: Annotated[int, Field(ge=1, le=limits.MAX_CUSTOMER_TIMEOUT_SECONDS)] = (
        limits.DEFAULT_CUSTOMER_TIMEOUT_SECONDS
    )
    on_deadline: Literal["stop", "continue"] = "stop"
    customer_code: str | None = None
    ses_role_arn: str | None = None
    prune: bool = False
    confirm_customers: Annotated[int, Field(ge=0)] | None = None
    run_id: RunId | None = None
    trigger: Trigger | None = None
    params: dict[str, Any] = Field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """Whether the action runs on every customer or on one."""
        return "all" if self.action.endswith("-all") else "single"

    @property
    def worker_action(self) -> str:
        """What a worker is told to do: the same for both scopes."""
        return self.action.removesuffix("-all")


class WorkItem(Wire):
    """What the orchestrator sends to a worker: one slice of one customer.

    `continuation` is what the slice before returned, handed back unchanged. `topics` and `people` go to actions that
    need them. In the first phase of a run, `people_prefix` is where the customer's Identity Center is to be written,
    for every customer that shares it. `params` have a mask where a value is personal; `personal_params` is the key of
    the object in the results bucket that holds those.
    """

    run_id: RunId
    action: str
    customer: Customer
    params: dict[str, Any]
    dry_run: bool = False
    prune: bool = False
    # The worker's event is parsed JSON already, which knows lists only.
    topics: Annotated[tuple[WantedTopic, ...], Field(strict=False)] | None = None
    people: DirectoryFiles | None = None
    people_prefix: str | None = None
    personal_params: str | None = None
    slice_budget_seconds: Annotated[float, Field(gt=0)]
    continuation: dict[str, Any] | None = None


class ErrorInfo(Wire):
    """Why a customer failed. `type` is stable (an AWS error code or a name of ours), `message` is for people."""

    category: Category
    type: str
    message: str
    retryable: bool = False
    outcome_unknown: bool = False


class WorkResult(Wire):
    """A worker's answer for one slice. With `continuation` there is more to do; then `data` is null."""

    run_id: str
    customer_code: str
    account_id: str
    error: ErrorInfo | None = None
    data: dict[str, Any] | None = None
    data_location: str | None = None
    warnings: tuple[str, ...] = ()
    api_calls: Annotated[int, Field(ge=0)] = 0
    logs: tuple[str, ...] = ()
    continuation: dict[str, Any] | None = None


class CustomerResult(Stored):
    """What became of one selected customer; exactly one each, in config order.

    `logs` and `continuation` (where a customer stopped between slices) are kept in results/<code>.json only.
    """

    customer_code: str
    customer_name: str
    account_id: str | None
    region: str | None
    status: Status
    error: ErrorInfo | None = None
    data: dict[str, Any] | None = None
    data_location: str | None = None
    warnings: tuple[str, ...] = ()
    api_calls: int = 0
    processing_time_seconds: float = 0.0
    attempts: int = 0
    logs: tuple[str, ...] | None = None
    continuation: dict[str, Any] | None = None

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def success(self) -> bool:
        """Whether the status is successful."""
        return self.status == "successful"


class Concurrency(Stored):
    """How many customers were asked for, allowed and really in flight at once."""

    requested: int
    effective: int
    peak: int = 0
    bound_by: Literal["service_cap"] | None = None


class ConfigVersion(Stored):
    """S3 VersionId, else ETag, of the files that the run read; null for a file it did not need."""

    config: str | None = None
    ses_config: str | None = None


class Summary(Stored):
    """The one answer. `exit_code`: 0 all successful or skipped, 1 some failed or not started,
    2 refused, null while the run has no summary yet.

    `resume_needs` names what must be given again for `resume` to be taken, such as `params.username`.
    """

    run_id: str
    action: str
    dry_run: bool
    started_at: str
    total_duration_seconds: float | None
    total_customers: int
    successful_count: int
    failed_count: int
    skipped_count: int
    not_started_count: int
    results: tuple[CustomerResult, ...]
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    concurrency: Concurrency | None = None
    config_version: ConfigVersion = ConfigVersion()
    summary_location: str | None = None
    resume: dict[str, Any] | None = None
    resume_needs: tuple[str, ...] = ()
    fleet: dict[str, Any] | None = None
    exit_code: Literal[0, 1, 2] | None = None


class PlannedCustomer(Stored):
    """A selected customer as plan.json names it."""

    customer_code: str
    customer_name: str
    account_id: str | None
    region: str | None


class Progress(Stored):
    """A customer that is not finished, as one orchestrator invocation hands it to the next.

    `started_at` null = it was never sent to a worker; `continuation` is where its last slice stopped.
    """

    index: int
    customer_code: str
    started_at: str | None = None
    attempts: int = 0
    api_calls: int = 0
    seconds: float = 0.0
    logs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    continuation: dict[str, Any] | None = None


class Hop(Stored):
    """hops/<n>.json: what is left of a run for its n-th further orchestrator invocation, n from 1.

    `deadline` allows for the event being late; the hop writes its own when it claims its turn. `canaries` are the
    customers (their indexes) that must still succeed before others start. `people` is what was read of Identity
    Centers, by the name of the source; `sources` those that are still being read, by the same name as their code.
    """

    run_id: str
    hop: int
    announced_at: str
    deadline: str
    peak: int
    canaries: tuple[int, ...] = ()
    people: dict[str, DirectoryFiles] = Field(default_factory=dict)
    sources: tuple[Progress, ...] = ()
    pending: tuple[Progress, ...]


class HopClaim(Stored):
    """hops/<n>.claimed.json: the hop began; a second delivery of its event finds this and does nothing.

    `owner` is the token of the invocation that claimed it, by which it knows its own claim again.
    """

    hop: int
    owner: str = ""
    claimed_at: str
    deadline: str


class RunPlan(Stored):
    """plan.json: written first, once. `deadline` is when the orchestrator's own time ends.

    `owner` is the token of the invocation that wrote it. `request` has a mask for what is personal; `personal_params`
    is the key of the object in the same bucket that holds the values.
    """

    run_id: str
    owner: str = ""
    personal_params: str | None = None
    request: dict[str, Any]
    started_at: str
    deadline: str
    customers: tuple[PlannedCustomer, ...]
    warnings: tuple[str, ...] = ()
    concurrency: Concurrency
    config_version: ConfigVersion = ConfigVersion()
