"""Runs of actions that are about the people of a people file, on the strict SES."""

from __future__ import annotations

import json
from typing import Any

from ses_fleet.actions.params import RemoveContactsParams, SetContactsParams
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.people.request_file import parse
from ses_fleet.worker.actions import remove_contacts, set_contacts
from tests.unit.people_action import lines
from tests.unit.worker.world import Finished, World

Row = dict[str, Any] | str


def give(world: World, kind: Any, *rows: Row) -> None:
    """The customer's rows, as they were read from the file."""
    world.people = dict(parse(lines(*rows), PeopleRows(kind)).rows)


def setting(
    world: World, *rows: Row, bucket: str | None = "b", overwrite: bool = False, thorough: bool = False, **options: Any
) -> Finished:
    """One run of set-contacts to its end."""
    give(world, "contact", *rows)
    params = SetContactsParams(overwrite_unsubscribes=overwrite, thorough=thorough)
    return world.run(set_contacts.run, params, customer={"import_bucket": bucket}, **options)


def counted(done: Finished) -> dict[str, int]:
    """The numbers of people that are not zero."""
    return {name: value for name, value in done.data.items() if isinstance(value, int) and value}


def endings(world: World, run_id: str = "run-1") -> dict[int, tuple[str, str | None]]:
    """{line: (ending, reason)} as the rows in S3 say it."""
    found = world.written_below(f"data/{run_id}/acme/rows-")
    rows = [json.loads(line) for line in found.splitlines()]
    assert all(set(row) == {"row", "ending", "reason"} for row in rows)
    assert len({row["row"] for row in rows}) == len(rows), "one ending a row"
    return {row["row"]: (row["ending"], row["reason"]) for row in rows}


def removing(world: World, *rows: Row, forget: bool = False, thorough: bool = False, **options: Any) -> Finished:
    """One run of remove-contacts to its end."""
    give(world, "person", *rows)
    return world.run(remove_contacts.run, RemoveContactsParams(forget_choices=forget, thorough=thorough), **options)
