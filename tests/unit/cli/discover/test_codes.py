"""Codes out of accounts' names: valid, the same every time, never another entry's."""

from __future__ import annotations

import re

import pytest

from ses_fleet.identifiers import CODE_PATTERN
from ses_fleet_cli.discover import codes
from ses_fleet_cli.discover.organization import Account
from ses_fleet_cli.errors import CommandError


def account(number: int, name: str) -> Account:
    """One that is active."""
    return Account(f"{number:012d}", name, "ACTIVE")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Acme Production", "acme-production"),
        ("  ACME__prod (EU) ", "acme__prod-eu"),
        ("Müller & Söhne", "muller-sohne"),
        ("-_leading", "leading"),
        ("3M", "3m"),
        ("日本", "000000000001"),
        ("", "000000000001"),
        ("ada@corp.example", "000000000001"),
        ("ada%40corp.example", "000000000001"),
        ("x\u202e\u0007y", "x-y"),
        ("n" * 80, "n" * 50),
        ("n" * 49 + " tail", "n" * 49),
    ],
)
def test_a_name_becomes_a_valid_code(name: str, code: str) -> None:
    """Small ASCII, hyphens for the rest; the account's id where a name has nothing for it, or may be an address."""
    one = account(1, name)
    assert codes.assigned([one], [], [], "{name}") == {one.id: code}
    assert re.fullmatch(CODE_PATTERN, code)


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{account_id}", "000000000001"),
        ("aws-{name}-{account_id}", "aws-acme-000000000001"),
        ("Prod_{name}", "Prod_acme"),
    ],
)
def test_a_template_says_what_the_code_is(template: str, code: str) -> None:
    """Around and beside the name."""
    codes.check(template)
    assert codes.assigned([account(1, "Acme")], [], [], template) == {"000000000001": code}


def test_a_long_name_is_cut_and_the_account_is_not() -> None:
    """In a template with both."""
    found = codes.assigned([account(1, "n" * 80)], [], [], "{name}-{account_id}")
    assert found == {"000000000001": f"{'n' * 37}-000000000001"}


@pytest.mark.parametrize("template", ["-{name}", "a b {name}", "ü{name}", "a" * 60 + "{name}"])
def test_a_template_that_gives_no_code_is_refused(template: str) -> None:
    """Before anything is asked of AWS."""
    with pytest.raises(CommandError) as error:
        codes.check(template)
    assert (error.value.exit_code, "--code" in error.value.message) == (2, True)


def test_accounts_of_one_name_all_get_their_id() -> None:
    """In whatever order they come, so that the next listing gives the same; upper and lower case are the same."""
    one, two, other = account(1, "Acme"), account(2, "ACME!"), account(3, "Globex")
    wanted = {one.id: f"acme-{one.id}", two.id: f"acme-{two.id}", other.id: "globex"}
    assert codes.assigned([one, two, other], [], [], "{name}") == wanted
    assert codes.assigned([other, two, one], [], [], "{name}") == wanted


def test_an_account_of_the_same_name_that_comes_later_gets_its_id() -> None:
    """Whether the first one's entry has that code, or one with its id: nobody is renamed."""
    first, later = account(1, "Acme"), account(2, "acme")
    for entry in ("acme", f"acme-{first.id}", "by-hand"):
        assert codes.assigned([later], [first], [entry], "{name}") == {later.id: f"acme-{later.id}"}


def test_a_code_that_somebody_else_wrote_is_not_taken() -> None:
    """In whatever case; if even the one with the id is taken, nothing is guessed."""
    one = account(1, "Acme")
    assert codes.assigned([one], [], ["ACME"], "{name}") == {one.id: f"acme-{one.id}"}
    with pytest.raises(CommandError) as error:
        codes.assigned([one], [], ["acme", f"Acme-{one.id}"], "{name}")
    assert error.value.exit_code == 2
    assert f"account {one.id} would get the code acme-{one.id}" in error.value.message


def test_long_names_that_are_the_same_when_cut_stay_apart() -> None:
    """The id fits behind them."""
    one, two = account(1, "n" * 60 + " a"), account(2, "n" * 60 + " b")
    found = codes.assigned([one, two], [], [], "{name}")
    assert found == {one.id: f"{'n' * 37}-{one.id}", two.id: f"{'n' * 37}-{two.id}"}
