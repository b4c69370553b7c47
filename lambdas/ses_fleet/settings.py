"""The functions' environment variables, read once per invocation into a frozen object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ses_fleet import limits, problems
from ses_fleet.errors import ConfigurationError
from ses_fleet.identifiers import LIST_NAME_PATTERN, SECRET_PATTERN, TOPIC_ARN_PATTERN

# What a run that is over is told for: it failed or was refused, something differs, a check found something, anything.
NotifyKind = Literal["failed", "differs", "findings", "always"]
# The first user's group names: ccoe-cloud-<account name>-<account id>-...-idp-<application>-<role>.
_GROUP_ROLE = r"ccoe-cloud-.+-[0-9]{12}-(?:.+-)?idp-.+-(?P<role>[^-]+)"
_WORDING = problems.Wording(problems.OPEN)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; raise ConfigurationError that names every variable that is missing or wrong."""
        settings, found = problems.attempt(cls, dict(environment), _WORDING, "$.environment_variables")
        if settings is None:
            raise ConfigurationError(found)
        return settings


_ErasureSecret = Annotated[
    str | None,
    Field(
        alias="ERASURE_SECRET",
        pattern=f"^{SECRET_PATTERN}$",
        description="the name or ARN of the secret whose keys erased people are remembered by",
    ),
]


