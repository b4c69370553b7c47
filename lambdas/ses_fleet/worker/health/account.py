"""The checks of what SES says of the account itself: one GetAccount.

A boolean that is absent or null is false and a list empty, as SES leaves out members that say nothing; a number or a
status that is absent is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_fleet.actions.params import CheckHealthParams
from ses_fleet.text import printable
from ses_fleet.worker.health.findings import Found, by_threshold, shown
from ses_fleet.worker.responses import list_of, text_of

Account = Mapping[str, Any]

_CONSOLE = "look at the account's status in its SES console"
# Developer guide, suppression list: an account has both unless it says otherwise.
_REASONS = ("BOUNCE", "COMPLAINT")
_ENFORCEMENT = {
    "HEALTHY": Found("ok", "AWS sees no problem with the account's reputation"),
    "PROBATION": Found(
        "finding",
        "AWS has the account under review (PROBATION)",
        "answer AWS's message to the account, and mend what it names before sending is paused",
    ),
    "SHUTDOWN": Found(
        "failed", "AWS paused the account's sending (SHUTDOWN)", "mend what AWS's message names, then ask it to resume"
    ),
}
_REVIEWS = {
    "GRANTED": Found("ok", "production access was granted"),
    "PENDING": Found("finding", "the request for production access is under review", "wait for AWS's answer"),
    "DENIED": Found(
        "finding", "the last request for production access was denied", "answer in its support case, or ask anew"
    ),
    "FAILED": Found("finding", "AWS did not receive the last request for production access", "send it again"),
}


def sandbox(account: Account) -> Found:
    """Return whether the account may send to everybody."""
    if account.get("ProductionAccessEnabled"):
        return Found("ok", "production access")
    asked = text_of(_last_review(account), "Status") == "PENDING"
    return Found(
        "finding",
        "SES is in the sandbox: it sends to verified addresses only",
        "AWS looks at the request for production access: wait for its answer"
        if asked
        else "request production access in the SES console of the account",
    )


def sending(account: Account) -> Found:
    """Return whether the account sends at all."""
    if account.get("SendingEnabled"):
        return Found("ok", "sending is enabled")
    return Found("failed", "sending is disabled: SES refuses all mail", _CONSOLE)


def enforcement(account: Account) -> Found:
    """Return what AWS thinks of the account's reputation."""
    status = text_of(account, "EnforcementStatus")
    if status is None:
        return Found("no_data", "SES does not say what it thinks of the account's reputation", _CONSOLE)
    unknown = Found("finding", f"the account's enforcement status is {printable(status)}", _CONSOLE)
    return _ENFORCEMENT.get(status, unknown)


def review(account: Account) -> Found:
    """Return what became of the last request for production access. Nothing else of the account's details is read."""
    found = _last_review(account)
    status = text_of(found, "Status")
    if status is None:
        return Found("no_data", "SES names no request for production access")
    unknown = Found("finding", f"the request for production access is {printable(status)}", _CONSOLE)
    known, case = _REVIEWS.get(status, unknown), text_of(found, "CaseId")
    return known if case is None else known._replace(detail=f"{known.detail} (support case {printable(case)})")


def _last_review(account: Account) -> Mapping[str, Any]:
    return (account.get("Details") or {}).get("ReviewDetails") or {}


def suppression(account: Account) -> Found:
    """Return whether SES keeps addresses that bounced or complained from getting mail again."""
    attributes = account.get("SuppressionAttributes") or {}
    in_force = {str(one) for one in list_of(attributes, "SuppressedReasons")}
    missing = [reason for reason in _REASONS if reason not in in_force]
    if not missing:
        return Found("ok", "addresses that bounce or complain are suppressed")
    return Found(
        "finding",
        f"SES does not suppress addresses by itself for {' and '.join(missing)}",
        "turn it on in the account's suppression settings, or they get mail again",
    )


def quota_percent(account: Account) -> float | None:
    """Return how much of the sending quota the last 24 hours used, in percent; None without a limit that is known."""
    quota = account.get("SendQuota") or {}
    most, sent = quota.get("Max24HourSend"), quota.get("SentLast24Hours")
    if most is None or sent is None or most <= 0:
        return None
    return float(100 * sent / most)


def quota(account: Account, params: CheckHealthParams) -> Found:
    """Return whether the sending quota is enough."""
    given = account.get("SendQuota") or {}
    most, sent = given.get("Max24HourSend"), given.get("SentLast24Hours")
    if most is not None and most < 0:
        return Found("ok", "there is no sending quota")
    if most == 0:
        return Found("failed", "the sending quota is 0: SES refuses all mail", _CONSOLE)
    percent = quota_percent(account)
    if percent is None:
        return Found("no_data", "SES does not say how much of the sending quota is used")
    status = by_threshold(percent, params.quota_finding_percent, params.quota_failed_percent)
    detail = f"{shown(percent)} of the sending quota used: {sent:,.0f} of {most:,.0f} in 24 hours"
    advice = "" if status == "ok" else "send less, or ask AWS for a higher quota: SES refuses what is above it"
    return Found(status, detail, advice)
