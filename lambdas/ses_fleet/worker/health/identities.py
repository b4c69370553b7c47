"""The checks of identities: what SES says of each domain, and of each address by the listing alone.

Names of domains are told, addresses only as logs may show them: this is the one place that sees both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from ses_fleet import limits
from ses_fleet.actions.data.check_health import HealthStatus, IdentityHealth
from ses_fleet.actions.params import CheckHealthParams
from ses_fleet.people.addresses import masked
from ses_fleet.text import printable
from ses_fleet.worker.health.findings import Found, worst
from ses_fleet.worker.responses import required_text, text_of

# The checks of identities, in order, by the field of IdentityHealth that they sum up.
CHECKS = {
    "identities": "verification",
    "dkim": "dkim",
    "mail_from": "mail_from",
    "configuration_set": "configuration_set",
}
_GOOD = {
    "identities": "verified and may send",
    "dkim": "signed by DKIM",
    "mail_from": "with a MAIL FROM domain that works, or with SES's own",
    "configuration_set": "with the configuration set that is wanted",
}
_ADVICE = {
    "identities": "publish the DNS records that the SES console shows for a domain, follow the link that SES mailed to "
    "an address, or remove what is not used any more",
    "dkim": "publish the CNAME records that the SES console shows, and turn DKIM signing on",
    "mail_from": "publish the MX record that the SES console shows for the MAIL FROM domain",
    "configuration_set": "set the identity's default configuration set in the SES console",
}
_VERIFIED = "SUCCESS"
# SES asks again by itself: nobody has to do anything yet.
_FOR_NOW = "TEMPORARY_FAILURE"


class Tally(BaseModel):
    """What was found of identities so far: JSON for the next slice, without addresses.

    `counts` are by check and status, `rows` at most limits.HEALTH_IDENTITIES identities, those that are well only while
    there is room. `missing` are domains that were named and are not there, `not_asked` domains of which there are too
    many to ask for each.
    """

    total: int = 0
    counts: dict[str, dict[HealthStatus, int]] = Field(default_factory=dict)
    rows: list[IdentityHealth] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)
    not_asked: int = 0

    @property
    def asked(self) -> int:
        """Return how many identities were looked for: those that were found, and the named ones that are not there."""
        return self.total + len(self.missing)

    @property
    def verified(self) -> int:
        """Return how many identities may be sent from."""
        return self.counts.get("identities", {}).get("ok", 0)

    def add(self, row: IdentityHealth) -> None:
        """Count an identity, and keep it if it is among those that are told."""
        self.total += 1
        for check, name in CHECKS.items():
            status = getattr(row, name)
            if status is not None:
                counted = self.counts.setdefault(check, {})
                counted[status] = counted.get(status, 0) + 1
        self.rows.append(row)
        if len(self.rows) > limits.HEALTH_IDENTITIES:
            well = next((number for number, one in enumerate(self.rows) if not one.detail), -1)
            del self.rows[well]

    def ordered(self) -> tuple[IdentityHealth, ...]:
        """Return the rows, those with something to say first."""
        return tuple(sorted(self.rows, key=lambda row: not row.detail))

    def check(self, name: str, params: CheckHealthParams) -> Found:
        """Return what one of the checks found over all identities."""
        if name == "identities" and self.missing:
            listed = ", ".join(self.missing[: limits.NAMED_IDENTITIES])
            more = _more(len(self.missing))
            return Found(
                "failed",
                f"the account has no identity {listed}{more}",
                "create and verify it, or correct params.domains",
            )
        if name == "identities" and not self.verified:
            return self._nothing_to_send_from()
        if name == "configuration_set" and params.configuration_set is None:
            return Found("ok", "any will do: params.configuration_set names none")
        return self._summed(name)

    def _nothing_to_send_from(self) -> Found:
        of_which = f"of {self.total:,} identities none is verified" if self.total else "the account has no identities"
        return Found("failed", f"{of_which}: nothing can be sent", "verify the domain that mail comes from")

    def _summed(self, name: str) -> Found:
        counted = self.counts.get(name, {})
        good, total = counted.get("ok", 0), sum(counted.values())
        if name != "identities" and self.not_asked:
            counted = {**counted, "no_data": counted.get("no_data", 0) + self.not_asked}
        status = worst(one for one, count in counted.items() if count)
        if not total and not self.not_asked:
            return Found("no_data", "no verified domain was looked at")
        detail = f"{good:,} of {total:,} {_GOOD[name]}{self._others(name)}"
        if name != "identities" and self.not_asked:
            detail += f"; {self.not_asked:,} more were not asked: name them in params.domains"
        return Found(status, detail, _ADVICE[name] if status in ("finding", "failed") else "")

    def _others(self, name: str) -> str:
        """Return which identities are not well, as far as they are told."""
        named = [row for row in self.rows if getattr(row, CHECKS[name]) not in ("ok", None)]
        shown = ", ".join(f"{row.identity} ({_said(row, name)})" for row in named[: limits.NAMED_IDENTITIES])
        return f"; not {shown}{_more(len(named))}" if named else ""


def listed(one: Mapping[str, Any]) -> tuple[str, bool, IdentityHealth]:
    """Return of an entry of ListEmailIdentities its name, whether to ask for it alone, and what the listing says of it.

    Only a verified domain is asked for: of any other there is nothing more to know, and addresses have DKIM and MAIL
    FROM of their domain.
    """
    name = required_text(one, "IdentityName", "an identity")
    status, detail = _verification(text_of(one, "VerificationStatus"), bool(one.get("SendingEnabled")), named=False)
    row = _row(name, status, detail)
    return name, not row.is_address and status == "ok", row


def asked(name: str, answer: Mapping[str, Any], params: CheckHealthParams) -> IdentityHealth:
    """Return what GetEmailIdentity says of a domain."""
    verified = text_of(answer, "VerificationStatus")
    named = params.domains is not None
    status, detail = _verification(verified, bool(answer.get("VerifiedForSendingStatus")), named=named)
    if status != "ok":
        return _row(name, status, detail)
    signed, mail_from = _dkim(answer.get("DkimAttributes")), _mail_from(answer.get("MailFromAttributes"), named=named)
    own_set = text_of(answer, "ConfigurationSetName")
    wanted = _configuration_set(own_set, params.configuration_set)
    details = [text for text in (detail, signed.detail, mail_from.detail, wanted.detail) if text]
    return IdentityHealth(
        identity=_shown(name),
        verification=status,
        dkim=signed.status,
        mail_from=mail_from.status,
        configuration_set=wanted.status,
        configuration_set_name=None if own_set is None else printable(own_set),
        detail="; ".join(details),
    )


def _row(name: str, status: HealthStatus, detail: str) -> IdentityHealth:
    return IdentityHealth(identity=_shown(name), is_address="@" in name, verification=status, detail=detail)


def _shown(name: str) -> str:
    return masked(name) if "@" in name else printable(name)


def _verification(status: str | None, may_send: bool, *, named: bool) -> tuple[HealthStatus, str]:
    """Return a status and what is wrong. A domain that the payload names must be one that can be sent from."""
    bad: HealthStatus = "failed" if named else "finding"
    if status is None:
        return "no_data", "SES does not say whether it is verified"
    if status == _FOR_NOW:
        return "finding", f"verification {_FOR_NOW}"
    if status != _VERIFIED:
        return bad, f"verification {printable(status)}"
    return ("ok", "") if may_send else (bad, "sending from it is disabled")


def _dkim(found: Mapping[str, Any] | None) -> Found:
    status = text_of(found or {}, "Status")
    if found is None or status is None:
        return Found("no_data", "SES does not say whether DKIM works")
    if status != _VERIFIED:
        return Found("finding", f"DKIM {printable(status)}")
    return Found("ok", "") if found.get("SigningEnabled") else Found("finding", "DKIM signing is off")


def _mail_from(found: Mapping[str, Any] | None, *, named: bool) -> Found:
    """Without a MAIL FROM domain of its own SES's is used, which always works."""
    domain = text_of(found or {}, "MailFromDomain")
    if found is None or domain is None:
        return Found("ok", "")
    status = text_of(found, "MailFromDomainStatus")
    if status is None:
        return Found("no_data", f"SES does not say whether MAIL FROM {printable(domain)} works")
    if status == _VERIFIED:
        return Found("ok", "")
    is_refused = text_of(found, "BehaviorOnMxFailure") == "REJECT_MESSAGE"
    what = f"MAIL FROM {printable(domain)} {printable(status)}"
    if not is_refused:
        return Found("finding", f"{what}, SES's own is used")
    return Found("failed" if named else "finding", f"{what}, SES refuses its mail")


def _configuration_set(own: str | None, wanted: str | None) -> Found:
    if wanted is None or own == wanted:
        return Found("ok", "")
    return Found("finding", f"configuration set {'none' if own is None else printable(own)}, not {wanted}")


def _said(row: IdentityHealth, name: str) -> str:
    """Return of a row's texts the one about this check."""
    words = {"dkim": "DKIM", "mail_from": "MAIL FROM", "configuration_set": "configuration set"}
    word = words.get(name)
    texts = row.detail.split("; ")
    return row.detail if word is None else next((text for text in texts if word in text), row.detail)


def _more(count: int) -> str:
    left = count - limits.NAMED_IDENTITIES
    return f" and {left:,} more" if left > 0 else ""
