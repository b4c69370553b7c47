"""Whom a run is to erase, as its plan keeps them: by keyed hashes, without addresses."""

from __future__ import annotations

from ses_fleet.identifiers import CustomerCode
from ses_fleet.model_bases import Stored


class PersonToErase(Stored):
    """One row of the people file: its line, the keyed hash of its case-folded address, and the customers it is for."""

    row: int
    hash: str
    customers: tuple[CustomerCode, ...] | None = None

    def is_for(self, customer_code: str) -> bool:
        """Return whether this customer was asked about the person, if it was selected."""
        return self.customers is None or customer_code in self.customers


class PlannedErasure(Stored):
    """All of them. `key_id` names the key of the hashes."""

    key_id: str
    people: tuple[PersonToErase, ...]
