"""list-suppressed: write the addresses on the account's suppression list to S3."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.data.list_suppressed import ListSuppressedData
from ses_fleet.actions.params import ListSuppressedParams
from ses_fleet.errors import AwsCallError
from ses_fleet.worker import suppression
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.record_files import RecordFileWriter

SUPPRESSED = "suppressed"


def run(context: ActionContext, params: ListSuppressedParams, state: State) -> Outcome:
    """Write the addresses that `params` ask for as JSON Lines, `{email, reason, since}`, at `data_location`."""
    listing = _Listing(context, state)
    try:
        listing.read(params)
    except SliceTimeoutError:
        context.log(f"⏳ Customer {context.code}: {listing.writer.total} addresses so far; continuing in another slice")
        return More(listing.state())
    except AwsCallError as failure:
        suppression.check_sandbox(context, failure)
        raise
    writer = listing.writer
    shown = ", ".join(f"{count} {reason}" for reason, count in sorted(listing.reasons.items())) or "none"
    context.log(f"📵 Customer {context.code}: {writer.total} suppressed addresses written: {shown}")
    data = ListSuppressedData(total=writer.total, reasons=dict(sorted(listing.reasons.items())), parts=writer.parts)
    return Done(data, data_location=context.results.location(writer.prefix))


class _Listing:
    """The pages of the suppression list, and what was written of them."""

    def __init__(self, context: ActionContext, state: State) -> None:
        self.writer = RecordFileWriter(context, context.data_prefix, state.get("written", {}), SUPPRESSED)
        self.reasons: Counter[str] = Counter(state.get("reasons", {}))
        self._context = context
        self._paginator = suppression.paginator(state.get("page"))

    def state(self) -> State:
        """Write everything that was read, and return what the next slice continues from; JSON without addresses."""
        self.writer.flush()
        return {"written": self.writer.state(), "reasons": dict(self.reasons), "page": self._paginator.state()}

    def read(self, params: ListSuppressedParams) -> None:
        """Read all pages that are still to come."""
        asked: dict[str, Any] = {"PageSize": limits.SES_PAGE_SIZE}
        if params.reasons is not None:
            asked["Reasons"] = list(params.reasons)
        if params.since is not None:
            asked["StartDate"] = params.since
        for page in self._paginator.pages(self._context.ses, asked, self._forget):
            found = list(suppression.listed(page))
            self.writer.add({"email": one.email, **one.entry._asdict()} for one in found)
            self.reasons.update(one.entry.reason for one in found)
        self.writer.flush()

    def _forget(self) -> None:
        self.writer.restart()
        self.reasons.clear()
