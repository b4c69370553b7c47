"""The events that reach the orchestrator: what is in them, and which run each is about.

An event is an action payload (a person's or a schedule's), an event-bus event with a payload in `detail`, or the
orchestrator's own event that continues a run, which has a `hop`.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ses_fleet import json_text, limits
from ses_fleet.actions.catalogue import HELP
from ses_fleet.errors import Problem, RequestError
from ses_fleet.identifiers import RUN_ID_PATTERN, RUN_ID_WORDS

# What the reaper's schedule sends: the orchestrator looks for runs that nobody carries on, ends them, and starts none.
REAP = {"reap": True}


@dataclass(frozen=True)
class HopStart:
    """The event by which an orchestrator hands a run to its next invocation; `hop` counts these from 1."""

    run_id: str
    hop: int


def payload_of(event: Any) -> Any:
    """Return the action payload inside an event: an event-bus event carries it in `detail`."""
    return event["detail"] if _is_bus_event(event) else event


def is_help(event: Any) -> bool:
    """Return whether the event asks for the list of actions."""
    payload = payload_of(event)
    if not isinstance(payload, dict) or payload.get("action") != HELP:
        return False
    return {field for field, value in payload.items() if value is not None} <= {"action", "dry_run"}


def hop_of(event: Any) -> HopStart | None:
    """Return the hop that an event starts, or None for any other event; raise RequestError when it is malformed."""
    if not isinstance(event, dict) or "hop" not in event:
        return None
    run_id, hop = event.get("run_id"), event["hop"]
    # JSON's true is an int to Python, and 1 at that.
    if set(event) != {"action", "run_id", "hop"} or type(hop) is not int or not 1 <= hop <= limits.MAX_HOPS:
        text = "belongs to the event by which the orchestrator continues a run of its own: leave it out"
        raise RequestError([Problem("$.hop", text)])
    if not isinstance(run_id, str) or not re.fullmatch(RUN_ID_PATTERN, run_id):
        raise RequestError([Problem("$.run_id", f"must be {RUN_ID_WORDS}")])
    return HopStart(run_id, hop)


def is_reap(event: Any) -> bool:
    """Return whether the event asks the orchestrator to end the runs that gave no sign of life."""
    # Python takes JSON's 1 for true.
    return isinstance(event, dict) and event == REAP and event["reap"] is True


def cancel_of(event: Any) -> str | None:
    """Return the id of the run that is to be cancelled, or None for any other event.

    Raise RequestError when the event is malformed.
    """
    if not isinstance(event, dict) or "cancel" not in event:
        return None
    run_id = event["cancel"]
    if set(event) != {"cancel"} or not isinstance(run_id, str) or not re.fullmatch(RUN_ID_PATTERN, run_id):
        raise RequestError([Problem("$.cancel", f"must be the id of a run, {RUN_ID_WORDS}, and nothing beside it")])
    return run_id


def is_preview(event: Any) -> bool:
    """Return whether the event asks what a run would begin with."""
    return isinstance(event, dict) and set(event) == {"preview"}


def previewed(event: Any) -> Any:
    """Return the payload of the run that an event asks about."""
    return event["preview"]


def hop_event(action: str, run_id: str, hop: int) -> dict[str, Any]:
    """Return the event that starts a hop."""
    return {"action": action, "run_id": run_id, "hop": hop}


def claimed_run_id(event: Any) -> str | None:
    """Return the run id that the event itself carries or implies, also when the rest of it is wrong, or None.

    It comes from `run_id`, else from the `plan` that is applied, else from the schedule and time of `trigger`, else
    from the id and time of an event-bus event: a delivery that comes twice implies the same id again.
    """
    payload = payload_of(event)
    if not isinstance(payload, Mapping):
        return None
    run_id, trigger = payload.get("run_id"), payload.get("trigger")
    if isinstance(run_id, str) and re.fullmatch(RUN_ID_PATTERN, run_id):
        return run_id
    plan = payload.get("plan")
    if isinstance(plan, str) and re.fullmatch(RUN_ID_PATTERN, plan):
        return applying_run_id(plan, payload.get("resumes"))
    if isinstance(trigger, Mapping) and trigger_time(trigger) is not None:
        return _derived_run_id(str(trigger["scheduled_time"]), str(trigger.get("schedule_arn")))
    if _is_bus_event(event) and isinstance(event.get("id"), str) and isinstance(event.get("time"), str):
        return _bus_run_id(event, payload)
    return None


def applying_run_id(plan: str, resumes: object = None) -> str:
    """Return the id of the run that applies the plan of this dry run, or that resumes the run `resumes` which did.

    There is one such id, so a plan is applied by one run, and each of these is resumed by one.
    """
    short = plan if len(plan) <= limits.PLAN_ID_CHARACTERS else hashlib.sha256(plan.encode()).hexdigest()[:16]
    first = f"{short}-apply"
    if resumes is None:
        return first
    before = re.fullmatch(rf"{first}-([1-9][0-9]{{0,3}})", str(resumes))
    return f"{first}-{2 if before is None else int(before[1]) + 1}"


def run_id_of_request(request_id: str) -> str:
    """Return the id of a run that its event does not name.

    It is made of the invocation's request id, which Lambda keeps when it delivers an event twice.
    """
    return f"request-{hashlib.sha256(request_id.encode()).hexdigest()[:16]}"


def new_run_id(now: datetime) -> str:
    """Return a run id of the form `YYYYMMDDTHHMMSSZ-<6 hex digits>`."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def trigger_time(trigger: Mapping[str, Any]) -> datetime | None:
    """Return when the schedule fired, in UTC; None when `scheduled_time` is missing or no ISO 8601 time."""
    value = trigger.get("scheduled_time")
    return _moment(value) if isinstance(value, str) else None


def _is_bus_event(event: Any) -> bool:
    return isinstance(event, dict) and "detail" in event and "action" not in event


def _bus_run_id(event: dict[str, Any], payload: Any) -> str | None:
    """Return the id that an event-bus event implies: the payload is part of it, so no two requests share a run."""
    if any(json_text.problems_of(payload)):
        return None
    return _derived_run_id(event["time"], event["id"] + json.dumps(payload, sort_keys=True, default=str))


def _derived_run_id(time: str, identity: str) -> str:
    moment = _moment(time)
    stamp = "event" if moment is None else f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    # Twelve hex digits, not six: fifty schedules that fire in the same second must never share an id.
    digest = hashlib.sha256(f"{identity}\n{time}".encode(errors="backslashreplace")).hexdigest()
    return f"{stamp}-{digest[:12]}"


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 of one time zone is no year of another
        return None
