"""The event that starts a run → RunRequest, or one RequestError that names every problem found."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from ses_fleet import json_text, limits
from ses_fleet.actions.catalogue import HELP, Action, field_scope, payload_names
from ses_fleet.errors import Problem, RequestError
from ses_fleet.identifiers import RUN_ID_PATTERN
from ses_fleet.runs import personal_params
from ses_fleet.runs.models import RunRequest
from ses_fleet.text import did_you_mean, quoted

_FIELDS = tuple(RunRequest.model_fields)
# A word or a number. Refusals are kept under runs/, logged, and printed by the runtime: nothing personal gets there.
_HARMLESS = r"[A-Za-z0-9_%+:-]{0,64}"
# Left out, each of these lets a run reach more customers or more people, or really change them. A null there is more
# likely a caller's variable that was not set than a wish.
_NEVER_NULL = ("include", "exclude", "environment", "customer_code", "params", "dry_run")


@dataclass(frozen=True)
class Start:
    """A checked request and the run it starts. `named` = the id came from outside, so the run may exist."""

    request: RunRequest
    run_id: str
    named: bool


def payload_of(event: Any) -> Any:
    """The action payload inside an event: an event-bus event carries it in `detail`."""
    return event["detail"] if _is_bus_event(event) else event


def parse(event: Any, now: datetime) -> Start:
    """Check everything about the request that needs no configuration; RequestError lists every problem."""
    payload = payload_of(event)
    if not isinstance(payload, dict):
        raise RequestError([Problem("$", 'the payload must be a JSON object such as {"action": "help"}')])
    problems = list(json_text.problems_of(payload))
    if problems:
        raise RequestError(problems)  # nothing else could be said of it safely
    problems = list(_null_problems(payload))
    # Any other field that is null is a field not given.
    payload = {field: value for field, value in payload.items() if value is not None}
    problems += _problems(payload)
    if problems:
        raise RequestError(problems)
    request = RunRequest.model_validate(_tuples(payload))
    named = claimed_run_id(event)
    return Start(request, named or new_run_id(now), named is not None)


def claimed_run_id(event: Any) -> str | None:
    """The run id that the event itself carries or implies, also when the rest of it is wrong."""
    payload = payload_of(event)
    if not isinstance(payload, Mapping):
        return None
    run_id, trigger = payload.get("run_id"), payload.get("trigger")
    if isinstance(run_id, str) and re.fullmatch(RUN_ID_PATTERN, run_id):
        return run_id
    if isinstance(trigger, Mapping) and _trigger_time(trigger) is not None:
        return _derived_run_id(str(trigger["scheduled_time"]), str(trigger.get("schedule_arn")))
    if _is_bus_event(event) and isinstance(event.get("id"), str) and isinstance(event.get("time"), str):
        return _bus_run_id(event, payload)
    return None


@dataclass(frozen=True)
class HopStart:
    """The event by which an orchestrator hands a run to its next invocation."""

    run_id: str
    hop: int


def hop_of(event: Any) -> HopStart | None:
    """The hop that an event starts, or None for any other event; RequestError when it is a malformed one."""
    if not isinstance(event, dict) or "hop" not in event:
        return None
    run_id, hop = event.get("run_id"), event["hop"]
    if set(event) != {"action", "run_id", "hop"} or not isinstance(hop, int) or not 1 <= hop <= limits.MAX_HOPS:
        raise RequestError([Problem("$.hop", "is for a run's own continuation only; leave it out")])
    if not isinstance(run_id, str) or not re.fullmatch(RUN_ID_PATTERN, run_id):
        raise RequestError([Problem("$.run_id", _EXPECTED["run_id"])])
    return HopStart(run_id, hop)


def hop_event(action: str, run_id: str, hop: int) -> dict[str, Any]:
    """The event that starts a hop."""
    return {"action": action, "run_id": run_id, "hop": hop}


def from_plan(stored: Mapping[str, Any]) -> RunRequest:
    """The request as plan.json has it."""
    return RunRequest.model_validate(_tuples(stored))


def new_run_id(now: datetime) -> str:
    """`YYYYMMDDTHHMMSSZ-<6 hex>`."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def is_help(event: Any) -> bool:
    """Whether the event asks for the list of actions."""
    payload = payload_of(event)
    if not isinstance(payload, dict) or payload.get("action") != HELP:
        return False
    return {field for field, value in payload.items() if value is not None} <= {"action", "dry_run"}


