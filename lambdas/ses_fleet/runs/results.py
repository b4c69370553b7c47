"""Every result that a customer can get, made in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ses_fleet import limits
from ses_fleet.config.customer import Customer, CustomerIdentity
from ses_fleet.runs.models import CustomerResult, ErrorInfo, Status
from ses_fleet.text import printable

NO_RESULT_YET = "no result yet"


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


def changed_meanwhile(customer: CustomerIdentity) -> CustomerResult:
    """Return the failure of a customer that config.json no longer describes as when the run was planned."""
    text = (
        f"while the run was under way, config.json was changed for {customer.customer_code}, or could not be read any "
        "more; run it again"
    )
    error = ErrorInfo(category="configuration", type="ConfigurationChanged", message=text, retryable=True)
    return made(customer, "failed", error=error)


def not_stored(customer: CustomerIdentity, *, writes: bool) -> CustomerResult:
    """Return the failure of a customer that an earlier invocation ran and whose result it could not store."""
    text = f"{printable(customer.customer_code)} was run, but its result was not stored; run it again"
    error = ErrorInfo(category="internal", type="ResultNotStored", message=text, retryable=True, outcome_unknown=writes)
    return made(customer, "failed", error=error)
