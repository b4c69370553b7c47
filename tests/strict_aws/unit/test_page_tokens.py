"""NextTokens: for one list, one question, one caller if so asked, and a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strict_aws.paging.page_tokens import Asked, make_token, read_token

KEY = b"key"


@given(st.integers(0, 2**63), st.floats(0, 4e9))
def test_a_token_leads_back_to_its_place(place: int, at: float) -> None:
    """Whenever it was given, to anybody."""
    asked = Asked("AKIA1", at, None, own_only=True)
    assert read_token(make_token(place, KEY, "q", asked), KEY, "q", asked) == place


@pytest.mark.parametrize(
    ("key", "question", "asked", "place"),
    [
        (KEY, "q", Asked("A", 15.0, 10.0, own_only=True), 7),
        (KEY, "q", Asked("B", 19.9, 10.0), 7),
        (KEY, "q", Asked("B", 1e9), 7),
        (b"other", "q", Asked("A", 10.0), None),
        (KEY, "r", Asked("A", 10.0), None),
        (KEY, "q", Asked("A", 20.0, 10.0), None),
        (KEY, "q", Asked("B", 10.0, own_only=True), None),
        (KEY, "q", Asked(None, 10.0, own_only=True), None),
    ],
)
def test_a_token_is_refused_when_it_is_not_good_any_more(
    key: bytes, question: str, asked: Asked, place: int | None
) -> None:
    """Another list's, another question's, expired, another caller's."""
    assert read_token(make_token(7, KEY, "q", Asked("A", 10.0)), key, question, asked) == place


@given(st.text())
def test_what_is_no_token_is_refused(text: str) -> None:
    """Never an error of ours."""
    assert read_token(text, KEY, "q") is None
