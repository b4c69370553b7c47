"""One customer's account on the strict SES, and actions run in it slice by slice."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, cast

from pydantic import BaseModel, ConfigDict

from ses_fleet.actions.role_version import ROLE_VERSION, TAG_KEY
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.customer import Customer
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people.rows import Row
from ses_fleet.runs.saved_plan import SavedPlan
from ses_fleet.runs.work import WorkItem
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker.access import Access
from ses_fleet.worker.budget import SliceBudget
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.paced_client import PacedClient
from ses_fleet.worker.pacing import Pacer
from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.conditions.conditions import Conditions, CurrentConditions
from strict_aws.http.messages import AwsError
from strict_aws.ses.objects import S3Object
from strict_aws.ses.service import StrictSes
from strict_aws.ses.store import ContactRecord, shared_preferences

ACCOUNT, REGION = "111122223333", "us-east-1"
TOPICS = [
    {"TopicName": "in", "DisplayName": "In", "Description": "d", "DefaultSubscriptionStatus": "OPT_IN"},
    {"TopicName": "out", "DisplayName": "Out", "DefaultSubscriptionStatus": "OPT_OUT"},
]


FOREVER = SliceBudget(1e9)
SETTINGS = WorkerSettings.from_env({"AWS_REGION": REGION, "RESULTS_BUCKET": "results"})


class KilledError(BaseException):
    """The worker's process is gone: no code of its own runs any more."""


@dataclass(frozen=True)
class Fault:
    """What happens to a call, before or after its effect. `kind` killed = the worker goes with it."""

    kind: str
    after: bool = False

    def error(self, service: str, operation: str) -> BaseException:
        """What the caller gets."""
        if self.kind == "killed":
            return KilledError()
        kind: Any = self.kind
        status = {"conflict": 500, "server": 500, "throttled": 429, "refused": 403}.get(self.kind)
        return AwsCallError(service, operation, kind, self.kind.title(), "a problem", status)


def _answered(
    answer: Callable[[], dict[str, Any]], fault: Fault | None, service: str, operation: str
) -> dict[str, Any]:
    """The answer, a refusal too, unless a fault takes it away."""
    try:
        return answer()
    finally:
        if fault is not None:
            raise fault.error(service, operation)


