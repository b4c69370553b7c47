"""What GetAccount answers for an account in a Region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Messages a day, messages a second.
_SANDBOX_QUOTA = (200.0, 1.0)  # developer guide, sandbox
_PRODUCTION_QUOTA = (50_000.0, 14.0)  # our choice: AWS sets each account's own
# Why an address is on the suppression list; an account has both in force unless it says otherwise (developer guide).
REASONS = ("BOUNCE", "COMPLAINT")


@dataclass(frozen=True)
class Standing:
    """What AWS says of an account beyond its sandbox.

    `max_24_hour_send` None means what is usual in the sandbox or out of it, -1 no limit (API model). `review_status` is
    that of the last request for production access, or None when there was none; `review_case_id` is its support case.
    """

    enforcement_status: str = "HEALTHY"
    max_24_hour_send: float | None = None
    sent_last_24_hours: float = 0.0
    review_status: str | None = None
    review_case_id: str | None = None


@dataclass(frozen=True)
class AccountSettings:
    """An account's standing with SES: by default it is out of the sandbox and may send."""

    production_access: bool = True
    sending_enabled: bool = True
    standing: Standing = field(default_factory=Standing)


def get_account(settings: AccountSettings, reasons: Sequence[str]) -> dict[str, Any]:
    """Return GetAccount's answer; of its Details only the review, and those only when there was one.

    `reasons` are those for which SES puts addresses on the suppression list by itself.
    """
    standing = settings.standing
    a_day, a_second = _PRODUCTION_QUOTA if settings.production_access else _SANDBOX_QUOTA
    return {
        "ProductionAccessEnabled": settings.production_access,
        "SendingEnabled": settings.sending_enabled,
        "EnforcementStatus": standing.enforcement_status,
        "SendQuota": {
            "Max24HourSend": a_day if standing.max_24_hour_send is None else standing.max_24_hour_send,
            "MaxSendRate": a_second,
            "SentLast24Hours": standing.sent_last_24_hours,
        },
        "DedicatedIpAutoWarmupEnabled": False,
        "SuppressionAttributes": {"SuppressedReasons": list(reasons)},
        **({} if standing.review_status is None else {"Details": {"ReviewDetails": _review(standing)}}),
    }


def _review(standing: Standing) -> dict[str, Any]:
    case = {} if standing.review_case_id is None else {"CaseId": standing.review_case_id}
    return {"Status": standing.review_status, **case}
