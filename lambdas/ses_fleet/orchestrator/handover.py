"""Handing a run to another invocation of the orchestrator, when the time of this one is used up."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from ses_fleet import clock, limits
from ses_fleet.aws import clients
from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator.directories import Directories
from ses_fleet.orchestrator.task import Task
from ses_fleet.runs.events import hop_event
from ses_fleet.runs.models import Hop, HopClaim, Progress


def hand_over(
    task: Task, directories: Directories, pending: Iterable[Progress], canaries: tuple[int, ...], peak: int
) -> str | None:
    """Announce what is left of the run and start its next invocation. None = it will go on; else why it will not."""
    now = clock.now()
    ends = now + timedelta(seconds=task.function_seconds + limits.EVENT_DELIVERY_SECONDS)
    hop = Hop(
        run_id=task.record.run_id,
        hop=task.before.hop + 1,
        announced_at=clock.iso(now),
        deadline=clock.iso(ends),
        peak=peak,
        canaries=canaries,
        people=dict(directories.people),
        sources=directories.outcome.progress,
        pending=tuple(pending),
    )
    try:
        task.record.announce(hop)
    except AwsCallError as failure:
        return f"hops/{hop.hop}.json could not be written ({failure.code})"
    return _start(task, hop.hop)


def claim(hop: int, now: datetime, remaining: float) -> HopClaim:
    """Return the claim that hop number `hop` has begun, and when its time ends; every claim has a token of its own."""
    deadline = clock.iso(now + timedelta(seconds=remaining))
    return HopClaim(hop=hop, owner=secrets.token_hex(16), claimed_at=clock.iso(now), deadline=deadline)


def _start(task: Task, hop: int) -> str | None:
    """Send the event that starts the hop. None = it will go on; else why it will not."""
    event = hop_event(task.plan.request.action, task.record.run_id, hop)
    region = task.environment.settings.region
    client = clients.client("lambda", region, attempts=limits.HANDOVER_ATTEMPTS)
    try:
        client.call(
            "invoke",
            FunctionName=task.environment.function_arn,
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
        )
    except AwsCallError as failure:
        return _not_started(task, hop, failure)
    return None


def _not_started(task: Task, hop: int, failure: AwsCallError) -> str | None:
    """Claim the hop, as the event may have arrived all the same: the invocation that has the claim ends the run."""
    problem = f"the orchestrator could not invoke itself ({failure.code})"
    try:
        return problem if task.record.claim_hop(claim(hop, clock.now(), 0.0)) else None
    except AwsCallError:
        return problem
