"""The action payload → RunRequest, or one RequestError that names every problem of the payload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ses_fleet import json_text, limits, problems
from ses_fleet.actions.catalogue import ACTIONS, HELP, Action, field_scope, payload_names, saving_plans
from ses_fleet.errors import Problem, RequestError
from ses_fleet.identifiers import PEOPLE_ID_WORDS, RUN_ID_WORDS
from ses_fleet.runs import events, personal_params, tolerance
from ses_fleet.runs.keys import RESERVED_RUN_ID
from ses_fleet.runs.models import RunRequest
from ses_fleet.text import did_you_mean

_FIELDS = tuple(RunRequest.model_fields)
# Left out, each of these lets a run reach more customers or more people, or sooner, or really change them. A null there
# is more likely a caller's variable that was not set than a wish.
_NEVER_NULL = (
    *("include", "exclude", "environment", "customer_code", "params", "dry_run"),
    *("failure_mode", "ramp", "plan"),
)
# What a plan says, or what follows from it.
_OF_PLANS = (
    "dry_run", "include", "exclude", "environment", "customer_code", "ses_role_arn", "prune", "confirm_customers",
    "params", "people", "run_id", "trigger",
)  # fmt: skip
_OF_THE_PLAN = "a plan is applied as it is; make another dry run for something else"
_WHY_NOT_BESIDE = {
    "dry_run": "make a new dry run, which shows what would be done now",
    "confirm_customers": "the plan has its customers",
    "run_id": "the run's id is made of the plan's",
    "trigger": "the run's id is made of the plan's",
}
# Refusals are kept under runs/, logged, and printed by the runtime: nothing personal gets there.
_WORDING = problems.Wording(
    problems.GUARDED,
    unknown="unknown field",
    must={
        "max_customer_concurrency": "an integer (0, negative or more than there are customers = all at once)",
        "include": "a list of customer codes",
        "exclude": "a list of customer codes",
        "max_failures": 'an integer of at least 0 or a percentage such as "10%"',
        "ramp": tolerance.RAMP_WORDS,
        "ramp[]": tolerance.STAGE_WORDS,
        "customer_timeout_seconds": f"an integer of seconds, 1 to {limits.MAX_CUSTOMER_TIMEOUT_SECONDS}",
        "confirm_customers": "the number of customers selected",
        "run_id": RUN_ID_WORDS,
        "plan": f"the id of a dry run, {RUN_ID_WORDS}",
        "people": f"the id of a people file, {PEOPLE_ID_WORDS}",
        "trigger": '{"schedule_arn": "...", "scheduled_time": "..."}',
    },
)


@dataclass(frozen=True)
class Start:
    """A checked request and the run that it starts. `named` is whether the id came from outside."""

    request: RunRequest
    run_id: str
    named: bool


def parse(event: Any, request_id: str = "") -> Start:
    """Check everything about an event's payload that needs no configuration; raise RequestError with every problem.

    A start without an id of its own gets one of the `request_id` of its invocation.
    """
    payload = events.payload_of(event)
    if not isinstance(payload, dict):
        raise RequestError([Problem("$", 'the payload must be a JSON object such as {"action": "help"}')])
    found = list(json_text.problems_of(payload))
    if found:
        raise RequestError(found)  # nothing else could be said of it safely
    found = list(_null_problems(payload))
    # Any other field that is null is a field not given.
    payload = {field: value for field, value in payload.items() if value is not None}
    found += _problems(payload)
    if found:
        raise RequestError(found)
    request = RunRequest.model_validate(_with_tuples(payload))
    named = events.claimed_run_id(event)
    return Start(request, named or events.run_id_of_request(request_id), named is not None)


def from_plan(stored: Mapping[str, Any]) -> RunRequest:
    """Return the request that plan.json has. Raise ValueError when it is none that this version knows."""
    return RunRequest.model_validate(_with_tuples(without_defaults(stored)))


def without_defaults(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that say something else than when they are left out.

    plan.json has all fields, also those that the action's scope forbids to give.
    """
    defaults = RunRequest.model_construct(action="").model_dump(mode="json")
    return {field: value for field, value in stored.items() if field not in defaults or value != defaults[field]}


