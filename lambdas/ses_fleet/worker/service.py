"""One slice of one customer, and the only place where errors become results."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ses_fleet import foreign_errors, limits
from ses_fleet.actions.catalogue import ACTIONS, Action
from ses_fleet.actions.params import Params
from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.errors import AwsCallError, CustomerError, NotStartedError, NoWorkItemError
from ses_fleet.logs import LogLines, make_logger
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.runs import keys, personal_params
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.runs.work import ErrorInfo, WorkItem, WorkResult
from ses_fleet.settings import WorkerSettings
from ses_fleet.text import printable
from ses_fleet.worker import access
from ses_fleet.worker.access import Access
from ses_fleet.worker.budget import SliceBudget, SliceTimeoutError
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.lease import LeaseObject
from ses_fleet.worker.paced_client import PacedClient
from ses_fleet.worker.pacing import Pacer
from ses_fleet.worker.registry import REGISTRY
from ses_fleet.worker.slice_lease import SliceLease, Waiting, has_run, in_second_phase, waiting_on

if TYPE_CHECKING:
    from ses_fleet.actions.data.base import Data
    from ses_fleet.people.rows import Row


def warm_up(region: str) -> None:
    """Make what every slice needs, in the function's init phase: clients of STS and, in this Region, of SES."""
    access.sts_client(region)
    kept_clients.prepare_for_customers("sesv2", region)


def run(event: dict[str, Any], lambda_context: Any, settings: WorkerSettings) -> dict[str, Any]:
    """Run one slice and return its WorkResult as JSON.

    Every failure is in the result. Only an event that is not a WorkItem raises NoWorkItemError, which the orchestrator
    sees as an internal failure.
    """
    with kept_clients.invocation():
        return _run(_checked(event), lambda_context, settings)


def _run(item: WorkItem, lambda_context: Any, settings: WorkerSettings) -> dict[str, Any]:
    invocation = _Invocation(item, lambda_context, settings)
    outcome: Outcome | Waiting | None = None
    done: Done | None = None
    error: ErrorInfo | None = None
    not_started: str | None = None
    continuation: dict[str, Any] | None = None
    try:
        outcome = invocation.run()
        if isinstance(outcome, Done):
            done = outcome
            error = _info(outcome.failure) if outcome.failure else None
        else:
            continuation = invocation.continuation(outcome)
    except NotStartedError as refusal:
        text = printable(str(refusal), limits.MAX_MESSAGE_CHARACTERS)
        if has_run(item.continuation or {}):  # by a first pass, which has changed nothing
            error = ErrorInfo(category="operation", type="ListInUse", message=text, retryable=True)
        else:
            not_started = text
    except CustomerError as failure:
        error = _info(failure)
    except AwsCallError as failure:
        error = _call_failed(item, failure)
    except Exception as failure:  # noqa: BLE001  # the boundary: whatever breaks is this customer's result
        error = _crashed(item, failure)
    if continuation is None:
        invocation.finish(error, not_started)
    return WorkResult(
        run_id=item.run_id,
        customer_code=item.customer.customer_code,
        account_id=item.customer.account_id,
        error=error,
        not_started=not_started,
        data=done.data.model_dump(mode="json", by_alias=True) if done else None,
        data_location=done.data_location if done else None,
        differs=_differs(item, done),
        findings=_findings(done),
        plan=done.plan if done else None,
        warnings=invocation.warnings(),
        api_calls=invocation.api_calls(),
        logs=invocation.lines.lines(),
        waits_for=invocation.waits_for,
        phase_over=isinstance(outcome, More) and outcome.phase_over,
        continuation=continuation,
    ).model_dump(mode="json")


def _differs(item: WorkItem, done: Done | None) -> bool | None:
    """Return whether the account differs from what is asked for: no writer knows that once it has written."""
    data = _data(done)
    if data is None or done is None or done.failure is not None:
        return None
    return None if ACTIONS[item.action].mutates and not item.dry_run else data.is_different()


