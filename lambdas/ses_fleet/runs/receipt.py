"""The receipt of an erasure: what is proven of whom, where, and which copies remain. It has no addresses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ses_fleet.actions.data.erase_contact import EraseContactData, ErasedPerson
from ses_fleet.model_bases import Stored
from ses_fleet.people.erasure import PersonToErase, PlannedErasure
from ses_fleet.runs.models import ConfigVersion, CustomerResult

PROVEN = ("erased", "was_absent")


class ReceiptPerson(Stored):
    """What is proven of one person in one customer's list."""

    row: Annotated[int, Field(description="the person's line in the people file")]
    hash: Annotated[str, Field(description="the keyed hash of the person's case-folded address")]
    outcome: Annotated[
        Literal["erased", "was_absent", "not_proven"],
        Field(description="as read back; `not_proven` for everything that was not"),
    ]
    at: Annotated[str | None, Field(description="when that was read, ISO 8601, UTC; null where it is not proven")]
    suppressed: Annotated[
        Literal["kept", "erased", "no"] | None,
        Field(description="whether the address stays on the suppression list; null where that is not known"),
    ] = None


class ReceiptCustomer(Stored):
    """One customer of the run, with the people that it was asked about."""

    customer_code: str
    account_id: str | None
    region: str | None
    status: str
    people: tuple[ReceiptPerson, ...]


class Copies(Stored):
    """What lies below a prefix of the hub that may hold the people's addresses, since nothing in the hub deletes it."""

    prefix: Annotated[str, Field(description="where it lies in the results bucket; `*` stands for any run")]
    objects: Annotated[int, Field(description="objects there")]
    old_versions: Annotated[int, Field(description="versions that were overwritten, deleted or expired, still there")]
    gone_by: Annotated[str, Field(description="when the bucket's rules will have removed the last of them, UTC")]


class Receipt(Stored):
    """`receipts/RUN_ID.json`, written once, at the end of a run."""

    run_id: str
    action: str
    resumes: Annotated[str | None, Field(description="the run that this one resumed, if it did")]
    ticket: Annotated[str | None, Field(description="`params.ticket`")]
    started_at: str
    ended_at: str
    config_version: Annotated[ConfigVersion, Field(description="the version of config.json that was used")]
    key_id: Annotated[str, Field(description="which key of the secret the hashes are made with")]
    proven: Annotated[bool, Field(description="whether everybody is erased or was absent, everywhere")]
    customers: tuple[ReceiptCustomer, ...]
    copies: tuple[Copies, ...]
    copies_complete: Annotated[bool, Field(description="whether all copies could be counted")]


def people_of(erasure: PlannedErasure, result: CustomerResult) -> tuple[ReceiptPerson, ...]:
    """Return what a customer's result proves of the people that it was asked about."""
    data = EraseContactData.read(result.data if isinstance(result.data, dict) else None)
    known = {one.row: one for one in data.people}
    asked = [person for person in erasure.people if person.is_for(result.customer_code)]
    return tuple(_person(person, known.get(person.row)) for person in asked)


def _person(person: PersonToErase, found: ErasedPerson | None) -> ReceiptPerson:
    if found is None or found.outcome not in PROVEN:
        return ReceiptPerson(row=person.row, hash=person.hash, outcome="not_proven", at=None)
    outcome: Literal["erased", "was_absent"] = "erased" if found.outcome == "erased" else "was_absent"
    return ReceiptPerson(row=person.row, hash=person.hash, outcome=outcome, at=found.at, suppressed=found.suppressed)
