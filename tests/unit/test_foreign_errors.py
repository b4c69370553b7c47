"""Nothing of a foreign message is kept: its code, and words of ours."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet import foreign_errors
from ses_fleet.errors import FailureKind

FORMS = [
    '"bo.ek"@acme.example',
    "ana,lee@acme.example",
    "cy(work)@acme.example",
    "ada%40x.example",
    '"ada l"@x.example',
    "ada.lee at acme.example",
    "ADA@ACME.EXAMPLE",
]
MESSAGES = [
    "EmailAddress <{}> is invalid",
    "List contains invalid email address {}",
    "{} already exists in the list",
    "Topic preferences of {} are wrong",
    "{}",
    "rate exceeded for {} (JSON)",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("message", MESSAGES)
def test_no_address_is_in_a_reason(message: str, form: str) -> None:
    """Whatever its form: a sentence of ours is chosen, and nothing is copied."""
    said = foreign_errors.reason(message.format(form)).casefold()
    assert form.casefold() not in said
    assert not any(part in said for part in ("acme.example", "x.example", "bo.ek", "ana", "cy(", "lee"))


@given(st.text())
def test_a_reason_is_one_of_ours(text: str) -> None:
    """There are a few, all of them written here."""
    assert foreign_errors.reason(text) in {
        *(ours for _, ours in foreign_errors._REASONS),
        "SES named a reason that is not repeated here",
        "no reason given",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("EmailAddress <x> is invalid", "SES refuses the address"),
        ("Invalid email address", "SES refuses the address"),
        ("The contact already exists", "the contact exists already"),
        ("List main doesn't contain Topic x", "SES refuses one of the topics"),
        ("Access Denied", "SES may not read the file: the bucket's policy must allow ses.amazonaws.com"),
        ("something else", "SES named a reason that is not repeated here"),
        ("", "no reason given"),
        (None, "no reason given"),
        (["x"], "no reason given"),
    ],
)
def test_a_reason_says_what_people_need(text: object, said: str) -> None:
    """Where SES's own words tell what it was."""
    assert foreign_errors.reason(text) == said


@pytest.mark.parametrize("code", ["BadRequestException", "404", "Runtime.ExitError", "InvalidClientTokenId"])
def test_a_code_is_kept(code: str) -> None:
    """It is what people look up."""
    assert foreign_errors.code(code) == code


@pytest.mark.parametrize("value", ["", "ada@x.example", "two words", "a\nb", "x" * 81, None, 5, ["a"], *FORMS])
def test_what_is_no_code_is_unknown(value: object) -> None:
    """A field of a foreign answer may hold anything."""
    assert foreign_errors.code(value) == "Unknown"


def test_a_code_that_nobody_put_down_has_its_kinds_words() -> None:
    """Every kind has some."""
    for kind in get_args(FailureKind):
        assert foreign_errors.words("NeverHeardOf", kind)


def test_a_crash_is_told_by_type_and_place() -> None:
    """Never by its text, which may hold what the code had in hand."""
    try:
        foreign_errors.words("X", "ada@acme.example")  # type: ignore[arg-type]
    except KeyError as error:
        said = foreign_errors.crash(error)
    kind, _, place = said.partition(" at ")
    assert kind == "KeyError"
    assert place.startswith("ses_fleet/foreign_errors.py:")
