"""What really happened: every call of SES, every invocation and every write of a run's record, as its service saw it.

The journal of strict_aws has no bodies and no addresses. A local cloud in this process shows both, in the order in
which they took effect: nothing here is what ses-fleet says of itself.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

from ses_fleet_local.accounts import HUB_REGION, RESULTS_BUCKET, WORKER
from strict_aws.aws import StrictAws
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.lambda_runtime.environment import Environment
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_runtime.outcomes import Ending, Outcome, ThrottledError
from strict_aws.lambda_runtime.runtime import LambdaRuntime

PERSON = "person"
JOB = "(import job)"
WRITES = frozenset(
    {
        *("CreateContactList", "UpdateContactList", "DeleteContactList"),
        *("CreateContact", "UpdateContact", "DeleteContact", "CreateImportJob"),
    }
)
REGION = HUB_REGION


@dataclass(frozen=True)
class Person:
    """A contact as it was: its explicit preferences, whether it unsubscribed from everything, and its attributes."""

    preferences: dict[str, str]
    unsubscribed: bool
    attributes: str | None = None


@dataclass(frozen=True)
class Contents:
    """A list as it was: topics with all that SES keeps of them, and contacts by address. Both empty without a list."""

    topics: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)


@dataclass(frozen=True)
class SesCall:
    """A call that reached SES, or the effect of an import job. `caller` is the access key, or `person`.

    `error` is SES's code when it refused. `before` and `after` are the list around it.
    """

    seq: int
    at: float
    account: str
    operation: str
    params: dict[str, Any]
    caller: str
    error: str | None
    before: Contents
    after: Contents

    @property
    def wrote(self) -> bool:
        """Whether it changed something, or began an import job."""
        return self.error is None and self.operation in WRITES


@dataclass
class Invocation:
    """A function's invocation. `ended` and `answer` are None while it lasts, `failed` says how it ended else.

    `after` is the customer's list when a worker ended.
    """

    seq: int
    function: str
    event: Any
    began: float
    ended: float | None = None
    environment: str | None = None
    failed: str | None = None
    answer: Any = None
    after: Contents | None = None

    @property
    def customer(self) -> str | None:
        """The code of the customer that a worker was sent for; None when it only reads people, and of orchestrators."""
        event = self.event if isinstance(self.event, dict) else {}
        if self.function != WORKER or event.get("people_prefix") is not None:
            return None
        return str(event["customer"]["customer_code"])

    @property
    def run_id(self) -> str | None:
        """The run that a worker was sent by."""
        return self.event.get("run_id") if isinstance(self.event, dict) else None


@dataclass(frozen=True)
class Stored:
    """A write to the results bucket that S3 took."""

    seq: int
    at: float
    method: str
    key: str


class Witness:
    """Sees all that happens in one strict AWS. `hooks` are called after every call of SES, outside of every lock."""

    def __init__(self) -> None:
        self.calls: list[SesCall] = []
        self.invocations: list[Invocation] = []
        self.stored: list[Stored] = []
        self.hooks: list[Callable[[SesCall], None]] = []
        self._numbers = itertools.count(1)
        self._busy: dict[str, str] = {}  # environments that run something, with their functions
        self._killed: set[str] = set()
        self._lock = threading.RLock()
        self._known: dict[str, Contents] = {}
        self._ses: Callable[..., Any]
        self._truth: Callable[..., bytes]

    def attach(self, aws: StrictAws) -> None:
        """See the calls of SES and the writes of S3 of this AWS, which serves nobody yet."""
        self._ses, self._truth = aws.ses.call, aws.ses.truth
        vars(aws.ses)["call"] = self.ses_call
        handle = aws.moto.handle

        def seen(request: Request, account: str) -> Response:
            answer = handle(request, account)
            self._note_stored(request, answer.status)
            return answer

        vars(aws.moto)["handle"] = seen

    @contextmanager
    def invocations_seen(self) -> Iterator[None]:
        """See the invocations of every strict AWS that is made meanwhile."""
        original = LambdaRuntime.invoke

        def invoke(runtime: LambdaRuntime, spec: FunctionSpec, payload: bytes, *more: Any, **others: Any) -> Outcome:
            with self._lock:
                made = Invocation(next(self._numbers), spec.name, json.loads(payload or b"{}"), time.time())
                self.invocations.append(made)
            try:
                outcome = original(runtime, spec, payload, *more, **others)
            except ThrottledError:
                with self._lock:
                    self.invocations.remove(made)  # nothing ran
                raise
            self._ended(made, outcome)
            return outcome

        run = Environment.run

        def busy(environment: Environment, request_id: str, payload: bytes, context: str | None) -> Ending:
            with self._lock:
                self._busy[environment.id] = environment.spec.name
            ending = run(environment, request_id, payload, context)
            with self._lock:
                del self._busy[environment.id]
                # One that had answered already when it was killed must not be given another invocation.
                return replace(ending, alive=False) if environment.id in self._killed else ending

        with mock.patch.object(LambdaRuntime, "invoke", invoke), mock.patch.object(Environment, "run", busy):
            yield

    def kill(self, runtime: LambdaRuntime, function: str) -> None:
        """Kill all environments of a function that run something."""
        with self._lock:
            for environment in [one for one, name in self._busy.items() if name == function]:
                self._killed.add(environment)
                runtime.kill(environment)

    def forget(self) -> None:
        """Begin anew: what was seen so far is of no interest any more."""
        with self._lock:
            self.calls.clear()
            self.invocations.clear()
            self.stored.clear()
            self._known.clear()

    def in_flight(self) -> list[Invocation]:
        """Return the invocations that have not ended."""
        with self._lock:
            return [one for one in self.invocations if one.ended is None]

    def contents(self, account: str) -> Contents:
        """Return the account's list as it is."""
        found = self._truth(account, REGION)
        if not found:
            return Contents()
        head = json.loads(found.splitlines()[0])
        lines = self._truth(account, REGION, head["contactListName"]).splitlines()
        people = map(_person, map(json.loads, lines[1:]))
        return Contents({topic["TopicName"]: topic for topic in head["topics"]}, dict(people))

    def ses_call(self, account: str, region: str, operation: str, params: Any, *, caller: str | None = None) -> Any:
        """Call SES, and take note of it."""
        error: str | None = None
        with self._lock:
            before = self._look(account)
            try:
                return self._ses(account, region, operation, params, caller=caller)
            except AwsError as refused:
                error = refused.code
                raise
            finally:
                after = self._known[account] = self.contents(account)
                who = caller or PERSON
                number = next(self._numbers)
                call = SesCall(number, time.time(), account, operation, dict(params), who, error, before, after)
                self.calls.append(call)
                self._released(call)

    def act(self, account: str, operation: str, **params: Any) -> str | None:
        """Call SES as the account's own people do; return SES's code when it refused."""
        try:
            self.ses_call(account, REGION, operation, params)
        except AwsError as refused:
            return refused.code
        return None

    def _released(self, call: SesCall) -> None:
        """Tell the hooks of a call of ses-fleet's. Each of them acts before the answer is on its way."""
        if call.caller != PERSON:
            for hook in list(self.hooks):
                hook(call)

    def _look(self, account: str) -> Contents:
        """Return the list as it is now, and take note of what an import job changed since the last call."""
        now = self.contents(account)
        known = self._known.get(account)
        if known is not None and known != now:
            self.calls.append(
                SesCall(next(self._numbers), time.time(), account, JOB, {}, self._job_of(account), None, known, now)
            )
        return now

    def _job_of(self, account: str) -> str:
        made = (one for one in reversed(self.calls) if one.account == account and one.wrote)
        return next((one.caller for one in made if one.operation == "CreateImportJob"), JOB)

    def _ended(self, made: Invocation, outcome: Outcome) -> None:
        with self._lock:
            made.environment = outcome.environment_id
            made.failed = outcome.function_error and outcome.payload.decode(errors="replace")[:300]
            made.answer = None if outcome.function_error else json.loads(outcome.payload)
            if made.customer is not None:
                made.after = self.contents(made.event["customer"]["account_id"])
            made.ended = time.time()

    def _note_stored(self, request: Request, status: int) -> None:
        bucket, _, key = request.path.lstrip("/").partition("/")
        if bucket == RESULTS_BUCKET and request.method in ("PUT", "DELETE") and status < 300 and key:
            with self._lock:
                self.stored.append(Stored(next(self._numbers), time.time(), request.method, key))


def _person(record: dict[str, Any]) -> tuple[str, Person]:
    chosen = {one["topicName"]: one["subscriptionStatus"] for one in record["topicPreferences"]}
    return record["emailAddress"], Person(chosen, record["unsubscribeAll"], record["attributesData"])
