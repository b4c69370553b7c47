"""find-contact across customers: in how many lists somebody was found, nobody is, or nothing is proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from ses_fleet.actions.data.find_contact import FindContactData, FoundPeople
from ses_fleet.runs.models import CustomerResult

_Answer = Literal["found_in", "absent_in", "not_proven_in", "not_searched_in"]


class PeopleAnswer:
    """Counts customers as their results come in."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, result: CustomerResult) -> None:
        """Count one customer by its result."""
        self._counts[_answer_of(result)] += 1

    def answer(self, _order: Sequence[str]) -> dict[str, Any]:
        """Return the JSON of `fleet` in the Summary."""
        return FoundPeople(**self._counts).model_dump(mode="json")


def _answer_of(result: CustomerResult) -> _Answer:
    """Return what a customer's result proves: that nobody is in its list only if it says so of everybody asked for."""
    if result.status == "skipped":
        return "not_searched_in"
    found = FindContactData.read(result.data)
    if result.status != "successful" or found.people == 0 or found.contacts + found.not_found != found.people:
        return "not_proven_in"
    return "found_in" if found.contacts else "absent_in"
