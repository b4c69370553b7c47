"""What a run found out, as tables: topics and drift, checks, and whatever else the terminal shows of its action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ses_fleet.actions.data.describe_topics import Drift, TopicDifference
from ses_fleet.actions.data.topic_comparison import TopicMatrix
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet_cli import tables as terminal
from ses_fleet_cli.report.cells import STATUSES, Cell, Grid, Mark, check

# So wide that no table of the terminal is cut into several.
_WIDE = 1_000_000
_TURNED = 6
_MISSING = Mark("look", "✗", "missing")
_LEGEND = (
    "✗ missing: the list does not have the topic. ▲: it has it, and not as SESConfig.json says. +: SESConfig.json does "
    "not have the topic."
)


def tables(summary: Summary) -> Iterator[Grid | str]:
    """Yield the tables of a run and the sentences between them. `summary` has all results whole."""
    matrix = TopicMatrix.read(summary.fleet)
    if matrix.topics is not None:
        yield _opted_in(summary.results, matrix)
        yield from _drift(matrix.drift)
        return
    checks = {one.customer_code: list(_checks(one.data)) for one in summary.results}
    if any(checks.values()):
        yield _checked(summary.results, checks)
        return
    yield from _of_terminal(summary)


def differing(summary: Summary) -> Mapping[str, bool]:
    """Return, by customer, whether something differs there; nothing for a run that does not find that out."""
    return {one.customer_code: one.differs for one in summary.results if one.differs is not None}


def findings(summary: Summary) -> Iterator[tuple[str, str, Mark, str]]:
    """Yield (customer, check, mark, message) of every check that found something which no error says already."""
    for result in summary.results:
        said = "" if result.error is None else result.error.message
        for name, status, message in _checks(result.data):
            if status != "ok" and message not in said:
                yield result.customer_code, name, check(status), message


def _opted_in(results: Sequence[CustomerResult], matrix: TopicMatrix) -> Grid:
    topics, drift = matrix.topics or {}, matrix.drift or {}
    rows = [(one.customer_code, tuple(_topic_cells(one, topics, drift.get(one.customer_code)))) for one in results]
    sums = tuple(Cell(f"{sum(counts.values()):,}", kind="sum") for counts in topics.values())
    return Grid(
        title="Topics: how many contacts receive each",
        heads=tuple(topics),
        rows=(*rows, ("all", sums)),
        turned=len(topics) > _TURNED,
        legend=_LEGEND if any(found.is_different() for found in drift.values()) else "",
    )


def _topic_cells(
    result: CustomerResult, topics: Mapping[str, Mapping[str, int]], drift: Drift | None
) -> Iterator[Cell]:
    if result.status != "successful":
        yield Cell(mark=STATUSES[result.status])
        return
    different = {one.topic for one in drift.different} if drift else set()
    for name, counts in topics.items():
        count = counts.get(result.customer_code)
        shown = "" if count is None else f"{count:,}"
        if drift and name in drift.missing:
            yield Cell(mark=_MISSING)
        elif drift and name in drift.extra:
            yield Cell(f"+ {shown}", kind="look")
        elif name in different:
            yield Cell(f"▲ {shown}", kind="look")
        else:
            yield Cell(shown)


def _drift(drift: Mapping[str, Drift] | None) -> Iterator[Grid | str]:
    if drift is None:
        yield "The lists were not compared with SESConfig.json."
        return
    rows = tuple(
        (code, (_names(found.missing), _names(found.extra), Cell("; ".join(map(_difference, found.different)))))
        for code, found in drift.items()
        if found.is_different()
    )
    if rows:
        heads = ("missing", "extra", "different (in the list → in SESConfig.json)")
        yield Grid("Differs from SESConfig.json", heads, rows, texts=3)
    elif drift:
        yield "Every list that was read has the topics of SESConfig.json."


def _difference(found: TopicDifference) -> str:
    return f"{found.topic}, {found.field.replace('_', ' ')}: {_said(found.have)} → {_said(found.want)}"


def _said(value: str | None) -> str:
    return "none" if value is None else f"“{value}”"


def _names(names: Sequence[str]) -> Cell:
    return Cell(", ".join(names))


def _checked(results: Sequence[CustomerResult], checks: Mapping[str, Sequence[tuple[str, str, str]]]) -> Grid:
    names = tuple(dict.fromkeys(name for found in checks.values() for name, _, _ in found))
    rows = []
    for one in results:
        marks = {name: Cell(mark=check(status)) for name, status, _ in checks[one.customer_code]}
        made = tuple(marks.get(name, Cell("not made")) for name in names)
        rows.append((one.customer_code, made if marks else (Cell(mark=STATUSES[one.status]),)))
    return Grid("Checks", tuple(name.replace("_", " ") for name in names), tuple(rows), texts=len(names))


def _checks(data: Mapping[str, Any] | None) -> Iterator[tuple[str, str, str]]:
    """Yield (name, status, message) of the checks that any action's data has."""
    found = (data or {}).get("checks")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping):
            told = [str(one[field]) for field in ("message", "detail", "advice") if one.get(field)]
            # Joined as in the customer's warnings and error, by which it is known that they say the same.
            yield str(one.get("name", "")), str(one.get("status", "")), ": ".join(told)


def _of_terminal(summary: Summary) -> Iterator[Grid | str]:
    """Yield what `runs show` has of this action, but for what can be done next with the record."""
    for shown in terminal.tables(summary, _WIDE):
        if isinstance(shown, Table):
            yield _grid(shown)
        elif isinstance(shown, Text) and not isinstance(shown, terminal.Afterwards):
            yield shown.plain.strip()


def _grid(table: Table) -> Grid:
    heads, *rest = (tuple(map(str, (column.header, *column.cells))) for column in table.columns)
    rows = tuple(zip(*(column[1:] for column in rest), strict=True))
    texts = sum(column.justify == "left" for column in table.columns) - 1
    return Grid(
        str(table.title),
        tuple(column[0] for column in rest),
        tuple((code, tuple(map(Cell, cells))) for code, cells in zip(heads[1:], rows, strict=True)),
        texts=texts,
    )
