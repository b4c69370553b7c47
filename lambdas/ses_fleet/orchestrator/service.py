"""One run, from event to Summary: the steps in their order."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from ses_fleet import clock, foreign_errors, limits
from ses_fleet.actions.catalogue import ACTIONS, DESCRIBE_TOPICS, READ_IDENTITY_CENTER, help_answer, payload_names
from ses_fleet.aws import clients
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config import config_json, ses_config_json
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import (
    AwsCallError,
    ConfigurationError,
    OrchestratorError,
    Problem,
    RequestError,
    RunRefusedError,
    SesFleetError,
)
from ses_fleet.logs import make_logger
from ses_fleet.orchestrator import continuation, identity_sources, plan, report
from ses_fleet.orchestrator.collect import Collector
from ses_fleet.orchestrator.continuation import Handover
from ses_fleet.orchestrator.fan_out import FanOut, Timing
from ses_fleet.orchestrator.invoke import Invoker
from ses_fleet.orchestrator.plan import Plan, PlannedItem
from ses_fleet.orchestrator.topic_comparison import TopicFleet
from ses_fleet.runs import events, request, summary
from ses_fleet.runs import record as run_record
from ses_fleet.runs.events import HopStart
from ses_fleet.runs.keys import people_prefix
from ses_fleet.runs.models import CustomerResult, ErrorInfo, Hop, People, Progress, RunPlan, Summary, WorkItem
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.request import Start
from ses_fleet.settings import OrchestratorSettings
from ses_fleet.text import printable

_S3_ATTEMPTS = 3
_S3_CONNECTIONS = 16
_HANDOVER_ATTEMPTS = 3


def handle(event: Any, context: Any, variables: Mapping[str, str]) -> dict[str, Any]:
    """Answer one invocation. A run that is refused raises, so that callers, alarms and dead letters see it."""
    if events.is_help(event):
        return help_answer()
    results_bucket: Bucket | None = None  # where a refusal is recorded, once it is known
    try:
        settings = OrchestratorSettings.from_env(variables)
        s3 = clients.client("s3", settings.region, attempts=_S3_ATTEMPTS, connections=_S3_CONNECTIONS)
        results_bucket = Bucket(s3, settings.results_bucket)
        environment = _Environment(context, settings, Bucket(s3, settings.config_bucket), results_bucket)
        return _answer(event, environment).model_dump(mode="json")
    except RunRefusedError as refusal:
        _record_refusal(event, context, refusal, results_bucket)
        raise refusal from None
    except SesFleetError:
        raise
    except Exception as error:  # noqa: BLE001  # the runtime prints an exception's text, which may hold anything
        raise OrchestratorError(f"the orchestrator failed unexpectedly: {foreign_errors.crash(error)}") from None


def _answer(event: Any, environment: _Environment) -> Summary:
    hop = events.hop_of(event)
    if hop is not None:
        return _go_on(hop, environment)
    return _begin(request.parse(event, clock.now()), environment)


@dataclass(frozen=True)
class _Environment:
    """What an invocation runs in."""

    context: Any
    settings: OrchestratorSettings
    config_bucket: Bucket
    results_bucket: Bucket

    def remaining(self) -> float:
        """Seconds until the function's own deadline."""
        seconds: float = self.context.get_remaining_time_in_millis() / 1000
        return seconds

    def fleet_config(self) -> config_json.FleetConfig:
        """config.json as it is now."""
        partition = self.context.invoked_function_arn.split(":")[1]
        key, region = self.settings.config_key, self.settings.region
        return config_json.load(self.config_bucket, key, region=region, partition=partition)


