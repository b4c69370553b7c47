"""What passes between processes: frozen models, in the order in which data moves.

event → RunRequest → FleetConfig → Plan → WorkItem → WorkResult → CustomerResult → Summary
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, computed_field

from ses_fleet import limits
from ses_fleet.actions.catalogue import Scope
from ses_fleet.actions.data import DirectoryFiles
from ses_fleet.config.customer import Customer, CustomerIdentity
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import Category
from ses_fleet.identifiers import RunId
from ses_fleet.model_bases import Stored, Wire

Status = Literal["successful", "failed", "skipped", "not_started"]


class Trigger(Wire):
    """EventBridge Scheduler's context attributes, by which a delivery that comes twice is one run."""

    schedule_arn: Annotated[str, Field(min_length=1, max_length=2048, description="the schedule's ARN")]
    scheduled_time: Annotated[str, Field(min_length=1, max_length=64, description="when it was due, ISO 8601")]


class RunRequest(Wire):
    """The action payload that starts a run, checked."""

    action: Annotated[str, Field(description="what to do; `help` lists the actions")]
    dry_run: Annotated[bool, Field(description="change nothing, and show what would be done")] = False
    max_customer_concurrency: Annotated[
        int, Field(description="how many customers run at once; 0, a negative number or more than there are = all")
    ] = 0
    include: Annotated[
        tuple[str, ...] | None,
        Field(description="codes of the customers to run, which start in this order; absent = every customer"),
    ] = None
    exclude: Annotated[tuple[str, ...], Field(description="codes of customers that are left out")] = ()
    environment: Annotated[str | None, Field(description="only customers of this environment in config.json")] = None
    max_failures: Annotated[
        Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^(100|[0-9]{1,2})%$")] | None,
        Field(description='with more failures than this number or percentage, such as "10%", no further one starts'),
    ] = None
    customer_timeout_seconds: Annotated[
        int,
        Field(ge=1, le=limits.MAX_CUSTOMER_TIMEOUT_SECONDS, description="the most that one customer may take"),
    ] = limits.DEFAULT_CUSTOMER_TIMEOUT_SECONDS
    on_deadline: Annotated[
        Literal["stop", "continue"],
        Field(description="when the orchestrator's time ends: stop, or continue in another invocation"),
    ] = "stop"
    customer_code: Annotated[str | None, Field(description="the customer of an action for a single one")] = None
    ses_role_arn: Annotated[
        str | None,
        Field(description="a role to use instead of the configured one, in the same account; single actions only"),
    ] = None
    prune: Annotated[bool, Field(description="also remove what the source no longer has")] = False
    confirm_customers: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="how many customers are selected, which a prune of all must repeat"),
    ] = None
    run_id: Annotated[RunId | None, Field(description="an id for the run; the same id again is the same run")] = None
    trigger: Annotated[Trigger | None, Field(description="what started the run, in place of run_id")] = None
    params: dict[str, Any] = Field(default_factory=dict, description="the action's own parameters")

    @property
    def scope(self) -> Scope:
        """Return "all" when the action runs on every customer, "single" when it runs on one."""
        return "all" if self.action.endswith("-all") else "single"

    @property
    def worker_action(self) -> str:
        """Return the name of the action that a worker is told, which is the same for both scopes."""
        return self.action.removesuffix("-all")


class WorkItem(Wire):
    """What the orchestrator sends to a worker: one slice of one customer.

    `continuation` is what the slice before returned, unchanged. `topics` and `people` are given to actions that need
    them. In the first phase of a run, `people_prefix` is where the worker writes what it reads of the customer's
    Identity Center, for all customers that share it. `params` have a mask in place of personal values;
    `personal_params` is the key of the object in the results bucket that holds those.
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
    """Why a customer failed, for programs and for people."""

    category: Annotated[Category, Field(description="whose fault it is, as the error table says")]
    type: Annotated[str, Field(description="an AWS error code or a name of ours; it is stable")]
    message: Annotated[str, Field(description="what happened, to whom, and what to do")]
    retryable: Annotated[bool, Field(description="whether the same run may succeed later")] = False
    outcome_unknown: Annotated[bool, Field(description="whether something may have been changed all the same")] = False


class WorkResult(Wire):
    """A worker's answer for one slice. With `continuation` there is more to do; then `data` is None."""

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


