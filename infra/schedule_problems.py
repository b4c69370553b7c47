"""What is wrong with the schedules of the context: their times, and payloads that the orchestrator would refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.names import DEFAULT, Names
from infra.schedule_times import check_zone, longest_gap
from ses_fleet import limits
from ses_fleet.actions.catalogue import HELP, payload_names
from ses_fleet.errors import Problem, RequestError
from ses_fleet.runs import request
from ses_fleet.text import quoted

# As long as the longest that Scheduler fills in: the size of the whole event is checked.
_TRIGGER = {
    "schedule_arn": f"arn:aws:scheduler:us-east-1:123456789012:schedule/{'g' * 40}/{'x' * 64}",
    "scheduled_time": "2026-01-01T00:00:00Z",
}


def schedule_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every problem of every schedule; what is wrong with its shape is not looked at here."""
    names: set[str] = set()
    reaper = Names(str(document.get("name", DEFAULT))).reaper_schedule
    schedules = document.get("schedules")
    for index, schedule in enumerate(schedules if isinstance(schedules, list) else ()):
        if not isinstance(schedule, dict):
            continue
        path, name = f"$.schedules[{index}]", schedule.get("name")
        if isinstance(name, str):
            if name == reaper:
                yield Problem(f"{path}.name", f"{quoted(name)} is the stack's own, which ends lost runs: take another")
            if name in names:
                yield Problem(f"{path}.name", f"{quoted(name)} is another schedule's name, too: each needs its own")
            names.add(name)
        for field, check in (("expression", longest_gap), ("time_zone", check_zone)):
            if isinstance(schedule.get(field), str):
                try:
                    check(schedule[field])
                except ValueError as error:
                    yield Problem(f"{path}.{field}", str(error))
        if isinstance(schedule.get("payload"), dict):
            yield from _payload_problems(f"{path}.payload", schedule["payload"])
            yield from _alarm_problems(path, schedule)


def _payload_problems(path: str, payload: dict[str, Any]) -> Iterator[Problem]:
    """Yield what the orchestrator would refuse the payload for, and what it would refuse at every firing."""
    for field in ("run_id", "trigger"):
        if payload.get(field) is not None:
            yield Problem(f"{path}.{field}", "is filled in for each run; leave it out")
    if "action" not in payload:
        yield Problem(f"{path}.action", "missing")
        return
    if payload["action"] == HELP:
        yield Problem(f"{path}.action", "help starts no run, so it cannot be scheduled")
        return
    asked = {field: value for field, value in payload.items() if field not in ("run_id", "trigger")}
    event = {"on_deadline": "continue", **asked, "trigger": _TRIGGER}
    try:
        request.parse(event)
    except RequestError as error:
        for problem in error.problems:
            yield Problem(path + problem.path.removeprefix("$"), problem.text)
    if _needs_confirmation(payload) and payload.get("confirm_customers") is None:
        text = "missing: a run that removes everywhere is refused unless this is the number of customers"
        yield Problem(f"{path}.confirm_customers", text)
    size = len(json.dumps(event).encode())
    if size > limits.SCHEDULE_INPUT_BYTES:
        yield Problem(path, f"has {size} bytes, more than the {limits.SCHEDULE_INPUT_BYTES} of a schedule's input")


def _alarm_problems(path: str, schedule: dict[str, Any]) -> Iterator[Problem]:
    entry = payload_names().get(str(schedule["payload"].get("action")))
    if schedule.get("alarm_on_difference") is not True or entry is None:
        return
    if not entry[0].finds_differences(dry_run=schedule["payload"].get("dry_run") is True):
        text = "a run of this payload does not find out whether something differs; describe-topics-all does, and so do "
        yield Problem(f"{path}.alarm_on_difference", text + "dry runs of actions that change something")


def _needs_confirmation(payload: dict[str, Any]) -> bool:
    entry = payload_names().get(str(payload.get("action")))
    if entry is None or entry[1] != "all":
        return False
    return payload.get("prune") is True or entry[0].confirms_customers
