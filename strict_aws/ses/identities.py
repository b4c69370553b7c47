"""What the strict SES remembers of an account's identities in a Region: the domains and addresses to send from."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from strict_aws.paging.paged_dict import PagedDict


@dataclass(frozen=True)
class MailFrom:
    """An identity's own MAIL FROM domain, and what SES does with mail while its MX record is not found."""

    domain: str
    status: str = "SUCCESS"
    on_mx_failure: str = "USE_DEFAULT_VALUE"


@dataclass(frozen=True)
class Identity:
    """A domain or an address to send from. By default it is verified, signed by DKIM, and may send."""

    name: str
    verification_status: str = "SUCCESS"
    sending_enabled: bool = True
    dkim_status: str = "SUCCESS"
    dkim_signing: bool = True
    mail_from: MailFrom | None = None
    configuration_set: str | None = None

    @property
    def is_address(self) -> bool:
        """Whether it is one address and not a domain."""
        return "@" in self.name

    @property
    def kind(self) -> str:
        """SES's own name of what it is."""
        return "EMAIL_ADDRESS" if self.is_address else "DOMAIN"


@dataclass
class Identities:
    """All identities of a place."""

    listed: PagedDict[Identity] = field(default_factory=PagedDict)
    token_key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @classmethod
    def of(cls, identities: Iterable[Identity]) -> Identities:
        """Return these identities; of two of one name the later one counts."""
        made = cls()
        for one in identities:
            made.listed.put(_key(one.name), one)
        return made

    def addresses(self) -> list[str]:
        """Return those that are addresses."""
        return [one.name for one in self.listed.values() if one.is_address]

    def get(self, name: str) -> Identity | None:
        """Return the identity of this name, or None. Upper and lower case do not count in a domain."""
        return self.listed.get(_key(name))


def _key(name: str) -> str:
    local, at, domain = name.rpartition("@")
    return f"{local}{at}{domain.lower()}"
