"""What one invocation of the orchestrator has to do: a whole run, or what the invocations before have left of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from ses_fleet import clock, limits
from ses_fleet.orchestrator.barrier import Barrier
from ses_fleet.orchestrator.environment import Environment, invoke_client
from ses_fleet.orchestrator.fan_out import FanOut, MakeItem
from ses_fleet.orchestrator.invoke import Invoker
from ses_fleet.orchestrator.plan import Plan, PlannedCustomer
from ses_fleet.orchestrator.signs import Intent, Signs
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import HopEnd
from ses_fleet.runs.models import RunPlan
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.standing import Standing
from ses_fleet.runs.work import WorkItem


@dataclass(frozen=True)
class Task:
    """A run as far as this invocation is concerned.

    `document` is the run's plan.json. `before` is what the invocation before has left, None in the first one.
    `standing` is what the record says of the customers, `signs` what tells that this invocation is alive. `logger` is
    the run's.
    """

    environment: Environment
    record: RunRecord
    plan: Plan
    document: RunPlan
    signs: Signs
    logger: Logger
    before: HopEnd | None = None
    standing: Standing = field(default_factory=Standing)

    @property
    def hops(self) -> HopRecord:
        """Return what the run's invocations write for each other."""
        return HopRecord(self.record.bucket, self.record.run_id)

    @property
    def reading(self) -> int:
        """Return the hop that began the reading of Identity Centers that goes on: none of them is read by two hops."""
        return 0 if self.before is None else self.before.reading

    @property
    def may_continue(self) -> bool:
        """Return whether another invocation may go on with what the time of this one is too short for."""
        return self.plan.request.on_deadline == "continue" and not is_too_long(self.document, self.signs.hop)

    def result_location(self, index: int) -> str:
        """Return the s3:// URI of the n-th customer's stored result."""
        return self.record.result_location(self.plan.customers[index].code, index)

    def fan_out(
        self,
        customers: int,
        make_item: MakeItem,
        intent: Intent,
        *,
        writes: bool,
        carry_over: bool,
        barrier: Barrier | None = None,
    ) -> FanOut:
        """Return the fan-out over so many customers, as the plan and the settings bound it."""
        concurrency = min(self.plan.concurrency.effective, customers)
        settings, closed = self.environment.settings, threading.Event()
        client = invoke_client(settings.region)
        return FanOut(
            invoke=Invoker(client, settings.worker_function_name, writes, closed).invoke,
            make_item=make_item,
            time=TimeLimits(
                remaining=self.environment.remaining,
                slice_budget=settings.slice_budget,
                start_margin=settings.start_margin,
                return_margin=settings.return_margin,
                customer_timeout=float(self.plan.request.customer_timeout_seconds),
            ),
            concurrency=concurrency,
            writes=writes,
            intent=intent,
            closed=closed,
            carry_over=carry_over,
            barrier=barrier,
        )

    def work_item(self, customer: PlannedCustomer, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
        """Return what a worker is sent for one slice of `budget` seconds, with the plan that is applied, if one is."""
        made = self.planless_item(customer, budget, continuation)
        if self.plan.applied is None:
            return made
        saved = self.plan.applied.saved[customer.code]
        return made.model_copy(update={"plan": saved, "topics": saved.wanted})

    def planless_item(self, customer: PlannedCustomer, budget: float, continuation: dict[str, Any] | None) -> WorkItem:
        """Return the same without a plan, for what is read once for several customers."""
        assert customer.checked is not None  # noqa: S101  # only customers with one are handed to the fan-out
        request, applied = self.plan.request, self.plan.applied
        begun = self.standing.progress.get(customer.index)
        return WorkItem(
            run_id=self.record.run_id,
            work_of=None if begun is None else begun.work_of,
            action=request.worker_action,
            customer=customer.checked,
            params=request.params,
            personal_params=self.document.personal_params,
            people_file=self.document.people,
            dry_run=request.dry_run,
            prune=request.prune,
            topics=self.plan.topics if applied is None else applied.topics,
            wait_for_lease=request.resumes is not None,
            slice_budget_seconds=budget,
            continuation=continuation,
        )


def is_too_long(document: RunPlan, hop: int) -> bool:
    """Return whether a run that has come to this hop has taken so long that no other invocation goes on with it."""
    took = (clock.now() - datetime.fromisoformat(document.started_at)).total_seconds()
    return took > limits.MAX_RUN_SECONDS or hop + 1 > limits.MAX_HOPS