def _begin(start: Start, environment: _Environment) -> Summary:
    """A run's first invocation."""
    began, remaining = clock.now(), environment.remaining()
    record = RunRecord(environment.results_bucket, start.run_id)
    if start.named and (existing := record.existing(start.request)) is not None:
        return existing
    made = plan.make(run_record.without_personal(start.request), environment.fleet_config())
    made, wanted = _with_topics(made, environment)
    deadline = clock.iso(began + timedelta(seconds=remaining))
    owner = secrets.token_hex(16)  # not the request's id: Lambda delivers an event again under the same one
    place = record.keep_personal(run_record.personal_values(start.request), owner)
    document = run_record.plan_document(
        made, start.run_id, clock.iso(began), deadline, owner=owner, personal_params=place
    )
    if not record.claim(document):
        return _started_elsewhere(start, record)
    report.emit_start(start.run_id, start.request.action, dry_run=start.request.dry_run)
    canaries = plan.canaries(made)
    return _Part(environment, record, document, made, remaining, wanted, canaries=canaries).run({})


def _started_elsewhere(start: Start, record: RunRecord) -> Summary:
    """Another start of this id was quicker by a moment."""
    existing = record.existing(start.request) if start.named else None
    if existing is None:
        raise RequestError([Problem("$.run_id", f"run {start.run_id} exists; start again for a new id")])
    return existing


def _go_on(start: HopStart, environment: _Environment) -> Summary:
    """A further invocation of a run that was too long for the ones before."""
    remaining = environment.remaining()
    record = RunRecord(environment.results_bucket, start.run_id)
    document, announced = record.plan(), record.hop(start.hop)
    if document is None or announced is None:
        raise RequestError([Problem("$.hop", f"run {start.run_id} announced no hop {start.hop}")])
    if not record.claim_hop(continuation.claim(start.hop, clock.now(), remaining)):
        return record.state(document)  # the event came twice
    pending = {progress.index: progress for progress in announced.pending}
    made = plan.again(request.from_plan(document.request), _as_it_is_now(environment), document, pending.keys())
    made, wanted = _with_topics(made, environment)
    part = _Part(
        environment,
        record,
        document,
        made,
        remaining,
        wanted,
        canaries=announced.canaries,
        hop=start.hop,
        peak=announced.peak,
    )
    part.take_over_people(announced)
    part.load_results(index for index in range(len(document.customers)) if index not in pending)
    return part.run(pending)


def _as_it_is_now(environment: _Environment) -> config_json.FleetConfig:
    """config.json, or an empty fleet when it was broken while the run was under way: the run still gets its end."""
    try:
        return environment.fleet_config()
    except ConfigurationError:
        return config_json.FleetConfig({}, None)


def _with_topics(made: Plan, environment: _Environment) -> tuple[Plan, Sequence[WantedTopic] | None]:
    """The topics of SESConfig.json, if the action uses them, and the plan with what reading it adds.

    ConfigurationError when they are needed and the file is wrong; where they are not, that is a warning.
    """
    action = ACTIONS[made.request.worker_action]
    use = action.ses_config
    if use == "no" or (use == "if there" and made.request.dry_run):
        return made, None
    try:
        wanted = ses_config_json.load(environment.config_bucket, environment.settings.ses_config_key)
        # An import removes people, not topics.
        ses_config_json.refuse_empty(wanted, prune=made.request.prune and not action.needs_people)
    except ConfigurationError as error:
        if use == "required":
            raise
        text = printable(f"no drift is told: {error.problems[0]}", limits.MAX_MESSAGE_CHARACTERS)
        return replace(made, warnings=(*made.warnings, text)), None
    version = made.config_version.model_copy(update={"ses_config": wanted.version})
    return replace(made, config_version=version), wanted.topics


