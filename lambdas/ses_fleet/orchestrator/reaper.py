"""The reaper: every few minutes it looks after runs whose orchestrator gives no sign of life.

Such a run goes on in another hop, or gets its end and a true Summary. Each decision is a conditional write, so two
reapers beside each other, and one that died in between, do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger

from ses_fleet import clock, foreign_errors, limits
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import AwsCallError, ConfigurationError
from ses_fleet.orchestrator import config_files, ending, handover, notification, plan, report
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.invoke import NOT_READY
from ses_fleet.orchestrator.result_store import ResultStore
from ses_fleet.orchestrator.signs import Signs
from ses_fleet.orchestrator.task import Task, is_too_long
from ses_fleet.runs import position as positions
from ses_fleet.runs import request, results
from ses_fleet.runs import standing as standings
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import HopEnd
from ses_fleet.runs.keys import OPEN_RUNS
from ses_fleet.runs.models import CustomerResult, RunPlan, RunRequest, Summary
from ses_fleet.runs.position import Position
from ses_fleet.runs.record import RunRecord

_NEVER_SENT = "the run was ended without this customer, of which nothing was started: {reason}"


@dataclass
class _Pass:
    """What one pass did: how many runs were open, and the ids of those of which something was done.

    `failed` are run ids with the reason.
    """

    open: int = 0
    closed: list[str] = field(default_factory=list)
    continued: list[str] = field(default_factory=list)
    sent_again: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def reap(environment: Environment) -> dict[str, Any]:
    """Look after every open run that gives no sign of life. Return what was done, as lists of run ids.

    A run that cannot be looked after is logged and counted, and the others are looked after all the same. Raise
    AwsCallError when open runs cannot be listed.
    """
    logger = environment.logger(None, None)
    done, teller = _Pass(), _Teller(environment)
    for run_id, age in _open_runs(environment):
        done.open += 1
        handled = len(done.closed) + len(done.continued)
        quiet = positions.phase(age, environment.settings.dead_after) == "dead"
        if not quiet or handled >= limits.REAPED_RUNS or environment.remaining() < limits.REAPER_MARGIN_SECONDS:
            continue
        try:
            _Run(environment, run_id, age, done, teller).look_after()
        except AwsCallError as failure:
            done.failed.append(f"{run_id}: {failure.code}")
        except Exception as error:  # noqa: BLE001  # the boundary: one run's record never keeps the others from their end
            done.failed.append(f"{run_id}: {foreign_errors.crash(error)}")
    for failed in done.failed:
        logger.error("a run could not be looked after: " + failed, kind="reaper")
    report.emit_reaper(failed=len(done.failed), lost=len(done.closed))
    logger.info("the reaper looked after open runs", kind="reaper", reaper=vars(done))
    return vars(done)


def _open_runs(environment: Environment) -> Iterator[tuple[str, float]]:
    """Yield every open run with the age of its last sign of life."""
    ages: dict[str, float] = {}
    for listed in environment.results_bucket.objects(OPEN_RUNS):
        run_id = listed.key.removeprefix(OPEN_RUNS).partition("/")[0]
        ages[run_id] = min(listed.age, ages.get(run_id, listed.age))
    yield from ages.items()


class _Teller:
    """Tells of runs that are over, until SNS does not answer: waiting for it would take the time of the other runs."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._failure: AwsCallError | None = None

    def tell(self, summary: Summary, *, asked: bool | None) -> None:
        """Tell of a run if somebody is to be told of it; raise AwsCallError when that failed or was not tried again."""
        if not notification.is_wanted(self._environment.settings, summary, asked=asked):
            return
        if self._failure is not None:
            raise self._failure
        try:
            notification.tell(self._environment, summary)
        except AwsCallError as failure:
            self._failure = failure if failure.transient else None  # a refusal comes at once, and may be this run's
            raise


