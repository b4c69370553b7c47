"""Results → Summary. Pure: it counts, decides the exit code and makes the answer fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS, ALL_ONLY_FIELDS, payload_names
from ses_fleet.errors import Problem
from ses_fleet.orchestrator.plan import Plan
from ses_fleet.runs import personal_params
from ses_fleet.runs.models import CustomerResult, RunPlan, RunRequest, Summary
from ses_fleet.text import printable

_SELECTION_FIELDS = frozenset({"include", "exclude", "environment", "confirm_customers"}) & frozenset(ALL_ONLY_FIELDS)


def build(
    *,
    run_id: str,
    plan: Plan,
    results: Sequence[CustomerResult],
    started_at: str,
    seconds: float | None,
    peak: int,
    location: str,
    where_is: Callable[[int], str],
    extra_warnings: Sequence[str] = (),
    fleet: dict[str, Any] | None = None,
) -> Summary:
    """The Summary of a run that is over; `where_is` names the stored result of the n-th customer."""
    counts = Counter(result.status for result in results)
    warnings = [*plan.warnings, *extra_warnings]
    if counts["skipped"] == len(results):
        warnings.append("nothing ran")
    if plan.concurrency.bound_by == "service_cap":
        warnings.append(f"concurrency is bound to {limits.MAX_CONCURRENCY}: Lambda's file descriptors and threads")
    resume = resume_payload(plan.request, results)
    summary = Summary(
        run_id=run_id,
        action=plan.request.action,
        dry_run=plan.request.dry_run,
        started_at=started_at,
        total_duration_seconds=seconds,
        total_customers=len(results),
        successful_count=counts["successful"],
        failed_count=counts["failed"],
        skipped_count=counts["skipped"],
        not_started_count=counts["not_started"],
        results=tuple(results),
        warnings=tuple(warnings),
        concurrency=plan.concurrency.model_copy(update={"peak": peak}),
        config_version=plan.config_version,
        summary_location=location,
        resume=resume,
        resume_needs=resume_needs(resume),
        fleet=fleet,
        exit_code=exit_code(counts),
    )
    return fitted(summary, where_is)


def exit_code(counts: Counter[Any]) -> Literal[0, 1]:
    """0 = every selected customer successful or skipped."""
    return 1 if counts["failed"] or counts["not_started"] else 0


def resume_payload(request: RunRequest, results: Sequence[CustomerResult]) -> dict[str, Any] | None:
    """The payload that runs exactly what failed or was not started; None when nothing did.

    Who was never started comes first, and starts first: with `max_failures`, who failed would stop the run again.
    """
    codes = [one.customer_code for status in ("not_started", "failed") for one in results if one.status == status]
    if not codes:
        return None
    payload = {
        field: value
        for field, value in request.model_dump(mode="json", exclude_unset=True).items()
        if value is not None and field not in _SELECTION_FIELDS | {"run_id", "trigger"}
    }
    if request.scope == "single":
        return payload
    payload["include"] = codes
    if request.confirm_customers is not None:
        payload["confirm_customers"] = len(codes)
    return payload


def resume_needs(resume: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What `resume` cannot carry, since it is personal, and must be given again: as it is, it will be refused."""
    if resume is None:
        return ()
    action = ACTIONS[str(resume["action"]).removesuffix("-all")]
    return tuple(f"params.{name}" for name in personal_params.hidden(action.params, resume.get("params") or {}))


def refused(run_id: str, action: str, dry_run: bool, started_at: str, problems: Sequence[Problem]) -> Summary:
    """What whoever follows the run record finds of a run that was refused."""
    return Summary(
        run_id=run_id,
        action=action if action in payload_names() else "unknown",
        dry_run=dry_run,
        started_at=started_at,
        total_duration_seconds=0.0,
        total_customers=0,
        successful_count=0,
        failed_count=0,
        skipped_count=0,
        not_started_count=0,
        results=(),
        errors=tuple(str(problem) for problem in problems),
        exit_code=2,
    )


_NO_SUMMARY = "this run has no summary yet: it is under way, or its orchestrator was killed"


def unfinished(plan: RunPlan, results: Sequence[CustomerResult], location: str, warning: str = _NO_SUMMARY) -> Summary:
    """The state of a run that has a plan and no summary yet: `exit_code` is null."""
    counts = Counter(result.status for result in results)
    return Summary(
        run_id=plan.run_id,
        action=plan.request["action"],
        dry_run=plan.request["dry_run"],
        started_at=plan.started_at,
        total_duration_seconds=None,
        total_customers=len(results),
        successful_count=counts["successful"],
        failed_count=counts["failed"],
        skipped_count=counts["skipped"],
        not_started_count=counts["not_started"],
        results=tuple(_without_data(result) for result in results),
        warnings=(warning,),
        concurrency=plan.concurrency,
        config_version=plan.config_version,
        summary_location=location,
    )


def fitted(summary: Summary, where_is: Callable[[int], str]) -> Summary:
    """Keep data inline, in config order, while the response stays within RESPONSE_INLINE_BYTES;
    after that say where it is. Messages are cut short if even that does not fit Lambda's response."""
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
    fitting = summary.model_copy(update={"results": tuple(kept)})
    return fitting if _size(fitting) <= limits.LAMBDA_PAYLOAD_BYTES - 65_536 else _shortened(fitting)


def _without_data(result: CustomerResult) -> CustomerResult:
    return result.model_copy(update={"data": None, "logs": None, "continuation": None})


def _shortened(summary: Summary) -> Summary:
    def short(result: CustomerResult) -> CustomerResult:
        error = result.error
        if error is not None:
            cut = printable(error.message, limits.SHORT_MESSAGE_CHARACTERS)
            error = error.model_copy(update={"message": cut})
        return result.model_copy(update={"error": error, "warnings": ()})

    warning = "the response was too large: messages are cut, warnings of customers left out; results/ has them whole"
    return summary.model_copy(
        update={
            "results": tuple(short(result) for result in summary.results),
            "warnings": (*summary.warnings[:20], warning),
        }
    )


def _size(model: Summary | CustomerResult) -> int:
    # awslambdaric encodes the answer with json.dumps(ensure_ascii=False): UTF-8 bytes count, plus ", " and ": ".
    return len(model.model_dump_json().encode()) * 21 // 20
