"""What one row of a people file may say, of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.errors import PeopleFileError
from ses_fleet.people import request_file
from ses_fleet.people.kinds import PeopleRows, RowKind
from ses_fleet.people.rows import OF_ADDRESS_ALONE, ContactRow, PersonRow, SuppressedRow

WHO = "jane.doe@corp.example"


def row(kind: RowKind, **fields: Any) -> Any:
    """The row that these fields are."""
    return request_file.checked([(1, {"email": WHO, **fields})], PeopleRows(kind))[1]


def problems(kind: RowKind, **fields: Any) -> list[str]:
    """What is wrong with a row of these fields."""
    with pytest.raises(PeopleFileError) as error:
        row(kind, **fields)
    assert all(text.startswith("line 1: ") for text in error.value.texts)
    return [text.removeprefix("line 1: ") for text in error.value.texts]


def test_a_row_that_says_no_more_than_an_address_is_for_every_customer() -> None:
    """Blanks around the address do not count; it stays as it is written."""
    assert row("person", email=f"  {WHO.upper()}\t") == PersonRow(email=WHO.upper(), customers=None)
    assert row("person").is_for("anybody")


def test_a_row_is_for_the_customers_that_it_names() -> None:
    """And for no other."""
    named = row("person", customers=["acme", "globex"])
    assert [named.is_for(code) for code in ("acme", "globex", "initech")] == [True, True, False]


def test_a_contact_may_be_made_without_anything_to_set() -> None:
    """A row without any effect on one who is there."""
    assert row("contact") == ContactRow(email=WHO)
    full = {"opt_in": ["news"], "opt_out": ["offers"], "attributes": {"team": "red", "floors": [1, 2]}}
    found = row("contact", **full)
    assert (found.opt_in, found.opt_out, found.attributes) == (("news",), ("offers",), full["attributes"])
    assert row("contact", unsubscribe_all=True, opt_out=["news"]).unsubscribe_all is True


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"opt_in": ["news"], "opt_out": ["offers", "news"]},
            "opt_out: has a topic that is in opt_in, too: a row opts in to a topic or out of it",
        ),
        ({"opt_in": ["news", "news"]}, "opt_in: has a topic more than once"),
        ({"opt_out": ["news", "news"]}, "opt_out: has a topic more than once"),
        (
            {"opt_in": ["news"], "unsubscribe_all": True},
            "unsubscribe_all: cannot be combined with opt_in: who is unsubscribed from everything gets no topic",
        ),
        ({"unsubscribe_all": False}, "unsubscribe_all: must be true, or left out, not a boolean"),
        ({"opt_in": "news"}, "opt_in: must be a list, not a string"),
        ({"opt_in": [WHO]}, "opt_in[0]: must match ^[A-Za-z0-9_-]{1,64}$, not a text of 21 characters"),
        ({"opt_in": None}, "opt_in: must be a list, not null"),
        ({"attributes": ["team"]}, "attributes: must be a JSON object, not a list"),
        ({"optin": ["news"]}, 'optin: unknown field; did you mean "opt_in"?'),
        ({WHO: True}, "unknown field"),
        ({"reason": "BOUNCE"}, "reason: unknown field"),
    ],
)
def test_a_contacts_row_that_contradicts_itself_is_refused(fields: dict[str, Any], problem: str) -> None:
    """As are unknown fields and wrong types; the field is named, and no value."""
    (found,) = problems("contact", **fields)
    assert found.startswith(problem)
    assert WHO not in found


def test_an_address_on_the_suppression_list_has_a_reason() -> None:
    """One that is taken off has none to give; present is what is meant without a state."""
    assert row("suppressed", reason="BOUNCE") == SuppressedRow(email=WHO, reason="BOUNCE", state="present")
    assert row("suppressed", state="absent") == SuppressedRow(email=WHO, state="absent")
    (missing,) = problems("suppressed")
    assert missing == 'has no reason, "BOUNCE" or "COMPLAINT", for an address that is to be on the list'
    (given,) = problems("suppressed", state="absent", reason="COMPLAINT")
    assert given == 'reason: cannot be given with the state "absent": an address is taken off whatever the reason was'
    assert problems("suppressed", reason="bounce") == [
        'reason: must be "BOUNCE" or "COMPLAINT", not a text of 6 characters'
    ]
    assert problems("suppressed", reason="BOUNCE", state="there") == [
        'state: must be "present" or "absent", not a text of 5 characters'
    ]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"customers": []}, "customers: must not be empty: leave it out for every selected customer"),
        ({"customers": "acme"}, "customers: must be a list, not a string"),
        ({"customers": ["acme", WHO]}, "customers[1]: must match ^"),
        ({"email": None}, "email: must be a string, not null"),
        ({"email": "jane@doe"}, "email: is no address"),
    ],
)
def test_whom_a_row_is_about_and_for_is_checked_for_every_kind(fields: dict[str, Any], problem: str) -> None:
    """Without repeating it."""
    for kind in ("person", "contact"):
        (found,) = problems(kind, **fields)
        assert found.startswith(problem)
        assert "jane" not in found


def test_a_row_without_an_address_is_none() -> None:
    """It says what is missing."""
    with pytest.raises(PeopleFileError, match="line 1: email: missing: the address"):
        request_file.checked([(1, {})], PeopleRows("person"))


def test_what_may_be_given_as_an_address_alone() -> None:
    """A reason cannot be guessed."""
    for kind in OF_ADDRESS_ALONE:
        assert row(kind).email == WHO
    assert "suppressed" not in OF_ADDRESS_ALONE
