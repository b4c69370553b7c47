"""What the run records say: which runs there are, and what became of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError, RunRefusedError
from ses_fleet.identifiers import RUN_ID_PATTERN
from ses_fleet.runs import state as states
from ses_fleet.runs.keys import results_prefix
from ses_fleet.runs.models import RunPlan, Summary
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.request import from_plan
from ses_fleet.runs.summary import resume_needs, resume_payload
from ses_fleet_cli.errors import no_summary, usage
from ses_fleet_cli.follow import latest_deadline
from ses_fleet_cli.server_time import S3Clock

_STAMP = re.compile(r"(\d{8}T\d{6})Z.*", re.DOTALL)
# What reading a record of another version, or a broken one, may raise; pydantic's ValidationError is a ValueError.
_BROKEN = (ValueError, KeyError, TypeError, AssertionError, TooLargeError)
_LOST = "this run is lost: the time of its last invocation is over and there is no summary; see the orchestrator's log"


@dataclass(frozen=True)
class Listed:
    """One line of `runs list`.

    `state` begins with finished, refused, under way, lost or unreadable (a record that this version cannot
    understand). Counts are None until the run has a Summary. `seconds` is the run's duration.
    """

    run_id: str
    action: str
    started_at: str
    dry_run: bool
    state: str
    exit_code: int | None = None
    total_customers: int | None = None
    successful: int | None = None
    failed: int | None = None
    skipped: int | None = None
    not_started: int | None = None
    seconds: float | None = None


def newest(bucket: Bucket, count: int) -> list[Listed]:
    """Return the last `count` runs, newest first; raise AwsCallError when S3 does not answer."""
    dated: list[str] = []
    others: list[str] = []
    for run_id in _run_ids(bucket):
        stamp = _STAMP.fullmatch(run_id)
        (dated if stamp else others).append(run_id)
    # An id that its caller chose tells no time: those runs have to be looked at.
    candidates = [*sorted(dated, reverse=True)[:count], *others]
    now = S3Clock(bucket, "")()
    with ThreadPoolExecutor(limits.COMMAND_S3_CONNECTIONS) as pool:
        found = [listed for listed in pool.map(lambda run_id: _listed(bucket, run_id, now), candidates) if listed]
    return sorted(found, key=lambda listed: listed.started_at, reverse=True)[:count]


@dataclass(frozen=True)
class Shown:
    """A run as its record shows it now.

    `plan` is None for a run that was refused before it had one. `state` is finished, refused, under way or lost.
    """

    plan: RunPlan | None
    summary: Summary
    state: str


def look(bucket: Bucket, run_id: str) -> Shown:
    """Return one run as its record shows it now.

    Raise CommandError with exit code 2 when there is no run of this id, with exit code 3 when its record cannot be read
    or understood.
    """
    if not re.fullmatch(RUN_ID_PATTERN, run_id):
        raise usage("a run's id has 1 to 40 characters of A-Z a-z 0-9 _ -; `ses-fleet runs list` shows the ids")
    try:
        shown = _looked_at(bucket, run_id)
    except RunRefusedError as error:
        raise no_summary(str(error.problems[0])) from None
    except AwsCallError as failure:
        raise no_summary(f"the record of run {run_id} cannot be read ({failure.code}: {failure.text})") from None
    except _BROKEN as error:
        raise no_summary(f"the record of run {run_id} {_not_ours(error)}") from None
    if shown is None:
        raise usage(f"there is no run {run_id} in {bucket.location('runs/')}; `ses-fleet runs list` shows the runs")
    return shown


def _looked_at(bucket: Bucket, run_id: str) -> Shown | None:
    record = RunRecord(bucket, run_id)
    plan = record.plan()
    summary = record.summary() if plan is None else states.of(record, plan).summary
    if summary is None:
        return None
    state = _state(bucket, plan, summary, S3Clock(bucket, run_id)())
    if state == "lost" and plan is not None:
        # No summary will come any more: what was not successful can be run again, which is always safe.
        payload = resume_payload(plan.run_id, from_plan(plan.request), summary.results)
        needs = resume_needs(payload)
        summary = summary.model_copy(update={"resume": payload, "resume_needs": needs, "warnings": (_LOST,)})
    return Shown(plan, summary, state)


def _not_ours(error: Exception) -> str:
    return f"cannot be understood ({type(error).__name__}): it is broken, or another version of ses-fleet wrote it"


def _state(bucket: Bucket, plan: RunPlan | None, summary: Summary | None, now: float) -> str:
    if summary is not None and summary.exit_code is not None:
        return "refused" if summary.exit_code == 2 else "finished"
    assert plan is not None  # noqa: S101  # without a plan there is a refusal, or no run
    return "lost" if latest_deadline(bucket, plan) < now else "under way"


def _run_ids(bucket: Bucket) -> Iterator[str]:
    token: dict[str, str] = {}
    while True:
        page = bucket.s3.call("list_objects_v2", Bucket=bucket.name, Prefix="runs/", Delimiter="/", **token)
        for entry in page.get("CommonPrefixes", []):
            yield str(entry["Prefix"]).removeprefix("runs/").rstrip("/")
        if not page.get("IsTruncated"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


def _listed(bucket: Bucket, run_id: str, now: float) -> Listed | None:
    """One run's line. A record that cannot be understood has a line that says so, and does not hide the others."""
    try:
        return _read(bucket, run_id, now)
    except AwsCallError as failure:
        if failure.transient:
            raise
        return _unreadable(run_id, f"unreadable: {failure.code}")
    except RunRefusedError as error:
        return _unreadable(run_id, f"unreadable: {error.problems[0].text}")
    except _BROKEN as error:
        return _unreadable(run_id, f"unreadable: {_not_ours(error)}")


