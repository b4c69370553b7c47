"""A run's record in memory: its plan, its hops, and an S3 whose clock the test moves."""

from __future__ import annotations

from typing import Any

from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.runs import results
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import HopClaim, HopEnd, Progress, SignOfLife
from ses_fleet.runs.models import Concurrency, CustomerResult, RunPlan, Status
from ses_fleet.runs.record import RunRecord
from tests.unit.memory_s3 import MemoryS3

RUN, OWNER = "r1", "o0"


def customer(index: int) -> CustomerIdentity:
    """The n-th selected customer."""
    return CustomerIdentity(customer_code=f"c{index}", customer_name="x", account_id=None, region=None)


class Recorded:
    """One run of `count` customers. Its plan was written by `o0`, the owner of hop 0."""

    def __init__(self, count: int = 3, *, dead_after: float = 60.0, record_format: int = 2) -> None:
        self.s3 = MemoryS3()
        self.bucket = Bucket(self.s3, "results")
        self.record = RunRecord(self.bucket, RUN)
        self.hops = HopRecord(self.bucket, RUN)
        self.plan = RunPlan(
            run_id=RUN,
            record_format=record_format,
            dead_after_seconds=dead_after,
            owner=OWNER,
            request={"action": "describe-list-all", "dry_run": False},
            started_at="2026-03-01T06:00:00Z",
            deadline="2026-03-01T06:15:00Z",
            customers=tuple(customer(index) for index in range(count)),
            concurrency=Concurrency(requested=0, effective=count),
        )
        assert self.record.claim(self.plan)

    def sign(self, named: dict[int, int] | None = None, hop: int = 0, owner: str = OWNER) -> None:
        """An invocation gives a sign of life that names these customers with their slices."""
        self.hops.give_sign(SignOfLife(run_id=RUN, hop=hop, owner=owner, number=1, named=named or {}))

    def claim(self, hop: int, owner: str = "o") -> bool:
        """An invocation claims a hop."""
        return self.hops.claim(HopClaim(hop=hop, owner=owner, claimed_at="", deadline=""))

    def end(self, hop: int, following: int | None, owner: str = "o", **fields: Any) -> HopEnd:
        """A hop gets its end."""
        end = HopEnd(
            hop=hop, owner=owner, by="orchestrator", ended_at="", next=following, **{"reason": "because", **fields}
        )
        assert self.hops.end(end)
        return end

    def progress(self, index: int, slices: int) -> Progress:
        """A customer stops between two slices."""
        made = Progress(index=index, customer_code=f"c{index}", slices=slices, continuation={"at": slices})
        self.hops.keep_progress(made)
        return made

    def result_comes_between_the_looks(self, index: int) -> None:
        """A customer gets its result, and is named no longer, right after its hop's sign of life was read."""

        def happens(operation: str, key: str, done: bool) -> None:
            if operation == "get_object" and done and key.startswith("open/"):
                self.s3.hook.happens = lambda _operation, _key, _done: None
                self.result(index)
                self.sign({})

        self.s3.hook.happens = happens

    def result(self, index: int, status: Status = "successful") -> CustomerResult:
        """A customer gets its result."""
        made = results.made(customer(index), status)
        assert self.record.decide_result(index, f"c{index}", made.model_dump_json().encode())
        return made
