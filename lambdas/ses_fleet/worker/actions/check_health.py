"""check-health: whether a customer's account is able and allowed to send, and what to do where it is not.

Every check is made, whatever the others found. A slice continues at the step, and within the identities at the page or
domain, where the last one stopped.
"""

from __future__ import annotations

from typing import Any

from ses_fleet import limits
from ses_fleet.actions.params import CheckHealthParams
from ses_fleet.errors import AwsCallError
from ses_fleet.worker import steps
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.health import account, identities, rates
from ses_fleet.worker.health.findings import Found
from ses_fleet.worker.health.identities import CHECKS, Tally
from ses_fleet.worker.health.work import Step, Work

_RATES: tuple[rates.RateName, ...] = ("bounce_rate", "complaint_rate")
_UNREAD = Found("no_data", "the account's identities could not be read")


def run(context: ActionContext, params: CheckHealthParams, state: State) -> Outcome:
    """Make the checks. One failed check makes the customer failed, with all checks in the data."""
    work = Work(context, params, state)
    _ = context.ses  # a role that cannot be assumed is no finding of a check: nothing was looked at
    try:
        steps.run(work, _STEPS)
    except SliceTimeoutError:
        left = len(work.progress.domains) - work.progress.at
        context.log(f"⏳ Customer {context.code}: {left} domains are left to ask for; continuing in another slice")
        return More(work.state())
    return Done(work.data(), failure=work.failure())


def _account(work: Work) -> Step:
    """Judge what SES says of the account."""
    answer: dict[str, Any] = {}
    if work.unless_unanswered("sending", lambda: answer.update(work.context.ses.read("get_account"))):
        work.note("sandbox", account.sandbox(answer))
        work.note("sending", account.sending(answer))
        work.note("enforcement", account.enforcement(answer))
        work.note("review", account.review(answer))
        work.note("quota", account.quota(answer, work.params))
        work.note("suppression", account.suppression(answer))
        work.progress.quota_percent = account.quota_percent(answer)
    return "rates"


def _rates(work: Work) -> Step:
    """Judge what CloudWatch has of the last 24 hours."""
    found: list[rates.Metrics] = []
    if not work.unless_unanswered(_RATES[0], lambda: found.append(rates.read(work.context.open_cloudwatch()))):
        work.note(_RATES[1], Found("no_data", "CloudWatch did not answer"))
        return "list"
    (metrics,) = found
    for name in _RATES:
        work.note(name, rates.check(metrics, name, work.params))
    work.progress.sent = rates.sent(metrics)
    work.progress.bounce_percent = rates.percent(metrics, "bounce_rate", work.params)
    work.progress.complaint_percent = rates.percent(metrics, "complaint_rate", work.params)
    return "list"


def _list(work: Work) -> Step:
    """Find out which domains are asked for; what the listing says of all others suffices."""
    if work.params.domains is not None:
        work.progress.domains = [*dict.fromkeys(domain.casefold() for domain in work.params.domains)]
        return "ask"
    return "ask" if work.unless_unanswered("identities", lambda: _read_listing(work)) else _without_identities(work)


def _read_listing(work: Work) -> None:
    progress = work.progress

    def forget() -> None:
        progress.domains, progress.tally = [], Tally()

    for page in work.listing.pages(work.context.ses, {"PageSize": limits.SES_PAGE_SIZE}, forget):
        for one in page:
            name, is_asked, row = identities.listed(one)
            if is_asked and len(progress.domains) < limits.HEALTH_DOMAINS:
                progress.domains.append(name)
            else:
                progress.tally.not_asked += is_asked
                progress.tally.add(row)


def _ask(work: Work) -> Step:
    """Ask for each domain alone, as nothing else says whether DKIM and MAIL FROM work."""
    if not work.unless_unanswered("identities", lambda: _read_domains(work)):
        return _without_identities(work)
    for name in CHECKS:
        work.note(name, work.progress.tally.check(name, work.params))
    return "done"


def _read_domains(work: Work) -> None:
    progress = work.progress
    while progress.at < len(progress.domains):
        name = progress.domains[progress.at]
        try:
            answer = work.context.ses.read("get_email_identity", EmailIdentity=name)
        except AwsCallError as failure:
            if failure.status != 404:
                raise
            if work.params.domains is not None:  # else it was deleted since it was listed
                progress.tally.missing.append(name)
        else:
            progress.tally.add(identities.asked(name, answer, work.params))
        progress.at += 1


def _without_identities(work: Work) -> Step:
    work.progress.unread = True
    for name in CHECKS:
        if name != "identities":
            work.note(name, _UNREAD)
    return "done"


_STEPS = {"account": _account, "rates": _rates, "list": _list, "ask": _ask}