class _Part:
    """One invocation's part of a run: the only one, for most runs."""

    def __init__(
        self,
        environment: _Environment,
        record: RunRecord,
        document: RunPlan,
        made: Plan,
        function_seconds: float,
        wanted: Sequence[WantedTopic] | None,
        *,
        canaries: tuple[int, ...] = (),
        hop: int = 0,
        peak: int = 0,
    ) -> None:
        self._environment = environment
        self._settings = environment.settings
        self._record = record
        self._document = document
        self._plan = made
        self._request = made.request
        self._function_seconds = function_seconds
        self._hop = hop
        self._peak = peak
        self._wanted = wanted
        self._canaries = canaries
        compares = made.request.worker_action == DESCRIBE_TOPICS.name and not made.request.dry_run
        self._collector = Collector(len(made.items), self._result_location, TopicFleet(wanted) if compares else None)
        self._logger = _logger(environment.context, record.run_id, made.request.action)
        self._warnings: list[str] = []
        self._failures_before = 0
        self._action = ACTIONS[made.request.worker_action]
        self._people: dict[str, People] = {}  # what was read, by the name of the source
        self._reading: dict[str, Progress] = {}  # what is read in part, the same

    def take_over_people(self, announced: Hop) -> None:
        """What earlier invocations read of Identity Centers."""
        self._people = dict(announced.people)
        self._reading = {progress.customer_code: progress for progress in announced.sources}

    def load_results(self, indexes: Iterable[int]) -> None:
        """Take in what earlier invocations found out."""
        for index, body in self._record.stored_results(self._document, indexes):
            if body is None:
                body = self._lost(index).model_dump_json().encode()
            result = CustomerResult.model_validate_json(body)
            # max_failures counts customers that were started.
            self._failures_before += result.status == "failed" and result.attempts > 0
            self._collector.add(index, result, body)

    def run(self, pending: Mapping[int, Progress]) -> Summary:
        """Run what has no result yet, and end the run or hand it over."""
        try:
            for item in self._plan.items:
                if item.result is not None:
                    self._keep(item, item.result)
            handed_over = self._invoke_workers(pending)
            return self._unfinished() if handed_over else self._finished()
        finally:
            self._collector.close()

    def _invoke_workers(self, pending: Mapping[int, Progress]) -> bool:
        """Whether another invocation goes on."""
        to_run = plan.in_turn(self._plan)
        carry_over = self._request.on_deadline == "continue" and self._hop < limits.MAX_HOPS
        if self._action.needs_people and to_run:
            left = self._read_people(to_run, pending, carry_over=carry_over)
            if left is None:
                return True
            to_run, carry_over = left
        if not to_run:
            return False
        fan_out = self._fan_out(
            len(to_run),
            self._work_item,
            writes=self._action.mutates and not self._request.dry_run,
            failures_allowed=plan.failures_allowed(self._request, len(self._plan.items)),
            failures=self._failures_before,
            canaries=self._canaries,
            carry_over=carry_over,
        )
        fan_out.run(to_run, self._keep, pending)
        self._peak = max(self._peak, fan_out.peak)
        if not fan_out.left or self._handed_over(fan_out.left, fan_out.canaries):
            return bool(fan_out.left)
        fan_out.give_up()
        return False

    def _read_people(
        self, to_run: list[PlannedItem], pending: Mapping[int, Progress], *, carry_over: bool
    ) -> tuple[list[PlannedItem], bool] | None:
        """The customers whose Identity Center was read, and whether they may be carried over still.

        None when the time ended meanwhile and another invocation goes on with the reading.
        """
        sources = [source for source in identity_sources.sources(to_run) if source.name not in self._people]
        if sources:
            self._logger.info(f"reading {len(sources)} Identity Center(s) for {len(to_run)} customer(s)")
        progress = {i: self._reading[source.name] for i, source in enumerate(sources) if source.name in self._reading}

        def take(item: PlannedItem, result: CustomerResult) -> None:
            read = identity_sources.read(result)
            if read is not None:
                self._people[item.code] = read
                return
            for customer in sources[item.index].customers:
                self._keep(customer, identity_sources.without_people(customer, result))

        if sources:
            fan_out = self._fan_out(len(sources), self._reading_item, writes=False, carry_over=carry_over)
            fan_out.run([source.item(index) for index, source in enumerate(sources)], take, progress)
            self._peak = max(self._peak, fan_out.peak)
            if fan_out.left:
                open_ = [item for item in to_run if self._collector.result(item.index) is None]
                waiting = [
                    pending.get(item.index) or Progress(index=item.index, customer_code=item.code) for item in open_
                ]
                if self._handed_over(waiting, self._canaries, fan_out.left):
                    return None
                fan_out.give_up()
                carry_over = False
        return [item for item in to_run if identity_sources.name_of(item) in self._people], carry_over

    def _handed_over(
        self, left: Sequence[Progress], canaries: tuple[int, ...], sources: Sequence[Progress] = ()
    ) -> bool:
        """Whether another invocation goes on with what is left; if not, that is a warning."""
        hop = Hop(
            run_id=self._record.run_id,
            hop=self._hop + 1,
            announced_at="",
            deadline="",
            peak=self._peak,
            canaries=canaries,
            people=self._people,
            sources=tuple(sources),
            pending=tuple(left),
        )
        problem = self._handover().hand_over(hop)
        if problem is not None:
            self._warn(f"the deadline came, and the run could not go on in another invocation: {problem}")
        return problem is None

    def _fan_out(
        self,
        items: int,
        make_item: Callable[[PlannedItem, float, dict[str, Any] | None], WorkItem],
        *,
        writes: bool,
        carry_over: bool,
        failures_allowed: int | None = None,
        failures: int = 0,
        canaries: tuple[int, ...] = (),
    ) -> FanOut:
        closed = threading.Event()
        bound = min(self._plan.concurrency.effective, items)
        lambda_client = clients.client(
            "lambda",
            self._settings.region,
            connect_timeout=limits.INVOKE_CONNECT_TIMEOUT_SECONDS,
            read_timeout=limits.INVOKE_READ_TIMEOUT_SECONDS,
            connections=bound,
        )
        invoker = Invoker(lambda_client, self._settings.worker_function_name, writes, closed)
        return FanOut(
            invoke=invoker.invoke,
            make_item=make_item,
            timing=Timing(
                remaining=self._environment.remaining,
                slice_budget=self._settings.slice_budget,
                start_margin=self._settings.start_margin,
                return_margin=self._settings.return_margin,
                customer_timeout=float(self._request.customer_timeout_seconds),
            ),
            bound=bound,
            failures_allowed=failures_allowed,
            failures=failures,
            canaries=canaries,
            writes=writes,
            closed=closed,
            carry_over=carry_over,
        )

    def _handover(self) -> Handover:
        client = clients.client("lambda", self._settings.region, attempts=_HANDOVER_ATTEMPTS)
        arn = self._environment.context.invoked_function_arn
        return Handover(self._record, client, arn, self._request.action, self._function_seconds)

    def _work_item(self, item: PlannedItem, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
        made = self._any_item(item, budget, continuation)
        if not self._action.needs_people:
            return made
        return made.model_copy(update={"people": self._people[identity_sources.name_of(item)]})

    def _reading_item(self, item: PlannedItem, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
        """One Identity Center to be read, for all who share it; `item.code` is its name."""
        made = self._any_item(item, budget, continuation)
        prefix = people_prefix(self._record.run_id, item.code)
        return made.model_copy(update={"action": READ_IDENTITY_CENTER.name, "people_prefix": prefix})

    def _any_item(self, item: PlannedItem, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
        assert item.customer is not None  # noqa: S101  # only items with a customer are handed to the fan-out
        return WorkItem(
            run_id=self._record.run_id,
            action=self._request.worker_action,
            customer=item.customer,
            params=self._request.params,
            personal_params=self._document.personal_params,
            dry_run=self._request.dry_run,
            prune=self._request.prune,
            topics=self._topics_to_send(),
            slice_budget_seconds=budget,
            continuation=continuation,
        )

    def _topics_to_send(self) -> tuple[WantedTopic, ...] | None:
        if self._wanted is None or self._action.ses_config != "required":
            return None
        return tuple(self._wanted)

    def _keep(self, item: PlannedItem, result: CustomerResult) -> None:
        """Everything that is done with a result; nothing is kept here that is not returned."""
        report.log_customer(self._logger, result)
        result = result.model_copy(update={"logs": report.customer_lines(result)})
        body = result.model_dump_json().encode()
        try:
            self._record.write_result(item.index, result.customer_code, body)
        except AwsCallError as failure:
            self._warn(f"the result of {printable(result.customer_code)} could not be stored ({failure.code})")
        self._collector.add(item.index, result, body)

    def _finished(self) -> Summary:
        """The end of the run: results.jsonl.gz, summary.json, the log record, the metrics."""
        self._store_results_file()
        began = datetime.fromisoformat(self._document.started_at)
        finished = summary.build(
            run_id=self._record.run_id,
            plan=self._plan,
            results=self._collector.results(),
            started_at=self._document.started_at,
            seconds=round((clock.now() - began).total_seconds(), 3),
            peak=self._peak,
            location=self._record.summary_location,
            where_is=self._result_location,
            fleet=self._fleet(),
            extra_warnings=self._warnings,
        )
        try:
            self._record.write_summary(finished)
        except AwsCallError as failure:
            self._logger.warning("summary.json could not be written", error_code=failure.code)
        report.log_summary(self._logger, finished)
        report.emit_run(finished)
        return finished

    def _unfinished(self) -> Summary:
        """What is known when another invocation goes on; it will log, count and store the whole."""
        going_on = f"the run goes on in another invocation (hop {self._hop + 1})"
        self._logger.info(going_on)
        results = [
            self._collector.result(index) or run_record.no_result_yet(customer)
            for index, customer in enumerate(self._document.customers)
        ]
        return summary.unfinished(self._document, results, self._record.summary_location, going_on)

    def _store_results_file(self) -> None:
        file = self._collector.results_file()
        if file is None:
            self._warn("results.jsonl.gz was too large for this function's disk; results/ has every result")
            return
        try:
            self._record.write_results_file(file)
        except AwsCallError as failure:
            self._warn(f"results.jsonl.gz could not be written ({failure.code}); results/ has every result")

    def _fleet(self) -> dict[str, Any] | None:
        topics = self._collector.fleet
        if topics is None:
            return None
        answer = topics.answer([item.code for item in self._plan.items])
        body = json.dumps(answer).encode()
        if len(body) <= limits.FLEET_INLINE_BYTES:
            return answer
        try:
            return {"topics": None, "drift": None, "location": self._record.write_fleet(body)}
        except AwsCallError as failure:
            self._warn(f"fleet.json could not be written ({failure.code})")
            return None

    def _lost(self, index: int) -> CustomerResult:
        """An earlier invocation could not store this customer's result."""
        customer = self._document.customers[index]
        text = f"{printable(customer.customer_code)} was run, but its result was not stored; run it again"
        writes = self._action.mutates
        error = ErrorInfo(
            category="internal", type="ResultNotStored", message=text, retryable=True, outcome_unknown=writes
        )
        return CustomerResult(**customer.model_dump(), status="failed", error=error)

    def _result_location(self, index: int) -> str:
        return self._record.result_location(self._plan.items[index].code, index)

    def _warn(self, text: str) -> None:
        self._warnings.append(text)
        self._logger.warning(text)


def _record_refusal(event: Any, context: Any, refusal: RunRefusedError, results_bucket: Bucket | None) -> None:
    """Make the refusal visible: a log record, the metric, and the run record if the event names a run."""
    payload = events.payload_of(event)
    payload = payload if isinstance(payload, dict) else {}
    action = payload.get("action")
    known = action if isinstance(action, str) and action in payload_names() else None
    dry_run = payload.get("dry_run") is True
    run_id = events.claimed_run_id(event)
    logger = _logger(context, run_id, known)
    for problem in refusal.problems:
        logger.error(
            printable(str(problem), limits.MAX_MESSAGE_CHARACTERS), kind="refused", error_type=type(refusal).__name__
        )
    report.emit_refusal(known, dry_run=dry_run)
    if run_id is None or results_bucket is None:
        return
    answer = summary.refused(
        run_id, action if isinstance(action, str) else "", dry_run, clock.iso(clock.now()), refusal.problems
    )
    try:
        RunRecord(results_bucket, run_id).write_refusal(answer)
    except AwsCallError as failure:
        logger.warning("the refusal could not be recorded", error_code=failure.code)


def _logger(context: Any, run_id: str | None, action: str | None) -> Logger:
    return make_logger(run_id=run_id, action=action, function_request_id=context.aws_request_id)