class CustomerResult(CustomerIdentity):
    """What became of one selected customer: exactly one each, in config order."""

    status: Annotated[Status, Field(description="what became of it")]
    error: Annotated[ErrorInfo | None, Field(description="why it failed")] = None
    data: Annotated[dict[str, Any] | None, Field(description="what its action answers; null when it is in S3")] = None
    data_location: Annotated[str | None, Field(description="s3:// URI of the data, where they are not inline")] = None
    warnings: Annotated[tuple[str, ...], Field(description="what a person should know, though nothing failed")] = ()
    api_calls: Annotated[int, Field(description="calls of its worker to AWS, retries included")] = 0
    processing_time_seconds: Annotated[float, Field(description="how long its worker ran, over all slices")] = 0.0
    attempts: Annotated[int, Field(description="how many invocations of the worker were sent")] = 0
    logs: Annotated[
        tuple[str, ...] | None, Field(description="the lines of its block; kept in results/<code>.json only")
    ] = None
    continuation: Annotated[
        dict[str, Any] | None,
        Field(description="where it stopped between two slices; kept in results/<code>.json only"),
    ] = None

    @computed_field(description="whether the status is successful")  # type: ignore[prop-decorator]  # pydantic's form
    @property
    def success(self) -> bool:
        """Return whether the status is successful."""
        return self.status == "successful"


class Concurrency(Stored):
    """How many customers were asked for, allowed and really in flight at once."""

    requested: Annotated[int, Field(description="max_customer_concurrency of the payload")]
    effective: Annotated[int, Field(description="how many were allowed at once")]
    peak: Annotated[int, Field(description="how many really were in flight at once")] = 0
    bound_by: Annotated[
        Literal["service_cap"] | None, Field(description="service_cap when fewer were allowed than asked for")
    ] = None


class ConfigVersion(Stored):
    """The versions of the files that the run read: S3's VersionId, else the ETag."""

    config: Annotated[str | None, Field(description="of config.json")] = None
    ses_config: Annotated[str | None, Field(description="of SESConfig.json; null when the run did not need it")] = None


class Summary(Stored):
    """The one answer of a run."""

    run_id: Annotated[str, Field(description="the run's id")]
    action: Annotated[str, Field(description="the action of the payload")]
    dry_run: Annotated[bool, Field(description="whether the run only showed what would be done")]
    started_at: Annotated[str, Field(description="when it started, ISO 8601, UTC")]
    total_duration_seconds: Annotated[float | None, Field(description="its duration; null while it is not over")]
    total_customers: Annotated[int, Field(description="how many customers were selected")]
    successful_count: Annotated[int, Field(description="how many of them are successful")]
    failed_count: Annotated[int, Field(description="how many of them failed")]
    skipped_count: Annotated[int, Field(description="how many of them were skipped")]
    not_started_count: Annotated[int, Field(description="how many of them were never started")]
    results: Annotated[tuple[CustomerResult, ...], Field(description="one for each selected customer, in config order")]
    warnings: Annotated[tuple[str, ...], Field(description="what a person should know of the whole run")] = ()
    errors: Annotated[tuple[str, ...], Field(description="why the run was refused, one problem each")] = ()
    concurrency: Annotated[Concurrency | None, Field(description="how many customers ran at once")] = None
    config_version: Annotated[ConfigVersion, Field(description="the files that were read")] = ConfigVersion()
    summary_location: Annotated[str | None, Field(description="s3:// URI of summary.json")] = None
    resume: Annotated[
        dict[str, Any] | None,
        Field(description="the payload that runs exactly what failed or was not started; null when nothing did"),
    ] = None
    resume_needs: Annotated[
        tuple[str, ...],
        Field(description="what must be given again for `resume` to be taken, such as params.username"),
    ] = ()
    fleet: Annotated[
        dict[str, Any] | None, Field(description="the comparison of customers' topics, of describe-topics-all")
    ] = None
    exit_code: Annotated[
        Literal[0, 1, 2] | None,
        Field(description="0 all successful or skipped, 1 some failed or not started, 2 refused, null before the end"),
    ] = None


class Progress(Stored):
    """A customer that is not finished, as one invocation of the orchestrator hands it to the next.

    `started_at` is None when it was never sent to a worker; `continuation` is where its last slice stopped.
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
    """hops/<n>.json: what is left of a run for its n-th further invocation of the orchestrator, n from 1.

    `deadline` allows for a late delivery of the event; the invocation writes its own when it claims its turn.
    `canaries` are the indexes of the customers that must still succeed before others start. `people` is what was read
    of Identity Centers, by the name of the source; `sources` are those still being read, whose code is that name.
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
    """hops/<n>.claimed.json: the further invocation has begun; a second delivery of its event then does nothing.

    `owner` is the token of the invocation that claimed it, by which it recognises its own claim.
    """

    hop: int
    owner: str = ""
    claimed_at: str
    deadline: str


class RunPlan(Stored):
    """plan.json, written first and once. `deadline` is when the time of the first invocation ends.

    `owner` is the token of the invocation that wrote it. `request` has a mask in place of personal values;
    `personal_params` is the key of the object in the same bucket that holds those.
    """

    run_id: str
    owner: str = ""
    personal_params: str | None = None
    request: dict[str, Any]
    started_at: str
    deadline: str
    customers: tuple[CustomerIdentity, ...]
    warnings: tuple[str, ...] = ()
    concurrency: Concurrency
    config_version: ConfigVersion = ConfigVersion()