class _Run:
    """One open run that gives no sign of life."""

    def __init__(self, environment: Environment, run_id: str, age: float, done: _Pass, teller: _Teller) -> None:
        self._age = age
        self._teller = teller
        self._environment = environment
        self._record = RunRecord(environment.results_bucket, run_id)
        self._hops = HopRecord(environment.results_bucket, run_id)
        self._done = done

    def look_after(self) -> None:
        """Do what the run needs. Raise AwsCallError when S3 does not answer."""
        document = self._record.plan()
        if document is None:
            # A start may still be about to write the plan, also one that came after the open runs were listed.
            self._hops.remove_signs(older_than=limits.ABANDONED_START_SECONDS)
            return
        if (summary := self._record.summary()) is not None:
            self._let_go(document, summary)
            return
        position = positions.of(self._hops, document)
        if position.phase == "closing":
            if positions.phase(position.age, document.dead_after_seconds) == "dead":
                self._write_out(document, position)
        elif position.phase == "waiting":
            self._waiting(document, position)
        elif position.phase == "dead":
            self._dead(document, position)

    def _waiting(self, document: RunPlan, position: Position) -> None:
        """Send the event of a hop again that nobody has claimed, as long as it may still come."""
        if positions.phase(position.age, document.dead_after_seconds) != "dead":
            return
        if position.age > limits.WAITING_SECONDS or is_too_long(document, position.hop):
            self._close(document, position, "nobody took its next invocation")
            return
        failure = self._send(document, position.hop)
        if failure is not None and failure.kind == "refused" and failure.code not in NOT_READY:
            self._close(document, position, f"its next invocation cannot be started ({failure.code})")
        else:
            self._done.sent_again.append(self._record.run_id)

    def _dead(self, document: RunPlan, position: Position) -> None:
        """Let the run go on in another hop, or close it."""
        restarts = 1 + (0 if position.before is None else position.before.restarts)
        reason = f"its orchestrator gave no sign of life for {position.age:.0f} s"
        goes_on = document.request.get("on_deadline") == "continue" and restarts <= limits.RESTARTS
        if not goes_on or is_too_long(document, position.hop):
            self._close(document, position, reason)
            return
        following = position.hop + 1
        people = {} if position.before is None else position.before.people
        end = self._end(position, reason, next_hop=following, restarts=restarts)
        if self._hops.end(end.model_copy(update={"people": people, "reading": following})):
            self._send(document, following)
            self._done.continued.append(self._record.run_id)

    def _send(self, document: RunPlan, hop: int) -> AwsCallError | None:
        return handover.send(self._environment, str(document.request["action"]), self._record.run_id, hop)

    def _close(self, document: RunPlan, position: Position, reason: str) -> None:
        end = self._end(position, reason, next_hop=None)
        if self._hops.end(end):
            self._done.closed.append(self._record.run_id)
            self._write_out(document, Position(position.hop, "closing", 0.0, end=end))

    def _end(self, position: Position, reason: str, *, next_hop: int | None, restarts: int = 0) -> HopEnd:
        return HopEnd(
            hop=position.hop,
            owner=handover.new_owner(),
            by="reaper",
            ended_at=clock.iso(clock.now()),
            next=next_hop,
            reason=reason,
            peak=0 if position.before is None else position.before.peak,
            restarts=restarts,
        )

    def _write_out(self, document: RunPlan, position: Position) -> None:
        """Give every customer without a result the one that is true of it, and write the Summary."""
        assert position.end is not None  # noqa: S101  # a run that is closing has its end
        end, wanted = position.end, request.from_plan(document.request)
        standing = standings.of(self._record, self._hops, document)
        made = plan.over(wanted, document, self._topics(document, wanted))
        logger = self._logger(wanted)
        signs = Signs(self._hops, end.hop, end.owner, document.dead_after_seconds)
        task = Task(self._environment, self._record, made, document, signs, logger, standing=standing)
        with closing(ResultStore(task)) as store:
            store.load()
            reason = end.reason if end.by == "reaper" else "its result could not be stored"
            cancelled_at = self._cancelled_at(end)
            store.decide(_left(task, reason, cancelled=cancelled_at is not None))
            if end.by == "reaper":
                store.warn(f"the reaper ended this run: {end.reason}")
            ending.write_out(task, store, end.peak, end.by, cancelled_at=cancelled_at)
        if (summary := self._record.summary()) is not None:
            self._let_go(document, summary)

    def _let_go(self, document: RunPlan, summary: Summary) -> None:
        """Tell of a run that is over, if its orchestrator could not, and remove it from the index of open runs.

        Raise AwsCallError when people cannot be told: the next pass tries again, for a day.
        """
        try:
            self._teller.tell(summary, asked=notification.asked_by(document.request))
        except AwsCallError:
            if self._age < limits.NOTIFY_SECONDS:
                raise
        self._hops.remove_signs()

    def _cancelled_at(self, end: HopEnd) -> str | None:
        """Return when somebody cancelled the run, or None when nobody did before its end."""
        cancel = self._hops.cancel()
        return None if cancel is None or cancel.asked_at > end.ended_at else cancel.asked_at

    def _topics(self, document: RunPlan, wanted: RunRequest) -> tuple[WantedTopic, ...] | None:
        with suppress(ConfigurationError):
            return config_files.read_pinned(self._environment, document, wanted).topics.topics
        return None

    def _logger(self, wanted: RunRequest) -> Logger:
        return self._environment.logger(self._record.run_id, wanted.action)


def _left(task: Task, reason: str, *, cancelled: bool) -> dict[int, CustomerResult]:
    """Return the results of the customers that have none, by index."""
    why_not = results.CANCELLED_BEFORE if cancelled else _NEVER_SENT.format(reason=reason)
    standing, customers = task.standing, task.document.customers
    found = {index: results.in_doubt(customers[index], writes=task.plan.writes) for index in standing.in_doubt}
    for index, progress in standing.progress.items():
        run = CustomerRun.taken_over(task.plan.customers[index], progress)
        if run.ran:
            found[index] = run.cancelled() if cancelled else run.given_up()
        else:
            found[index] = run.not_started(why_not)
    for index in standing.waiting:
        found[index] = results.not_started(customers[index], why_not)
    return found