class Client(AwsClient):
    """The strict SES in the place of boto3."""

    def __init__(self, ses: StrictSes) -> None:
        super().__init__("sesv2", None)
        self._ses = ses
        self.asked: list[str] = []
        self.faults: dict[int, Fault] = {}

    def drop_connections(self) -> None:
        """It has none."""

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """As boto3 would: snake case in, AwsCallError out."""
        name = "".join(part.title() for part in operation.split("_"))
        self.asked.append(name)
        fault = self.faults.pop(len(self.asked), None)
        if fault is not None and not fault.after:
            raise fault.error("sesv2", operation)
        return _answered(lambda: self._answer(name, operation, parameters), fault, "sesv2", operation)

    def _answer(self, name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._ses.call(ACCOUNT, REGION, name, parameters)
        except AwsError as error:
            raise AwsCallError("sesv2", operation, "refused", error.code, error.message, error.status) from None
        known = {key: value for key, value in answer.items() if key.endswith("Timestamp") and value is not None}
        times = {key: datetime.fromtimestamp(value, UTC) for key, value in known.items()}
        return {**answer, **times}


class CloudWatch(AwsClient):
    """The strict CloudWatch in the place of boto3, which gives and takes times as datetimes."""

    def __init__(self, metrics: StrictCloudWatch) -> None:
        super().__init__("cloudwatch", None)
        self._metrics = metrics
        self.asked: list[dict[str, Any]] = []

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """As boto3 would: snake case in, AwsCallError out."""
        self.asked.append(parameters)
        name = "".join(part.title() for part in operation.split("_"))
        seconds = {key: one.timestamp() if isinstance(one, datetime) else one for key, one in parameters.items()}
        try:
            return self._metrics.call(ACCOUNT, REGION, name, seconds)
        except AwsError as error:
            raise AwsCallError("cloudwatch", operation, "refused", error.code, error.message, error.status) from None


class Objects(AwsClient):
    """An S3 that keeps what is written, or refuses it. `asked` counts; `faults` are by that number, from 1."""

    def __init__(self) -> None:
        super().__init__("s3", None)
        self.written: dict[str, bytes] = {}
        self.refusal: AwsCallError | None = None
        self.asked = 0
        self.faults: dict[int, Fault] = {}

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """PutObject, GetObject, DeleteObject, and ListObjectsV2 of folders."""
        self.asked += 1
        fault = self.faults.pop(self.asked, None)
        if fault is not None and not fault.after:
            raise fault.error("s3", operation)
        return _answered(lambda: self._answer(operation, parameters), fault, "s3", operation)

    def _answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "delete_object":
            self.written.pop(parameters["Key"], None)
            return {}
        if operation == "list_objects_v2":
            return (
                self._folders(parameters["Prefix"]) if "Delimiter" in parameters else self._below(parameters["Prefix"])
            )
        return self._put(parameters) if operation == "put_object" else self._get(parameters["Key"])

    def _folders(self, prefix: str) -> dict[str, Any]:
        below = {key.removeprefix(prefix) for key in self.written if key.startswith(prefix)}
        folders = sorted({key.partition("/")[0] for key in below if "/" in key})
        return {"IsTruncated": False, "CommonPrefixes": [{"Prefix": f"{prefix}{folder}/"} for folder in folders]}

    def _below(self, prefix: str) -> dict[str, Any]:
        now = datetime(2026, 11, 1, tzinfo=UTC)
        found = [{"Key": key, "LastModified": now} for key in sorted(self.written) if key.startswith(prefix)]
        headers = {"HTTPHeaders": {"date": format_datetime(now, usegmt=True)}}
        return {"IsTruncated": False, "Contents": found, "ResponseMetadata": headers}

    def _put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        key, wanted = parameters["Key"], parameters.get("IfMatch")
        there = _etag(self.written[key]) if key in self.written else None
        if wanted is not None and there is None:
            raise AwsCallError("s3", "put_object", "refused", "NoSuchKey", "no", 404)
        if (there is not None and parameters.get("IfNoneMatch") == "*") or wanted not in (None, there):
            raise AwsCallError("s3", "put_object", "refused", "PreconditionFailed", "no", 412)
        assert wanted or key.startswith("backups/identity/") or there is None, "a part is written once"
        self.written[key] = parameters["Body"]
        return {"ETag": _etag(parameters["Body"])}

    def _get(self, key: str) -> dict[str, Any]:
        if key not in self.written:
            raise AwsCallError("s3", "get_object", "refused", "NoSuchKey", "no", 404)
        return {
            "Body": io.BytesIO(self.written[key]),
            "ContentLength": len(self.written[key]),
            "ETag": _etag(self.written[key]),
        }


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class CustomerObjects(Objects):
    """The customer's import bucket: SES reads it, and it may be deleted from. `unreadable` is why SES may not."""

    def __init__(self) -> None:
        super().__init__()
        self.unreadable: str | None = None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Only in the account that the caller expects."""
        assert parameters["ExpectedBucketOwner"] == ACCOUNT
        return super().call(operation, **parameters)


class Iam(AwsClient):
    """IAM with these tags on the customer's role, by default the current version; an error is raised."""

    def __init__(self, *tags: dict[str, str], refusal: AwsCallError | None = None) -> None:
        super().__init__("iam", None)
        self._tags = list(tags) or [{"Key": TAG_KEY, "Value": str(ROLE_VERSION)}]
        self._refusal = refusal

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """ListRoleTags, a tag a page, after a first page of none."""
        assert (operation, parameters["RoleName"]) == ("list_role_tags", "r")
        if self._refusal is not None:
            raise self._refusal
        if "Marker" not in parameters:
            return {"Tags": [], "IsTruncated": True, "Marker": "0"}
        at = int(parameters["Marker"])
        more = {"IsTruncated": True, "Marker": str(at + 1)} if at + 1 < len(self._tags) else {"IsTruncated": False}
        return {"Tags": self._tags[at : at + 1], **more}


@dataclass(frozen=True)
class ReadBySes:
    """The same bucket as SES sees it."""

    objects: CustomerObjects

    def refusal(self, _where: S3Object) -> str | None:
        """Why SES may not read it."""
        return self.objects.unreadable

    def read(self, where: S3Object) -> bytes | None:
        """What is in it."""
        return self.objects.written.get(where.key)


class Time:
    """A clock that moves when somebody sleeps, and a little with every look. `slept`: seconds."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.slept = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass."""
        self.now += seconds
        self.slept += seconds


@dataclass(frozen=True)
class Finished:
    """How an action ended: its data as the service dumps it into the result, where the rest lies, failure and plan."""

    data: dict[str, Any]
    data_location: str | None
    failure: CustomerError | None
    plan: SavedPlan | None = None


class World:
    """One account, with a list `main` unless not `made`; `asked` are the SES calls so far.

    `conditions` are those of the local cloud, kind ones unless they are given.
    """

    def __init__(self, *contacts: ContactRecord, made: bool = True, topics: Any = None, **conditions: Any) -> None:
        self.conditions = CurrentConditions(Conditions(**conditions))
        self.time = Time()
        self.customer_objects = CustomerObjects()
        self.ses = StrictSes(
            rate=None, clock=self.time, objects=ReadBySes(self.customer_objects), conditions=self.conditions
        )
        self.client = Client(self.ses)
        self.objects = Objects()
        self.iam: AwsClient = Iam()
        self.cloudwatch = StrictCloudWatch(conditions=self.conditions)
        self.cloudwatch_client: AwsClient = CloudWatch(self.cloudwatch)
        self.settings = SETTINGS
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.slices = 0
        self.write_seconds = 1e9  # of each slice, from its start
        self.states: list[State] = []  # what slices handed on
        self.people: dict[int, Row] = {}  # the rows of the people file that are for the customer, by line
        if made:
            self.ses.create_list(ACCOUNT, REGION, "main", description=None, topics=topics or TOPICS)
            self.ses.fill(ACCOUNT, REGION, "main", contacts)

    @property
    def asked(self) -> list[str]:
        """The SES calls so far."""
        return self.client.asked

    def run(
        self,
        action: Callable[[ActionContext, Any, State], Outcome],
        params: Any,
        *,
        budget: float = 60.0,
        per_second: float = 0,
        customer: dict[str, Any] | None = None,
        access: Any = None,
        identity_center: Any = None,
        run_id: str = "run-1",
        **item: Any,
    ) -> Finished:
        """Run an action to its end, slice after slice, as the service and the orchestrator would."""
        state: State = {}
        pace: list[float] | None = None
        while True:
            self.slices += 1
            assert self.slices < 10_000, "slices without an end"
            pacer = Pacer(per_second, 5, SliceBudget(budget, self.time), self.time, self.time.sleep, self.time)
            if pace is not None:
                pacer.restore(pace)
            write_time = SliceBudget(self.write_seconds, self.time)
            context = self.context(pacer, run_id, budget, customer or {}, access, identity_center, write_time, **item)
            outcome = action(context, params, state)
            if isinstance(outcome, Done):
                return Finished(dumped(outcome), outcome.data_location, outcome.failure, outcome.plan)
            state, pace = json.loads(json.dumps(_state(outcome))), context.ses.pace
            self.states.append(state)

    def context(
        self,
        pacer: Pacer | None = None,
        run_id: str = "run-1",
        budget: float = 60.0,
        customer: dict[str, Any] | None = None,
        access: Any = None,
        identity_center: Any = None,
        write_time: SliceBudget = FOREVER,
        **item: Any,
    ) -> ActionContext:
        """One slice."""
        pacer = pacer or Pacer(0, 5, SliceBudget(budget, self.time), self.time, self.time.sleep, self.time)
        return ActionContext(
            item=WorkItem(
                run_id=run_id,
                action="any",
                customer=make_customer(**(customer or {})),
                params={},
                slice_budget_seconds=budget,
                **item,
            ),
            settings=self.settings,
            access=cast(Access, access),
            open_ses=lambda: PacedClient(self.client, pacer, write_time),
            open_identity_center=lambda *_: PacedClient(identity_center, pacer),
            open_results=lambda: Bucket(self.objects, "results"),
            open_import_bucket=lambda name: Bucket(self.customer_objects, name, owner=ACCOUNT),
            open_iam=lambda: self.iam,
            open_cloudwatch=lambda: PacedClient(self.cloudwatch_client, pacer),
            download=self._download,
            log=self.lines.append,
            warnings=self.warnings,
            rows=tuple(self.people.values()),
            row_numbers=tuple(self.people),
        )

    def _download(self, url: str, limit: int) -> bytes:
        """What SES offers of failed records."""
        return (self.ses.failed_records(url.rpartition("/")[2]) or b"")[:limit]

    def data(
        self, action: Callable[[ActionContext, Any, State], Outcome], params: Any, **options: Any
    ) -> dict[str, Any]:
        """The same, only the data."""
        return self.run(action, params, **options).data

    def written_below(self, prefix: str) -> str:
        """All that was written below a prefix, as text."""
        found = [body for key, body in sorted(self.objects.written.items()) if key.startswith(prefix)]
        return "".join((gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode() for body in found)

    def written(self) -> list[dict[str, Any]]:
        """Every line of every part, in the parts' order."""
        parts = [
            gzip.decompress(self.objects.written[key]) for key in sorted(self.objects.written) if key.endswith(".gz")
        ]
        return [json.loads(line) for part in parts for line in part.decode().splitlines()]


class _Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


def done_with(data: dict[str, Any], **more: Any) -> Done:
    """The end of a made-up action that found this out."""
    return Done(_Anything.model_validate(data), **more)


def dumped(done: Done) -> dict[str, Any]:
    """The data as it is in the result."""
    return done.data.model_dump(mode="json", by_alias=True)


def _state(outcome: More) -> State:
    return outcome.state


def make_customer(**changes: Any) -> Customer:
    """The account's customer."""
    known: dict[str, Any] = {
        "customer_code": "acme",
        "customer_name": "Acme",
        "account_id": ACCOUNT,
        "region": REGION,
        "ses_role_arn": f"arn:aws:iam::{ACCOUNT}:role/r",
    }
    return Customer(**{**known, **changes})


def contact(number: int, preferences: dict[str, str] | None = None, *, unsubscribed: bool = False) -> ContactRecord:
    """A contact with explicit preferences."""
    return ContactRecord(f"c{number}@x.example", shared_preferences(preferences or {}), unsubscribed)
