"""What an organization changes in config.json: entries that are added, and entries that are disabled.

Nothing else is ever changed: an account that has an entry keeps it as it was written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.text import printable
from ses_fleet_cli.discover import codes
from ses_fleet_cli.discover.organization import Account, Organization
from ses_fleet_cli.discover.templates import Templates

ACTIVE = "ACTIVE"
# What Organizations calls accounts in which nothing can be done any more (user guide, account states).
GONE = frozenset({"SUSPENDED", "PENDING_CLOSURE", "CLOSED"})
_REASON = "in AWS Organizations"
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")


@dataclass(frozen=True)
class Addition:
    """An entry that an account gets."""

    account: Account
    code: str
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Disabling:
    """An entry that is disabled because its account is suspended or closed."""

    account: Account
    code: str

    @property
    def reason(self) -> str:
        """The text of `disabled_reason`."""
        return f"account {self.account.id} is {self.account.state} {_REASON}"


@dataclass(frozen=True)
class Difference:
    """What changes, and notes on what does not.

    `present` counts selected accounts that have an entry.
    """

    additions: tuple[Addition, ...]
    disablings: tuple[Disabling, ...]
    present: int
    notes: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.additions or self.disablings)


@dataclass(frozen=True)
class _Entries:
    """The entries of config.json: the codes of each account, and those of which no account is known.

    `certain` are the codes whose account a whole ARN says; of others it is only likely. An account of another partition
    than the organization's is none of its accounts, whatever its number.
    """

    codes: Mapping[str, tuple[str, ...]]
    certain: frozenset[str]
    unknown: tuple[str, ...]


def difference(organization: Organization, mappings: Mapping[str, Any], templates: Templates) -> Difference:
    """Compare an organization with customer_mappings; raise CommandError where accounts could not get codes."""
    entries = _entries(mappings, templates.partition)
    selected = [one for one in organization.accounts.values() if one.id in organization.selected]
    new = [one for one in selected if one.id not in entries.codes and _is_usable(one, organization)]
    others = [one for one in selected if one.id in entries.codes]
    found = codes.assigned(new, others, mappings, templates.code)
    additions = [Addition(one, found[one.id], templates.entry(one, found[one.id])) for one in new]
    return Difference(
        tuple(sorted(additions, key=lambda one: (one.code.lower(), one.account.id))),
        tuple(_disablings(organization, mappings, entries)),
        len(others),
        tuple(_notes(organization, mappings, entries, selected)),
    )


def applied(mappings: Mapping[str, Any], found: Difference) -> dict[str, Any]:
    """Return customer_mappings as it is with the difference; the order of everything that was there stays."""
    changed = {
        one.code: {**mappings[one.code], "enabled": False, "disabled_reason": one.reason} for one in found.disablings
    }
    return {**mappings, **changed, **{one.code: dict(one.entry) for one in found.additions}}


def _entries(mappings: Mapping[str, Any], partition: str) -> _Entries:
    by_account: defaultdict[str, list[str]] = defaultdict(list)
    certain, unknown = set[str](), list[str]()
    for code, entry in mappings.items():
        arn = entry.get("ses_role_arn") if isinstance(entry, dict) else None
        account, is_certain = _account_of(arn, partition)
        if account is None:
            unknown.append(code)
            continue
        by_account[account].append(code)
        certain |= {code} if is_certain else set()
    return _Entries(
        {account: tuple(found) for account, found in by_account.items()}, frozenset(certain), tuple(unknown)
    )


def _account_of(arn: Any, partition: str) -> tuple[str | None, bool]:
    """Return the account of a ses_role_arn, and whether it surely is: of a broken one it is the 12 digits in it."""
    text = arn if isinstance(arn, str) else ""
    try:
        role = parse_role_arn(text)
    except ValueError:
        digits = _ACCOUNT.findall(text)
        return (digits[0], False) if len(digits) == 1 else (None, False)
    return (role.account_id if role.partition == partition else f"{role.partition} {role.account_id}"), True


def _is_usable(account: Account, organization: Organization) -> bool:
    return account.state == ACTIVE and account.id != organization.management_account


def _disablings(organization: Organization, mappings: Mapping[str, Any], entries: _Entries) -> Iterator[Disabling]:
    """Yield every entry of an account that is gone, selected or not: closed accounts are moved to other units."""
    for account, found in entries.codes.items():
        listed = organization.accounts.get(account)
        if listed is None or listed.state not in GONE:
            continue
        certain = (code for code in found if code in entries.certain)
        yield from (Disabling(listed, code) for code in certain if mappings[code].get("enabled") is not False)


def _notes(
    organization: Organization, mappings: Mapping[str, Any], entries: _Entries, selected: Iterable[Account]
) -> Iterator[str]:
    left = [one for one in selected if one.id not in entries.codes and not _is_usable(one, organization)]
    by_state: defaultdict[str, list[str]] = defaultdict(list)
    for one in left:
        if one.id == organization.management_account:
            yield (
                f"{one.id} is the management account, to which StackSets deploy nothing: it is not added; write its "
                "entry by hand if it is a customer"
            )
        else:
            by_state[one.state or "not known"].append(one.id)
    yield from (f"{_named(found)}: not added, as the state is {state}" for state, found in by_state.items())
    yield from _of_enabled_again(organization, mappings, entries)
    outside = [
        code for account, found in entries.codes.items() if account not in organization.accounts for code in found
    ]
    if outside:
        yield f"{_named(outside)}: of accounts that are not in {organization.id}; kept as they are"
    if entries.unknown:
        yield f"{_named(entries.unknown)}: without a role that says the account; kept as they are"


def _of_enabled_again(organization: Organization, mappings: Mapping[str, Any], entries: _Entries) -> Iterator[str]:
    for account, found in entries.codes.items():
        listed = organization.accounts.get(account)
        for code in found if listed is not None and listed.state == ACTIVE else ():
            entry = mappings[code]
            is_ours = str(entry.get("disabled_reason") or "").endswith(_REASON)
            if entry.get("enabled") is False and is_ours:
                yield f"{_named([code])} is disabled, but account {account} is ACTIVE again: enable it by hand"


def _named(found: Iterable[str]) -> str:
    shown = [printable(one) for one in found]
    more = f" and {len(shown) - 5:,} more" if len(shown) > 5 else ""
    return f"{', '.join(shown[:5])}{more}"
