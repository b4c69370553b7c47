"""docs/lessons.md names only tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "lessons.md").read_text()
ROWS = [line.strip("|").split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]


def functions(path: Path) -> set[str]:
    """The names of a test file's own functions."""
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def named(text: str) -> list[tuple[str, str]]:
    """(path, function) of every test in a text."""
    return re.findall(r"`([\w/]+\.py)::(\w+)`", text)


def test_every_test_on_the_page_exists() -> None:
    """Under that name, in that file."""
    assert named(PAGE)
    missing = [f"{path}::{name}" for path, name in named(PAGE) if name not in functions(TESTS / path)]
    assert missing == []


def test_every_file_on_the_page_exists() -> None:
    """Also where no function of it is named."""
    assert [path for path in re.findall(r"`([\w/]+\.py)`", PAGE) if not (TESTS / path).is_file()] == []


def test_all_thirty_bugs_are_shown() -> None:
    """In order, each in four cells, with at least one test in the last."""
    assert [int(row[0]) for row in ROWS] == list(range(1, 31))
    assert all(len(row) == 4 and named(row[3]) for row in ROWS)
