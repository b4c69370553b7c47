"""The parameters of each action: `params` of the payload, checked before anything is done."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from ses_fleet import limits
from ses_fleet.identifiers import (
    CONFIGURATION_SET_PATTERN,
    DOMAIN_PATTERN,
    DOMAIN_WORDS,
    RUN_ID_PATTERN,
    TOPIC_PATTERN,
    CustomerCode,
)

# Marks a field whose value says something about a person.
PERSONAL: dict[str, JsonValue] = {"personal": True}


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("must be an ISO 8601 date or time such as 2026-01-31 or 2026-01-31T12:00:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _domain(value: object) -> str:
    is_domain = isinstance(value, str) and re.fullmatch(DOMAIN_PATTERN, value) is not None
    if not is_domain or len(str(value)) > limits.DOMAIN_CHARACTERS:
        raise ValueError(f"must be {DOMAIN_WORDS}")
    return str(value)


_Moment = Annotated[datetime, BeforeValidator(_moment)]
_Reason = Literal["BOUNCE", "COMPLAINT"]
_Domain = Annotated[str, BeforeValidator(_domain)]


class Params(BaseModel):
    """Base of every action's `params`: unknown fields are refused.

    The value of a field with PERSONAL says something about a person; it is stored as runs/personal_params.py says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ConfirmPeopleParams(Params):
    """Base of the `params` of actions that ask how many people they are for. The orchestrator compares the number."""

    confirm_people: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="how many rows the people file has; another number refuses the run"
    )


class DescribeListParams(Params):
    """`params` of describe-list: whether contacts are counted."""

    count_contacts: bool = Field(default=True, description="count opt-ins over all contacts; false skips the counting")


class ListContactsParams(Params):
    """`params` of list-contacts. A contact is written when everything that is given holds for it."""

    topic: Annotated[str, StringConstraints(pattern=f"^{TOPIC_PATTERN}$")] | None = Field(
        default=None, description="only contacts whose status for this topic is `status`"
    )
    status: Literal["OPT_IN", "OPT_OUT"] | None = Field(
        default=None, description="OPT_IN (default) or OPT_OUT, defaults and unsubscribing counted; needs `topic`"
    )
    unsubscribed: bool | None = Field(
        default=None, description="only contacts that unsubscribed from everything (true), or did not (false)"
    )
    changed_since: _Moment | None = Field(
        default=None,
        description="only contacts updated at or after this time, ISO 8601, UTC without an offset; includes those "
        "of which SES does not say when they were updated",
    )

    @field_validator("status")
    @classmethod
    def _status_of_a_topic(cls, status: str | None, info: ValidationInfo) -> str | None:
        if status is not None and info.data.get("topic") is None:
            raise ValueError("needs params.topic: it is the status for that topic")
        return status

    @property
    def wanted_status(self) -> str:
        """Return the status that a contact must have for `topic`: OPT_IN or OPT_OUT."""
        return self.status or "OPT_IN"


class FindContactParams(Params):
    """`params` of find-contact: how thoroughly it looks."""

    thorough: bool = Field(
        default=False,
        description="also read the whole list, and take addresses for the same that differ in upper and lower case "
        "alone: neither SES nor its documentation says how it compares them",
    )


class ListSuppressedParams(Params):
    """`params` of list-suppressed. An address is written when everything that is given holds for it."""

    # Parsed JSON knows lists only; the frozen model holds a tuple.
    reasons: Annotated[tuple[_Reason, ...], Field(min_length=1, strict=False)] | None = Field(
        default=None, description="only addresses that are there for one of these: BOUNCE, COMPLAINT"
    )
    since: _Moment | None = Field(
        default=None, description="only addresses that came or changed since then, ISO 8601, UTC without an offset"
    )


_Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


