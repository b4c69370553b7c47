"""What a report's tables are made of: cells with a symbol and a word for every state, so that no colour is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# What a cell or a label stands for; the style sheet has a class of each name.
Kind = Literal["", "good", "bad", "look", "off", "open", "sum"]


@dataclass(frozen=True)
class Mark:
    """A state as it is shown: `symbol` and `word` say it, `kind` only colours it."""

    kind: Kind
    symbol: str
    word: str


@dataclass(frozen=True)
class Cell:
    """One cell: its text, or the mark of a state."""

    text: str = ""
    mark: Mark | None = None
    kind: Kind = ""


@dataclass(frozen=True)
class Grid:
    """A table with one row for each customer, whose code is the row's heading.

    The first `texts` of the columns behind the code hold text, the others numbers or marks. With `turned`, headings
    stand upright, since there are many of them. `legend` says what the marks mean. In a row with fewer cells than there
    are headings, the last cell takes the place of the rest.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    texts: int = 0
    turned: bool = False
    legend: str = ""


STATUSES = {
    "failed": Mark("bad", "✗", "failed"),
    "not_started": Mark("open", "◇", "not started"),
    "under_way": Mark("open", "…", "under way"),
    "successful": Mark("good", "✓", "successful"),
    "skipped": Mark("off", "–", "skipped"),
}
_CHECKS = {
    "ok": Mark("good", "✓", "ok"),
    "finding": Mark("look", "▲", "finding"),
    "failed": Mark("bad", "✗", "failed"),
    "no_data": Mark("open", "◇", "no data"),
}


def check(status: str) -> Mark:
    """Return the mark of a check's status; one of a later version is shown by its name."""
    return _CHECKS.get(status) or Mark("look", "?", status.replace("_", " "))
