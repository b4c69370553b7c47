"""set-suppressed: put addresses on the account's suppression list, or take them off it.

An entry that is there stays as it is, whatever its reason; one of a complaint is taken off only if the number of people
was confirmed. A slice continues at the step where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet import limits
from ses_fleet.actions.data.set_suppressed import SetSuppressedData
from ses_fleet.actions.params import SetSuppressedParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import suppression, suppression_changes
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.record_files import RecordFileWriter
from ses_fleet.worker.suppressing import by_job
from ses_fleet.worker.suppressing.read_back import verify
from ses_fleet.worker.suppressing.work import Ending, Step, Work
from ses_fleet.worker.suppression import Entry

_ENDINGS: tuple[Ending, ...] = ("added", "already", "removed", "was_absent", "kept_complaint", "left_out", "failed")
_POLLS = 5  # a job of thousands is over within a minute, which takes about so many looks


def run(context: ActionContext, params: SetSuppressedParams, state: State) -> Outcome:
    """Change the list. What became of each row is at `data_location`: `{row, state, outcome}` in `changes-*`."""
    work = Work(context, params, state)
    try:
        while work.progress.step != "done":
            work.progress.step = _STEPS[work.progress.step](work)
    except SliceTimeoutError:
        left = len(work.left)
        context.log(
            f"⏳ Customer {context.code}: {left} of {len(work.rows)} rows are left; continuing in another slice"
        )
        return More(work.state())
    except AwsCallError as failure:
        suppression.check_sandbox(context, failure)
        failure.outcome_unknown |= work.job_under_way
        raise
    except CustomerError as failure:
        failure.outcome_unknown |= work.job_under_way
        raise
    return _done(work)


def _single(work: Work) -> Step:
    """Change the rows that are left one by one, each read right before it is written."""
    for number in work.left:
        row = work.rows[number]
        work.progress.asked += 1
        try:
            if row.state == "present":
                work.end(number, suppression_changes.add(work.context, row.email, str(row.reason)))
            else:
                work.end(number, suppression_changes.remove(work.context, row.email, complaints=work.complaints))
        except AwsCallError as failure:
            work.refuse(number, failure)
    return "done" if work.context.dry_run else "verify"


_STEPS: dict[Step, Callable[[Work], Step]] = {
    "look": by_job.look,
    "start": by_job.start,
    "hear": by_job.hear,
    "single": _single,
    "verify": verify,
}


def _done(work: Work) -> Done:
    context, failed = work.context, set(work.progress.ended.get("failed", ()))
    if context.dry_run:
        for number in work.progress.in_job:
            work.ends(number, None, Entry(str(work.rows[number].reason), None), "added")
    _write(work)
    requests = _requests(work) if context.dry_run else None
    rate = context.settings.ses_requests_per_second
    data = SetSuppressedData(
        **{ending: work.count(ending) for ending in _ENDINGS},
        by_job=len(set(work.progress.in_job) - failed),
        requests=requests,
        seconds=None if requests is None else round(requests / rate, 1) if rate > 0 else 0.0,
    )
    _say(work, data)
    return Done(data, data_location=context.results.location(context.data_prefix), failure=_failure(work))


def _write(work: Work) -> None:
    outcome = {number: ending for ending, numbers in work.progress.ended.items() for number in numbers}
    writer = RecordFileWriter(work.context, work.context.data_prefix, {}, "changes")
    writer.add({"row": number, "state": row.state, "outcome": outcome[number]} for number, row in work.rows.items())
    writer.flush()


def _requests(work: Work) -> int:
    """Return about how many requests to SES the run would take, by what its dry run did and found."""
    by_hand = work.count("added") - len(work.progress.in_job) + work.count("removed")
    pages = work.lookup.pages_read
    job = 2 * pages + 2 + _POLLS if work.progress.in_job else 0
    # Each change is one write, and is read back.
    return 1 + pages + work.progress.asked + 2 * by_hand + job


def _say(work: Work, data: SetSuppressedData) -> None:
    context = work.context
    endings = [one for one in _ENDINGS if one != "left_out" or work.count(one)]
    shown = ", ".join(f"{work.count(ending)} {ending.replace('_', ' ')}" for ending in endings)
    job = f" ({data.by_job} by one import job)" if data.by_job else ""
    if not context.dry_run:
        context.log(f"📵 Customer {context.code}: suppression list: {shown}{job}")
    else:
        cost = f"about {data.requests} requests, {data.seconds:.0f} s at SES's rate"
        context.log(f"🔍 Customer {context.code}: Would change the suppression list: {shown}{job}; {cost}")
    if data.kept_complaint:
        context.warn(
            f"{data.kept_complaint} addresses stay on the suppression list because somebody complained: give "
            "params.confirm_people, the number of rows of the people file, to take these off, too"
        )


def _failure(work: Work) -> CustomerError | None:
    failed = work.count("failed")
    if not failed:
        return None
    most = sorted(work.progress.reasons.items(), key=lambda entry: -entry[1])[: limits.FAILURE_REASONS]
    reasons = "; ".join(f"{reason} ({count})" for reason, count in most)
    text = f"{failed} addresses could not be set on the suppression list of {work.context.code}: {reasons}"
    return CustomerError("operation", "AddressesNotSet", f"{text}. The others were; run this customer again")
