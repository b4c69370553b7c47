"""From results to the Summary: counts, exit code, what to run again, and an answer that fits. Nothing is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS, ALL_ONLY_FIELDS, payload_names
from ses_fleet.errors import Problem
from ses_fleet.runs import personal_params
from ses_fleet.runs import ramp as ramps
from ses_fleet.runs.models import (
    Concurrency,
    ConfigVersion,
    CustomerResult,
    RampPosition,
    RunPlan,
    RunRequest,
    Status,
    Summary,
)
from ses_fleet.runs.results import was_cancelled
from ses_fleet.text import printable

# The warning of a Summary whose messages were cut, and whose customers are without their warnings.
SHORTENED = "the response was too large: messages are cut, warnings of customers left out; results/ has them whole"
_SELECTION_FIELDS = frozenset({"include", "exclude", "environment", "confirm_customers"}) & frozenset(ALL_ONLY_FIELDS)


def build(
    request: RunRequest,
    results: Sequence[CustomerResult],
    *,
    run_id: str,
    started_at: str,
    seconds: float | None,
    concurrency: Concurrency,
    config_version: ConfigVersion,
    warnings: Sequence[str],
    location: str,
    where_is: Callable[[int], str],
    closed_by: Literal["orchestrator", "reaper"] = "orchestrator",
    cancelled_at: str | None = None,
    ramp: RampPosition | None = None,
    defaults: Mapping[str, Any] | None = None,
    fleet: dict[str, Any] | None = None,
    receipt: str | None = None,
    unproven: bool = False,
) -> Summary:
    """Return the Summary of a run that is over.

    `results` are those of all selected customers, in config order; `where_is` gives the s3:// URI of the n-th stored
    result, `location` that of the summary; `seconds` is the run's duration, `ramp` where it stands in its ramp,
    `defaults` what it took from config.json's. With `unproven` the exit code is not 0. `cancelled_at` is when somebody
    cancelled the run: the Summary has it only if that kept somebody from anything.
    """
    counts = Counter(result.status for result in results)
    resume = resume_payload(run_id, request, results)
    summary = Summary(
        run_id=run_id,
        action=request.action,
        dry_run=request.dry_run,
        started_at=started_at,
        total_duration_seconds=seconds,
        **_counted(counts),
        results=tuple(results),
        differs=differs(results),
        differing_count=sum(result.differs is True for result in results),
        finding_count=sum(bool(result.findings) for result in results),
        warnings=(*warnings, *_warnings(counts, concurrency)),
        concurrency=concurrency,
        ramp=ramp,
        defaults=dict(defaults or {}) or None,
        config_version=config_version,
        summary_location=location,
        closed_by=closed_by,
        cancelled_at=cancelled_at if any(map(was_cancelled, results)) else None,
        plan=request.plan,
        resume=resume,
        resume_needs=resume_needs(resume),
        fleet=fleet,
        receipt=receipt,
        exit_code=1 if unproven else exit_code(counts),
    )
    return fitted(summary, where_is)


def _counted(counts: Counter[Status]) -> dict[str, int]:
    return {
        "total_customers": counts.total(),
        "successful_count": counts["successful"],
        "failed_count": counts["failed"],
        "skipped_count": counts["skipped"],
        "not_started_count": counts["not_started"],
        "under_way_count": counts["under_way"],
    }


def _warnings(counts: Counter[Status], concurrency: Concurrency) -> Iterator[str]:
    if counts["skipped"] == counts.total():
        yield "nothing ran"
    if concurrency.bound_by == "service_cap":
        yield f"concurrency is bound to {limits.MAX_CONCURRENCY}: Lambda's file descriptors and threads"


def differs(results: Sequence[CustomerResult]) -> bool | None:
    """Return whether something differs at some customer; None when nobody says so, and not everybody who ran denies it.

    Nothing is known either when all are skipped.
    """
    said = [result.differs for result in results if result.status != "skipped"]
    return True if True in said else (None if None in said or not said else False)


def exit_code(counts: Counter[Status]) -> Literal[0, 1]:
    """Return 0 when every selected customer is successful or skipped, else 1."""
    return 1 if counts["failed"] or counts["not_started"] else 0


def resume_payload(run_id: str, request: RunRequest, results: Sequence[CustomerResult]) -> dict[str, Any] | None:
    """Return the payload that runs exactly the customers that failed or were not started, or None if there are none.

    Customers that were never started come first, and start first: with `max_failures`, those that failed would stop
    the run again.
    """
    codes = [one.customer_code for status in ("not_started", "failed") for one in results if one.status == status]
    if not codes:
        return None
    payload = {
        field: value
        for field, value in request.model_dump(mode="json", exclude_unset=True).items()
        if value is not None and field not in _SELECTION_FIELDS | {"run_id", "trigger"}
    }
    payload["resumes"] = run_id
    if request.scope == "single":
        return payload
    payload["include"] = codes
    if request.confirm_customers is not None:
        payload["confirm_customers"] = len(codes)
    return payload


def resume_needs(resume: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what must be given again for `resume` to be taken, since it is personal, such as `params.username`."""
    if resume is None:
        return ()
    action = ACTIONS[str(resume["action"]).removesuffix("-all")]
    return tuple(f"params.{name}" for name in personal_params.hidden(action.params, resume.get("params") or {}))