def personal_values(request: RunRequest) -> dict[str, Any]:
    """Return the personal values of a request's parameters, by name."""
    return personal_params.values(ACTIONS[request.worker_action].params, request.params)


def without_personal_values(request: RunRequest) -> RunRequest:
    """Return the request with a mask in place of every personal value: all that the orchestrator works with."""
    if not personal_values(request):
        return request
    masked = personal_params.masked(ACTIONS[request.worker_action].params, request.params)
    return request.model_copy(update={"params": masked})


def _null_problems(payload: dict[str, Any]) -> Iterator[Problem]:
    for field in _NEVER_NULL:
        if field in payload and payload[field] is None:
            yield Problem(f"$.{field}", "must not be null: leave the field out, or give a value")


def _problems(payload: dict[str, Any]) -> Iterator[Problem]:
    action = payload.get("action")
    if action == HELP:
        others = [problems.harmless_key(field) for field in payload if field != "action"]
        yield Problem("$", f"help takes no other fields, not {', '.join(others)}")
        return
    entry = payload_names().get(action) if isinstance(action, str) else None
    if entry is None:
        yield Problem("$.action", _unknown_action(action))
    yield from _shape_problems(payload)
    yield from _plan_problems(payload, entry[0] if entry else None)
    if entry is not None:
        yield from _scope_problems(payload, str(action))
        yield from _params_problems(payload, entry[0])
        yield from _people_problems(payload, str(action), entry[0])
    yield from _selection_problems(payload)
    yield from _tolerance_problems(payload, entry[0] if entry else None)
    yield from _identity_problems(payload)
    yield from _prune_problems(payload, entry[0] if entry else None)


def _unknown_action(action: Any) -> str:
    names = [HELP, *payload_names()]
    known = ", ".join(names)
    if action is None:
        return f"missing ({known})"
    near = did_you_mean(action, names) if isinstance(action, str) else ""
    return f"unknown action {problems.harmless(action)}{near} ({known})"


def _shape_problems(payload: dict[str, Any]) -> list[Problem]:
    """Return what is wrong with single fields; the action is looked up elsewhere."""
    shaped = _with_tuples({**payload, "action": "any"})
    return problems.attempt(RunRequest, shaped, _WORDING)[1]


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
    if scope == "single" and "customer_code" not in payload and "plan" not in payload:
        yield Problem("$.customer_code", f"missing: {action} runs on one customer; use {action}-all for every customer")


def _plan_problems(payload: dict[str, Any], action: Action | None) -> Iterator[Problem]:
    """Yield what cannot be said beside `plan`: what is done, and to whom, is the plan's alone."""
    if "plan" not in payload:
        return
    if action is not None and action.saves_plan is None:
        yield Problem("$.plan", f"saved plans are made for {saving_plans()}, not for {action.name}")
    for field in _OF_PLANS:
        if payload.get(field) not in (None, False, [], {}) and not (field == "include" and "resumes" in payload):
            yield Problem(f"$.{field}", f"cannot be given with a plan: {_WHY_NOT_BESIDE.get(field, _OF_THE_PLAN)}")


def _params_problems(payload: dict[str, Any], action: Action) -> Iterator[Problem]:
    params = payload.get("params", {})
    if not isinstance(params, dict):
        return
    nulls = [name for name, value in params.items() if value is None and name in action.params.model_fields]
    for name in nulls:
        yield Problem(f"$.params.{name}", "must not be null: leave the parameter out, or give a value")
    wording = problems.Wording(
        problems.GUARDED,
        unknown=f"unknown parameter of {action.name}",
        personal=personal_params.names(action.params),
    )
    given = {name: value for name, value in params.items() if name not in nulls}
    known = {f"$.params.{name}" for name in nulls}  # one that is missing for being null is told already
    for problem in problems.attempt(action.params, given, wording, "$.params")[1]:
        if problem.path not in known:
            yield problem
    # Left out, it would mean everybody: what a resume cannot carry has to be said again.
    for name in personal_params.hidden(action.params, params):
        yield Problem(f"$.params.{name}", "is personal, so the run that this resumes did not keep it: give it again")


