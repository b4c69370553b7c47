"""Which texts are addresses, which two are the same, and what may be shown of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.people import addresses

LONG_DOMAIN = "d" * (320 - 65 - 4) + ".com"


@pytest.mark.parametrize(
    "address",
    [
        "a/b@corp.example",
        "a%2Fb@corp.example",
        "a?b@corp.example",
        "../x@corp.example",
        "one+news@corp.example",
        "x@xn--mller-kva.example",
        "Mixed.Case@Corp.Example",
        f"{'l' * 64}@{LONG_DOMAIN}",
    ],
)
def test_awkward_addresses_are_addresses(address: str) -> None:
    """Slashes, dots, percent and plus signs, punycode; 64 characters before the @, and 320 in all."""
    assert addresses.problem_of(address) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "is no address"),
        ("name", "is no address"),
        ("name@host", "is no address"),
        ("@corp.example", "is no address"),
        ("a@b@corp.example", "is no address"),
        ("a b@corp.example", "is no address"),
        ("a@corp.example.", "is no address"),
        ("a\x00b@corp.example", "has a control character"),
        ("a@corp.example\n", "has a control character"),
        ("a\x7f@corp.example", "has a control character"),
        ("a@müller.example", "has a domain with characters outside ASCII: give the domain as punycode, xn--..."),
        ("jürgen@corp.example", "has characters outside ASCII, which SES does not take before the @"),
        (f"{'l' * 65}@corp.example", "has 65 characters before the @, and an address has at most 64"),
        (f"{'l' * 64}@x{LONG_DOMAIN}", "has 321 characters, and an address has at most 320"),
    ],
)
def test_what_is_no_address_is_told_without_being_repeated(address: str, why: str) -> None:
    """Each with what to do; none of its own characters are in the text."""
    problem = addresses.problem_of(address)
    assert problem is not None
    assert problem.startswith(why)
    assert "corp" not in problem
    assert "ller" not in problem


def test_upper_and_lower_case_do_not_tell_people_apart() -> None:
    """Before the @ and behind it."""
    assert addresses.folded("Jane@Corp.Example") == addresses.folded("jane@corp.example")
    assert addresses.folded("jane@corp.example") != addresses.folded("jane+x@corp.example")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("jane@corp.example", "j…@….example"),
        ("j@corp.example", "…@….example"),
        ("ja@mail.doe.com", "j…@….com"),
        ("no address", "…"),
        ("jane@host", "…"),
        ("", "…"),
    ],
)
def test_a_masked_address_names_nobody(address: str, shown: str) -> None:
    """One letter before the @ is not shown, no domain, and no length; what is no address is left out whole."""
    assert addresses.masked(address) == shown


@given(st.emails())
def test_many_addresses_have_the_same_mask(address: str) -> None:
    """Whoever has it knows one letter and the last label, so that it cannot be turned back."""
    local, _, domain = address.rpartition("@")
    label = domain.rpartition(".")[2]
    assert addresses.masked(address) == addresses.masked(f"{local[0]}{'x' * (len(local) - 1)}@other.{label}")
