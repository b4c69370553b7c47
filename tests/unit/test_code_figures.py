"""docs/code_figures.py counts what it says that it counts."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "code_figures.py"
MODULE = '''"""Two words."""

class Thing:
    """A thing that has one attribute declared and one set."""

    declared: int = 0

    def __init__(self) -> None:
        self.put = 1

    def say(self) -> str:
        """Says it."""
        return "it"

    def _hidden(self) -> None:
        """Hidden."""

def alone() -> None:
    pass
'''


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The script's functions."""
    return runpy.run_path(str(SCRIPT))


def test_one_module_is_counted(script: dict[str, Any]) -> None:
    """Lines, functions with their lengths, methods and attributes, and short docstrings of what is public."""
    figures = script["figures_of"](MODULE, "thing.py")
    assert figures.files == [len(MODULE.splitlines())]
    assert sorted(figures.functions) == [2, 2, 2, 3]
    assert [(one.name, one.methods, one.attributes) for one in figures.classes] == [("Thing (thing.py)", 3, 2)]
    assert figures.short_docstrings == 2


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], "-"), ([7], "7 / 7 / 7"), ([1, 2, 3, 4], "2.5 / 4 / 4"), (list(range(1, 101)), "50.5 / 91 / 100")],
)
def test_numbers_are_median_p90_and_maximum(numbers: list[int], text: str, script: dict[str, Any]) -> None:
    """Of any order; nothing at all is a dash."""
    assert script["spread"](numbers[::-1]) == text


def test_it_prints_a_row_for_each_package_and_compares_roots(tmp_path: Path) -> None:
    """Empty modules are not counted; a root that is no folder is refused."""
    for name in ("one", "two"):
        (tmp_path / name / "inside").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "inside" / "thing.py").write_text(MODULE)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")

    def printed(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=True
        ).stdout

    table = printed(one, two)
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:5]] == ["one/inside", "two/inside", "all"]
    assert "Largest classes by methods: Thing (thing.py) 3, Thing (thing.py) 3" in table
    assert "| functions " in printed(one, "--compare", two)
    refused = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path / "no")], capture_output=True, check=False)
    assert refused.returncode == 2
