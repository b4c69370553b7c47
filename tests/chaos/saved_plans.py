"""What dry runs saved and what applying it left out, read from the results bucket when everything is over."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.cloud import World

State = dict[str, Any]  # a contact, flat: `topic:NAME`, `unsubscribed_all`, `attributes`; empty without a contact
Topics = dict[str, tuple[str, str, str]]  # display name, description and default status by name


@dataclass(frozen=True)
class PlannedPerson:
    """One contact's change: {name: (before, after)} of what differs; of a removal maybe not the attributes."""

    kind: str
    what: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Saved:
    """What a dry run saved for one customer: topics `before` and `after`, or the changes of people by address.

    `given_to_all` are the topics that new contacts got without being asked.
    """

    kind: str
    before: Topics = field(default_factory=dict)
    after: Topics = field(default_factory=dict)
    changes: dict[str, PlannedPerson] = field(default_factory=dict)
    given_to_all: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is to be done."""
        return self.before == self.after and not self.changes


def topics_of(found: Mapping[str, Mapping[str, Any]]) -> Topics:
    """Return topics as SES has them in the form of a plan; an empty text is none."""
    return {
        name: (one.get("DisplayName") or "", one.get("Description") or "", one["DefaultSubscriptionStatus"])
        for name, one in found.items()
    }


def saved(world: World, result: Mapping[str, Any]) -> Saved | None:
    """Return the plan in a customer's result, with its files, or None when it has none."""
    plan = result["plan"]
    if plan is None:
        return None
    if plan["kind"] == "topics":
        before, after = (
            {
                one["name"]: (one["display_name"] or "", one["description"] or "", one["default_status"])
                for one in topics
            }
            for topics in (plan["before"], plan["after"])
        )
        return Saved("topics", before, after)
    changes = {
        one["email"]: PlannedPerson(one["change"], {name: (was, to) for name, (was, to) in one["what"].items()})
        for one in lines(world, plan["prefix"], "plan-")
        if "salt" not in one
    }
    return Saved("people", changes=changes, given_to_all=frozenset(plan["given_to_all"]))


def left_out(world: World, result: Mapping[str, Any], run_id: str) -> frozenset[str]:
    """Return whom a run that applies a plan says that it left out."""
    return frozenset(one["email"] for one in lines(world, f"{_data(result, run_id)}compared/", "left-out-"))


def failed(world: World, result: Mapping[str, Any], run_id: str, rows: list[dict[str, Any]]) -> frozenset[str]:
    """Return for whom a run says that SES refused the change; `rows` are those of its people file."""
    place = _data(result, run_id)
    ended = [one for one in lines(world, place, "rows-") if one["ending"] == "failed"]
    refused = [one["email"] for one in lines(world, place, "failed-")]
    return frozenset([*refused, *(rows[one["row"] - 1]["email"] for one in ended)])


def lines(world: World, prefix: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of the files of this name right below a prefix."""
    for key in world.keys(f"{prefix}{name}"):
        for line in gzip.decompress(world.cloud.stored(key)).splitlines():
            yield json.loads(line)


def _data(result: Mapping[str, Any], run_id: str) -> str:
    return f"data/{result['work_of'] or run_id}/{result['customer_code']}/"
