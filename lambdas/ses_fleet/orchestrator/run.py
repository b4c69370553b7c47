"""One run, from an event to its Summary. The steps, each a value in and a value out:

    request → config.json → plan → Identity Centers → fan-out → results → record → Summary

`begin` is a run's first invocation, `go_on` every further one of a run that takes longer than one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from ses_fleet import clock
from ses_fleet.errors import Problem, RequestError
from ses_fleet.orchestrator import directories, ending, fan_out, handover, plan, report
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.directories import Directories
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.fan_out import Finished, Outcome
from ses_fleet.orchestrator.plan import Plan, PlannedCustomer
from ses_fleet.orchestrator.result_store import ResultStore
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.task import Task
from ses_fleet.runs import personal_params, request
from ses_fleet.runs.events import HopStart
from ses_fleet.runs.models import Hop, Progress, RunPlan, RunRequest, Summary, WorkItem
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.request import Start


def begin(start: Start, environment: Environment) -> Summary:
    """Run the first invocation of a run. Return its Summary, or the state of the run that has this id already.

    RequestError and ConfigurationError when it cannot start.
    """
    began, remaining = clock.now(), environment.remaining()
    record = RunRecord(environment.results_bucket, start.run_id)
    if start.named and (existing := record.existing(start.request)) is not None:
        return existing
    made = _planned(personal_params.without_values(start.request), environment)
    document = _claimed(start, made, record, began, began + timedelta(seconds=remaining))
    if document is None:
        return _started_elsewhere(start, record)
    report.emit_start(start.run_id, start.request.action, dry_run=start.request.dry_run)
    first = Hop(run_id=start.run_id, hop=0, announced_at="", deadline="", peak=0, canaries=made.canaries(), pending=())
    return _carry_out(_task(environment, record, made, document, first, remaining), finished=())


def go_on(start: HopStart, environment: Environment) -> Summary:
    """Run a further invocation of a run that was too long for the ones before.

    Return its Summary, or the run's state when it goes on in yet another one, or when the event came twice.
    """
    remaining = environment.remaining()
    record = RunRecord(environment.results_bucket, start.run_id)
    document, announced = record.plan(), record.hop(start.hop)
    if document is None or announced is None:
        raise RequestError([Problem("$.hop", f"run {start.run_id} announced no hop {start.hop}")])
    if not record.claim_hop(handover.claim(start.hop, clock.now(), remaining)):
        return record.state(document)
    wanted = request.from_plan(document.request)
    config, topics = environment.fleet_config_meanwhile(), environment.wanted_topics(wanted)
    pending = {progress.index for progress in announced.pending}
    made = plan.again(wanted, config, document, pending, topics)
    finished = [index for index in range(len(document.customers)) if index not in pending]
    return _carry_out(_task(environment, record, made, document, announced, remaining), finished)


def _planned(wanted: RunRequest, environment: Environment) -> Plan:
    """Read what the run needs and decide everything about it."""
    config = environment.fleet_config()
    selected = plan.select(wanted, config)
    return plan.make(wanted, config, selected, environment.wanted_topics(wanted))


def _claimed(start: Start, made: Plan, record: RunRecord, began: datetime, deadline: datetime) -> RunPlan | None:
    """Write plan.json. Return it, or None when another start of this id was quicker."""
    # Not the request's id: Lambda delivers an event again under the same one.
    owner = secrets.token_hex(16)
    place = record.keep_personal(personal_params.values_of(start.request), owner)
    document = made.document(start.run_id, clock.iso(began), clock.iso(deadline), owner=owner, personal_params=place)
    return document if record.claim(document) else None


def _started_elsewhere(start: Start, record: RunRecord) -> Summary:
    """Return the state of the run that another start of this id has claimed a moment before."""
    existing = record.existing(start.request) if start.named else None
    if existing is None:
        raise RequestError([Problem("$.run_id", f"run {start.run_id} exists; start again for a new id")])
    return existing


def _task(
    environment: Environment, record: RunRecord, made: Plan, document: RunPlan, before: Hop, remaining: float
) -> Task:
    logger = environment.logger(record.run_id, made.request.action)
    return Task(environment, record, made, document, before, remaining, logger)


def _carry_out(task: Task, finished: Sequence[int]) -> Summary:
    """Run what has no result yet, and end the run or hand it over; `finished` were run by earlier invocations."""
    with closing(ResultStore(task)) as store:
        failures = store.load(finished)
        store.keep(_decided(task.plan))
        to_run = task.plan.in_turn()
        people = directories.read(task, to_run, store) if task.plan.action.needs_people else Directories()
        peak = max(task.before.peak, people.outcome.peak)
        if people.outcome.left:
            if _handed_over(task, store, people, _waiting(task, to_run, store), task.before.canaries, peak):
                return ending.handed_over(task, store)
            store.keep(people.given_up())
        ran = _run_customers(task, people, store, failures)
        peak = max(peak, ran.peak)
        if ran.left:
            if _handed_over(task, store, people, ran.progress, ran.canaries, peak):
                return ending.handed_over(task, store)
            store.keep(fan_out.given_up(ran.left))
        return ending.finish(task, store, peak)


def _decided(made: Plan) -> Iterator[Finished]:
    """Yield the results that are known without a worker."""
    for customer in made.customers:
        if customer.result is not None:
            yield Finished(customer, customer.result)


def _waiting(task: Task, to_run: Sequence[PlannedCustomer], store: ResultStore) -> list[Progress]:
    """Return the progress of every customer without a result, when the time ended while Identity Centers were read."""
    known = {progress.index: progress for progress in task.before.pending}
    return [
        known.get(customer.index) or Progress(index=customer.index, customer_code=customer.code)
        for customer in to_run
        if store.collector.result(customer.index) is None
    ]


def _run_customers(task: Task, people: Directories, store: ResultStore, failures: int) -> Outcome:
    """Run the customers that need a worker, and keep their results as they arrive."""
    needs_people = task.plan.action.needs_people
    to_run = [one for one in task.plan.in_turn() if not needs_people or people.of(one) is not None]
    outcome = Outcome(canaries=task.before.canaries)
    if not to_run:
        return outcome
    running = task.fan_out(
        len(to_run),
        _make_item(task, people) if needs_people else task.work_item,
        writes=task.plan.writes,
        carry_over=task.may_continue and not people.outcome.left,
    )
    progress = {one.index: one for one in task.before.pending}
    runs = [CustomerRun.taken_over(one, progress.get(one.index), running.time.clock()) for one in to_run]
    for event in running.run(runs, StartRules(task.plan.failures_allowed, failures, task.before.canaries)):
        if isinstance(event, Outcome):
            outcome = event
        else:
            store.keep([event])
    return outcome


def _make_item(task: Task, people: Directories) -> fan_out.MakeItem:
    def make(customer: PlannedCustomer, budget: float, state: dict[str, Any] | None) -> WorkItem:
        """Return the item of a customer whose Identity Center was read."""
        return task.work_item(customer, budget, state).model_copy(update={"people": people.of(customer)})

    return make


def _handed_over(
    task: Task,
    store: ResultStore,
    people: Directories,
    pending: Sequence[Progress],
    canaries: tuple[int, ...],
    peak: int,
) -> bool:
    """Hand what is left to another invocation. Return whether that worked; if not, that is a warning of the run."""
    problem = handover.hand_over(task, people, pending, canaries, peak)
    if problem is not None:
        store.warn(f"the deadline came, and the run could not go on in another invocation: {problem}")
    return problem is None
