"""What is looked up before a question: what the run would begin with, whose account this is, and earlier dry runs.

All of it at once, so that the question comes after the slowest of them. Where a call takes 0.08 s, a dry run is found
in 0.32 s: four calls in a row. The preview takes as long, or some 2 s when the function starts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ses_fleet import limits
from ses_fleet.aws import clients
from ses_fleet.errors import AwsCallError, RunRefusedError
from ses_fleet.runs import request as requests
from ses_fleet.runs.models import ConfigVersion, RunPlan, Summary
from ses_fleet.runs.preview import Preview
from ses_fleet.runs.record import RunRecord, comparable
from ses_fleet_cli import diff, saved_plans
from ses_fleet_cli import invoke as invoking
from ses_fleet_cli.errors import BROKEN_RECORD, CommandError, no_summary
from ses_fleet_cli.invoke import Target
from ses_fleet_cli.parallel import in_order
from ses_fleet_cli.runs import STAMP, Shown


@dataclass(frozen=True)
class DryRun:
    """An earlier dry run of a request: its id, when it began, its exit code (None: no Summary yet), and its files.

    `other_upload` is whether its people file was another upload than the request's, which may say the same or not: an
    uploaded file has random blanks, so that its digest tells nobody who is in it. With `is_plan` it has saved a plan
    that may still be applied.
    """

    run_id: str
    started_at: str
    exit_code: int | None
    config_version: ConfigVersion
    other_upload: bool = False
    is_plan: bool = False


@dataclass(frozen=True)
class Ahead:
    """What is known before the question.

    `alias` is the account's alias, None where it has none or this person may not ask. `dry_run` is the last dry run of
    the same request, None where none was found; `why_not` says why none was looked for, or could be.
    """

    preview: Preview
    alias: str | None = None
    dry_run: DryRun | None = None
    why_not: str | None = None


def look(target: Target, payload: Mapping[str, Any]) -> Ahead:
    """Ask the orchestrator what the payload would begin with, and look up the rest beside it.

    Raise CommandError with exit code 3 when the orchestrator does not answer; the rest is left out where it cannot be
    had.
    """
    asked: dict[str, Any] = {"on_deadline": "continue", **payload}

    def dry_run() -> dict[str, Any]:
        found, why_not = _dry_run(target, asked)
        return {"dry_run": found, "why_not": why_not}

    steps: list[Callable[[], dict[str, Any]]] = [
        lambda: {"preview": _preview(target, asked)},
        lambda: {"alias": alias_of(target)},
        dry_run,
    ]
    found = in_order(lambda step: step(), steps, at_once=len(steps))
    return Ahead(**{name: value for one in found for name, value in one.items()})


def _preview(target: Target, payload: Mapping[str, Any]) -> Preview:
    answer = invoking.asked(target, {"preview": payload}, "the preview")
    try:
        return Preview.model_validate_json(json.dumps(answer))
    except ValueError:
        raise no_summary(f"{target.function_name} answered the preview with something that is none") from None


def account_of(target: Target) -> tuple[str, str]:
    """Return the account and the Region that the orchestrator is in, as its ARN says."""
    region, account = target.function_arn.split(":")[3:5]
    return account, region


def alias_of(target: Target) -> str | None:
    """Return the alias of the account that the orchestrator is in; None where it has none, or it may not be asked."""
    if target.function_name.startswith("arn:"):
        return None  # it may be of another account than whoever asks, and so would be the answer
    region = account_of(target)[1]
    connect, read = limits.ALIAS_TIMEOUT_SECONDS
    try:
        iam = clients.client("iam", region, connect_timeout=connect, read_timeout=read)
        aliases = iam.call("list_account_aliases")["AccountAliases"]
    except AwsCallError:
        return None
    return str(aliases[0]) if aliases else None


def _dry_run(target: Target, payload: Mapping[str, Any]) -> tuple[DryRun | None, str | None]:
    """Return the last dry run of the same request, or None and why none was looked for, or could be."""
    try:
        request = requests.parse({**payload, "dry_run": True}).request
    except RunRefusedError:
        return None, "the request is wrong"
    if requests.personal_values(request):
        return None, "not looked for, as the request names a person, and runs do not keep whom"
    try:
        return _last(target, comparable(request))
    except (AwsCallError, RunRefusedError) as failure:
        code = failure.code if isinstance(failure, AwsCallError) else "the record cannot be read"
        return None, f"could not be looked for ({code})"


def _last(target: Target, wanted: Mapping[str, Any]) -> tuple[DryRun | None, str | None]:
    """Return the last of some runs that was this request, or None and, where there are more runs, how many were read.

    Those with a time in their ids are the newest. Ids that a person chose tell no time, so they are any, and at most
    half of all: they stay for as long as the records do.
    """
    since = f"{target.now - timedelta(days=limits.DRY_RUN_DAYS):%Y%m%dT%H%M%S}"
    there = sorted(target.results.folders("runs/", after=since), reverse=True)
    chosen = [run_id for run_id in there if STAMP.fullmatch(run_id) is None][: limits.DRY_RUNS_READ // 2]
    dated = [run_id for run_id in there if STAMP.fullmatch(run_id) is not None]
    read = [*chosen, *dated[: limits.DRY_RUNS_READ - len(chosen)]]
    plans = in_order(lambda run_id: _plan(target, run_id), read, at_once=limits.COMMAND_S3_CONNECTIONS)
    same = [plan for plan in plans if plan is not None and _asked(plan.request) == _asked(wanted)]
    if not same:
        all_read = len(read) == len(there)
        return (
            None,
            None if all_read else f"none of this request among {len(read)} of the last runs; --dry-run makes one",
        )
    # The very file says more than another one, however late.
    last = max(same, key=lambda plan: (plan.request.get("people") == wanted.get("people"), plan.started_at))
    other_upload = last.request.get("people") != wanted.get("people")
    summary = RunRecord(target.results, last.run_id).summary()
    exit_code = None if summary is None else summary.exit_code
    is_plan = summary is not None and not other_upload and _is_plan(target, summary)
    return DryRun(last.run_id, last.started_at, exit_code, last.config_version, other_upload, is_plan), None


def _is_plan(target: Target, summary: Summary) -> bool:
    """Return whether a dry run has saved a plan that may be applied now."""
    if not saved_plans.is_one(summary):
        return False
    try:
        shown = Shown(None, summary, "finished")
        return saved_plans.check(target.results, shown, now=target.now, hours=target.plan_hours) is None
    except CommandError:
        return False


def _asked(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request asks for, but for whose people and how it is carried out: a dry run shows neither."""
    return {name: value for name, value in request.items() if name != "people" and not diff.is_carrying_out(name)}


def _plan(target: Target, run_id: str) -> RunPlan | None:
    try:
        return RunRecord(target.results, run_id).plan()
    except BROKEN_RECORD:
        return None  # another version's record is no dry run of this request


def ago(then: str, now: datetime) -> str:
    """Return how long ago a moment was, in the largest unit that it has some of, such as `3 h ago`."""
    seconds = max(0, int((now - datetime.fromisoformat(then)).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
