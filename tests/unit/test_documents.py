"""What the documents of the repository promise to each other: links lead somewhere, and the indexes are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")])


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    texts = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """To a file, and where they name a heading to one that the file has."""
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked), target


def test_the_index_of_decisions_has_every_decision_once() -> None:
    """In the order of their file names, each with a line that says it."""
    rows = re.findall(
        r"^\| \[[^\]]+\]\((2[\w-]+\.md)\) \| .{20,} \|$", (DECISIONS / "README.md").read_text(), re.MULTILINE
    )
    assert rows == sorted(path.name for path in DECISIONS.glob("2*.md"))


def test_a_decision_is_at_most_a_page() -> None:
    """Forty lines, with a heading and a date."""
    for path in DECISIONS.glob("2*.md"):
        lines = path.read_text().splitlines()
        assert len(lines) <= 40, path.name
        assert lines[0].startswith("# "), path.name
        assert re.fullmatch(r"November 2026|2026-\d\d-\d\d", lines[2]), path.name


@pytest.mark.parametrize("hook", ["ruff check", "ruff format --check", "lint-imports"])
def test_the_commit_hooks_are_the_quick_half_of_make_check(hook: str) -> None:
    """The same commands, with the tools of `make setup`."""
    assert f"@$(BIN)/{hook}\n" in (ROOT / "Makefile").read_text()
    assert f"entry: .venv/bin/{hook}\n" in (ROOT / ".pre-commit-config.yaml").read_text()
