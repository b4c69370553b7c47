"""One slice of one customer: the only place where errors become results."""

from __future__ import annotations

from typing import Any

from shared import aws, limits
from shared.actions import ACTIONS, Action
from shared.errors import AwsCallError, CustomerError
from shared.logs import LogLines, make_logger
from shared.models import ErrorInfo, WorkItem, WorkResult
from shared.settings import WorkerSettings
from shared.text import masked, printable
from worker import access
from worker.job import Job
from worker.rate import Pacer, SliceBudget
from worker.registry import REGISTRY
from worker.ses import PacedSes


def run(event: dict[str, Any], context: Any, settings: WorkerSettings) -> dict[str, Any]:
    """Do one slice. Raises only for an event that is no WorkItem: the orchestrator sees that as internal."""
    item = WorkItem.model_validate(event)
    attempt = _Attempt(item, context, settings)
    data, error = None, None
    try:
        data = attempt.run()
    except CustomerError as failure:
        error = _info(failure)
    except AwsCallError as failure:
        error = _call_failed(item, failure)
    except Exception as failure:  # noqa: BLE001  # the boundary: whatever breaks is this customer's result
        error = _crashed(failure)
    attempt.finish(error)
    return WorkResult(
        run_id=item.run_id,
        customer_code=item.customer.customer_code,
        account_id=item.customer.account_id,
        error=error,
        data=data,
        api_calls=attempt.api_calls,
        logs=attempt.lines.lines(),
    ).model_dump(mode="json")


class _Attempt:
    """The state of one invocation: its log, its clients, its counts. Nothing of it outlives the invocation."""

    def __init__(self, item: WorkItem, context: Any, settings: WorkerSettings) -> None:
        self.lines = LogLines()
        self.api_calls = 0
        self._item = item
        self._settings = settings
        self._code = item.customer.customer_code
        own_time = context.get_remaining_time_in_millis() / 1000 - limits.WORKER_MARGIN_SECONDS
        self._budget = SliceBudget(min(item.slice_budget_seconds, own_time))
        self._logger = make_logger(
            run_id=item.run_id,
            customer_code=self._code,
            action=item.action,
            function_request_id=context.aws_request_id,
        )

    def run(self) -> dict[str, Any]:
        self._log(f"🔄 Customer {self._code}: Starting processing")
        action = ACTIONS.get(self._item.action)
        if action is None:
            raise CustomerError("internal", "UnknownAction", f"the worker has no action {printable(self._item.action)}")
        params = action.params.model_validate(self._item.params)
        ses = self._enter(action)
        try:
            return REGISTRY[action.name](Job(self._item.customer, ses, self._log), params)
        finally:
            self.api_calls = ses.calls

    def finish(self, error: ErrorInfo | None) -> None:
        if error is None:
            self._log(f"✅ Customer {self._code}: {self._item.action} finished ({self.api_calls} API calls)")
        else:
            self._log(f"❌ Customer {self._code}: {error.message}")

    def _enter(self, action: Action) -> PacedSes:
        customer = self._item.customer
        self._log(f"🔐 Customer {self._code}: Assuming SES role: {customer.ses_role_arn}")
        credentials = access.assume_role(access.sts_client(self._settings.region), self._item, action)
        client = aws.client("sesv2", customer.region, credentials=credentials)
        pacer = Pacer(self._settings.ses_requests_per_second, self._settings.ses_burst, self._budget)
        return PacedSes(client, pacer)

    def _log(self, line: str) -> None:
        shown = printable(line, 1_000)
        self.lines.add(shown)
        self._logger.info(shown)


def _info(failure: CustomerError) -> ErrorInfo:
    return ErrorInfo(
        category=failure.category,
        type=failure.type,
        message=printable(failure.message, limits.MAX_MESSAGE_CHARACTERS),
        retryable=failure.retryable,
        outcome_unknown=failure.outcome_unknown,
    )


def _call_failed(item: WorkItem, failure: AwsCallError) -> ErrorInfo:
    """The table of interface.md for calls of SES, Identity Center and S3."""
    writes = ACTIONS[item.action].mutates
    code = item.customer.customer_code
    advice = {
        "refused": f"Check that {item.customer.ses_role_arn} allows it" if failure.status == 403 else failure.text,
        "throttled": "the account's request rate is used up; run this customer again",
        "server": "AWS answered with an error of its own; run this customer again",
        "lost": "no answer came back; run this customer again",
        "unreachable": "the service could not be reached; run this customer again",
    }[failure.kind]
    message = f"{failure.service}.{failure.operation} failed for {code} ({failure.code}): {advice}"
    return ErrorInfo(
        category="operation",
        type=failure.code,
        message=printable(message, limits.MAX_MESSAGE_CHARACTERS),
        retryable=failure.transient,
        outcome_unknown=writes and failure.kind in ("server", "lost"),
    )


def _crashed(failure: Exception) -> ErrorInfo:
    name = type(failure).__name__
    text = masked(str(failure))
    return ErrorInfo(category="internal", type=name, message=f"the worker failed unexpectedly: {name}: {text}")