class OrchestratorSettings(_Settings):
    """What the orchestrator reads from its environment."""

    config_bucket: str = Field(
        alias="CONFIG_BUCKET", min_length=1, description="the bucket of config.json and SESConfig.json"
    )
    config_key: str = Field(
        alias="CONFIG_KEY", default="config.json", min_length=1, description="the key of config.json in that bucket"
    )
    ses_config_key: str = Field(
        alias="SES_CONFIG_KEY",
        default="SESConfig.json",
        min_length=1,
        description="the key of SESConfig.json in that bucket",
    )
    results_bucket: str = Field(
        alias="RESULTS_BUCKET", min_length=1, description="the bucket of run records, data and backups"
    )
    worker_function_name: str = Field(
        alias="WORKER_FUNCTION_NAME", min_length=1, description="the function that is invoked for each customer"
    )
    region: str = Field(alias="AWS_REGION", min_length=1, description="the function's own Region, set by Lambda")
    dead_after: float = Field(
        alias="DEAD_AFTER_SECONDS",
        default=limits.DEAD_AFTER_SECONDS,
        gt=0,
        description="seconds without a sign of life after which a run's invocation may be replaced; less than 60 only "
        "in tests",
    )
    slice_budget: float = Field(
        alias="SLICE_BUDGET_SECONDS",
        default=limits.SLICE_BUDGET_SECONDS,
        gt=0,
        lt=limits.WORKER_FUNCTION_TIMEOUT_SECONDS,
        description="seconds that a worker may use for one slice of a customer",
    )
    start_margin: float = Field(
        alias="START_MARGIN_SECONDS",
        default=limits.START_MARGIN_SECONDS,
        ge=0,
        description="seconds that must be left of the orchestrator's own time to start a customer or a slice",
    )
    return_margin: float = Field(
        alias="RETURN_MARGIN_SECONDS",
        default=limits.RETURN_MARGIN_SECONDS,
        ge=0,
        description="seconds that the orchestrator keeps of its own time to return",
    )
    plan_hours: float = Field(
        alias="PLAN_HOURS",
        default=limits.PLAN_HOURS,
        gt=0,
        description="hours after its dry run began during which a plan may be applied",
    )
    data_days: int = Field(
        alias="DATA_DAYS",
        default=limits.DATA_DAYS,
        ge=1,
        description="days after which the results bucket lets `data/` expire, as receipts of erasures tell it",
    )
    backups_days: int = Field(
        alias="BACKUPS_DAYS",
        default=limits.BACKUP_DAYS,
        ge=1,
        description="days after which it lets `backups/` expire",
    )
    old_versions_days: int = Field(
        alias="OLD_VERSIONS_DAYS",
        default=limits.OLD_VERSION_DAYS,
        ge=1,
        description="days for which what was overwritten, deleted or expired is still there",
    )
    erasure_secret: _ErasureSecret = None
    notify_topic_arn: str | None = Field(
        alias="NOTIFY_TOPIC_ARN",
        default=None,
        pattern=f"^{TOPIC_ARN_PATTERN}$",
        description="the SNS topic that is told when a run is over",
    )
    notify_on: tuple[NotifyKind, ...] = Field(
        alias="NOTIFY_ON",
        default=("failed",),
        min_length=1,
        description="of which ends it is told, with commas between: failed, differs, findings, always",
    )

    @field_validator("notify_on", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return tuple(part.strip() for part in given.split(",")) if isinstance(given, str) else given


class WorkerSettings(_Settings):
    """What the worker reads from its environment."""

    region: str = Field(alias="AWS_REGION", min_length=1, description="the function's own Region, set by Lambda")
    results_bucket: str = Field(
        alias="RESULTS_BUCKET", min_length=1, description="the bucket of run records, data and backups"
    )
    ses_requests_per_second: float = Field(
        alias="SES_REQUESTS_PER_SECOND",
        default=limits.SES_REQUESTS_PER_SECOND,
        ge=0,
        description="requests a second to SES in one account and Region; 0 does not pace them",
    )
    ses_burst: int = Field(
        alias="SES_BURST", default=limits.SES_BURST, ge=1, description="requests to SES that may come at once"
    )
    default_list_name: str = Field(
        alias="DEFAULT_CONTACT_LIST_NAME",
        default="main-contact-list",
        pattern=f"^{LIST_NAME_PATTERN}$",
        description="the name of a contact list that is made for a customer without contact_list_name",
    )
    default_list_description: str = Field(
        alias="DEFAULT_CONTACT_LIST_DESCRIPTION",
        default="Subscriptions by topic",
        max_length=limits.SES_DESCRIPTION_CHARACTERS,
        description="the description of a contact list that is made",
    )
    identity_center_requests_per_second: float = Field(
        alias="IDENTITY_CENTER_REQUESTS_PER_SECOND",
        default=limits.IDENTITY_CENTER_REQUESTS_PER_SECOND,
        ge=0,
        description="requests a second to each API of an identity store; 0 does not pace them",
    )
    group_role_pattern: re.Pattern[str] = Field(
        alias="GROUP_ROLE_PATTERN",
        default=re.compile(_GROUP_ROLE),
        description="matches a group's whole name; what (?P<role>...) matches is what OptInRoles name",
    )
    import_job_threshold: int = Field(
        alias="IMPORT_JOB_THRESHOLD",
        default=limits.IMPORT_JOB_THRESHOLD,
        ge=0,
        description="new contacts that are still created one by one; more are one SES import job",
    )
    write_margin: float = Field(
        alias="WRITE_MARGIN_SECONDS",
        default=limits.WRITE_MARGIN_SECONDS,
        ge=0,
        description="seconds at the end of the function's timeout in which nothing is written to SES any more; fewer "
        "than the 35 of the longest call let a write arrive when the lease of the list is over",
    )
    verify_contacts: Literal["on", "off"] = Field(
        alias="VERIFY_CONTACTS",
        default="on",
        description="whether a run that changed contacts reads the list once more and compares",
    )
    prune_limit_percent: float = Field(
        alias="PRUNE_LIMIT_PERCENT",
        default=limits.PRUNE_LIMIT_PERCENT,
        ge=0,
        le=100,
        description="percentage of a list's contacts that a prune may remove",
    )
    plan_stale_percent: float = Field(
        alias="PLAN_STALE_PERCENT",
        default=limits.PLAN_STALE_PERCENT,
        ge=0,
        le=100,
        description="percentage of a plan's changes of people that may be others when it is applied, and are left out",
    )
    erasure_secret: _ErasureSecret = None

    @field_validator("group_role_pattern")
    @classmethod
    def _names_a_role(cls, pattern: re.Pattern[str]) -> re.Pattern[str]:
        if "role" not in pattern.groupindex:
            raise ValueError("must be a regular expression with a group (?P<role>...)")
        return pattern
