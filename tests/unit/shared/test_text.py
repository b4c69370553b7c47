"""Foreign text never moves a cursor, forges a line or tells a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import did_you_mean, masked, printable


@given(st.text() | st.text(alphabet="\x1b[]0m\n\r\t\x00\u202e\u200b\ud800\U0001f600é"), st.integers(1, 50))
def test_whatever_is_shown_is_one_printable_line(text: str, limit: int) -> None:
    """At most as long as asked for."""
    for shown in (printable(text, limit), masked(text, limit)):
        assert shown.isprintable()
        assert len(shown) <= limit
        shown.encode()


def test_ordinary_text_is_shown_as_it_is() -> None:
    """Umlauts and emojis are text."""
    assert printable("Müller & Söhne 🎉") == "Müller & Söhne 🎉"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("User ada.l+x@acme.example not found", "ada.l+x@acme.example"),
        ("Contact o'brien@acme.example doesn't exist", "o'"),
        ("key ASIAIOSFODNN7EXAMPLE is bad", "ASIAIOSFODNN7EXAMPLE"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!", "wJalrXUtnFEMI"),
        ("token Abc-1_" + "Zz9-" * 12 + ".", "Zz9-Zz9-"),
        ("https://b/k?X-Amz-Signature=abc123&x=1", "abc123"),
        ("https://b/k?X-Amz-Security-Token=FwoGZX&x=1", "FwoGZX"),
    ],
)
def test_secrets_and_addresses_are_masked(text: str, secret: str) -> None:
    """In every foreign message."""
    assert secret not in masked(text)


def test_names_of_errors_and_arns_are_not_secrets() -> None:
    """They are what a person needs."""
    arn = "arn:aws:iam::111122223333:role/teams/email/contact-manager"
    assert masked(f"ReservedFunctionConcurrentInvocationLimitExceeded for {arn}") == (
        f"ReservedFunctionConcurrentInvocationLimitExceeded for {arn}"
    )


def test_the_nearest_is_offered_or_nothing() -> None:
    """Never a far one."""
    assert did_you_mean("globx", ["acme", "globex"]) == '; did you mean "globex"?'
    assert did_you_mean("zzz", ["acme", "globex"]) == ""
