"""`defaults` of config.json: what a payload of this fleet need not say, and may only say more strictly.

How strict a field is, is decided here and in runs/tolerance.py: `strict` is stricter than `soft`, a smaller number of
failures than a larger one, a ramp whose stages are nowhere larger than another one. What needs a confirmation and which
actions are allowed no payload can change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.config.file_models import DefaultsFields
from ses_fleet.errors import ConfigurationError, Problem, RequestError
from ses_fleet.runs import tolerance
from ses_fleet.runs.models import RunRequest
from ses_fleet.text import did_you_mean, quoted

_PATH = "$.defaults"


def problems_of(defaults: DefaultsFields) -> Iterator[Problem]:
    """Yield what is wrong with the defaults beyond their shape."""
    known = [action.name for action in ACTIONS.values() if action.scopes]
    for index, name in enumerate(defaults.actions or ()):
        if name not in known:
            near = did_you_mean(name, known)
            text = f"actions are named without -all, and none is called {quoted(name)}{near}"
            yield Problem(f"{_PATH}.actions[{index}]", text)
    if defaults.ramp is not None:
        yield from tolerance.ramp_problems(defaults.ramp, f"{_PATH}.ramp")
    if defaults.failure_mode == "strict" and defaults.max_failures in tolerance.NOBODY:
        yield Problem(f"{_PATH}.max_failures", tolerance.nobody_starts(defaults.max_failures))


def check(defaults: DefaultsFields) -> None:
    """Raise ConfigurationError when the defaults are wrong: no run starts without what they should say."""
    found = list(problems_of(defaults))
    if found:
        raise ConfigurationError(found)


def check_action(request: RunRequest, defaults: DefaultsFields) -> None:
    """Raise RequestError for an action that config.json does not allow."""
    if defaults.actions is not None and request.worker_action not in defaults.actions:
        names = ", ".join(defaults.actions) or "none"
        text = f"{request.action} is not among the actions that config.json allows ({_PATH}.actions): {names}"
        raise RequestError([Problem("$.action", text)])


def shown(defaults: DefaultsFields) -> dict[str, Any] | None:
    """Return the defaults as JSON, as config.json says them; None when it says none."""
    return defaults.model_dump(mode="json", exclude_none=True) or None


def applied(request: RunRequest, defaults: DefaultsFields, *, selected: int, starting: int) -> dict[str, Any]:
    """Return the fields of the request that get the fleet's value, of those that say how failures are borne.

    They are for runs on every customer that change something, `failure_mode` and `ramp` not for actions that change all
    customers or none. `selected` customers are those of the run, of whom `starting` need a worker. RequestError when
    the payload says something laxer, with what it may say; a run that resumes another one gets the fleet's value then,
    as its payload was made for more customers. RequestError also for a strict run in which nobody could start.
    """
    found: dict[str, Any] = {}
    laxer: dict[str, Any] = {}
    action = ACTIONS[request.worker_action]
    if request.scope == "all" and action.mutates and not request.dry_run:
        fleets = _of_fleet(defaults, two_phases=action.two_phases)
        found = {field: value for field, value in fleets.items() if field not in request.model_fields_set}
        given = [field for field in fleets if field not in found]
        laxer = {field: fleets[field] for field in given if _is_laxer(request, fleets, field, selected, starting)}
    if request.resumes is not None:
        found, laxer = found | laxer, {}
    if laxer:
        raise RequestError([_too_lax(field, value) for field, value in laxer.items()])
    _check_somebody_starts(request.model_copy(update=found))
    return found


def _of_fleet(defaults: DefaultsFields, *, two_phases: bool) -> dict[str, Any]:
    """Return what the fleet says of failures. With a ramp no failure is borne unless config.json says so."""
    if two_phases:
        return {} if defaults.max_failures is None else {"max_failures": defaults.max_failures}
    ramp = None if defaults.ramp is None else tuple(defaults.ramp)
    borne = 0 if defaults.max_failures is None and ramp is not None else defaults.max_failures
    said = {"failure_mode": defaults.failure_mode, "max_failures": borne, "ramp": ramp}
    return {field: value for field, value in said.items() if value is not None}


def _is_laxer(request: RunRequest, fleets: Mapping[str, Any], field: str, selected: int, starting: int) -> bool:
    given = getattr(request, field)
    if field == "failure_mode":
        return bool(given == "soft" and fleets[field] == "strict")
    if field == "ramp":
        return tolerance.is_laxer_ramp(given, fleets[field], starting)
    strict = "strict" in (request.failure_mode, fleets.get("failure_mode"))
    return tolerance.is_laxer_number(given, fleets[field], selected, strict=strict)


def _too_lax(field: str, value: Any) -> Problem:
    instead = {
        "failure_mode": "give strict",
        "max_failures": f"give {json.dumps(value)} at most",
        "ramp": f"give {json.dumps(value)} or smaller stages",
    }[field]
    return Problem(f"$.{field}", f"is laxer than config.json allows ($.defaults.{field}): {instead}, or leave it out")


def _check_somebody_starts(effective: RunRequest) -> None:
    if effective.failure_mode == "strict" and effective.max_failures in tolerance.NOBODY:
        raise RequestError([Problem("$.max_failures", tolerance.nobody_starts(effective.max_failures))])
