"""What a report says of a run, before it has any form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ses_fleet.actions.catalogue import payload_names
from ses_fleet.errors import Category
from ses_fleet.runs import ramp
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet_cli import saved_plans
from ses_fleet_cli.report import tables
from ses_fleet_cli.report.cells import STATUSES, Grid, Mark
from ses_fleet_cli.runs import Shown

_SAID_OTHERWISE = frozenset({"action", "dry_run", "on_deadline"})
_ORDER = {status: place for place, status in enumerate(STATUSES)}  # failed first
_DIFFER = Mark("look", "▲", "differ")
_DIFFERS, _SAME = Mark("look", "▲", "differs"), Mark("good", "✓", "same")
_WHO: dict[Category, str] = {
    "configuration": "the configuration",
    "authentication": "access to the customer’s account",
    "operation": "what SES or another service answered",
    "timeout": "time",
    "internal": "ses-fleet itself",
}


@dataclass(frozen=True)
class Customer:
    """One row of the table of customers. `place` is its place in config.json, by which the page refers to its block."""

    place: int
    code: str
    name: str
    account: str
    region: str
    mark: Mark
    differs: Mark | None
    note: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Trouble:
    """Something that went wrong or should be looked at, and of which customers; `about` says what it is about."""

    mark: Mark
    about: str
    text: str
    codes: tuple[str, ...]
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All that the page shows. `facts` are (name, value) of the run, `counts` how many customers have which mark.

    `plan` is what a dry run has saved, and `apply` the command that does exactly that.
    """

    run_id: str
    action: str
    purpose: str
    dry_run: bool
    verdict: Mark
    sentence: str
    facts: tuple[tuple[str, str], ...]
    counts: tuple[tuple[Mark, int], ...]
    troubles: tuple[Trouble, ...]
    findings: tuple[Trouble, ...]
    warnings: tuple[str, ...]
    resume: str | None
    customers: tuple[Customer, ...]
    compares: bool
    plan: tuple[saved_plans.Group, ...]
    apply: str | None
    anew: str | None
    parts: tuple[Grid | str, ...]


def of(shown: Shown, whole: Summary) -> Report:
    """Return the report of a run. `whole` is its Summary with all results whole, and the comparison of topics in it."""
    known = payload_names().get(whole.action)
    differs = tables.differing(whole)
    return Report(
        run_id=whole.run_id,
        action=whole.action,
        purpose=known[0].purpose if known else "",
        dry_run=whole.dry_run,
        verdict=_verdict(whole),
        sentence=_sentence(whole),
        facts=tuple(_facts(shown, whole)),
        counts=(*_counts(whole), *_differing(differs)),
        troubles=_troubles(whole.results),
        findings=_findings(whole),
        warnings=tuple(dict.fromkeys((*whole.errors, *whole.warnings))),
        resume=_resume(whole),
        customers=_customers(whole.results, differs),
        compares=bool(differs),
        plan=tuple(saved_plans.groups(whole.results)),
        apply=saved_plans.command(whole) if saved_plans.is_one(whole) and whole.differs else None,
        anew=saved_plans.anew(whole),
        parts=tuple(tables.tables(whole)),
    )


def _verdict(whole: Summary) -> Mark:
    if whole.exit_code == 2:
        return Mark("bad", "✗", "Refused")
    if whole.exit_code == 0:
        return Mark("good", "✓", "All well")
    if whole.failed_count:
        return Mark("bad", "✗", "Some failed")
    return Mark("open", "◇", "Not finished") if whole.not_started_count else Mark("bad", "✗", "Not proven")


def _sentence(whole: Summary) -> str:
    if whole.exit_code == 2:
        return "The run was refused: nothing was started."
    counts = ", ".join(f"{count} {mark.word}" for mark, count in _counts(whole) if count)
    ended = " The reaper ended the run, as its orchestrator was lost." if whole.closed_by == "reaper" else ""
    ended += "" if whole.cancelled_at is None else f" It was cancelled at {whole.cancelled_at}."
    dry = " This was a dry run: nothing was changed." if whole.dry_run else ""
    return f"{whole.total_customers:,} {_plural(whole.total_customers)}: {counts or 'none'}.{ended}{dry}"


def _plural(count: int) -> str:
    return "customer" if count == 1 else "customers"