def _people_problems(payload: dict[str, Any], name: str, action: Action) -> Iterator[Problem]:
    if action.people is not None and not payload.keys() & {"people", "plan"}:
        yield Problem("$.people", f"missing: {name} needs a people file, which says whom it is for: give its id")
    if action.people is None and "people" in payload:
        takers = ", ".join(other for other, (one, _) in payload_names().items() if one.people is not None)
        yield Problem("$.people", f"{name} takes no people file; {takers or 'no action'} does")


def _selection_problems(payload: dict[str, Any]) -> Iterator[Problem]:
    if payload.get("include") == []:
        yield Problem("$.include", "selects nobody; leave it out to select every customer")


def _tolerance_problems(payload: dict[str, Any], action: Action | None) -> Iterator[Problem]:
    """Yield what is wrong with how failures are borne; the shapes of the fields are looked at elsewhere.

    Whether a `max_failures` that a strict run lacks is in config.json, is not known yet.
    """
    strict, ramp, allowed = payload.get("failure_mode") == "strict", payload.get("ramp"), payload.get("max_failures")
    if strict and allowed in (0, "0%"):
        yield Problem("$.max_failures", tolerance.nobody_starts(allowed))
    if isinstance(ramp, list):
        yield from tolerance.ramp_problems(ramp, "$.ramp")
    if action is not None and action.two_phases:
        for field in [name for name, given in (("failure_mode", strict), ("ramp", ramp is not None)) if given]:
            text = f"{action.name} asks all customers before it changes any, and then changes all of them: leave it out"
            yield Problem(f"$.{field}", text)


def _identity_problems(payload: dict[str, Any]) -> Iterator[Problem]:
    trigger = payload.get("trigger")
    if payload.get("run_id") == RESERVED_RUN_ID:
        yield Problem("$.run_id", f"{RESERVED_RUN_ID} is where people files lie below data/: choose another id")
    if trigger is not None and "run_id" in payload:
        yield Problem("$.run_id", "a run with a trigger gets its id from the trigger; give one of the two")
    if not isinstance(trigger, Mapping) or not isinstance(trigger.get("scheduled_time"), str):
        return
    if events.trigger_time(trigger) is None:
        time = problems.harmless(trigger["scheduled_time"])
        yield Problem("$.trigger.scheduled_time", f"{time} is not an ISO 8601 time")


def _prune_problems(payload: dict[str, Any], action: Action | None) -> Iterator[Problem]:
    if payload.get("prune") is True and action is not None and not action.prunes:
        yield Problem("$.prune", f"{action.name} removes nothing, so there is nothing to prune")
    params = payload.get("params")
    if payload.get("prune") is True and isinstance(params, dict) and params.get("username") is not None:
        text = "cannot be combined with params.username: an import of one person cannot tell who has left"
        yield Problem("$.prune", text)
    confirms = payload.get("prune") is True or (action is not None and action.confirms_customers)
    takes_it = confirms or "plan" in payload or (action is not None and action.mutates)
    if "confirm_customers" in payload and not takes_it:
        yield Problem("$.confirm_customers", "is only for a run that changes something")


def _with_tuples(payload: Mapping[str, Any]) -> dict[str, Any]:
    # JSON knows lists only; the frozen model holds tuples.
    lists = {
        field: tuple(payload[field]) for field in ("include", "exclude", "ramp") if isinstance(payload.get(field), list)
    }
    return {**payload, **lists}