def _findings(done: Done | None) -> int | None:
    """Return how many checks found something, also of an action that failed for them."""
    data = _data(done)
    return None if data is None else data.findings()


def _data(done: Done | None) -> Data | None:
    # Imported here: a start does without the models of data, which the action has loaded by now.
    from ses_fleet.actions.data.base import Data

    return done.data if done is not None and isinstance(done.data, Data) else None


def _checked(event: dict[str, Any]) -> WorkItem:
    """Return the event as a WorkItem. The error names fields and no values, because the runtime prints it."""
    try:
        return WorkItem.model_validate(event)
    except ValidationError as error:
        raise NoWorkItemError(f"the event is not a WorkItem: {_where_wrong(error)}") from None


def _where_wrong(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    fields = sorted({str(detail["loc"][0]) if detail["loc"] else "$" for detail in details})
    known = [field if field in WorkItem.model_fields else "an unknown field" for field in fields]
    return ", ".join(sorted(set(known)))


class _Invocation:
    """The state of one invocation: its log, its clients, its counts. None of it outlives the invocation."""

    def __init__(self, item: WorkItem, lambda_context: Any, settings: WorkerSettings) -> None:
        self.lines = LogLines()
        self.waits_for: str | None = None
        self._item = item
        self._settings = settings
        self._code = item.customer.customer_code
        self._earlier = item.continuation or {}
        self._context: ActionContext | None = None
        self._lease: SliceLease | None = None
        seconds = lambda_context.get_remaining_time_in_millis() / 1000
        self._function = SliceBudget(seconds)
        self._budget = SliceBudget(min(item.slice_budget_seconds, seconds - limits.WORKER_MARGIN_SECONDS))
        self._logger = make_logger(
            run_id=item.run_id,
            customer_code=self._code,
            action=item.action,
            function_request_id=lambda_context.aws_request_id,
        )

    def run(self) -> Outcome | Waiting:
        if not self._earlier:
            self._log(f"🔄 Customer {self._code}: Starting processing")
        action = ACTIONS.get(self._item.action)
        if action is None:
            raise CustomerError("internal", "UnknownAction", f"the worker has no action {printable(self._item.action)}")
        self._context = self._make_context(action)
        params = action.params.model_validate(self._params(action, self._context))
        if action.people is not None:
            found = _rows(self._context, action.people)
            self._context.rows, self._context.row_numbers = tuple(found.values()), tuple(found)
        writes = action.mutates and not self._item.dry_run and (not action.two_phases or in_second_phase(self._earlier))
        if writes and (waiting := self._begin_to_write()):
            return waiting
        return self._ran(action, self._context, params, self._earlier.get("state", {}))

    def _ran(self, action: Action, context: ActionContext, params: Params, state: State) -> Outcome:
        run, plan = REGISTRY[action.name], self._item.plan
        if plan is not None and plan.kind != action.saves_plan:
            text = f"{action.name} was sent a plan of {plan.kind}, which it cannot apply; nothing was done"
            raise CustomerError("internal", "WrongPlan", text)
        if action.saves_plan != "people" or (plan is None and not self._item.dry_run):
            return run(context, params, state)
        # Imported here: most runs have nothing to do with a plan of people.
        from ses_fleet.worker import planned_run

        if isinstance(plan, PeoplePlan):
            return planned_run.applying(run, context, params, plan, state)
        return planned_run.saving(run, context, params, state)

    def _begin_to_write(self) -> Waiting | None:
        """Take the lease of the list. Return Waiting, or raise, when it cannot be taken in this slice."""
        margin, customer = self._settings.write_margin, self._item.customer
        if not self._function.covers(margin):
            text = (
                f"nothing was done for {self._code}: the worker writes nothing in the last {margin:g} s of its "
                f"function (WRITE_MARGIN_SECONDS), and has {self._function.left():.0f} s: give it a longer timeout"
            )
            raise CustomerError("configuration", "FunctionTooShort", text)
        client = kept_clients.of_function("s3", self._settings.region, read_timeout=limits.LEASE_CALL_SECONDS)
        lease = LeaseObject(
            Bucket(client, self._settings.results_bucket),
            keys.lease_key(customer.account_id, customer.region),
            self._item.run_id,
            self._code,
            self._function,
        )
        self._lease = SliceLease(self._item, lease, self._budget, self._earlier)
        return self._lease.begin()

    def _params(self, action: Action, context: ActionContext) -> dict[str, Any]:
        """Return the params, with personal values read from the results bucket.

        Raise CustomerError when they do not exist there: a mask is never used as a value and never left out, because an
        import without its one user's name would be an import of everybody.
        """
        given, key = self._item.params, self._item.personal_params
        hidden = personal_params.hidden(action.params, given)
        if not hidden:
            return given
        found = context.personal_params(key) if key else None
        if found is None or not set(hidden) <= set(found):
            where = f", which should lie in {context.results.location(key)}, is not there" if key else " was not sent"
            text = f"params.{hidden[0]}{where}; nothing was done: start a new run that gives it"
            raise CustomerError("internal", "NoPersonalParams", text)
        return {**given, **{name: found[name] for name in hidden}}

    def continuation(self, more: More | Waiting) -> dict[str, Any]:
        """Return what the next slice continues from.

        Raise SliceTimeoutError when slices of this length make no progress.
        """
        if isinstance(more, Waiting):
            self._log(f"⏳ Customer {self._code}: Waiting for the contact list, which is held by {more.holder}")
            if not has_run(self._earlier):
                self.waits_for = f"its contact list was held by {more.holder.who}"
            return waiting_on(self._earlier, more)
        idle = self._earlier.get("idle", 0) + 1 if more.state == self._earlier.get("state") else 0
        if idle >= limits.IDLE_SLICES:
            text = f"{idle} slices of {self._item.slice_budget_seconds:g} s in a row made no progress for {self._code}"
            raise SliceTimeoutError(f"{text}; SLICE_BUDGET_SECONDS may be too small")
        ses = self._context and self._context.opened_ses
        lease = {"lease": self._lease.handed_on()} if self._lease else {}
        second = {"second_phase": True} if more.phase_over or in_second_phase(self._earlier) else {}
        pace = ses.pace if ses else self._earlier.get("pace")
        return {"state": more.state, "pace": pace, "idle": idle, **lease, **second}

    def finish(self, error: ErrorInfo | None, not_started: str | None) -> None:
        """Give the lease back, and say how the customer ended; of one that was not started the orchestrator does."""
        if self._lease and self._context:
            self._lease.end(self._context.warn, outcome_unknown=error is not None and error.outcome_unknown)
        if error is not None:
            self._log(f"❌ Customer {self._code}: {error.message}")
        elif not_started is None:
            earlier = " in this slice" if self._earlier else ""
            self._log(f"✅ Customer {self._code}: {self._item.action} finished ({self.api_calls()} API calls{earlier})")

    def api_calls(self) -> int:
        ses = self._context and self._context.opened_ses
        return ses.calls if ses else 0

    def warnings(self) -> tuple[str, ...]:
        found = self._context.warnings if self._context else []
        return tuple(printable(text, limits.MAX_MESSAGE_CHARACTERS) for text in found)

    def _make_context(self, action: Action) -> ActionContext:
        region = self._settings.region
        rights = Access(access.sts_client(region), self._item, action)
        write_time = SliceBudget(self._function.left() - self._settings.write_margin)

        credentials = functools.cache(rights.customer)
        identity_center = functools.cache(rights.identity_center)
        # Every API of Identity Center has its own rate; one pacer for all of them stays below each.
        people_pacer = Pacer(
            self._settings.identity_center_requests_per_second, limits.IDENTITY_CENTER_BURST, self._budget
        )

        def open_ses() -> PacedClient:
            customer = self._item.customer
            if not has_run(self._earlier):
                self._log(f"🔐 Customer {self._code}: Assuming SES role: {customer.ses_role_arn}")
            client = kept_clients.of_customers("sesv2", customer.region, credentials())
            pacer = Pacer(self._settings.ses_requests_per_second, self._settings.ses_burst, self._budget)
            if self._earlier.get("pace"):
                pacer.restore(self._earlier["pace"])
            return PacedClient(client, pacer, write_time)

        def open_identity_center(source: IdentityCenter, service: str) -> PacedClient:
            client = clients.client(service, source.region, credentials=identity_center(source))
            return PacedClient(client, people_pacer)

        def open_import_bucket(name: str) -> Bucket:
            customer = self._item.customer
            client = clients.client("s3", customer.region, credentials=credentials(), attempts=limits.S3_ATTEMPTS)
            return Bucket(client, name, owner=customer.account_id)

        def open_iam() -> clients.AwsClient:
            return kept_clients.of_customers(
                "iam", self._item.customer.region, credentials(), attempts=limits.IAM_ATTEMPTS
            )

        def open_cloudwatch() -> PacedClient:
            client = kept_clients.of_customers("cloudwatch", self._item.customer.region, credentials())
            return PacedClient(client, Pacer(0, 1, self._budget))  # its own rate is far above what one slice asks

        def open_results() -> Bucket:
            s3 = kept_clients.of_function("s3", region, attempts=limits.S3_ATTEMPTS)
            return Bucket(s3, self._settings.results_bucket)

        return ActionContext(
            item=self._item,
            settings=self._settings,
            access=rights,
            open_ses=open_ses,
            open_identity_center=open_identity_center,
            open_results=open_results,
            open_import_bucket=open_import_bucket,
            open_iam=open_iam,
            open_cloudwatch=open_cloudwatch,
            download=clients.download,
            log=self._log,
        )

    def _log(self, line: str) -> None:
        shown = printable(line, limits.MAX_LOG_LINE_CHARACTERS)
        self.lines.add(shown)
        self._logger.info(shown)


def _rows(context: ActionContext, wanted: PeopleRows) -> dict[int, Row]:
    # Imported here: most actions take no people file, and the models of its rows would be a part of every start.
    from ses_fleet.worker import people

    return people.rows_of(context.results, context.item, wanted)


def _info(failure: CustomerError) -> ErrorInfo:
    return ErrorInfo(
        category=failure.category,
        type=failure.type,
        message=printable(failure.message, limits.MAX_MESSAGE_CHARACTERS),
        retryable=failure.retryable,
        outcome_unknown=failure.outcome_unknown,
    )


def _call_failed(item: WorkItem, failure: AwsCallError) -> ErrorInfo:
    """Return the error of a failed call of SES, Identity Center or S3, with advice on what to do."""
    shared = failure.service in access.IDENTITY_CENTER_SERVICES and item.customer.identity_center is not None
    code = "" if shared else f" for {item.customer.customer_code}"  # several customers may share what failed
    message = (
        f"{failure.service}.{failure.operation} failed{code} ({failure.code}): "
        f"{access.advice(item.customer, ACTIONS[item.action], failure)}"
    )
    return ErrorInfo(
        category="operation",
        type=failure.code,
        message=printable(message, limits.MAX_MESSAGE_CHARACTERS),
        retryable=failure.transient,
        outcome_unknown=failure.outcome_unknown,
    )


def _crashed(item: WorkItem, failure: Exception) -> ErrorInfo:
    """Return the error of an exception that nobody expected; it may have interrupted a write."""
    action = ACTIONS.get(item.action)
    return ErrorInfo(
        category="internal",
        type=foreign_errors.code(type(failure).__name__),
        message=f"the worker failed unexpectedly: {foreign_errors.crash(failure)}",
        outcome_unknown=action is not None and action.mutates and not item.dry_run,
    )