def _unreadable(run_id: str, state: str) -> Listed:
    return Listed(run_id, action="", started_at=_moment_in(run_id), dry_run=False, state=state)


def _moment_in(run_id: str) -> str:
    """When a run of this id began, or an empty text if the id does not say it."""
    stamp = _STAMP.fullmatch(run_id)
    return re.sub(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", r"\1-\2-\3T\4:\5:\6Z", stamp[1]) if stamp else ""


def _read(bucket: Bucket, run_id: str, now: float) -> Listed | None:
    record = RunRecord(bucket, run_id)
    summary = record.summary()
    plan = record.plan() if summary is None else None
    if summary is not None:
        return Listed(
            run_id=run_id,
            action=summary.action,
            started_at=summary.started_at,
            dry_run=summary.dry_run,
            state=_state(bucket, None, summary, now),
            exit_code=summary.exit_code,
            total_customers=summary.total_customers,
            successful=summary.successful_count,
            failed=summary.failed_count,
            skipped=summary.skipped_count,
            not_started=summary.not_started_count,
            seconds=summary.total_duration_seconds,
        )
    if plan is None:
        return None
    return Listed(
        run_id=run_id,
        action=str(plan.request["action"]),
        started_at=plan.started_at,
        dry_run=plan.request["dry_run"] is True,
        state=f"{_state(bucket, plan, None, now)}: {_stored(bucket, run_id)} of {len(plan.customers)} done",
        total_customers=len(plan.customers),
    )


def _stored(bucket: Bucket, run_id: str) -> int:
    stored, token = 0, dict[str, str]()
    while True:
        page = bucket.s3.call("list_objects_v2", Bucket=bucket.name, Prefix=results_prefix(run_id), **token)
        stored += len(page.get("Contents", []))
        if not page.get("IsTruncated"):
            return stored
        token = {"ContinuationToken": page["NextContinuationToken"]}


def as_json(listed: list[Listed]) -> str:
    """Return the runs as `runs list --output json` prints them."""
    return json.dumps([vars(one) for one in listed], indent=2)
