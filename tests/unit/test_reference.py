"""docs/reference.md says what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from ses_fleet_cli import errors

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference.md").read_text()


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The script that writes the generated tables."""
    return runpy.run_path(str(ROOT / "docs" / "write_reference.py"))


def test_the_tables_are_those_of_the_code(script: dict[str, Any]) -> None:
    """`make reference` writes them anew."""
    assert script["written"](PAGE) == PAGE


def test_every_table_that_is_made_is_on_the_page(script: dict[str, Any]) -> None:
    """Once, and with something in it."""
    for name, made in script["blocks"]().items():
        assert PAGE.count(f"<!-- {name} -->\n\n{made}\n\n<!-- /{name} -->") == 1, name
        assert "| --- |" in made, name


def test_the_exit_codes_are_the_commands() -> None:
    """Those that it can end with, and no others."""
    table = PAGE.partition("### Exit codes")[2].partition("###")[0]
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    ends = {errors.OK, errors.SOME_FAILED, errors.REFUSED, errors.NO_SUMMARY, errors.DIFFERS, errors.INTERRUPTED}
    assert listed == ends
