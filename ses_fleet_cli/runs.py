"""What the run records say: which runs there are, and what became of one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from ses_fleet import limits
from ses_fleet.actions.catalogue import payload_names
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, RunRefusedError
from ses_fleet.identifiers import RUN_ID_PATTERN
from ses_fleet.runs import personal_params
from ses_fleet.runs import position as positions
from ses_fleet.runs import state as states
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import Cancel, HopEnd
from ses_fleet.runs.keys import OPEN_RUNS, results_prefix
from ses_fleet.runs.models import RunPlan, Summary
from ses_fleet.runs.position import Position
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.request import from_plan, without_defaults
from ses_fleet.runs.summary import resume_needs, resume_payload
from ses_fleet_cli import aws_failures
from ses_fleet_cli.errors import BROKEN_RECORD, no_summary, usage
from ses_fleet_cli.follow import is_over_time
from ses_fleet_cli.parallel import in_order
from ses_fleet_cli.run_filter import EVERYTHING, Wanted
from ses_fleet_cli.server_time import S3Clock

# What a run is: "lost" is one that the reaper ended, or one of an earlier version that left no Summary.
State = Literal["refused", "under way", "no sign of life", "waiting", "ending", "finished", "cancelled", "lost"]

_STATES: dict[positions.Phase, State] = {
    "alive": "under way",
    "silent": "no sign of life",
    "dead": "no sign of life",
    "waiting": "waiting",
    "closing": "ending",
}
STAMP = re.compile(r"(\d{8}T\d{6})Z.*", re.DOTALL)
_LOST_BEFORE = (
    "an earlier version of ses-fleet began this run; its time is over and there is no summary: see the orchestrator's "
    "log"
)


@dataclass(frozen=True)
class Listed:
    """One line of `runs list`.

    `state` begins with one of the words of State, or with unreadable (a record that this version cannot understand).
    Counts are None until the run has a Summary. `seconds` is the run's duration. `last_sign_seconds` is how long ago
    a run without a Summary gave its last sign of life, or took its last step. `closed_by` is as in the Summary.
    `cancel_asked_at` is when somebody asked to cancel the run; of a run with a Summary, only where that had an effect.
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
    last_sign_seconds: float | None = None
    closed_by: str | None = None
    cancel_asked_at: str | None = None


def newest(bucket: Bucket, count: int, wanted: Wanted = EVERYTHING) -> list[Listed]:
    """Return the last `count` runs that are wanted, newest first; raise AwsCallError when S3 does not answer."""
    dated: list[str] = []
    others: list[str] = []
    # The signs first: a run that begins after this look is asked about by itself.
    listing = _Listing(bucket, _signs(bucket), S3Clock(bucket, ""))
    for run_id in bucket.folders("runs/"):
        stamp = STAMP.fullmatch(run_id)
        if stamp is None:
            others.append(run_id)
        elif wanted.may_take(stamp[1]):
            dated.append(run_id)
    # An id that its caller chose tells no time: those runs have to be looked at.
    found = listing.of(others, wanted)
    left = iter(sorted(dated, reverse=True))
    at_once = count if wanted.is_everything else max(count, limits.LISTED_AT_ONCE)
    newest_: list[Listed] = []
    while len(newest_) < count and (some := list(islice(left, at_once))):
        newest_ += listing.of(some, wanted)
    return sorted([*found, *newest_], key=lambda listed: listed.started_at, reverse=True)[:count]


