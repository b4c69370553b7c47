"""Handing a run to another invocation of the orchestrator, when the time of this one is used up."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta

from ses_fleet import clock, limits
from ses_fleet.aws import clients
from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.runs.events import hop_event
from ses_fleet.runs.hops import HopClaim


def new_owner() -> str:
    """Return a token for an invocation. The request's id would not do: Lambda delivers an event again under it."""
    return secrets.token_hex(16)


def claim(hop: int, now: datetime, remaining: float) -> HopClaim:
    """Return the claim that hop number `hop` has begun, and when its time ends; every claim has a token of its own."""
    deadline = clock.iso(now + timedelta(seconds=remaining))
    return HopClaim(hop=hop, owner=new_owner(), claimed_at=clock.iso(now), deadline=deadline)


def is_left_to_the_reaper(hop: int) -> bool:
    """Return whether the reaper starts this hop, because Lambda would end the chain of invocations otherwise."""
    return hop % (limits.CHAIN_HOPS + 1) == 0


def send(environment: Environment, action: str, run_id: str, hop: int) -> AwsCallError | None:
    """Send the event that starts a hop. Return why it was not sent, or may not have been, or None.

    Any number of events may be sent for one hop: it is claimed once.
    """
    client = clients.client("lambda", environment.settings.region, attempts=limits.HANDOVER_ATTEMPTS)
    try:
        client.call(
            "invoke",
            FunctionName=environment.function_arn,
            InvocationType="Event",
            Payload=json.dumps(hop_event(action, run_id, hop)).encode(),
        )
    except AwsCallError as failure:
        return failure
    return None
