"""A results bucket in memory, behind boto3's method names, with a clock of its own."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from botocore.exceptions import ClientError

from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.runs.hops import HopEnd
from ses_fleet.runs.models import Concurrency, CustomerResult, RunPlan, Summary

NOW = datetime(2026, 3, 1, 6, 10, tzinfo=UTC)


class S3:
    """`objects` by key; a key in `refused` is answered with that code and status.

    `ages` are the seconds since an object was written, by the beginning of its key; without one it is of this second.
    """

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self.objects: dict[str, bytes] = {}
        self.refused: dict[str, tuple[str, int]] = {}
        self.ages: dict[str, float] = {}
        self.asked: list[str] = []

    @property
    def bucket(self) -> Bucket:
        """The bucket as the command sees it."""
        return Bucket(AwsClient("s3", self), "b")

    def get_object(self, **asked: Any) -> dict[str, Any]:
        """boto3's method."""
        key = asked["Key"]
        self.asked.append(f"get {key}")
        if key in self.refused:
            self._fail(*self.refused[key])
        if key not in self.objects:
            self._fail("NoSuchKey", 404)
        body = self.objects[key]
        return {**self._metadata(), "ContentLength": len(body), "Body": io.BytesIO(body), "ETag": '"e"'}

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        """boto3's method: everything on one page."""
        prefix, delimiter = asked["Prefix"], asked.get("Delimiter")
        self.asked.append(f"list {prefix}")
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        if delimiter is None:
            entries = [{"Key": key, "LastModified": self.now - self._age(key)} for key in keys]
            return {**self._metadata(), "Contents": entries}
        below = dict.fromkeys(prefix + key.removeprefix(prefix).split(delimiter)[0] + delimiter for key in keys)
        return {**self._metadata(), "CommonPrefixes": [{"Prefix": one} for one in below]}

    def _age(self, key: str) -> timedelta:
        return timedelta(seconds=next((age for start, age in self.ages.items() if key.startswith(start)), 0))

    def _metadata(self) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(self.now, usegmt=True)}}}

    def _fail(self, code: str, status: int) -> None:
        answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "GetObject")


def plan(
    run_id: str, *, minutes_left: float = 5, codes: tuple[str, ...] = ("a", "b"), version: int = 2, **request: Any
) -> RunPlan:
    """A run whose orchestrator's time ends so long after NOW; its first invocation is o. `version` is its record's."""
    return RunPlan(
        run_id=run_id,
        record_format=version,
        owner="o",
        request={"action": "describe-list-all", "dry_run": False, **request},
        started_at="2026-03-01T06:00:00Z",
        deadline=f"{NOW + timedelta(minutes=minutes_left):%Y-%m-%dT%H:%M:%SZ}",
        customers=tuple(
            CustomerIdentity(customer_code=code, customer_name=code, account_id=None, region=None) for code in codes
        ),
        concurrency=Concurrency(requested=0, effective=2),
    )


def end(hop: int, following: int | None, **more: Any) -> HopEnd:
    """What the reaper decided about a hop."""
    return HopEnd(hop=hop, owner="e", by="reaper", ended_at="x", next=following, reason="r", **more)


def result(code: str, status: Any = "successful", **more: Any) -> CustomerResult:
    """A customer's result."""
    return CustomerResult(customer_code=code, customer_name=code, account_id=None, region=None, status=status, **more)


def summary(run_id: str, **more: Any) -> Summary:
    """A finished run's."""
    known: dict[str, Any] = {name: 0 for name in Summary.model_fields if name.endswith(("_count", "_customers"))}
    known |= {"run_id": run_id, "action": "describe-list-all", "dry_run": False, "started_at": "2026-03-01T06:00:00Z"}
    return Summary(**{**known, "total_duration_seconds": 1.0, "results": (), "exit_code": 0, **more})
