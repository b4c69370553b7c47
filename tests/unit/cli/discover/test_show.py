"""What `config discover` shows: for people at 80 columns, for programs, and for `patch`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ses_fleet_cli.discover import show
from ses_fleet_cli.discover.difference import Addition, Difference, Disabling
from ses_fleet_cli.discover.organization import Account, Organization

ACME = Account("000000000001", "Acme \u202e\x1b[31m" + "n" * 80, "ACTIVE")
HIDDEN = Account("000000000002", "ada@corp.example", "ACTIVE")
GONE = Account("000000000003", "Gone", "CLOSED")
MADE = Organization("o-example", "999", {one.id: one for one in (ACME, HIDDEN, GONE)}, frozenset({ACME.id, HIDDEN.id}))
FOUND = Difference(
    (Addition(ACME, "acme", {"customer_code": "acme"}), Addition(HIDDEN, "000000000002", {"customer_code": "x"})),
    (Disabling(GONE, "gone\x1b"),),
    7,
    ("a note",),
)
FILE = Path("config.json")


def test_people_see_each_entry_one_example_and_what_became_of_the_file() -> None:
    """Names are cut, escaped, and left out where they may be addresses; no line is wider than 80 columns."""
    lines = show.as_text(FILE, MADE, FOUND, written=False).splitlines()
    assert lines == [
        "Organization o-example: 3 accounts, 2 of them selected.",
        "",
        f"  + acme          {ACME.id}  Acme \\u202e\\u001b[31mnnnnnnnnnnnnnnnnnn…",
        f"  + 000000000002  {HIDDEN.id}  (name not shown)",
        f"  - gone\\u001b    {GONE.id}  enabled: false, as it is CLOSED",
        "",
        "Each new entry is like this one:",
        "",
        '  "acme": {',
        '    "customer_code": "acme"',
        "  }",
        "",
        "2 to add, 1 to disable, 7 selected have an entry.",
        "Nothing was written: --write writes it into config.json.",
    ]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("found", "written", "last"),
    [
        (FOUND, True, "config.json was written. Next: ses-fleet config push config.json"),
        (Difference((), (), 1, ()), True, "config.json stays as it is."),
        (Difference((), (), 1, ()), False, "config.json stays as it is."),
    ],
)
def test_the_last_line_says_what_became_of_the_file(found: Difference, written: bool, last: str) -> None:
    """Written or not."""
    assert show.as_text(FILE, MADE, found, written=written).splitlines()[-1] == last


def test_programs_get_all_of_it() -> None:
    """The entries as they would be written, the reasons, the notes."""
    assert json.loads(show.as_json(MADE, FOUND, written=True)) == {
        "organization": "o-example",
        "accounts": 3,
        "selected": 2,
        "present": 7,
        "added": {"acme": {"customer_code": "acme"}, "000000000002": {"customer_code": "x"}},
        "disabled": {"gone\x1b": f"account {GONE.id} is CLOSED in AWS Organizations"},
        "notes": ["a note"],
        "written": True,
    }


def test_the_diff_is_one_that_patch_takes() -> None:
    """Also of a file whose last line has no end; without a difference it is empty."""
    assert show.as_diff(FILE, "a\nb", "a\nc") == (
        "--- config.json\n+++ config.json (discovered)\n@@ -1,2 +1,2 @@\n a\n"
        "-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
    )
    assert show.as_diff(FILE, "a", "a") == ""
    assert show.as_diff(FILE, "a\u2028\r\n", "b\u2028\r\n").count("\n") == 5
