"""What the steps of check-health share: the checks so far, and how far the reading of identities is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, Field

from ses_fleet.actions.catalogue import CHECK_HEALTH
from ses_fleet.actions.data.check_health import CheckHealthData, HealthCheck, HealthStatus
from ses_fleet.actions.params import CheckHealthParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import access
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.health.findings import Found
from ses_fleet.worker.health.identities import Tally
from ses_fleet.worker.pagination import Paginator

# Continuations hold these names, so they stay as they are.
Step = Literal["account", "rates", "list", "ask", "done"]

_MARKS: dict[HealthStatus, str] = {"ok": "✅", "finding": "⚠️ ", "failed": "❌", "no_data": "❔"}


class Progress(BaseModel):
    """Everything that a slice hands to the next one; no address is in it.

    `at` is how many of `domains` were asked for. `error` is the type of the first failure, None while nothing failed;
    `retryable` is whether all failures are of the moment.
    """

    step: Step = "account"
    at: int = 0
    checks: list[HealthCheck] = Field(default_factory=list)
    quota_percent: float | None = None
    sent: int | None = None
    bounce_percent: float | None = None
    complaint_percent: float | None = None
    page: State | None = None
    domains: list[str] = Field(default_factory=list)
    tally: Tally = Field(default_factory=Tally)
    unread: bool = False
    error: str | None = None
    retryable: bool = True


class Work:
    """One slice of check-health. Its steps change `progress`, and read on in `listing`, that of the identities."""

    def __init__(self, context: ActionContext, params: CheckHealthParams, state: State) -> None:
        self.context = context
        self.params = params
        self.progress = Progress.model_validate(state)
        self.listing = Paginator("list_email_identities", "EmailIdentities", self.progress.page)

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        self.progress.page = self.listing.state()
        return self.progress.model_dump(mode="json")

    def note(self, name: str, found: Found, *, error: str = "Unhealthy", retryable: bool = False) -> None:
        """Add a check, with its line in the block. A failed one makes the customer failed, a finding is a warning."""
        self.progress.checks.append(
            HealthCheck(name=name, status=found.status, detail=found.detail, advice=found.advice)
        )
        said = f"{name}: {found.detail}" + (f": {found.advice}" if found.advice else "")
        self.context.log(f"{_MARKS[found.status]} Customer {self.context.code}: {said}")
        if found.status == "finding":
            self.context.warnings.append(said)
        if found.status == "failed":
            self.progress.error = self.progress.error or error
            self.progress.retryable = self.progress.retryable and retryable

    def unless_unanswered(self, name: str, ask: Callable[[], None]) -> bool:
        """Do what AWS must answer; return False, with the check of this name failed, when it did not."""
        try:
            ask()
        except AwsCallError as failure:
            detail, advice = access.unanswered(self.context.customer, CHECK_HEALTH, failure)
            self.note(name, Found("failed", detail, advice), error=failure.code, retryable=failure.transient)
        except CustomerError as failure:
            if failure.category == "timeout":
                raise
            self.note(name, Found("failed", failure.message), error=failure.type, retryable=failure.retryable)
        else:
            return True
        return False

    def data(self) -> CheckHealthData:
        """Return what was found out."""
        progress, tally = self.progress, self.progress.tally
        return CheckHealthData(
            checks=tuple(progress.checks),
            quota_percent=_rounded(progress.quota_percent),
            sent=progress.sent,
            bounce_percent=_rounded(progress.bounce_percent),
            complaint_percent=_rounded(progress.complaint_percent),
            identities_total=None if progress.unread else tally.asked,
            identities_verified=None if progress.unread else tally.verified,
            identities=() if progress.unread else tally.ordered(),
        )

    def failure(self) -> CustomerError | None:
        """Return the failure of the customer, which says of every failed check what to do, or None when none failed."""
        if self.progress.error is None:
            return None
        failed = [one for one in self.progress.checks if one.status == "failed"]
        names = ", ".join(one.name for one in failed)
        said = ". ".join(": ".join(text for text in (one.detail, one.advice) if text) for one in failed)
        retryable = self.progress.retryable
        return CustomerError("operation", self.progress.error, f"failed: {names}. {said}", retryable=retryable)


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 3)
