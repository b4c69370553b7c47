"""What a run is asked, what it leaves in S3 and what it answers: frozen models, in the order in which data moves.

event → RunRequest → FleetConfig → Plan → WorkItem → WorkResult → CustomerResult → Summary

WorkItem and WorkResult are in runs/work.py: a worker loads those alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, computed_field

from ses_fleet import limits
from ses_fleet.actions.catalogue import Scope
from ses_fleet.actions.data.marks import VOLATILE
from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.identifiers import PeopleId, RunId
from ses_fleet.model_bases import Stored, Wire
from ses_fleet.people.erasure import PlannedErasure
from ses_fleet.people.pinned import PinnedPeople
from ses_fleet.runs.saved_plan import SavedPlan
from ses_fleet.runs.work import ErrorInfo

Status = Literal["successful", "failed", "skipped", "not_started", "under_way"]


class Trigger(Wire):
    """EventBridge Scheduler's context attributes, by which a delivery that comes twice is one run."""

    schedule_arn: Annotated[str, Field(min_length=1, max_length=2048, description="the schedule's ARN")]
    scheduled_time: Annotated[str, Field(min_length=1, max_length=64, description="when it was due, ISO 8601")]


class RunRequest(Wire):
    """The action payload that starts a run, checked."""

    action: Annotated[str, Field(description="what to do: `help`, or the name of an action")]
    dry_run: Annotated[
        bool,
        Field(
            description="show what would be done and write nothing; of an action that only reads, show "
            "which role and Region each customer would be reached by, and start no worker"
        ),
    ] = False
    max_customer_concurrency: Annotated[
        int,
        Field(
            description="customers at once; 0, a negative number or more than are selected = all at once,"
            " but never more than 500"
        ),
    ] = 0
    include: Annotated[
        tuple[str, ...] | None,
        Field(description="only these customer codes, started in this order; an unknown code refuses the run"),
    ] = None
    exclude: Annotated[tuple[str, ...], Field(description="all customers but these codes")] = ()
    environment: Annotated[
        str | None, Field(description="only customers whose `environment` in config.json is this")
    ] = None
    max_failures: Annotated[
        Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^(100|[0-9]{1,2})%$")] | None,
        Field(
            description='stop starting customers when more than so many started ones have failed; `"10%"`'
            " is of the selected ones, rounded down"
        ),
    ] = None
    failure_mode: Annotated[
        Literal["soft", "strict"],
        Field(
            description="`soft` starts no further customer once more have failed than `max_failures` says; `strict` "
            "starts none that could make it more, so that failed ones and those under way together are never more than "
            "`max_failures`. That must be given then, and a percentage is one customer at least"
        ),
    ] = "soft"
    ramp: Annotated[
        tuple[Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^(100|[1-9][0-9]?)%$")], ...] | None,
        Field(
            description='the stages in which customers are started, such as `[1, "10%", "100%"]`: so many of those '
            "that need a worker, the stages before included. Each begins when the one before has succeeded within "
            "`max_failures`, which is 0 unless it is given",
        ),
    ] = None
    customer_timeout_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=limits.MAX_CUSTOMER_TIMEOUT_SECONDS,
            description="the longest that one customer may take, over all its slices",
        ),
    ] = limits.DEFAULT_CUSTOMER_TIMEOUT_SECONDS
    on_deadline: Annotated[
        Literal["stop", "continue"],
        Field(
            description="what becomes of customers that do not fit into this invocation: `stop` ends "
            "the run without them, `continue` goes on in further invocations, until the run is 24 hours old"
        ),
    ] = "stop"
    customer_code: Annotated[str | None, Field(description="the one customer of an action that runs on one")] = None
    ses_role_arn: Annotated[
        str | None,
        Field(description="another role of the same account in place of the configured one"),
    ] = None
    prune: Annotated[
        bool,
        Field(
            description="also remove what is not wanted: topics that SESConfig.json does not have, people"
            " who left Identity Center"
        ),
    ] = False
    confirm_customers: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(
            description="how many customers are selected; required with `prune`, by an action that removes people "
            "on every customer, and above `defaults.confirm_above` of config.json; another number refuses the run"
        ),
    ] = None
    plan: Annotated[
        RunId | None,
        Field(
            description="a dry run of the same action, whose plan is applied: what it showed is done where that was "
            "successful, and nothing else. Customers, `prune` and `params` are the plan's, and the run's id is made of "
            "the plan's, so that a plan is applied once"
        ),
    ] = None
    resumes: Annotated[
        RunId | None,
        Field(
            description="the run whose customers that failed or were not started are run again, as `resume` of its "
            "Summary has it. Those that had stopped between two slices, not longer than two hours ago, go on there. "
            "Those that config.json does not have any more are skipped"
        ),
    ] = None
    run_id: Annotated[
        RunId | None,
        Field(
            description="an id of your own; the same id with the same request starts nothing and answers "
            "the run's state"
        ),
    ] = None
    trigger: Annotated[
        Trigger | None,
        Field(
            description="`{schedule_arn, scheduled_time}`: which schedule fired and when, from "
            "EventBridge Scheduler. The run's id is made of both, so an event that is "
            "delivered twice is one run"
        ),
    ] = None
    notify: Annotated[
        bool | None,
        Field(
            description="whether people are told of the run's end as the deployment's setting `notify` says: true also "
            "of a dry run, false not at all; without it, of all runs but dry ones"
        ),
    ] = None
    people: Annotated[
        PeopleId | None,
        Field(
            description="the id of the people file that says whom the run is for, which was uploaded to "
            "`data/requests/`; required by an action that takes one, refused by any other"
        ),
    ] = None
    params: dict[str, Any] = Field(
        default_factory=dict, description="the action's own parameters; unknown ones refuse the run"
    )

    @property
    def scope(self) -> Scope:
        """Return "all" when the action runs on every customer, "single" when it runs on one."""
        return "all" if self.action.endswith("-all") else "single"

    @property
    def worker_action(self) -> str:
        """Return the name of the action that a worker is told, which is the same for both scopes."""
        return self.action.removesuffix("-all")