def _facts(shown: Shown, whole: Summary) -> Iterable[tuple[str, str]]:
    yield "Run", whole.run_id
    yield "Action", f"{whole.action} (dry run)" if whole.dry_run else whole.action
    yield "Started", whole.started_at.replace("T", " ").replace("Z", " UTC")
    if whole.total_duration_seconds is not None:
        yield "Took", _duration(whole.total_duration_seconds)
    if whole.ramp is not None:
        yield "Ramp", ramp.told(whole.ramp)
    if whole.receipt is not None:
        yield "Receipt", whole.receipt
    asked = {name: value for name, value in shown.payload.items() if name not in _SAID_OTHERWISE}
    for name, value in asked.items():
        yield f"Asked: {name.replace('_', ' ')}", _value(value)


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _counts(whole: Summary) -> Iterable[tuple[Mark, int]]:
    for status, mark in STATUSES.items():
        count = getattr(whole, f"{status}_count")
        if count or status not in ("under_way", "not_started"):
            yield mark, count


def _differing(differs: Mapping[str, bool]) -> Iterable[tuple[Mark, int]]:
    if differs:
        yield _DIFFER, sum(differs.values())


def _troubles(results: Sequence[CustomerResult]) -> tuple[Trouble, ...]:
    """Return what went wrong; customers of whom the same is to be said share an entry."""
    codes: dict[Trouble, list[str]] = {}
    for one in results:
        if one.error is not None:
            advice = _advice(retryable=one.error.retryable, outcome_unknown=one.error.outcome_unknown)
            about = f"{one.error.type} · {_WHO[one.error.category]}"
            codes.setdefault(Trouble(STATUSES["failed"], about, one.error.message, (), advice), []).append(
                one.customer_code
            )
        elif one.status == "not_started":
            text = "; ".join(one.warnings)
            codes.setdefault(Trouble(STATUSES["not_started"], "", text, ()), []).append(one.customer_code)
    return _with_codes(codes)


def _advice(*, retryable: bool, outcome_unknown: bool) -> tuple[str, ...]:
    said = {
        "Something may have been written all the same: run these customers again.": outcome_unknown,
        "The same run may succeed later, with nothing mended.": retryable,
    }
    return tuple(text for text, is_so in said.items() if is_so)


def _findings(whole: Summary) -> tuple[Trouble, ...]:
    """Return what should be looked at although nothing failed, and what checks found, once each."""
    codes: dict[Trouble, list[str]] = {}
    told = set()
    for code, name, mark, message in tables.findings(whole):
        codes.setdefault(Trouble(mark, name.replace("_", " "), message, ()), []).append(code)
        told.add((code, f"{name}: {message}"))
    look = Mark("look", "▲", "to look at")
    for one in whole.results:
        for text in one.warnings if one.status in ("successful", "failed") else ():
            if (one.customer_code, text) not in told:
                codes.setdefault(Trouble(look, "", text, ()), []).append(one.customer_code)
    return _with_codes(codes)


def _with_codes(codes: Mapping[Trouble, Sequence[str]]) -> tuple[Trouble, ...]:
    return tuple(Trouble(one.mark, one.about, one.text, tuple(those), one.advice) for one, those in codes.items())


def _resume(whole: Summary) -> str | None:
    if not saved_plans.can_resume(whole):
        return None
    needed = "".join(f" --param {name.removeprefix('params.')}=VALUE" for name in whole.resume_needs)
    return f"ses-fleet runs resume {whole.run_id}{needed}"


def _customers(results: Sequence[CustomerResult], differs: Mapping[str, bool]) -> tuple[Customer, ...]:
    """Return the rows of the table of customers: who failed first, then who differs, else as in config.json."""
    placed = sorted(
        enumerate(results, start=1),
        key=lambda one: (_ORDER[one[1].status], not differs.get(one[1].customer_code, False), one[0]),
    )
    return tuple(_customer(place, one, differs.get(one.customer_code)) for place, one in placed)


def _customer(place: int, result: CustomerResult, differs: bool | None) -> Customer:
    return Customer(
        place=place,
        code=result.customer_code,
        name="" if result.customer_name == result.customer_code else result.customer_name,
        account=result.account_id or "",
        region=result.region or "",
        mark=STATUSES[result.status],
        differs=None if differs is None else _DIFFERS if differs else _SAME,
        note=_note(result),
        lines=result.logs or (),
    )


def _note(result: CustomerResult) -> str:
    """Return in a few words why the customer is not successful, or how much of it should be looked at."""
    if result.error is not None:
        return result.error.type
    if result.status != "successful":
        return "; ".join(result.warnings)
    return f"{len(result.warnings)} to look at" if result.warnings else ""
