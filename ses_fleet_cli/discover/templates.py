"""The templates of new entries: what each key of config.json is to be for an account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.text import may_hold_address, quoted
from ses_fleet_cli.discover import codes
from ses_fleet_cli.discover.organization import Account
from ses_fleet_cli.errors import usage

_ACCOUNT_ID = "{account_id}"
_SAMPLE = "0" * 12
_PLACE = re.compile(r"\{[^{}]*\}?|\}")
# What each template may have in it. Names change, and are no part of what AWS knows an account by.
_PLACES = {"--code": ("{name}", _ACCOUNT_ID)}


@dataclass(frozen=True)
class Templates:
    """What the entry of an account is made of. `region` and `environment` are the same for all."""

    role_arn: str
    code: str = "{name}"
    external_id: str | None = None
    import_bucket: str | None = None
    region: str | None = None
    environment: str | None = None

    def check(self) -> None:
        """Raise CommandError with exit code 2 for a template that cannot be meant."""
        given = {
            "--role-arn": self.role_arn,
            "--code": self.code,
            "--external-id": self.external_id,
            "--import-bucket": self.import_bucket,
        }
        for flag, template in given.items():
            if template is not None:
                _check_places(flag, template)
        codes.check(self.code)
        self._check_role()

    @property
    def partition(self) -> str:
        """The partition of AWS that the roles are of, and so the organization."""
        return parse_role_arn(_of(self.role_arn, _SAMPLE)).partition

    def entry(self, account: Account, code: str) -> dict[str, Any]:
        """Return the entry of an account, with the keys in the order of the guide's example."""
        name = account.name.strip()
        wanted = {
            "customer_code": code,
            "customer_name": None if may_hold_address(name) or not name.isprintable() else name or None,
            "environment": self.environment,
            "region": self.region,
            "ses_role_arn": _of(self.role_arn, account.id),
            "external_id": self.external_id and _of(self.external_id, account.id),
            "import_bucket": self.import_bucket and _of(self.import_bucket, account.id),
        }
        return {key: value for key, value in wanted.items() if value is not None}

    def _check_role(self) -> None:
        try:
            role = parse_role_arn(_of(self.role_arn, _SAMPLE))
        except ValueError as error:
            raise usage(f"--role-arn: {error}") from None
        if role.account_id != _SAMPLE:
            raise usage("--role-arn: {account_id} must be its account, as in arn:aws:iam::{account_id}:role/name")


def _check_places(flag: str, template: str) -> None:
    allowed = _PLACES.get(flag, (_ACCOUNT_ID,))
    wrong = next((place for place in _PLACE.findall(template) if place not in allowed), None)
    if wrong is not None:
        raise usage(f"{flag} has {quoted(wrong)}: it may have {' and '.join(allowed)}")
    if not any(place in template for place in allowed):
        needed = " or ".join(allowed)
        raise usage(f"{flag} must have {needed} in it: all accounts would get the same otherwise")


def _of(template: str, account: str) -> str:
    return template.replace(_ACCOUNT_ID, account)