class CustomerResult(CustomerIdentity):
    """What became of one selected customer: exactly one each, in config order."""

    status: Annotated[
        Status,
        Field(
            description="`successful`, `failed`, `skipped` (nothing to do for it, such as no role), "
            "`not_started` (nothing was sent for it; `warnings` say why) or, while the run goes on, `under_way` (or "
            "about to start)"
        ),
    ]
    error: Annotated[ErrorInfo | None, Field(description="why the customer failed; null else")] = None
    data: Annotated[
        dict[str, Any] | None,
        Field(
            description="what the action found out, as the action describes it; null for a failure, or when it is too "
            "large for the answer"
        ),
    ] = None
    data_location: Annotated[
        str | None, VOLATILE, Field(description="`s3://` URI of data that is not in the answer")
    ] = None
    differs: Annotated[
        bool | None,
        Field(
            description="whether something differs from what is asked for: topics from SESConfig.json "
            "(`describe-topics`), or a run would write something (a dry run that changes something); null where that "
            "is not known"
        ),
    ] = None
    findings: Annotated[
        int | None,
        Field(description="how many checks found something, of an action that makes checks; null of others"),
    ] = None
    warnings: Annotated[tuple[str, ...], Field(description="what should be looked at, although nothing failed")] = ()
    api_calls: Annotated[int, VOLATILE, Field(description="requests to SES and Identity Center")] = 0
    processing_time_seconds: Annotated[
        float, VOLATILE, Field(description="seconds that invocations of its worker took, as the orchestrator saw them")
    ] = 0.0
    attempts: Annotated[int, VOLATILE, Field(description="Invoke requests sent, over all slices")] = 0
    logs: Annotated[
        tuple[str, ...] | None,
        VOLATILE,
        Field(description="lines of the customer's block; null here, and kept in `results/CODE.json`"),
    ] = None
    continuation: Annotated[
        dict[str, Any] | None,
        VOLATILE,
        Field(description="where a customer stopped between slices; null here, and kept in `results/CODE.json`"),
    ] = None

    plan: Annotated[
        SavedPlan | None,
        VOLATILE,
        Field(
            description="what a dry run would do, for a run that applies it; null here, and kept in `results/CODE.json`"
        ),
    ] = None

    work_of: Annotated[
        str | None,
        VOLATILE,
        Field(description="the run that began the work, where this run resumed it: data and backups lie under its id"),
    ] = None

    @computed_field(description="whether the status is successful")  # type: ignore[prop-decorator]  # pydantic's form
    @property
    def success(self) -> bool:
        """Return whether the status is successful."""
        return self.status == "successful"


class Concurrency(Stored):
    """How many customers were asked for, allowed and really in flight at once."""

    requested: Annotated[int, Field(description="`max_customer_concurrency` of the payload")]
    effective: Annotated[int, Field(description="how many may run at once")]
    peak: Annotated[int, Field(description="how many really did")] = 0
    bound_by: Annotated[
        Literal["service_cap"] | None, Field(description='`"service_cap"` when 500 was the bound, else null')
    ] = None


class RampPosition(Stored):
    """Where a run stands in its ramp."""

    stages: Annotated[
        tuple[int, ...],
        Field(description="how many customers are started in each stage, those of the stages before included"),
    ]
    at: Annotated[
        int, Field(description="the stage that the run is at, from 1: the last one that began, and where it ended")
    ]


class ConfigVersion(Stored):
    """The versions of the files that the run read: S3's VersionId, else the ETag."""

    config: Annotated[str | None, Field(description="S3's version id of config.json, or its ETag without versions")] = (
        None
    )
    ses_config: Annotated[str | None, Field(description="the same of SESConfig.json; null where it was not read")] = (
        None
    )


