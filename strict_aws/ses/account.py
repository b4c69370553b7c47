"""What GetAccount answers for an account in a Region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Messages a day, messages a second.
_SANDBOX_QUOTA = (200.0, 1.0)  # developer guide, sandbox
_PRODUCTION_QUOTA = (50_000.0, 14.0)  # our choice: AWS sets each account's own
# Why an address is on the suppression list; an account has both in force unless it says otherwise (developer guide).
REASONS = ("BOUNCE", "COMPLAINT")


@dataclass(frozen=True)
class AccountSettings:
    """An account's standing with SES: by default it is out of the sandbox and may send."""

    production_access: bool = True
    sending_enabled: bool = True


def get_account(settings: AccountSettings, reasons: Sequence[str]) -> dict[str, Any]:
    """Return GetAccount's answer, without the members that only matter for sending.

    `reasons` are those for which SES puts addresses on the suppression list by itself.
    """
    a_day, a_second = _PRODUCTION_QUOTA if settings.production_access else _SANDBOX_QUOTA
    return {
        "ProductionAccessEnabled": settings.production_access,
        "SendingEnabled": settings.sending_enabled,
        "EnforcementStatus": "HEALTHY",
        "SendQuota": {"Max24HourSend": a_day, "MaxSendRate": a_second, "SentLast24Hours": 0.0},
        "DedicatedIpAutoWarmupEnabled": False,
        "SuppressionAttributes": {"SuppressedReasons": list(reasons)},
    }
