"""Every result that a customer can get, made in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ses_fleet import limits
from ses_fleet.config.customer import Customer, CustomerIdentity
from ses_fleet.runs import unknown_outcome
from ses_fleet.runs.models import CustomerResult, Status
from ses_fleet.runs.work import ErrorInfo
from ses_fleet.text import printable

NO_RESULT_YET = "no result yet"
LOST = "OrchestratorLost"
CANCELLED = "Cancelled"  # the type of the error of a customer between two slices
CANCELLED_BEFORE = "the run was cancelled before anything was started for this customer"


def made(customer: CustomerIdentity, status: Status, **outcome: Any) -> CustomerResult:
    """Return the result of this customer; `outcome` are the other fields of CustomerResult."""
    known = {name: getattr(customer, name) for name in CustomerIdentity.model_fields}
    return CustomerResult(**known, status=status, **outcome)


def no_result_yet(customer: CustomerIdentity) -> CustomerResult:
    """Return what is said of a customer while the run is under way: not started, as far as the record knows."""
    return made(customer, "not_started", warnings=(NO_RESULT_YET,))


def skipped(customer: CustomerIdentity, reason: str, warnings: Iterable[str] = ()) -> CustomerResult:
    """Return the result of a customer for which nothing is done; the reason is the last of its warnings."""
    return made(customer, "skipped", warnings=(*warnings, reason))


def misconfigured(customer: CustomerIdentity, problems: Iterable[str], warnings: Iterable[str] = ()) -> CustomerResult:
    """Return the failure of a customer whose configuration is wrong; nothing was started for it."""
    message = printable("; ".join(problems), limits.MAX_MESSAGE_CHARACTERS)
    error = ErrorInfo(category="configuration", type="ConfigurationError", message=message)
    return made(customer, "failed", error=error, warnings=tuple(warnings))


def would_use(customer: CustomerIdentity, checked: Customer, warnings: Iterable[str] = ()) -> CustomerResult:
    """Return the result of a dry run of a reading action: the role and the Region that the run would use."""
    use = {"ses_role_arn": checked.ses_role_arn, "region": checked.region}
    return made(customer, "successful", data={"would_use": use}, warnings=tuple(warnings))


def was_cancelled(result: CustomerResult) -> bool:
    """Return whether a customer was not started, or did not go on, because its run was cancelled."""
    before = result.status == "not_started" and CANCELLED_BEFORE in result.warnings
    return before or (result.error is not None and result.error.type == CANCELLED)


def under_way(customer: CustomerIdentity) -> CustomerResult:
    """Return what is said of a customer that is with a worker, about to be, or between two slices."""
    return made(customer, "under_way")


def not_started(customer: CustomerIdentity, why: str) -> CustomerResult:
    """Return the result of a customer that was never sent to a worker."""
    return made(customer, "not_started", warnings=(printable(why, limits.MAX_MESSAGE_CHARACTERS),))


def changed_meanwhile(customer: CustomerIdentity) -> CustomerResult:
    """Return the failure of a customer that what the run read at its start does not describe as its plan does."""
    text = (
        f"{printable(customer.customer_code)} is not in the config.json that the run began with as its plan says, "
        "or that file cannot be read any more; run it again"
    )
    error = ErrorInfo(category="configuration", type="ConfigurationChanged", message=text, retryable=True)
    return made(customer, "failed", error=error)


def changed_since_plan(customer: CustomerIdentity, what: str, warnings: Iterable[str]) -> CustomerResult:
    """Return the failure of a customer that config.json describes otherwise than when a saved plan was made."""
    text = (
        f"config.json says something else of {printable(customer.customer_code)} than when the plan was made ({what}), "
        "so nothing was started for it. Make a new dry run, and apply that"
    )
    error = ErrorInfo(category="configuration", type="ConfigurationChanged", message=text)
    return made(customer, "failed", error=error, warnings=tuple(warnings))


def in_doubt(customer: CustomerIdentity, *, writes: bool) -> CustomerResult:
    """Return the failure of a customer that was named for a worker by a hop whose answer nobody has."""
    text = f"{printable(customer.customer_code)} was with a worker, or about to be, when its orchestrator was lost"
    error = ErrorInfo(
        category="internal",
        type=LOST,
        message=text + (unknown_outcome.WORKER_MAY_GO_ON if writes else "; run it again"),
        retryable=True,
        outcome_unknown=writes,
    )
    return made(customer, "failed", error=error)