@dataclass(frozen=True)
class Shown:
    """A run as its record shows it now.

    `plan` is None for an id of which every start was refused, and where only the Summary is left. `position` is where
    a run is that has no Summary yet. `cancel` is the request to cancel it, if there is one.
    `reaped` are the ends of hops that the reaper decided, because an orchestrator was lost. `payload` is what the run
    was asked, without its id and what is left at its default; a mask stands for what is personal, also where an earlier
    version kept it.
    """

    plan: RunPlan | None
    summary: Summary
    state: State
    position: Position | None = None
    cancel: Cancel | None = None
    reaped: tuple[HopEnd, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Return whether nothing of the run will happen any more."""
        return self.state in ("refused", "finished", "cancelled", "lost")


def look(bucket: Bucket, run_id: str) -> Shown:
    """Return one run as its record shows it now.

    Raise CommandError with exit code 2 when there is no run of this id, with exit code 3 when its record cannot be read
    or understood.
    """
    check_id(run_id)
    shown = find(bucket, run_id)
    if shown is None:
        raise usage(f"there is no run {run_id} in {bucket.location('runs/')}; `ses-fleet runs list` shows the runs")
    return shown


def find(bucket: Bucket, run_id: str) -> Shown | None:
    """Return one run as its record shows it now, or None when there is none of this id.

    Raise CommandError with exit code 3 when its record cannot be read or understood.
    """
    try:
        return _looked_at(bucket, run_id)
    except RunRefusedError as error:
        raise no_summary(str(error.problems[0])) from None
    except AwsCallError as failure:
        raise no_summary(f"the record of run {run_id} cannot be read: {aws_failures.reason(failure)}") from None
    except BROKEN_RECORD as error:
        raise no_summary(f"the record of run {run_id} {_not_ours(error)}") from None


def check_id(run_id: str) -> None:
    """Raise CommandError with exit code 2 when this can be no run's id."""
    if not re.fullmatch(RUN_ID_PATTERN, run_id):
        raise usage("a run's id has 1 to 40 characters of A-Z a-z 0-9 _ -; `ses-fleet runs list` shows the ids")


def _looked_at(bucket: Bucket, run_id: str) -> Shown | None:
    record = RunRecord(bucket, run_id)
    plan = record.plan()
    if plan is None:
        summary = record.summary() or record.last_refusal()
        return None if summary is None else Shown(None, summary, _ended(summary))
    hops = HopRecord(bucket, run_id)
    reaped = tuple(end for end in hops.ends() if end.by == "reaper")
    return replace(_begun(record, plan), cancel=hops.cancel(), reaped=reaped, payload=_asked(plan))


def _asked(plan: RunPlan) -> dict[str, Any]:
    asked = without_defaults(plan.request)
    entry = payload_names().get(str(asked.get("action")))
    if entry is not None and asked.get("params"):
        asked["params"] = personal_params.masked(entry[0].params, asked["params"])
    return asked


def _begun(record: RunRecord, plan: RunPlan) -> Shown:
    found = states.of(record, plan)
    if found.position is not None:
        return Shown(plan, found.summary, _STATES[found.position.phase], found.position)
    if found.summary.exit_code is not None:
        return Shown(plan, found.summary, _ended(found.summary))
    if not is_over_time(plan, S3Clock(record.bucket, record.run_id)()):
        return Shown(plan, found.summary, "under way")
    # No summary will come any more, and the reaper does not know this run.
    payload = resume_payload(record.run_id, from_plan(plan.request), found.summary.results)
    if payload is not None:
        del payload["resumes"]  # only a run with a Summary can be gone on with
    more = {"resume": payload, "resume_needs": resume_needs(payload), "warnings": (_LOST_BEFORE,)}
    return Shown(plan, found.summary.model_copy(update=more), "lost")


def _ended(summary: Summary) -> State:
    if summary.exit_code == 2:
        return "refused"
    if summary.closed_by == "reaper":
        return "lost"
    return "finished" if summary.cancelled_at is None else "cancelled"


def _not_ours(error: Exception) -> str:
    return f"cannot be understood ({type(error).__name__}): it is broken, or another version of ses-fleet wrote it"


def _signs(bucket: Bucket) -> dict[str, dict[str, float]]:
    """Return, by run, the ages of the signs of life of all open runs, by their names."""
    found: dict[str, dict[str, float]] = {}
    for listed in bucket.objects(OPEN_RUNS):
        run_id, _, name = listed.key.removeprefix(OPEN_RUNS).partition("/")
        found.setdefault(run_id, {})[name] = listed.age
    return found


@dataclass(frozen=True)
class _Listing:
    """Makes the lines of a list. `signs` are as `_signs` returns them; `clock` returns S3's time in epoch seconds."""

    bucket: Bucket
    signs: Mapping[str, Mapping[str, float]]
    clock: Callable[[], float]

    def of(self, run_ids: Iterable[str], wanted: Wanted) -> list[Listed]:
        """Return the lines of those of these runs that have begun and are wanted, in the same order."""
        read = in_order(self.listed, run_ids, at_once=limits.COMMAND_S3_CONNECTIONS)
        return [listed for listed in read if listed and wanted.takes(listed)]

    def listed(self, run_id: str) -> Listed | None:
        """Return one run's line, or None for a run that has not begun.

        A record that cannot be understood has a line that says so, and does not hide the others.
        """
        try:
            return self._read(run_id)
        except AwsCallError as failure:
            if failure.transient:
                raise
            return _unreadable(run_id, f"unreadable: {failure.code}")
        except RunRefusedError as error:
            return _unreadable(run_id, f"unreadable: {error.problems[0].text}")
        except BROKEN_RECORD as error:
            return _unreadable(run_id, f"unreadable: {_not_ours(error)}")

    def _read(self, run_id: str) -> Listed | None:
        record = RunRecord(self.bucket, run_id)
        summary = record.summary()
        plan = record.plan() if summary is None else None
        if plan is not None:
            reached = self._reached(record, plan)
            return (
                _of_summary(run_id, reached) if isinstance(reached, Summary) else self._of_plan(run_id, plan, reached)
            )
        summary = summary or record.last_refusal()
        return None if summary is None else _of_summary(run_id, summary)

    def _reached(self, record: RunRecord, plan: RunPlan) -> Summary | Position | None:
        """Return where the run is; its record is asked only when the signs of life do not say that it is alive."""
        if plan.record_format == 1:
            return None
        # Several starts of one id may each have given a sign of life; the one that wrote the plan counts.
        own, signs = f"0-{plan.owner}.json", self.signs.get(record.run_id, {})
        age = min((age for name, age in signs.items() if name == own or not name.startswith("0-")), default=math.inf)
        if positions.phase(age, plan.dead_after_seconds) == "alive":
            return Position(0, "alive", age)
        return states.reached(record, plan)

    def _of_plan(self, run_id: str, plan: RunPlan, position: Position | None) -> Listed:
        done = sum(1 for _ in self.bucket.objects(results_prefix(run_id)))
        cancel = HopRecord(self.bucket, run_id).cancel()
        state = self._state(plan, position) + (", asked to cancel" if cancel else "")
        return Listed(
            run_id=run_id,
            action=str(plan.request["action"]),
            started_at=plan.started_at,
            dry_run=plan.request["dry_run"] is True,
            state=f"{state}: {done} of {len(plan.customers)} done",
            total_customers=len(plan.customers),
            last_sign_seconds=last_sign(position),
            cancel_asked_at=None if cancel is None else cancel.asked_at,
        )

    def _state(self, plan: RunPlan, position: Position | None) -> str:
        if position is None:
            return "lost" if is_over_time(plan, self.clock()) else "under way"
        seconds = last_sign(position)
        is_silent = position.phase in ("silent", "dead") and seconds is not None
        return _STATES[position.phase] + (f" for {seconds:.0f} s" if is_silent else "")


def last_sign(position: Position | None) -> float | None:
    """Return how many seconds ago a run gave its last sign of life or took its last step, or None if none is known."""
    return None if position is None or math.isinf(position.age) else position.age


def _unreadable(run_id: str, state: str) -> Listed:
    return Listed(run_id, action="", started_at=_moment_in(run_id), dry_run=False, state=state)


def _moment_in(run_id: str) -> str:
    """When a run of this id began, or an empty text if the id does not say it."""
    stamp = STAMP.fullmatch(run_id)
    return re.sub(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", r"\1-\2-\3T\4:\5:\6Z", stamp[1]) if stamp else ""


def _of_summary(run_id: str, summary: Summary) -> Listed:
    return Listed(
        run_id=run_id,
        action=summary.action,
        started_at=summary.started_at,
        dry_run=summary.dry_run,
        state=_ended(summary),
        exit_code=summary.exit_code,
        total_customers=summary.total_customers,
        successful=summary.successful_count,
        failed=summary.failed_count,
        skipped=summary.skipped_count,
        not_started=summary.not_started_count,
        seconds=summary.total_duration_seconds,
        closed_by=summary.closed_by,
        cancel_asked_at=summary.cancelled_at,
    )


def as_json(listed: list[Listed]) -> str:
    """Return the runs as `runs list --output json` prints them."""
    return json.dumps([vars(one) for one in listed], indent=2)


def shown_as_json(shown: Shown) -> str:
    """Return a run as `runs show --output json` prints it: its Summary, and beside it what its record says more."""
    more: dict[str, Any] = {
        "state": shown.state,
        "last_sign_seconds": last_sign(shown.position),
        "cancel_asked_at": None if shown.cancel is None else shown.cancel.asked_at,
        "payload": dict(shown.payload),
        "reaped": [
            {"invocation": end.hop + 1, "at": end.ended_at, "reason": end.reason, "goes_on": end.next is not None}
            for end in shown.reaped
        ],
    }
    return json.dumps({**shown.summary.model_dump(mode="json"), **more}, indent=2, ensure_ascii=False)