def _is_bus_event(event: Any) -> bool:
    return isinstance(event, dict) and "detail" in event and "action" not in event


def _bus_run_id(event: dict[str, Any], payload: Any) -> str | None:
    """An event bus may deliver twice; the payload is part of the name, so no two requests share a run."""
    if any(json_text.problems_of(payload)):
        return None
    return _derived_run_id(event["time"], event["id"] + json.dumps(payload, sort_keys=True, default=str))


def _derived_run_id(time: str, identity: str) -> str:
    moment = _moment(time)
    stamp = "event" if moment is None else f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    # Twelve hex digits, not six: fifty schedules that fire in the same second must never share an id.
    digest = hashlib.sha256(f"{identity}\n{time}".encode(errors="backslashreplace")).hexdigest()
    return f"{stamp}-{digest[:12]}"


def _null_problems(payload: dict[str, Any]) -> Iterator[Problem]:
    for field in _NEVER_NULL:
        if field in payload and payload[field] is None:
            yield Problem(f"$.{field}", "null may not stand for no choice here: leave the field out, or give a value")


def _problems(payload: dict[str, Any]) -> Iterator[Problem]:
    action = payload.get("action")
    if action == HELP:
        yield Problem("$", f"help takes no other fields, not {', '.join(_key(f) for f in payload if f != 'action')}")
        return
    entry = payload_names().get(action) if isinstance(action, str) else None
    if entry is None:
        yield Problem("$.action", _unknown_action(action))
    yield from _shape_problems(payload)
    if entry is not None:
        yield from _scope_problems(payload, str(action))
        yield from _params_problems(payload, entry[0])
    yield from _selection_problems(payload)
    yield from _identity_problems(payload)
    yield from _prune_problems(payload, entry[0] if entry else None)


def _unknown_action(action: Any) -> str:
    names = [HELP, *payload_names()]
    known = ", ".join(names)
    if action is None:
        return f"missing ({known})"
    near = did_you_mean(action, names) if isinstance(action, str) else ""
    return f"unknown action {_told(action)}{near} ({known})"


def _shape_problems(payload: dict[str, Any]) -> Iterator[Problem]:
    for field in payload:
        if field not in _FIELDS:
            yield Problem(f"$.{_key(field)}", f"unknown field{did_you_mean(field, _FIELDS)}")
    known = {field: value for field, value in payload.items() if field in _FIELDS and field != "action"}
    try:
        RunRequest.model_validate(_tuples({**known, "action": "any"}))
    except ValidationError as error:
        yield from _readable(error, "$")


_EXPECTED = {
    "dry_run": "must be true or false",
    "max_customer_concurrency": "must be an integer (0, negative or more than there are customers = all at once)",
    "include": "must be a list of customer codes",
    "exclude": "must be a list of customer codes",
    "environment": "must be a string",
    "max_failures": 'must be an integer of at least 0 or a percentage such as "10%"',
    "customer_timeout_seconds": "must be an integer of seconds, 1 to 43200",
    "on_deadline": 'must be "stop" or "continue"',
    "customer_code": "must be a string",
    "ses_role_arn": "must be a string",
    "prune": "must be true or false",
    "confirm_customers": "must be the number of customers selected",
    "run_id": "must be 1 to 40 of A-Z a-z 0-9 _ -",
    "trigger": 'must be {"schedule_arn": "...", "scheduled_time": "..."}',
    "params": "must be a JSON object",
}


def _readable(error: ValidationError, root: str) -> Iterator[Problem]:
    """One problem a field, in the words of the payload's documentation."""
    seen = set()
    for detail in error.errors():
        location = detail["loc"]
        field = str(location[0]) if location else ""
        if field in seen:
            continue
        seen.add(field)
        yield Problem(f"{root}.{_key(field)}", f"{_EXPECTED[field]}, not {_told(detail['input'])}")


