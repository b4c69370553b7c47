"""The orchestrator as it is deployed, in memory: its buckets, a worker that the test scripts, and its own events."""

from __future__ import annotations

import gzip
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.logs import SERVICE, make_logger
from ses_fleet.orchestrator import handler
from tests.unit.memory_s3 import MemoryS3

Json = dict[str, Any]
RUN = "r1"
TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}
IDENTITY_CENTER = "arn:aws:iam::999988887777:role/ic"


class Lambda(AwsClient):
    """Answers for the worker as `worker` says of each WorkItem, and keeps the events that the orchestrator sends."""

    def __init__(self, worker: Callable[[Json], Json]) -> None:
        super().__init__("lambda", None)
        self.worker = worker
        self.items: list[Json] = []
        self.events: list[Json] = []
        self.own_problem: AwsCallError | None = None

    def drop_connections(self) -> None:
        """It has none."""

    def call(self, operation: str, **parameters: Any) -> Json:
        """Invoke, of the worker or of the orchestrator itself."""
        assert operation == "invoke"
        event = json.loads(parameters["Payload"])
        if parameters.get("InvocationType") == "Event":
            assert parameters["FunctionName"] == Context.invoked_function_arn
            if self.own_problem is not None:
                raise self.own_problem
            self.events.append(event)
            return {"StatusCode": 202}
        assert parameters["FunctionName"] == "worker"
        self.items.append(event)
        body = json.dumps(answer_of(event, **self.worker(event))).encode()
        return {"StatusCode": 200, "Payload": io.BytesIO(body)}


class Sns(AwsClient):
    """Keeps the messages that were published; with `problem` it raises that, after it took the message or before."""

    def __init__(self) -> None:
        super().__init__("sns", None)
        self.published: list[Json] = []
        self.problem: AwsCallError | None = None

    def call(self, operation: str, **parameters: Any) -> Json:
        """Publish."""
        assert operation == "publish"
        if self.problem is None or self.problem.kind == "lost":
            self.published.append(parameters)
        if self.problem is not None:
            raise self.problem
        return {"MessageId": "m"}

    def subjects(self) -> list[str]:
        """The subjects of all messages."""
        return [message["Subject"] for message in self.published]


class Context:
    """What Lambda tells of an invocation; `seconds` are left of its time."""

    aws_request_id = "q1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:orchestrator"

    def __init__(self, seconds: float = 900.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """In milliseconds, as Lambda tells it."""
        return int(self.seconds * 1000)


def answer_of(item: Json, **fields: Any) -> Json:
    """A worker's answer to a WorkItem: done, with one call of SES, unless `fields` say otherwise."""
    customer = item["customer"]
    known = {"run_id": item["run_id"], "customer_code": customer["customer_code"], "account_id": customer["account_id"]}
    return {**known, "data": {}, "api_calls": 1, **fields}


def failed(text: str = "no", **fields: Any) -> Json:
    """What a worker answers of a customer that failed."""
    return {"data": None, "error": {"category": "operation", "type": "Refused", "message": text, **fields}}


def goes_on(at: int, **fields: Any) -> Json:
    """What a worker answers when there is more to do."""
    return {"data": None, "continuation": {"state": {"at": at}}, **fields}


def customers(*codes: str, **fields: Any) -> Json:
    """config.json of these customers, each with an account of its own; `fields` are those that all of them have."""
    entries = {
        code: {
            "customer_code": code,
            "customer_name": code.title(),
            "region": "us-east-1",
            "ses_role_arn": f"arn:aws:iam::{10**11 + number}:role/r",
            **fields,
        }
        for number, code in enumerate(codes)
    }
    return {"customer_mappings": entries}


class Deployed:
    """One deployment. `context` is that of the invocation under way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, config: Json, worker: Callable[[Json], Json]) -> None:
        self.s3, self.lambda_, self.sns = MemoryS3(), Lambda(worker), Sns()
        self.context = Context()
        self.written = io.StringIO()
        self.put("config.json", config)
        for name, value in {
            "AWS_REGION": "us-east-1",
            "CONFIG_BUCKET": "config",
            "RESULTS_BUCKET": "results",
            "WORKER_FUNCTION_NAME": "worker",
        }.items():
            monkeypatch.setenv(name, value)
        self._monkeypatch = monkeypatch
        self.used()

    def used(self) -> None:
        """Have what is invoked from now on use this deployment, not one that was made after it."""
        known = {"s3": self.s3, "lambda": self.lambda_, "sns": self.sns}
        kept_clients.forget()
        self._monkeypatch.setattr(clients, "client", lambda service, *_, **__: known[service])

    def put(self, key: str, document: Json) -> None:
        """Have a file in the config bucket."""
        self.s3.put("config", key, json.dumps(document).encode())

    def version(self, key: str) -> str:
        """The version of a file in the config bucket."""
        return f"v{self.s3.stored['config', key].etag}"

    def run(self, action: str = "describe-list-all", seconds: float = 900.0, **payload: Any) -> Json:
        """The Summary of one invocation with an action payload of run `r1`."""
        return self.invoke({"action": action, "run_id": RUN, **payload}, seconds)

    def invoke(self, event: Json, seconds: float = 900.0) -> Json:
        """What one invocation answers to an event."""
        self.context = Context(seconds)
        self._hear()
        return handler.handler(event, self.context)

    def go_on(self, seconds: float = 900.0) -> Json:
        """What the next invocation answers to the event that the last one sent."""
        return self.invoke(self.lambda_.events[-1], seconds)

    def kept(self, name: str) -> Any:
        """An object of the run's record, parsed."""
        return json.loads(self.s3.stored["results", f"runs/{RUN}/{name}"].body)

    def lines(self) -> list[Json]:
        """What results.jsonl.gz has."""
        body = gzip.decompress(self.s3.stored["results", f"runs/{RUN}/results.jsonl.gz"].body)
        return [json.loads(line) for line in body.decode().splitlines()]

    def records(self) -> list[Json]:
        """The log's records so far."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    def _hear(self) -> None:
        for found in _handlers():
            found.stream = self.written  # Powertools keeps the first stdout it saw


def _handlers() -> Iterator[logging.StreamHandler[Any]]:
    make_logger()  # the first one of a process makes the handler
    for found in logging.getLogger(SERVICE).handlers:
        assert isinstance(found, logging.StreamHandler)
        yield found


def statuses(summary: Json) -> dict[str, str]:
    """{customer: status}, in the Summary's order."""
    return {result["customer_code"]: result["status"] for result in summary["results"]}


def of(summary: Json, code: str) -> Json:
    """One customer's result."""
    (found,) = [result for result in summary["results"] if result["customer_code"] == code]
    return dict(found)


def fine(_item: Json) -> Json:
    """A worker that succeeds at once."""
    return {"data": {"seen": True}}


def time_passes(there: Deployed, seconds: float, worker: Any) -> None:
    """Have so many seconds left after the worker's next answer, and after every one that comes then."""

    def answers(item: Json) -> Json:
        answer = worker(item)
        there.context.seconds = seconds
        return dict(answer)

    there.lambda_.worker = answers


def slices(item: Json) -> Json:
    """A worker that needs two slices for everybody."""
    done = item["continuation"] is not None
    return {"data": {"done": True}, "logs": ["second"]} if done else goes_on(1, logs=["first"], warnings=["w"])


def code_of(item: Json) -> str:
    return str(item["customer"]["customer_code"])
