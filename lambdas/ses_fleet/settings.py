"""The functions' environment variables, read once per invocation into a frozen object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ses_fleet import limits
from ses_fleet.errors import ConfigurationError, Problem
from ses_fleet.text import printable

# The first user's group names: ccoe-cloud-<account name>-<account id>-...-idp-<application>-<role>.
_GROUP_ROLE = r"ccoe-cloud-.+-[0-9]{12}-(?:.+-)?idp-.+-(?P<role>[^-]+)"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Raise ConfigurationError naming every variable that is missing or wrong."""
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            raise ConfigurationError(_problem(detail) for detail in error.errors()) from None


class OrchestratorSettings(_Settings):
    """What the orchestrator reads from its environment. Times are seconds."""

    config_bucket: str = Field(alias="CONFIG_BUCKET", min_length=1)
    config_key: str = Field(alias="CONFIG_KEY", default="config.json", min_length=1)
    ses_config_key: str = Field(alias="SES_CONFIG_KEY", default="SESConfig.json", min_length=1)
    results_bucket: str = Field(alias="RESULTS_BUCKET", min_length=1)
    worker_function_name: str = Field(alias="WORKER_FUNCTION_NAME", min_length=1)
    region: str = Field(alias="AWS_REGION", min_length=1)
    slice_budget: float = Field(
        alias="SLICE_BUDGET_SECONDS", default=240.0, gt=0, lt=limits.WORKER_FUNCTION_TIMEOUT_SECONDS
    )
    start_margin: float = Field(alias="START_MARGIN_SECONDS", default=60.0, ge=0)
    return_margin: float = Field(alias="RETURN_MARGIN_SECONDS", default=30.0, ge=0)


class WorkerSettings(_Settings):
    """What the worker reads from its environment.

    `group_role_pattern` matches a group's whole name; its group `role` is what OptInRoles name. `import_job_threshold`
    is how many new contacts are still created one by one. `prune_limit_percent` is of the list's contacts.
    `verify_contacts`: whether a run that changed contacts reads the list once more and compares.
    """

    region: str = Field(alias="AWS_REGION", min_length=1)
    results_bucket: str = Field(alias="RESULTS_BUCKET", min_length=1)
    ses_requests_per_second: float = Field(
        alias="SES_REQUESTS_PER_SECOND", default=limits.SES_REQUESTS_PER_SECOND, ge=0
    )
    ses_burst: int = Field(alias="SES_BURST", default=limits.SES_BURST, ge=1)
    default_list_name: str = Field(
        alias="DEFAULT_CONTACT_LIST_NAME", default="main-contact-list", pattern=r"^[A-Za-z0-9_-]{1,64}$"
    )
    default_list_description: str = Field(
        alias="DEFAULT_CONTACT_LIST_DESCRIPTION",
        default="Subscriptions by topic",
        max_length=limits.SES_DESCRIPTION_CHARACTERS,
    )
    identity_center_requests_per_second: float = Field(
        alias="IDENTITY_CENTER_REQUESTS_PER_SECOND", default=limits.IDENTITY_CENTER_REQUESTS_PER_SECOND, ge=0
    )
    group_role_pattern: re.Pattern[str] = Field(alias="GROUP_ROLE_PATTERN", default=re.compile(_GROUP_ROLE))
    import_job_threshold: int = Field(alias="IMPORT_JOB_THRESHOLD", default=25, ge=0)
    verify_contacts: Literal["on", "off"] = Field(alias="VERIFY_CONTACTS", default="on")
    prune_limit_percent: float = Field(alias="PRUNE_LIMIT_PERCENT", default=20.0, ge=0, le=100)

    @field_validator("group_role_pattern")
    @classmethod
    def _names_a_role(cls, pattern: re.Pattern[str]) -> re.Pattern[str]:
        if "role" not in pattern.groupindex:
            raise ValueError("must be a regular expression with a group (?P<role>...)")
        return pattern


def _problem(detail: Any) -> Problem:
    name = ".".join(str(part) for part in detail["loc"])
    return Problem(f"$.environment_variables.{name}", printable(detail["msg"]))