def _scope_problems(payload: dict[str, Any], action: str) -> Iterator[Problem]:
    scope = payload_names()[action][1]
    for field in payload:
        if field not in _FIELDS or field_scope(field) in (scope, "both"):
            continue
        if scope == "all":
            instead = action.removesuffix("-all")
            yield Problem(
                f"$.{field}",
                f"{action} runs on every customer and takes no {field}; "
                f'use "include" to select customers, or the action {instead} for one',
            )
        else:
            yield Problem(
                f"$.{field}", f'{action} runs on the one customer in "customer_code"; {field} is for {action}-all'
            )
    if scope == "single" and "customer_code" not in payload:
        yield Problem("$.customer_code", f"missing: {action} runs on one customer; use {action}-all for every customer")


def _params_problems(payload: dict[str, Any], action: Action) -> Iterator[Problem]:
    params = payload.get("params", {})
    if not isinstance(params, dict):
        return
    nulls = [name for name, value in params.items() if value is None and name in action.params.model_fields]
    for name in nulls:
        yield Problem(f"$.params.{_key(name)}", "null is no value: leave the parameter out, or give one")
    try:
        action.params.model_validate({name: value for name, value in params.items() if name not in nulls})
    except ValidationError as error:
        for detail in error.errors():
            name = str(detail["loc"][0]) if detail["loc"] else ""
            if name not in nulls:  # one that is missing for being null is told already
                yield Problem(f"$.params.{_key(name)}", _param_problem(action, name, detail))
    # Left out, it would mean everybody: what a resume cannot carry has to be said again.
    for name in personal_params.hidden(action.params, params):
        yield Problem(f"$.params.{name}", "is personal, so the run that this resumes did not keep it: give it again")


def _param_problem(action: Action, name: str, detail: Any) -> str:
    """What is wrong with one parameter, without a value that may say something of a person."""
    told = _size(detail["input"]) if name in personal_params.names(action.params) else _told(detail["input"])
    if detail["type"] == "value_error":
        return f"{detail['ctx']['error']}, not {told}"
    if detail["type"] == "extra_forbidden":
        return f"unknown parameter of {action.name}{did_you_mean(name, list(action.params.model_fields))}"
    if detail["type"] == "missing":
        return f"missing: {action.params.model_fields[name].description}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, not {told}"


def _selection_problems(payload: dict[str, Any]) -> Iterator[Problem]:
    if payload.get("include") == []:
        yield Problem("$.include", "selects nobody; leave it out to select every customer")


def _identity_problems(payload: dict[str, Any]) -> Iterator[Problem]:
    trigger = payload.get("trigger")
    if trigger is not None and "run_id" in payload:
        yield Problem("$.run_id", "a run with a trigger gets its id from it; give one of the two")
    if isinstance(trigger, Mapping) and isinstance(trigger.get("scheduled_time"), str) and not _trigger_time(trigger):
        yield Problem("$.trigger.scheduled_time", f"{_told(trigger['scheduled_time'])} is not an ISO 8601 time")


def _prune_problems(payload: dict[str, Any], action: Action | None) -> Iterator[Problem]:
    if payload.get("prune") is True and action is not None and not action.prunes:
        yield Problem("$.prune", f"{action.name} removes nothing, so there is nothing to prune")
    params = payload.get("params")
    if payload.get("prune") is True and isinstance(params, dict) and params.get("username") is not None:
        yield Problem("$.prune", "goes not with params.username: of one person nobody can tell who has left")
    if "confirm_customers" in payload and payload.get("prune") is not True:
        yield Problem("$.confirm_customers", 'belongs to "prune": true')


def _trigger_time(trigger: Mapping[str, Any]) -> datetime | None:
    value = trigger.get("scheduled_time")
    return _moment(value) if isinstance(value, str) else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 of one time zone is no year of another
        return None


def _tuples(payload: Mapping[str, Any]) -> dict[str, Any]:
    # JSON knows lists only; the frozen model holds tuples.
    lists = {field: tuple(payload[field]) for field in ("include", "exclude") if isinstance(payload.get(field), list)}
    return {**payload, **lists}


def _told(value: Any) -> str:
    """A wrong value as a message may have it: whole where it can be nobody's name or address, else what it is."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return quoted(value) if isinstance(value, str) and re.fullmatch(_HARMLESS, value) else _size(value)


def _size(value: Any) -> str:
    """What a value is, and how large."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, Mapping):
        return f"an object of {len(value)} fields"
    if isinstance(value, Sized):
        return f"a list of {len(value)}"
    return {bool: "true or false", type(None): "null"}.get(type(value), "a number")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_]{1,64}", name) else f"(a name of {len(name)} characters)"
