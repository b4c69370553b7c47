"""The rows of a people file, one model for each kind: whom a run is for, and what is wanted for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from ses_fleet.identifiers import TOPIC_PATTERN, CustomerCode
from ses_fleet.model_bases import Wire
from ses_fleet.people import addresses
from ses_fleet.people.kinds import RowKind


def _without_blanks(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _checked(address: str) -> str:
    problem = addresses.problem_of(address)
    if problem is not None:
        raise ValueError(problem)
    return address


_Topic = Annotated[str, StringConstraints(pattern=f"^{TOPIC_PATTERN}$")]
# Parsed JSON knows lists only; the frozen models hold tuples.
_Topics = Annotated[tuple[_Topic, ...], Field(strict=False)]


class Row(Wire):
    """What every row says: who it is about, and for which customers."""

    email: Annotated[
        str,
        BeforeValidator(_without_blanks),
        AfterValidator(_checked),
        Field(description="the address; blanks around it do not count, nor does upper or lower case"),
    ]
    customers: Annotated[
        tuple[CustomerCode, ...] | None,
        Field(strict=False, description="for which customers; null for every selected one"),
    ] = None

    @field_validator("customers")
    @classmethod
    def _somebody(cls, customers: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if customers == ():
            raise ValueError("must not be empty: leave it out for every selected customer")
        return customers

    def is_for(self, customer_code: str) -> bool:
        """Return whether the row applies to this customer, if that is selected."""
        return self.customers is None or customer_code in self.customers


class PersonRow(Row):
    """One person, for actions that need to know no more."""


class ContactRow(Row):
    """What a contact is to be. What the row does not name stays as it is; a new contact then has none of it."""

    opt_in: Annotated[_Topics, Field(description="the topics to opt in to")] = ()
    opt_out: Annotated[_Topics, Field(description="the topics to opt out of")] = ()
    unsubscribe_all: Annotated[
        Literal[True] | None, Field(description="true unsubscribes the person from everything; null leaves it")
    ] = None
    attributes: Annotated[
        dict[str, JsonValue] | None,
        Field(description="the contact's attributes by name; those that are not named stay"),
    ] = None

    @field_validator("opt_in")
    @classmethod
    def _each_once(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_twice(topics)
        return topics

    @field_validator("opt_out")
    @classmethod
    def _nothing_both_ways(cls, topics: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        _refuse_twice(topics)
        if set(topics) & set(info.data.get("opt_in", ())):
            raise ValueError("has a topic that is in opt_in, too: a row opts in to a topic or out of it")
        return topics

    @field_validator("unsubscribe_all")
    @classmethod
    def _nothing_besides(cls, everything: Literal[True] | None, info: ValidationInfo) -> Literal[True] | None:
        if everything and info.data.get("opt_in"):
            raise ValueError("cannot be combined with opt_in: who is unsubscribed from everything gets no topic")
        return everything


class SuppressedRow(Row):
    """An address on the account's suppression list, or none any more."""

    state: Annotated[
        Literal["present", "absent"], Field(description="whether the address is to be on the suppression list")
    ] = "present"
    reason: Annotated[
        Literal["BOUNCE", "COMPLAINT"] | None,
        Field(validate_default=True, description="why it is there; required for `present`, not taken for `absent`"),
    ] = None

    @field_validator("reason")
    @classmethod
    def _reason_of_an_entry(cls, reason: str | None, info: ValidationInfo) -> str | None:
        state = info.data.get("state")
        if state == "present" and reason is None:
            raise ValueError('has no reason, "BOUNCE" or "COMPLAINT", for an address that is to be on the list')
        if state == "absent" and reason is not None:
            raise ValueError('cannot be given with the state "absent": an address is taken off whatever the reason was')
        return reason


MODELS: dict[RowKind, type[Row]] = {"person": PersonRow, "contact": ContactRow, "suppressed": SuppressedRow}
# The kinds of rows that may have an address and nothing else.
OF_ADDRESS_ALONE: Collection[RowKind] = ("person", "contact")


def _refuse_twice(topics: tuple[str, ...]) -> None:
    if any(times > 1 for times in Counter(topics).values()):
        raise ValueError("has a topic more than once")
