"""Making a failing scenario small: whatever can be left out without it ceasing to fail is left out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Scenario = dict[str, Any]

TRIES = 3  # as processes meet at random, a scenario may need several
_LISTS = ("faults", "acts", "people", "edits", "reaper_faults", "runs")
_OPTIONS = (
    "failure_mode",
    "ramp",
    "max_failures",
    "max_customer_concurrency",
    "on_deadline",
    "customer_timeout_seconds",
    "params",
    "exclude",
)


def smallest(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """Return the smallest scenario that still fails, made of this one; `fails` carries one out."""
    now = scenario
    again = True
    while again:
        again = False
        for smaller in _smaller(now):
            if any(fails(smaller) for _ in range(TRIES)):
                now, again = smaller, True
                break
    return now


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Yield scenarios with one thing less."""
    for name in _LISTS:
        for index in range(len(scenario.get(name, ()))):
            if name != "runs" or index > 0:
                made = copy.deepcopy(scenario)
                del made[name][index]
                yield made
    for index, run in enumerate(scenario["runs"]):
        for option in _OPTIONS:
            if option in run["payload"]:
                made = copy.deepcopy(scenario)
                del made["runs"][index]["payload"][option]
                yield made
    last = f"f{scenario['customers']:02d}"
    named = str((scenario["runs"], scenario.get("plan"), scenario.get("edits")))
    if scenario["customers"] > 1 and last not in named and "confirm_customers" not in str(scenario):
        made = copy.deepcopy(scenario)
        made["customers"] -= 1
        made["lists"].pop(last)
        yield made
    if scenario["conditions"]["preset"] != "kind":
        yield {**copy.deepcopy(scenario), "conditions": {"preset": "kind"}}
