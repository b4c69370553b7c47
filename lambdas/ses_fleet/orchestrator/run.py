"""One run, from an event to its Summary. The steps, each a value in and a value out:

    request → config.json → people file → plan → Identity Centers → fan-out → results → record → Summary

`begin` is a run's first invocation, `go_on` every further one of a run that takes longer than one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ses_fleet import clock, limits
from ses_fleet.config.config_json import FleetConfig
from ses_fleet.errors import (
    AwsCallError,
    Problem,
    RequestError,
    RunRefusedError,
    SesFleetError,
)
from ses_fleet.orchestrator import (
    applying,
    config_files,
    directories,
    ending,
    fan_out,
    handover,
    notification,
    people_files,
    plan,
    planning,
    report,
    resuming,
)
from ses_fleet.orchestrator.applied_plan import AppliedPlan
from ses_fleet.orchestrator.barrier import Barrier
from ses_fleet.orchestrator.config_files import ConfigFiles
from ses_fleet.orchestrator.customer_run import CustomerRun
from ses_fleet.orchestrator.directories import Directories
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.fan_out import Finished, Outcome, Paused
from ses_fleet.orchestrator.plan import Plan, PlannedCustomer
from ses_fleet.orchestrator.result_store import ResultStore
from ses_fleet.orchestrator.signs import Signs, named_ahead
from ses_fleet.orchestrator.start_rules import StartRules
from ses_fleet.orchestrator.task import Task
from ses_fleet.orchestrator.wanted_topics import WantedTopics
from ses_fleet.runs import request, results, state
from ses_fleet.runs import standing as standings
from ses_fleet.runs.events import HopStart
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import HopEnd, Progress
from ses_fleet.runs.keys import sign_key
from ses_fleet.runs.models import RunPlan, RunRequest, Summary
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.request import Start, personal_values, without_personal_values
from ses_fleet.runs.standing import Standing
from ses_fleet.runs.work import WorkItem


def begin(start: Start, environment: Environment) -> Summary:
    """Run the first invocation of a run. Return its Summary, or the state of the run that has this id already.

    RequestError and ConfigurationError when it cannot start.
    """
    record = RunRecord(environment.results_bucket, start.run_id)
    if start.named and (existing := applying.existing(record, start.request, environment)) is not None:
        return state.of(record, existing).summary
    wanted = without_personal_values(start.request)
    planned = planning.planned(wanted, environment)
    made, files = planned.plan, planned.files
    left = {} if wanted.resumes is None else resuming.left_by(wanted.resumes, made, environment, for_run=start.run_id)
    signs = _signs(environment, start.run_id, 0, handover.new_owner(), environment.settings.dead_after)
    first = _first_named(made, left)
    document = _claimed(start, made, files, record, signs, first, environment)
    if document is None:
        return _started_elsewhere(start, record, environment)
    report.emit_start(start.run_id, wanted.action, dry_run=wanted.dry_run)
    standing = Standing(progress=left, waiting=tuple(set(range(len(made.customers))) - left.keys()))
    logger = environment.logger(start.run_id, wanted.action)
    task = Task(environment, record, made, document, signs, logger, standing=standing)
    with signs:
        answer = _carry_out(task)
    return _cleaned_up(task, answer)


def go_on(start: HopStart, environment: Environment) -> Summary:
    """Run a further invocation of a run that was too long for the ones before.

    Return its Summary, or the run's state when it goes on in yet another one, when the event came twice, and when the
    run is over.
    """
    record = RunRecord(environment.results_bucket, start.run_id)
    hops = HopRecord(record.bucket, start.run_id)
    document = _begun(record, start)
    before = hops.end_of(start.hop - 1)
    if before is None:
        raise RequestError([Problem("$.hop", f"run {start.run_id} announced no hop {start.hop}")])
    claim = handover.claim(start.hop, clock.now(), environment.remaining())
    # The claim first, then the look whether somebody has ended the hop that nobody seemed to take.
    if before.next != start.hop or not hops.claim(claim) or hops.end_of(start.hop) is not None:
        return state.of(record, document).summary
    signs = _signs(environment, start.run_id, start.hop, claim.owner, document.dead_after_seconds)
    with signs:
        task = _taken_over(environment, record, document, before, signs)
        answer = _carry_out(task)
    return _cleaned_up(task, answer)


def _begun(record: RunRecord, start: HopStart) -> RunPlan:
    """Return plan.json; RequestError when there is none, or when another version of ses-fleet began the run."""
    document = record.plan()
    if document is None:
        raise RequestError([Problem("$.hop", f"run {start.run_id} announced no hop {start.hop}")])
    if document.record_format != plan.RECORD_FORMAT:
        text = (
            f"run {start.run_id} was begun by an earlier version of ses-fleet and does not go on in this one: "
            "`ses-fleet runs show` tells what became of it, start it again for the rest"
        )
        raise RequestError([Problem("$.hop", text)])
    return document


def _taken_over(environment: Environment, record: RunRecord, document: RunPlan, before: HopEnd, signs: Signs) -> Task:
    """Return what is left of a run for this invocation."""
    standing = standings.of(record, HopRecord(record.bucket, record.run_id), document)
    wanted = request.from_plan(document.request)
    applied, files, problem = _pinned(environment, document, wanted)
    people, people_problem = people_files.read_again(environment, document, wanted)
    meanwhile = config_files.changes_since(environment, document, files.config)
    found = tuple(text for text in (problem, people_problem) if text is not None)
    meanwhile = replace(meanwhile, warnings=(*meanwhile.warnings, *found))
    begun = {index for index, progress in standing.progress.items() if progress.slices}
    waiting = {*standing.waiting, *standing.progress} - begun
    asked = wanted if applied is None else applied.request
    made = plan.again(asked, files, document, people, applied, begun=begun, waiting=waiting, meanwhile=meanwhile)
    logger = environment.logger(record.run_id, wanted.action)
    return Task(environment, record, made, document, signs, logger, before, standing)


def _pinned(
    environment: Environment, document: RunPlan, wanted: RunRequest
) -> tuple[AppliedPlan | None, ConfigFiles, str | None]:
    """Return what the run read at its start, or nothing with the reason: whoever is left fails then.

    AwsCallError while S3 does not answer: nobody fails for that, and the reaper lets the run go on in another hop.
    """
    try:
        applied = applying.read_again(environment, wanted)
        return applied, config_files.read_pinned(environment, document, wanted), None
    except RunRefusedError as error:
        text = f"what the run read at its start cannot be read any more: {error.problems[0]}"
        return None, ConfigFiles(FleetConfig({}, None), WantedTopics()), text


def _signs(environment: Environment, run_id: str, hop: int, owner: str, dead_after: float) -> Signs:
    return Signs(HopRecord(environment.signs_bucket, run_id), hop, owner, dead_after)


def _first_named(made: Plan, left: Mapping[int, Progress]) -> dict[int, int]:
    """Return whom the first sign of life names: those who start at once, and a few more.

    Who goes on where another run stopped comes later: that has to be in this run's record first.
    """
    if made.action.reads_identity_center:
        return {}
    stages, places = made.stages(), min(made.concurrency.effective, len(made.in_turn()))
    first = stages[0] if stages else [one.index for one in made.in_turn()]
    most = places + named_ahead(places, writes=made.writes)
    if made.is_strict and made.failures_allowed is not None:
        most = min(most, made.failures_allowed)
    return {index: 1 for index in first[:most] if index not in left}


def _claimed(
    start: Start,
    made: Plan,
    files: ConfigFiles,
    record: RunRecord,
    signs: Signs,
    named: Mapping[int, int],
    environment: Environment,
) -> RunPlan | None:
    """Write plan.json. Return it, or None when another start of this id was quicker.

    The run is in the index of open runs before it exists, so that the reaper never misses it.
    """
    try:
        signs.begin(named)
    except AwsCallError as failure:
        raise record.unusable(sign_key(start.run_id, 0, signs.owner), "written", failure) from None
    try:
        document = _document(start, made, files, record, signs, environment)
    except RunRefusedError:
        _remove(signs)
        raise
    try:
        if record.claim(document):
            return document
    except SesFleetError:
        signs.last()  # the run may exist, and nobody was sent
        raise
    _remove(signs)
    return None


def _remove(signs: Signs) -> None:
    with suppress(AwsCallError):  # the reaper does it
        signs.remove()


def _document(
    start: Start, made: Plan, files: ConfigFiles, record: RunRecord, signs: Signs, environment: Environment
) -> RunPlan:
    """Keep what plan.json refers to, and return it; ConfigurationError when that cannot be written."""
    for name, body in files.copies.items():
        record.pin(signs.owner, name, body)
    began, applied = clock.now(), made.applied
    personal = record.keep_personal(personal_values(start.request), signs.owner)
    return made.document(
        start.run_id,
        clock.iso(began),
        clock.iso(began + timedelta(seconds=environment.remaining())),
        dead_after=environment.settings.dead_after,
        owner=signs.owner,
        request_id=environment.request_id,
        function=environment.unversioned_arn,
        personal_params=personal if applied is None else applied.personal_params,
    )


def _started_elsewhere(start: Start, record: RunRecord, environment: Environment) -> Summary:
    """Return the state of the run that another start of this id has claimed a moment before."""
    existing = applying.existing(record, start.request, environment)
    if existing is None:
        raise RequestError([Problem("$.run_id", f"run {start.run_id} exists; start again for a new id")])
    return state.of(record, existing).summary


def _cleaned_up(task: Task, answer: Summary) -> Summary:
    """Tell of a run that is over, and remove it from the index of open runs: no sign of life is given any more."""
    if answer.exit_code is not None and _is_told(task, answer):
        with suppress(AwsCallError):  # the reaper does it
            # Signs of others are there when there were other invocations; to list them costs a request.
            if task.signs.hop == 0:
                task.signs.remove()
            else:
                task.hops.remove_signs()
    return answer


def _is_told(task: Task, answer: Summary) -> bool:
    """Return whether nothing is left to be told of the run; else the reaper does it, as the run stays in the index."""
    environment, asked = task.environment, task.plan.request.notify
    if not notification.is_wanted(environment.settings, answer, asked=asked):
        return True
    if environment.remaining() < limits.NOTIFY_MARGIN_SECONDS:
        return False
    try:
        notification.tell(environment, answer)
    except AwsCallError as failure:
        text = "people could not be told that the run is over; the reaper tries again every five minutes"
        task.logger.warning(text, error_code=failure.code)
        return False
    return True


def _carry_out(task: Task) -> Summary:
    """Run what has no result yet, and end the run or hand it over."""
    with closing(ResultStore(task)) as store:
        failures = store.load()
        lost = {index: task.document.customers[index] for index in task.standing.in_doubt}
        failures += store.decide({index: results.in_doubt(one, writes=task.plan.writes) for index, one in lost.items()})
        if task.before is None:
            for progress in task.standing.progress.values():
                store.keep_progress(progress)
        store.keep(_decided(task.plan))
        to_run = task.plan.in_turn()
        people = directories.read(task, to_run, store) if task.plan.action.reads_identity_center else Directories()
        ran = Outcome()
        reads_on = bool(people.outcome.left) and _may_hand_over(task)
        if not reads_on:
            store.keep(people.given_up())
            ran = _run_customers(task, people, store, failures)
        peak = max(task.before.peak if task.before else 0, people.outcome.peak, ran.peak)
        if task.signs.is_lost:
            return ending.elsewhere(task)
        goes_on = reads_on or (bool(ran.left) and _may_hand_over(task))
        if not goes_on:
            store.keep(fan_out.given_up(ran.left))
        store.settle(task.environment.remaining() * limits.STORING_SHARE)
        if goes_on:
            return ending.hand_over(task, store, people.people, peak=peak, idle=_idle(task))
        return ending.close(task, store, peak)


def _may_hand_over(task: Task) -> bool:
    return task.may_continue and _idle(task) <= limits.IDLE_HOPS


def _idle(task: Task) -> int:
    """Return how many hops in a row have sent nobody, this one included."""
    return 0 if task.signs.is_busy else 1 + (task.before.idle if task.before else 0)


def _decided(made: Plan) -> Iterator[Finished]:
    """Yield the results that are known without a worker."""
    for customer in made.customers:
        if customer.result is not None:
            yield Finished(customer, customer.result)


def _run_customers(task: Task, people: Directories, store: ResultStore, failures: int) -> Outcome:
    """Run the customers that need a worker, and keep their results as they arrive."""
    reads_identity_center = task.plan.action.reads_identity_center
    to_run = [one for one in task.plan.in_turn() if not reads_identity_center or people.of(one) is not None]
    outcome = Outcome()
    if not to_run:
        return outcome
    running = task.fan_out(
        len(to_run),
        _make_item(task, people) if reads_identity_center else task.work_item,
        task.signs,
        writes=task.plan.writes,
        carry_over=task.may_continue,
        barrier=_barrier(task, store),
    )
    runs = [CustomerRun.taken_over(one, task.standing.progress.get(one.index)) for one in to_run]
    for event in running.run(runs, _rules(task, store, failures)):
        if isinstance(event, Outcome):
            outcome = event
        elif isinstance(event, Paused):
            store.keep_progress(event.progress)
        else:
            store.keep([event])
    return outcome


def _rules(task: Task, store: ResultStore, failures: int) -> StartRules:
    """Return when no further customer starts, after all that has a result already."""
    rules = StartRules(
        task.document.failures_allowed,
        failures,
        strict=task.document.strict,
        ramp=task.document.ramp,
        undecided=lambda: task.signs.undecided,
        not_stored=lambda: store.not_stored,
    )
    for index, customer in enumerate(task.document.customers):
        result = store.collector.result(index)
        if result is not None:
            rules.settle(index, customer.customer_code, result.status)
    return rules


def _barrier(task: Task, store: ResultStore) -> Barrier | None:
    """Return the barrier between the phases of the run's action, with all that have a result already, or None."""
    if not task.plan.action.two_phases or not task.plan.writes:
        return None
    accepted = task.plan.request.params.get("accept_unreachable") or ()
    is_open = task.before is not None and task.record.is_barrier_open()
    barrier = Barrier(accepted, task.record.open_barrier, is_open=is_open)
    for index, customer in enumerate(task.document.customers):
        result = store.collector.result(index)
        if result is not None:
            barrier.note(customer.customer_code, result.status)
    return barrier


def _make_item(task: Task, people: Directories) -> fan_out.MakeItem:
    def make(customer: PlannedCustomer, budget: float, state: dict[str, Any] | None) -> WorkItem:
        """Return the item of a customer whose Identity Center was read."""
        return task.work_item(customer, budget, state).model_copy(update={"directory": people.of(customer)})

    return make
