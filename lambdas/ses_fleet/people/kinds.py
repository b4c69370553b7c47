"""What an action takes of people, as the catalogue says it. The models of rows are loaded by a run that has some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ses_fleet import limits

RowKind = Literal["person", "contact", "suppressed"]


@dataclass(frozen=True)
class PeopleRows:
    """The kind of rows that an action's people file has, and how many it may have."""

    kind: RowKind
    at_most: int = limits.PEOPLE_ROWS