class CheckHealthParams(Params):
    """`params` of check-health: which domains are looked at, and from when on a number is not well."""

    domains: Annotated[tuple[_Domain, ...], Field(max_length=limits.NAMED_DOMAINS, strict=False)] | None = Field(
        default=None,
        description="only these domains, and each of them must be there; without it all identities of the account",
    )
    configuration_set: Annotated[str, StringConstraints(pattern=f"^{CONFIGURATION_SET_PATTERN}$")] | None = Field(
        default=None, description="the configuration set that each domain should use by default"
    )
    bounce_finding_percent: _Percent = Field(
        default=limits.BOUNCE_PERCENT[0], description="a bounce rate from this on is a finding"
    )
    bounce_failed_percent: _Percent = Field(
        default=limits.BOUNCE_PERCENT[1], validate_default=True, description="a bounce rate from this on is failed"
    )
    complaint_finding_percent: _Percent = Field(
        default=limits.COMPLAINT_PERCENT[0], description="a complaint rate from this on is a finding"
    )
    complaint_failed_percent: _Percent = Field(
        default=limits.COMPLAINT_PERCENT[1],
        validate_default=True,
        description="a complaint rate from this on is failed",
    )
    quota_finding_percent: _Percent = Field(
        default=limits.QUOTA_PERCENT[0], description="so much of the sending quota used in 24 hours is a finding"
    )
    quota_failed_percent: _Percent = Field(
        default=limits.QUOTA_PERCENT[1],
        validate_default=True,
        description="so much of the sending quota used in 24 hours is failed",
    )
    minimum_sent: Annotated[int, Field(ge=1)] = Field(
        default=limits.HEALTH_MINIMUM_SENT,
        description="of fewer messages sent in 24 hours the rate is no_data",
    )

    @field_validator("bounce_failed_percent", "complaint_failed_percent", "quota_failed_percent")
    @classmethod
    def _not_below_the_finding(cls, percent: float, info: ValidationInfo) -> float:
        finding = str(info.field_name).replace("failed", "finding")
        if percent < info.data.get(finding, 0.0):
            raise ValueError(f"{info.field_name} must not be below {finding}")
        return percent

    @field_validator("domains")
    @classmethod
    def _some(cls, domains: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if domains is not None and not domains:
            raise ValueError("must name a domain at least")
        return domains


class SetSuppressedParams(ConfirmPeopleParams):
    """`params` of set-suppressed: with `confirm_people` addresses that complained are taken off the list, too."""

    confirm_people: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="how many rows the people file has, another number refuses the run; without it nobody who "
        "complained is taken off the suppression list",
    )


class BackupListParams(Params):
    """`params` of backup-list: whether attributes are saved, too."""

    with_attributes: bool = Field(
        default=False, description="also save contacts' attributes: one request a contact, at one a second"
    )


class RestoreTopicsParams(Params):
    """`params` of restore-topics: which backup is restored."""

    backup: Annotated[str, StringConstraints(pattern=f"^{RUN_ID_PATTERN}$")] = Field(
        description="the id of the run whose prune saved the topics: the last part of the backup's path"
    )


class RestoreListParams(RestoreTopicsParams):
    """`params` of restore-list: which backup is restored, and how."""

    backup: Annotated[str, StringConstraints(pattern=f"^{RUN_ID_PATTERN}$")] = Field(
        description="the id of the run whose backup is restored"
    )
    overwrite_unsubscribes: bool = Field(
        default=False, description="also undo unsubscribing and opting out since the backup"
    )


_THOROUGH = (
    "read the whole list of each customer, however long it is, so that contacts whose addresses differ in upper and "
    "lower case are found; without it a list of more pages than people is asked for each row's address and the same "
    "in small letters"
)


class SetContactsParams(Params):
    """`params` of set-contacts: whose choices it keeps, and how it looks for people."""

    thorough: bool = Field(default=False, description=_THOROUGH)
    overwrite_unsubscribes: bool = Field(
        default=False, description="also opt in people who opted out of a topic or unsubscribed from everything"
    )


class RemoveContactsParams(ConfirmPeopleParams):
    """`params` of remove-contacts: whether choices may be forgotten, and how it looks for people."""

    thorough: bool = Field(default=False, description=_THOROUGH)
    forget_choices: bool = Field(
        default=False, description="also remove people who opted out of a topic or unsubscribed from everything"
    )


class ImportParams(Params):
    """`params` of import-aws-contact: whom it imports, and how."""

    username: str | None = Field(
        default=None,
        min_length=1,
        max_length=limits.USER_NAME_CHARACTERS,
        description="only the user with this name in Identity Center; cannot be combined with prune",
        json_schema_extra=PERSONAL,
    )
    sync_topics: bool = Field(
        default=False,
        description="also opt in existing contacts to topics of their roles for which they have no preference",
    )


_Ticket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/#:-]{0,63}$")]


class EraseContactParams(ConfirmPeopleParams):
    """`params` of erase-contact: what else is erased, and who may be out of reach."""

    suppression: Literal["keep", "erase"] = Field(
        default="keep",
        description="`keep` leaves the suppression list as it is, which protects the person from mail; `erase` also "
        "takes the address off it",
    )
    accept_unreachable: Annotated[tuple[CustomerCode, ...], Field(strict=False)] = Field(
        default=(), description="customers that need not answer before anything is deleted; they fail, not proven"
    )
    ticket: _Ticket | None = Field(default=None, description="what this is recorded under, such as a request's number")


class UnEraseParams(ConfirmPeopleParams):
    """`params` of un-erase: on whose request."""

    ticket: _Ticket = Field(description="what this is recorded under, such as a request's number")
