"""Handing a run to another invocation of the orchestrator, when this one's time is used up."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_fleet import clock
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.events import hop_event
from ses_fleet.runs.models import Hop, HopClaim
from ses_fleet.runs.record import RunRecord

# An asynchronous event may wait a little before it is delivered.
_DELIVERY_SECONDS = 60.0


@dataclass(frozen=True)
class Handover:
    """How this invocation's function is started again. `function_seconds` is how long an invocation may take."""

    record: RunRecord
    lambda_client: AwsClient
    function_arn: str
    action: str
    function_seconds: float

    def hand_over(self, left: Hop) -> str | None:
        """Announce the hop, with its times, and start it. None = it will go on; else why nobody will."""
        now, hop = clock.now(), left.hop
        announced = left.model_copy(
            update={
                "announced_at": clock.iso(now),
                "deadline": clock.iso(now + timedelta(seconds=self.function_seconds + _DELIVERY_SECONDS)),
            }
        )
        try:
            self.record.announce(announced)
        except AwsCallError as failure:
            return f"hops/{hop}.json could not be written ({failure.code})"
        event = hop_event(self.action, self.record.run_id, hop)
        try:
            self.lambda_client.call(
                "invoke", FunctionName=self.function_arn, InvocationType="Event", Payload=json.dumps(event).encode()
            )
        except AwsCallError as failure:
            return self._not_started(hop, failure)
        return None

    def _not_started(self, hop: int, failure: AwsCallError) -> str | None:
        """The event may have arrived all the same: whoever claims the hop ends the run."""
        try:
            ours = self.record.claim_hop(claim(hop, clock.now(), 0.0))
        except AwsCallError:
            return f"the orchestrator could not invoke itself ({failure.code})"
        return f"the orchestrator could not invoke itself ({failure.code})" if ours else None


def claim(hop: int, now: datetime, remaining: float) -> HopClaim:
    """That hop number `hop` began, and when its time ends; every claim has a token of its own."""
    deadline = clock.iso(now + timedelta(seconds=remaining))
    return HopClaim(hop=hop, owner=secrets.token_hex(16), claimed_at=clock.iso(now), deadline=deadline)
