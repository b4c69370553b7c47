"""An action that takes a people file, in the catalogue for the time of a test, until one of our own does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ses_fleet.actions.catalogue import ACTIONS, DESCRIBE_LIST
from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.people.kinds import PeopleRows
from tests.unit.memory_s3 import MemoryS3

PEOPLE_ID = "0123456789abcdef0123456789abcdef"
KEY = f"data/requests/{PEOPLE_ID}.jsonl"
FIND, SET, SUPPRESS = "look-up", "set-up", "hold-back"


def declare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one action for each kind of rows: look-up takes persons, set-up contacts, hold-back suppressed addresses."""
    for name, mutates, rows in (
        (FIND, False, PeopleRows("person")),
        (SET, True, PeopleRows("contact", at_most=5)),
        (SUPPRESS, True, PeopleRows("suppressed")),
    ):
        monkeypatch.setitem(ACTIONS, name, replace(DESCRIBE_LIST, name=name, mutates=mutates, people=rows))
        monkeypatch.setitem(DATA_MODELS, name, DATA_MODELS[DESCRIBE_LIST.name])


def lines(*rows: Any) -> bytes:
    """The bytes of a people file of these rows; a text is the address of one for every customer."""
    written = [{"email": row} if isinstance(row, str) else row for row in rows]
    return "".join(json.dumps(row) + "\n" for row in written).encode()


def upload(s3: MemoryS3, *rows: Any) -> None:
    """Have the people file."""
    s3.put("results", KEY, lines(*rows))
