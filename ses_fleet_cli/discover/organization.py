"""Reads an AWS organization: its accounts, and which of them are selected by unit and by tag.

Each request costs Organizations' low rates something, so whatever a list says is taken from a list, and requests are
paced.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet_cli.errors import no_summary
from ses_fleet_cli.patience import say

ROOT = "root"
_ID = re.compile(r"[0-9]{12}")
_ACCOUNTS = "organizations:account"


@dataclass(frozen=True)
class Account:
    """An account as Organizations lists it. `state` is "" where the answer has none; `name` is what its owner wrote."""

    id: str
    name: str
    state: str


@dataclass(frozen=True)
class Selection:
    """Which accounts are meant: those of any of the units, and with all of the tags.

    `units` are ids of units and roots, or "root"; without any it is the whole organization. With `recursive` the units
    below count, too. A tag has the values that it may have; without any, it may have whatever value.
    """

    units: tuple[str, ...] = ()
    recursive: bool = False
    tags: Mapping[str, frozenset[str]] | None = None


@dataclass(frozen=True)
class Organization:
    """What was read: all accounts by their ids, in the order of the listing, and the ids of those selected."""

    id: str
    management_account: str
    accounts: Mapping[str, Account]
    selected: frozenset[str]


class Pace:
    """Lets a request through every so often. `clock` returns seconds, `sleep` waits so many."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._next = float("-inf")

    def wait(self) -> None:
        """Return when the next request may be sent."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + 1 / limits.ORGANIZATIONS_REQUESTS_PER_SECOND


class Reader:
    """Reads one organization with clients of Organizations and the tagging API, whose credentials are of `account`.

    `tell` gets a line about what takes long.
    """

    def __init__(
        self,
        organizations: AwsClient,
        tagging: AwsClient,
        account: str,
        *,
        pace: Pace | None = None,
        tell: Callable[[str], None] = say,
    ) -> None:
        self._organizations, self._tagging, self._account = organizations, tagging, account
        self._pace = pace or Pace()
        self._tell = tell

    def read(self, selection: Selection) -> Organization:
        """Return the organization with the accounts that are selected.

        Raise AwsCallError for a call that fails, and CommandError for an answer that cannot be understood.
        """
        described = self._call(self._organizations, "describe_organization").get("Organization") or {}
        management = str(described.get("MasterAccountId") or "")
        accounts = {one.id: one for one in self._accounts("list_accounts")}
        selected = set(accounts)
        if selection.units:
            inside = [one for unit in self._units(selection) for one in self._of_parent(unit)]
            accounts |= {one.id: one for one in inside if one.id not in accounts}
            selected = {one.id for one in inside}
        if selection.tags:
            selected = self._tagged(selected, selection.tags, management)
        return Organization(str(described.get("Id") or "unknown"), management, accounts, frozenset(selected))

    def _units(self, selection: Selection) -> Iterator[str]:
        """Yield the id of every unit that counts, each once: one that is named may lie below another one."""
        waiting, seen = deque(self._named(selection.units)), set[str]()
        while waiting:
            unit = waiting.popleft()
            if unit in seen:
                continue
            seen.add(unit)
            yield unit
            if selection.recursive:
                below = self._pages("list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit)
                waiting.extend(_text(one, "Id") for one in below)

    def _named(self, units: Iterable[str]) -> Iterator[str]:
        for unit in units:
            if unit == ROOT:
                yield from (_text(one, "Id") for one in self._pages("list_roots", "Roots"))
            else:
                yield unit

    def _of_parent(self, unit: str) -> Iterator[Account]:
        return self._accounts("list_accounts_for_parent", ParentId=unit)

    def _accounts(self, operation: str, **parameters: Any) -> Iterator[Account]:
        return map(_account, self._pages(operation, "Accounts", **parameters))

    def _tagged(self, among: set[str], tags: Mapping[str, frozenset[str]], management: str) -> set[str]:
        """Return those of the accounts that have all tags.

        They are resources of the management account, so only there one listing has the tags of all of them.
        """
        if self._account == management:
            return among & set(self._listed_by_tags(tags))
        seconds = len(among) / limits.ORGANIZATIONS_REQUESTS_PER_SECOND
        self._tell(
            f"{self._account} is not the management account, so tags are read account by account: {len(among):,} "
            f"requests, about {seconds:.0f} s"
        )
        return {account for account in sorted(among) if _has_all(self._tags(account), tags)}

    def _listed_by_tags(self, tags: Mapping[str, frozenset[str]]) -> Iterator[str]:
        filters = [{"Key": key, **({"Values": sorted(values)} if values else {})} for key, values in tags.items()]
        asked = {"ResourceTypeFilters": [_ACCOUNTS], "TagFilters": filters, "ResourcesPerPage": limits.TAGGED_PAGE_SIZE}
        listing = _paged(self._tagging, "get_resources", "PaginationToken", self._call, asked)
        for page in listing:
            found = page.get("ResourceTagMappingList") or ()
            yield from (_text(one, "ResourceARN").rpartition("/")[2] for one in found)

    def _tags(self, account: str) -> dict[str, str]:
        tags = self._pages("list_tags_for_resource", "Tags", ResourceId=account)
        return {_text(tag, "Key"): str(tag.get("Value") or "") for tag in tags}

    def _pages(self, operation: str, member: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        for page in _paged(self._organizations, operation, "NextToken", self._call, parameters):
            yield from page.get(member) or ()

    def _call(self, client: AwsClient, operation: str, **parameters: Any) -> dict[str, Any]:
        self._pace.wait()
        return client.call(operation, **parameters)


def _paged(
    client: AwsClient, operation: str, token_name: str, call: Callable[..., dict[str, Any]], asked: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield every page: an empty one may have a token, and only one without a token is the last."""
    token, seen = "", set[str]()
    while True:
        page = call(client, operation, **asked, **({token_name: token} if token else {}))
        yield page
        token = str(page.get(token_name) or "")
        if not token:
            return
        if token in seen:
            raise no_summary(f"AWS answered {operation} with the same page again and again; nothing was written")
        seen.add(token)


def _account(shown: Mapping[str, Any]) -> Account:
    account = _text(shown, "Id")
    if _ID.fullmatch(account) is None:
        raise no_summary("Organizations listed an account whose id has not 12 digits; nothing was written")
    # Status is what State was called until September 2026 (API reference); it says SUSPENDED of closed accounts, too.
    return Account(account, str(shown.get("Name") or ""), str(shown.get("State") or shown.get("Status") or ""))


def _text(shown: Mapping[str, Any], member: str) -> str:
    return str(shown.get(member) or "")


def _has_all(tags: Mapping[str, str], wanted: Mapping[str, frozenset[str]]) -> bool:
    return all(key in tags and (not values or tags[key] in values) for key, values in wanted.items())