def refused(run_id: str, action: str, dry_run: bool, started_at: str, problems: Sequence[Problem]) -> Summary:
    """Return the Summary of a run that was refused, for those who follow its record."""
    return Summary(
        run_id=run_id,
        action=action if action in payload_names() else "unknown",
        dry_run=dry_run,
        started_at=started_at,
        total_duration_seconds=0.0,
        **_counted(Counter()),
        results=(),
        errors=tuple(str(problem) for problem in problems),
        exit_code=2,
    )


def unfinished(plan: RunPlan, results: Sequence[CustomerResult], location: str, warning: str) -> Summary:
    """Return the state of a run that has a plan and no summary yet: `exit_code` is None, no data is inline.

    Messages are cut short as in a Summary if it would not fit Lambda's response.
    """
    state = Summary(
        run_id=plan.run_id,
        action=plan.request["action"],
        dry_run=plan.request["dry_run"],
        started_at=plan.started_at,
        total_duration_seconds=None,
        **_counted(Counter(result.status for result in results)),
        results=tuple(_without_data(result) for result in results),
        warnings=(warning,),
        concurrency=plan.concurrency,
        ramp=ramps.position(plan, results),
        defaults=plan.defaults or None,
        config_version=plan.config_version,
        summary_location=location,
        plan=plan.request.get("plan"),
    )
    return _short_enough(state)


def fitted(summary: Summary, where_is: Callable[[int], str]) -> Summary:
    """Return the Summary with as much data inline as the response may hold, in config order.

    Data beyond RESPONSE_INLINE_BYTES is replaced by its location. Messages are cut short if even that does not fit
    Lambda's response.
    """
    bare = [_without_data(result) for result in summary.results]
    room = limits.RESPONSE_INLINE_BYTES - _size(summary.model_copy(update={"results": ()}))
    room -= sum(_size(result) + 1 for result in bare)
    kept: list[CustomerResult] = []
    for index, (result, short) in enumerate(zip(summary.results, bare, strict=True)):
        needed = 0 if result.data is None else _size(result) - _size(short)
        if needed > room or (needed and room <= 0):
            room = 0  # in config order: nothing after the first that did not fit
            kept.append(short.model_copy(update={"data_location": result.data_location or where_is(index)}))
        else:
            room -= needed
            kept.append(short.model_copy(update={"data": result.data}))
    return _short_enough(summary.model_copy(update={"results": tuple(kept)}))


def _short_enough(summary: Summary) -> Summary:
    most = limits.LAMBDA_PAYLOAD_BYTES - limits.RESPONSE_MARGIN_BYTES
    shortened = summary
    for message, name in limits.SHORT_TEXT_CHARACTERS:
        if _size(shortened) <= most:
            break
        shortened = _shortened(summary, message, name)
    return shortened


def _without_data(result: CustomerResult) -> CustomerResult:
    return result.model_copy(update={"data": None, "logs": None, "continuation": None, "plan": None})


def _shortened(summary: Summary, message: int, name: int) -> Summary:
    """Return the Summary with messages and customers' names cut to so many characters, without their warnings."""

    def short(result: CustomerResult) -> CustomerResult:
        error = result.error
        if error is not None:
            error = error.model_copy(update={"message": printable(error.message, message) if message else ""})
        cut = printable(result.customer_name, name) if name else ""
        return result.model_copy(update={"error": error, "warnings": (), "customer_name": cut})

    return summary.model_copy(
        update={
            "results": tuple(short(result) for result in summary.results),
            "warnings": (*summary.warnings[: limits.SHORT_WARNINGS], SHORTENED),
        }
    )


def _size(model: Summary | CustomerResult) -> int:
    # awslambdaric encodes the answer with json.dumps(ensure_ascii=False): UTF-8 bytes count, plus ", " and ": ".
    return len(model.model_dump_json().encode()) * 21 // 20
