"""Markdown tables of figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table whose numbers are to the right."""
    listed = [list(row) for row in rows]
    numeric = [all(isinstance(row[n], int | float | None) for row in listed) for n in range(len(header))]
    rule = ["---:" if is_number else "---" for is_number in numeric]
    return "\n".join(_line(line) for line in ([*header], rule, *[[number(cell) for cell in row] for row in listed]))


def table_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of documents that have the same keys, which are its header."""
    return table(list(rows[0]), [list(row.values()) for row in rows])


def number(value: Any) -> str:
    """Return a figure as it is shown: three digits that matter, thousands apart; a text as it is, None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, str) or value == 0:
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.7f}".rstrip("0")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
