"""Reading the suppression list of a customer's account: single entries, or its pages where those are fewer requests.

SES keeps one such list for an account and Region. An account in SES's sandbox has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ses_fleet import limits
from ses_fleet.errors import AwsCallError
from ses_fleet.people import addresses
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.paced_client import ReadClient, UnitClient
from ses_fleet.worker.pagination import Paginator
from ses_fleet.worker.responses import required_text

_ENTRY = "an entry of the suppression list"


class Entry(NamedTuple):
    """Why an address is on the suppression list, BOUNCE or COMPLAINT, and since when.

    `since` is ISO 8601 in UTC, or None where SES does not say.
    """

    reason: str
    since: str | None


class Listed(NamedTuple):
    """An entry of a page of the list, with its address as SES keeps it."""

    email: str
    entry: Entry


def get(ses: ReadClient, email: str) -> Entry | None:
    """Return the entry of an address, or None when it is not on the list. Raise AwsCallError when it cannot be read."""
    try:
        answer = ses.read("get_suppressed_destination", EmailAddress=email)
    except AwsCallError as failure:
        if failure.status == 404:
            return None
        raise
    return _entry(answer.get("SuppressedDestination") or {})


def remove(context: ActionContext, email: str) -> bool:
    """Take an address off the list, and return whether it was on it; a dry run only looks.

    Raise AwsCallError when SES refuses it or did not answer.
    """

    def unit(client: UnitClient) -> bool:
        if get(client, email) is None:
            return False
        if not context.dry_run:
            client.write("delete_suppressed_destination", EmailAddress=email)
        return True

    return context.ses.read_modify_write(2, unit)


def listed(page: list[dict[str, Any]]) -> Iterator[Listed]:
    """Yield the entries of a page of ListSuppressedDestinations."""
    for one in page:
        yield Listed(required_text(one, "EmailAddress", _ENTRY), _entry(one))


def paginator(state: State | None = None) -> Paginator:
    """Return the position in the suppression list that `state` has, or its beginning."""
    return Paginator("list_suppressed_destinations", "SuppressedDestinationSummaries", state)


def is_refused_in_sandbox(context: ActionContext, failure: AwsCallError) -> bool:
    """Return whether a request for the suppression list failed because the account is in SES's sandbox.

    One more request, if the failure can be that one at all.
    """
    if failure.kind != "refused" or failure.status != 400:
        return False
    return not context.ses.read("get_account").get("ProductionAccessEnabled")


def most_pages(rows: int) -> int:
    """Return how many pages of the list may be read to spare a request for each of so many addresses."""
    if rows <= limits.SUPPRESSION_ONE_BY_ONE:
        return 0
    return limits.SUPPRESSION_EXTRA_PAGES + rows // limits.SUPPRESSION_ROWS_A_PAGE


class Lookup:
    """Which addresses of the people file are on the list. `emails` are those looked for, by their row's number.

    It reads at most `pages` pages of the list. Where the list ends within these, addresses that are not in it are not
    suppressed; where it does not, those that were not met are left to be asked for one by one.
    """

    def __init__(self, emails: Mapping[int, str], pages: int, state: State) -> None:
        self._wanted = {addresses.folded(email): (number, _kept_as(email)) for number, email in emails.items()}
        self._left: int = state.get("left", pages)
        self._met: dict[int, Entry] = {int(number): Entry(*one) for number, one in state.get("met", {}).items()}
        self._similar: set[int] = set(state.get("similar", []))
        self._paginator = paginator(state.get("page"))
        self._complete: bool = state.get("complete", False)

    def state(self) -> State:
        """Return what the next slice continues from; JSON, with the numbers of rows in place of addresses."""
        return {
            "left": self._left,
            "met": {str(number): list(entry) for number, entry in self._met.items()},
            "similar": sorted(self._similar),
            "page": self._paginator.state(),
            "complete": self._complete,
        }

    def read(self, ses: ReadClient) -> None:
        """Read the pages that are still to be read. After SliceTimeoutError, a later call goes on there."""
        if self._complete or self._left == 0:
            return
        for page in self._paginator.pages(ses, {"PageSize": limits.SES_PAGE_SIZE}, self._forget):
            for one in listed(page):
                self._meet(one)
            self._left -= 1
            if self._left == 0 and not self._paginator.is_last:
                return
        self._complete = True

    def is_known(self, number: int) -> bool:
        """Return whether the pages that were read say of this row whether its address is on the list."""
        return number in self._met or (self._complete and number not in self._similar)

    def entry(self, number: int) -> Entry | None:
        """Return the entry of a row that is known, or None when its address is not on the list."""
        return self._met.get(number)

    def _meet(self, one: Listed) -> None:
        number, kept_as = self._wanted.get(addresses.folded(one.email), (None, ""))
        if number is None:
            return
        # Whether upper and lower case count before the @ is not documented: SES itself is asked about such a row.
        if one.email == kept_as:
            self._met[number] = one.entry
        else:
            self._similar.add(number)

    def _forget(self) -> None:
        self._met.clear()
        self._similar.clear()


def _kept_as(email: str) -> str:
    """Return an address as the list has it: with its domain in lower case (observed)."""
    local, at, domain = email.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _entry(found: dict[str, Any]) -> Entry:
    return Entry(required_text(found, "Reason", _ENTRY), _iso(found.get("LastUpdateTime")))


def _iso(moment: datetime | float | None) -> str | None:
    if moment is None:
        return None
    when = moment if isinstance(moment, datetime) else datetime.fromtimestamp(float(moment), UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
