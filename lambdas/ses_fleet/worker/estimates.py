"""What a dry run for people says of the cost of the real run: requests of SES, which allows about one a second."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.actions.data.estimate import Estimate, LookedUp
from ses_fleet.worker.context import ActionContext


def estimate(
    context: ActionContext,
    requests: int,
    pages: int | None,
    looked_up: LookedUp,
    *,
    import_job: bool = False,
    waits: float = 0.0,
) -> Estimate:
    """Return what a run with so many requests takes, as the data of a dry run has it.

    `pages` are those of the list that are read, or None when it is not read; `waits` are seconds without requests.
    """
    per_second = context.settings.ses_requests_per_second or limits.SES_REQUESTS_PER_SECOND
    return Estimate(
        requests=requests,
        seconds=round(requests / per_second + waits),
        looked_up=looked_up,
        pages=pages,
        import_job=import_job,
    )


def say(context: ActionContext, found: Estimate, how: str) -> None:
    """Add the estimate to the customer's block, and how the people are looked up."""
    context.log(
        f"🧮 Customer {context.code}: about {found.requests} requests to SES, {found.seconds} s at its rate: {how}"
    )
