"""What check-health finds out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import KEY, VOLATILE

HealthStatus = Literal["ok", "finding", "failed", "no_data"]

_STATUS = "ok, finding (something to look at), failed (it keeps the account from sending, or soon will) or no_data"


class HealthCheck(Data):
    """One check of check-health, what it found, and what to do about it."""

    name: Annotated[str, KEY] = Field(
        default="",
        description="sandbox, sending, enforcement, review, quota, suppression, bounce_rate, complaint_rate, "
        "identities, dkim, mail_from or configuration_set",
    )
    status: HealthStatus = Field(default="no_data", description=f"{_STATUS} (it cannot be said, and is not ok)")
    detail: Annotated[str, VOLATILE] = Field(default="", description="what was found")
    advice: str = Field(default="", description="what to do about it; empty when there is nothing to do")


class IdentityHealth(Data):
    """One domain or address that the account sends from."""

    identity: Annotated[str, KEY] = Field(
        default="", description="the domain; of an address only what logs may show, such as j…@….com"
    )
    is_address: bool = Field(default=False, description="whether it is one address and not a domain")
    verification: HealthStatus = Field(default="no_data", description="whether it is verified and may send")
    dkim: HealthStatus | None = Field(
        default=None, description="whether its mail is signed; null when it was not asked, as of addresses"
    )
    mail_from: HealthStatus | None = Field(
        default=None, description="whether its own MAIL FROM domain works, if it has one; null when it was not asked"
    )
    configuration_set: HealthStatus | None = Field(
        default=None,
        description="whether its default configuration set is params.configuration_set; null when it was not asked",
    )
    configuration_set_name: str | None = Field(
        default=None, description="its default configuration set, or null for none and when it was not asked"
    )
    detail: str = Field(default="", description="what is not ok; empty when everything is")


class CheckHealthData(Data):
    """`data` of check-health: the checks that were made, and the numbers behind them."""

    checks: tuple[HealthCheck, ...] = Field(default=(), description="the checks, in order")
    quota_percent: Annotated[float | None, VOLATILE] = Field(
        default=None, description="percent of the sending quota used in the last 24 hours; null without a limit"
    )
    sent: Annotated[int | None, VOLATILE] = Field(
        default=None, description="messages sent in the last 24 hours as CloudWatch has it; null when it has no number"
    )
    bounce_percent: Annotated[float | None, VOLATILE] = Field(
        default=None,
        description="percent of them that bounced; null when too few were sent, or CloudWatch has no number",
    )
    complaint_percent: Annotated[float | None, VOLATILE] = Field(
        default=None, description="percent of them that complained; the same"
    )
    identities_total: int | None = Field(
        default=None,
        description="identities that were looked for, also named domains that are not there; null when not readable",
    )
    identities_verified: int | None = Field(default=None, description="those that are verified and may send")
    identities: tuple[IdentityHealth, ...] = Field(
        default=(), description="the identities, those with something to say first; at most 100"
    )

    def findings(self) -> int:
        """Return how many checks found something to look at, or failed; what cannot be said is none of them."""
        return sum(check.status in ("finding", "failed") for check in self.checks)
