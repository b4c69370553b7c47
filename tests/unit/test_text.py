"""Foreign text never moves a cursor, forges a line or tells a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.text import did_you_mean, printable, quoted


@given(st.text() | st.text(alphabet="\x1b[]0m\n\r\t\x00\u202e\u200b\ud800\U0001f600é"), st.integers(1, 50))
def test_whatever_is_shown_is_one_printable_line(text: str, limit: int) -> None:
    """At most as long as asked for."""
    shown = printable(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    shown.encode()


def test_ordinary_text_is_shown_as_it_is() -> None:
    """Umlauts and emojis are text."""
    assert printable("Müller & Söhne 🎉") == "Müller & Söhne 🎉"


@pytest.mark.parametrize(
    "text",
    [
        "ada@acme.example",
        '"ada l"@acme.example',
        "ada\uff20acme.example",
        "ada\ufe6bacme.example",
        "ada%40acme.example",
        "ada%2540acme.example",
        "ada&#64;acme.example",
        "ada&#x40;acme.example",
        "ada\\u0040acme.example",
        "ada=40acme.example",
    ],
)
def test_what_may_hold_an_address_is_told_by_its_length(text: str) -> None:
    """However its sign is written: a refusal is kept, logged and printed."""
    assert quoted(text) == f"(a text of {len(text)} characters)"


@pytest.mark.parametrize("text", ["acme", "eu-west-1", "s3://ses-fleet-config-123456789012/SESConfig.json", "100%"])
def test_what_holds_none_is_quoted_as_it_is(text: str) -> None:
    """A place of ours, a code, a Region: they are what a person needs."""
    assert quoted(text) == f'"{text}"'


def test_the_nearest_is_offered_or_nothing() -> None:
    """Never a far one."""
    assert did_you_mean("globx", ["acme", "globex"]) == '; did you mean "globex"?'
    assert did_you_mean("zzz", ["acme", "globex"]) == ""