class Summary(Stored):
    """The one answer of a run."""

    run_id: Annotated[str, Field(description="the run's id")]
    action: Annotated[str, Field(description="as in the payload")]
    dry_run: Annotated[bool, Field(description="as in the payload")]
    started_at: Annotated[str, Field(description="when the run began, ISO 8601, UTC")]
    total_duration_seconds: Annotated[
        float | None, Field(description="from its start to its end, over all invocations; null before the end")
    ]
    total_customers: Annotated[int, Field(description="customers selected")]
    successful_count: Annotated[int, Field(description="how many were successful")]
    failed_count: Annotated[int, Field(description="how many failed")]
    skipped_count: Annotated[int, Field(description="how many were skipped")]
    not_started_count: Annotated[int, Field(description="how many were not started")]
    under_way_count: Annotated[
        int,
        Field(
            description="how many are under way (with a worker, or between two slices) or about to start: the record "
            "cannot tell these apart; 0 once the run is over"
        ),
    ] = 0
    results: Annotated[
        tuple[CustomerResult, ...], Field(description="one result for each selected customer, in config.json's order")
    ]
    differs: Annotated[
        bool | None,
        Field(
            description="true when something differs at some customer, as its result says; false when every one that "
            "was not skipped says that nothing does; null when that is not known"
        ),
    ] = None
    differing_count: Annotated[int, Field(description="at how many customers something differs")] = 0
    finding_count: Annotated[int, Field(description="at how many customers a check found something")] = 0
    warnings: Annotated[tuple[str, ...], Field(description="what concerns the run as a whole")] = ()
    errors: Annotated[tuple[str, ...], Field(description="why the run was refused; empty else")] = ()
    concurrency: Annotated[
        Concurrency | None, Field(description="how many customers ran at once; null for a refused run")
    ] = None
    ramp: Annotated[
        RampPosition | None, Field(description="where the run stands in the payload's `ramp`; null without one")
    ] = None
    defaults: Annotated[
        dict[str, Any] | None,
        Field(
            description="what the run took from config.json's `defaults`, as its payload did not say it; null: nothing"
        ),
    ] = None
    config_version: Annotated[ConfigVersion, Field(description="which versions of the files the run read")] = (
        ConfigVersion()
    )
    summary_location: Annotated[str | None, Field(description="`s3://` URI of this Summary")] = None
    closed_by: Annotated[
        Literal["orchestrator", "reaper"] | None,
        Field(
            description="who ended the run: its own orchestrator, or the reaper, because that gave no sign of life any "
            "more; null while the run goes on, and for refused runs"
        ),
    ] = None
    cancelled_at: Annotated[
        str | None,
        Field(
            description="when somebody cancelled the run, ISO 8601, UTC; null when nobody did, and when that came too "
            "late to keep any customer from being started or going on"
        ),
    ] = None
    plan: Annotated[str | None, Field(description="the dry run whose plan the run applied; null for other runs")] = None
    resume: Annotated[
        dict[str, Any] | None,
        Field(description="the payload that runs exactly what failed or was not started; null if there is nothing"),
    ] = None
    resume_needs: Annotated[
        tuple[str, ...],
        Field(description="what must be given again for `resume` to be taken, such as `params.username`"),
    ] = ()
    receipt: Annotated[
        str | None, Field(description="`s3://` URI of the receipt of an erasure; null for other actions and dry runs")
    ] = None
    fleet: Annotated[
        dict[str, Any] | None,
        Field(
            description="the comparison of customers that `describe-topics-all` makes, or in how many of them "
            "`find-contact-all` found somebody; null for other actions"
        ),
    ] = None
    exit_code: Annotated[
        Literal[0, 1, 2] | None,
        Field(
            description="0 all successful or skipped, 1 some failed or not started, 2 refused, null while"
            " the run goes on"
        ),
    ] = None


class Pinned(Stored):
    """The VersionIds of the files that all invocations of a run use; None where the run's record has a copy instead."""

    config: str | None = None
    ses_config: str | None = None


class RunPlan(Stored):
    """plan.json, written first and once. `deadline` is when the time of the first invocation ends.

    `owner` is the token of the invocation that wrote it. `request` has a mask in place of personal values;
    `personal_params` is the key of the object in the same bucket that holds those. `record_format` is 1 for the records
    of versions that wrote no signs of life. `dead_after_seconds` is how long a run that goes on is ever without one.
    `failures_allowed` is how many started customers may fail, None for any number, `strict` whether those that may
    still fail are counted, `defaults` what the request did not say and config.json does. `ramp` has the indexes of
    the customers of each stage, none without a ramp. `people` is the people file that all invocations of the run use,
    if its action takes one, `erasure` whom the run is to erase. `request_id` is that of the invocation that wrote it,
    and `function` the ARN of the orchestrator, without a version.
    """

    run_id: str
    record_format: int = 1
    dead_after_seconds: float = limits.DEAD_AFTER_SECONDS
    owner: str = ""
    request_id: str = ""
    function: str = ""
    personal_params: str | None = None
    request: dict[str, Any]
    started_at: str
    deadline: str
    customers: tuple[CustomerIdentity, ...]
    warnings: tuple[str, ...] = ()
    failures_allowed: int | None = None
    strict: bool = False
    defaults: dict[str, Any] = Field(default_factory=dict)
    ramp: tuple[tuple[int, ...], ...] = ()
    concurrency: Concurrency
    config_version: ConfigVersion = ConfigVersion()
    pinned: Pinned = Pinned()
    people: PinnedPeople | None = None
    erasure: PlannedErasure | None = None
