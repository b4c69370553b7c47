"""The end of a run: results.jsonl.gz, summary.json, the log record, the metrics. Or of one invocation's share of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal

from ses_fleet import clock, limits
from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator import handover, report
from ses_fleet.orchestrator.result_store import ResultStore
from ses_fleet.orchestrator.task import Task
from ses_fleet.runs import ramp, state, summary
from ses_fleet.runs.hops import HopEnd
from ses_fleet.runs.models import Summary


def close(task: Task, store: ResultStore, peak: int) -> Summary:
    """End the run and return its Summary, or its state when it was ended by another invocation.

    `peak` is the most workers that were in flight at once.
    """
    end = HopEnd(**_end(task), next=None, reason="every customer has its result", peak=peak)
    # What is decided stays so, whoever ends the run: the file with all results need not wait for that.
    early = store.is_decided
    with ThreadPoolExecutor(1) as beside:
        file = beside.submit(_store_results_file, task, store) if early else None
        instead = _decide(task, store, end)
    if file is not None:
        file.result()
    return instead or write_out(task, store, peak, "orchestrator", cancelled_at=task.signs.cancelled_at, has_file=early)


def hand_over(task: Task, store: ResultStore, people: Mapping[str, DirectoryFiles], *, peak: int, idle: int) -> Summary:
    """Have another invocation go on with the run, and return its state.

    `people` is what was read of Identity Centers, `idle` how many hops in a row have sent nobody. When the event cannot
    be sent, the reaper sends it.
    """
    following = task.signs.hop + 1
    end = HopEnd(
        **_end(task),
        next=following,
        reason="its time was used up",
        peak=peak,
        people=dict(people),
        reading=task.reading,
        idle=idle,
    )
    instead = _decide(task, store, end)
    if instead is not None:
        return instead
    going_on = f"the run goes on in another invocation (hop {following})"
    if handover.is_left_to_the_reaper(following):
        going_on += ", which the reaper starts within five minutes"
    else:
        failure = handover.send(task.environment, task.plan.request.action, task.record.run_id, following)
        if failure is not None:
            task.logger.warning(f"the event of hop {following} may not have been sent", error_code=failure.code)
            going_on += f"; its event may not have been sent ({failure.code}), the reaper sends it within five minutes"
    task.logger.info(going_on)
    return summary.unfinished(task.document, store.results_so_far(), task.record.summary_location, going_on)


def elsewhere(task: Task) -> Summary:
    """Return the state of a run that another invocation has ended or goes on with."""
    task.logger.warning("another invocation has ended this one's turn: nothing more is done here", kind="turn-lost")
    return state.of(task.record, task.document).summary


def write_out(
    task: Task,
    store: ResultStore,
    peak: int,
    closed_by: Literal["orchestrator", "reaper"],
    *,
    cancelled_at: str | None = None,
    has_file: bool = False,
) -> Summary:
    """Write the files of a run that has its end, log and count it, and return its Summary.

    `cancelled_at` is when somebody cancelled the run, as far as that was heeded.

    A file that cannot be written is a warning; without summary.json the reaper writes it. With `has_file`,
    results.jsonl.gz is written already.
    """
    if not has_file:
        _store_results_file(task, store)
    fleet = _comparison(task, store)
    receipt, proven = _receipt(task, store)
    plan, document = task.plan, task.document
    began = datetime.fromisoformat(document.started_at)
    results = store.collector.results()
    finished = summary.build(
        plan.asked,
        results,
        run_id=task.record.run_id,
        started_at=document.started_at,
        seconds=round((clock.now() - began).total_seconds(), 3),
        concurrency=plan.concurrency.model_copy(update={"peak": peak}),
        config_version=plan.config_version,
        warnings=(*plan.warnings, *store.warnings),
        location=task.record.summary_location,
        where_is=task.result_location,
        closed_by=closed_by,
        cancelled_at=cancelled_at,
        ramp=ramp.position(document, results),
        defaults=document.defaults,
        fleet=fleet,
        receipt=receipt,
        unproven=not proven,
    )
    try:
        written = task.record.write_summary(finished)
    except AwsCallError as failure:
        task.logger.warning("summary.json could not be written; the reaper writes it", error_code=failure.code)
        return _unrecorded(task, store, failure)
    if not written:
        return state.of(task.record, document).summary
    report.log_summary(task.logger, finished)
    report.emit_run(finished)
    return finished


def _end(task: Task) -> dict[str, Any]:
    """Return what every end of a hop says of it."""
    signs = task.signs
    return {"hop": signs.hop, "owner": signs.owner, "by": "orchestrator", "ended_at": clock.iso(clock.now())}


def _decide(task: Task, store: ResultStore, end: HopEnd) -> Summary | None:
    """Write the end of the hop. Return None, or the state of the run when that was not possible."""
    task.signs.last()
    try:
        return None if task.hops.end(end) else elsewhere(task)
    except AwsCallError as failure:
        task.logger.warning("the end of this hop could not be written; the reaper does", error_code=failure.code)
        return _unrecorded(task, store, failure)


def _unrecorded(task: Task, store: ResultStore, failure: AwsCallError) -> Summary:
    text = f"the run's end could not be written ({failure.code}); the reaper, which runs every five minutes, writes it"
    return summary.unfinished(task.document, store.results_so_far(), task.record.summary_location, text)


def _store_results_file(task: Task, store: ResultStore) -> None:
    if task.environment.remaining() < task.environment.settings.return_margin * limits.RESULTS_FILE_SHARE:
        store.warn("there was no time to write results.jsonl.gz; results/ has every result")
        return
    file = store.collector.results_file()
    if file is None:
        store.warn("results.jsonl.gz was too large for this function's disk; results/ has every result")
        return
    try:
        task.record.write_results_file(file)
    except AwsCallError as failure:
        store.warn(f"results.jsonl.gz could not be written ({failure.code}); results/ has every result")


def _receipt(task: Task, store: ResultStore) -> tuple[str | None, bool]:
    """Write the receipt of an erasure. Return where it lies, if it does, and whether nothing is left to be proven."""
    if task.document.erasure is None or not task.plan.writes:
        return None, True
    # Imported here: no other run needs it.
    from ses_fleet.orchestrator import receipts

    proofs = store.collector.comparison
    assert isinstance(proofs, receipts.Proofs)  # noqa: S101  # a run that erases collects them
    try:
        proven = receipts.write(task, proofs)
    except AwsCallError as failure:
        store.warn(f"the receipt could not be written ({failure.code}), so nothing of this run is proven: run it again")
        return None, False
    where = task.record.receipt_location
    if proven is None:
        text = f"{where} is not of this run but of an earlier one with the same id, and was not overwritten"
        store.warn(f"{text}: nothing of this run is proven; run it again under another id")
        return None, False
    return where, proven


def _comparison(task: Task, store: ResultStore) -> dict[str, Any] | None:
    """Return the Summary's `fleet`, or where it lies when it is too large to be inline."""
    comparison = store.collector.comparison
    if comparison is None:
        return None
    answer = comparison.answer([customer.code for customer in task.plan.customers])
    body = json.dumps(answer).encode()
    if len(body) <= limits.FLEET_INLINE_BYTES:
        return answer
    try:
        return {"topics": None, "drift": None, "location": task.record.write_fleet(body)}
    except AwsCallError as failure:
        store.warn(f"fleet.json could not be written ({failure.code})")
        return None
