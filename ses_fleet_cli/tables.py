"""What a run found out, as tables: customers down, what was asked for across."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.results import NO_RESULT_YET
from ses_fleet.text import printable

_MARKS = {"ok": "✅", "finding": "⚠️", "failed": "❌"}
_SHOWN = {"successful": "", "failed": "failed", "skipped": "skipped", "not_started": "not started"}
_PADDING = 3
_Row = tuple[str, list[str]]


def tables(summary: Summary, width: int) -> Iterator[RenderableType]:
    """The tables of a run's action, each at most `width` wide; nothing for an action without any.

    A dry run of a reading action has nothing to show: no worker was started.
    """
    action = summary.action.removesuffix("-all")
    make = _TABLES.get(action)
    if make is not None and (not summary.dry_run or ACTIONS[action].mutates):
        yield from make(summary, width)


def plain(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> Table:
    """A table whose first `texts` columns are words, the others numbers or marks."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE, pad_edge=False)
    for position, name in enumerate(head):
        table.add_column(
            Text(name), justify="left" if position < texts else "right", overflow="fold", no_wrap=not position
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _lists(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    for result in summary.results:
        data = result.data or {}
        found, counted = data.get("contact_list"), data.get("contacts") or {}
        cells = [
            found["name"] if found else _why_not(result, "no list"),
            str(len(data["topics"])) if found else "",
            _number(counted.get("total")),
            _number(counted.get("unsubscribed_all")),
        ]
        rows.append([printable(result.customer_code), *(printable(cell) for cell in cells)])
    yield plain("Contact lists", ["customer", "list", "topics", "contacts", "unsubscribed from all"], rows, texts=2)


def _contacts(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    for result in summary.results:
        data = result.data or {}
        known = data.get("total") is not None
        cells = [_number(data.get("total")) if known else _why_not(result, ""), _number(data.get("parts"))]
        rows.append([printable(result.customer_code), *cells])
    total = sum((result.data or {}).get("total") or 0 for result in summary.results)
    yield plain("Contacts written", ["customer", "contacts", "parts"], [*rows, ["all", _number(total), ""]])
    if not any((result.data or {}).get("parts") for result in summary.results):
        return
    yield Text(f"Export them to one file: ses-fleet runs export {summary.run_id} --format csv --out FILE\n")


def _topics(summary: Summary, width: int) -> Iterator[RenderableType]:
    fleet = summary.fleet
    if fleet is None:
        return
    if fleet["topics"] is None:
        yield Text(f"The comparison of all customers is in {fleet['location']}\n")
        return
    topics = list(fleet["topics"])
    rows: list[_Row] = [
        (
            printable(result.customer_code),
            [_number(fleet["topics"][name].get(result.customer_code)) for name in topics]
            if result.status == "successful"
            else [_why_not(result, "")] * len(topics),
        )
        for result in summary.results
    ]
    sums = ("all", [_number(sum(fleet["topics"][name].values())) for name in topics])
    yield from _side_by_side("Opted in", topics, [*rows, sums], width)
    if fleet["drift"] is not None:
        yield from _drift(fleet["drift"])


def _drift(drift: dict[str, Any]) -> Iterator[RenderableType]:
    rows = []
    for code, found in drift.items():
        changed = [f"{one['topic']}.{one['field']}" for one in found["different"]]
        if found["missing"] or found["extra"] or changed:
            rows.append([printable(code), *(_names(names) for names in (found["missing"], found["extra"], changed))])
    if rows:
        yield plain("Differs from SESConfig.json", ["customer", "missing", "extra", "different"], rows, texts=4)
    else:
        yield Text("Every list has the topics of SESConfig.json.\n")


def _managed(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    for result in summary.results:
        data = result.data
        if data is None:
            rows.append([printable(result.customer_code), _why_not(result, ""), "", "", "", ""])
            continue
        updated = len({entry["topic"] for entry in data["updated"]})
        counts = (data["added"], data["removed"], data["unchanged"], data["unmanaged"])
        added, removed, unchanged, unmanaged = (str(len(names)) for names in counts)
        shown = f"{added} (new list)" if data["list_created"] else added
        rows.append([printable(result.customer_code), shown, str(updated), removed, unchanged, unmanaged])
    title = "Topics as they would be" if summary.dry_run else "Topics"
    yield plain(title, ["customer", "added", "updated", "removed", "unchanged", "unmanaged"], rows)


def _imported(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    for result in summary.results:
        data = result.data
        if data is None:
            rows.append([printable(result.customer_code), _why_not(result, ""), "", "", "", "", ""])
            continue
        counts = [data[name] for name in ("created", "updated", "removed", "unchanged")]
        counts += [sum(data["skipped"].values()), data["failed"]]
        rows.append([printable(result.customer_code), *(_number(count) for count in counts)])
    title = "Contacts as they would be imported" if summary.dry_run else "Contacts imported"
    yield plain(title, ["customer", "created", "updated", "removed", "unchanged", "skipped", "failed"], rows)
    places = {(one.data_location or "").removesuffix(f"{one.customer_code}/") for one in summary.results} - {""}
    for place in sorted(places):
        yield Text(f"Who: {printable(place, 300)}CUSTOMER/changes-*.jsonl.gz, for those who may read contacts\n")


def _backups(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    for result in summary.results:
        data = result.data or {}
        saved = _number(data.get("total")) if data.get("backup") else _why_not(result, "no list")
        rows.append([printable(result.customer_code), saved, _number(data.get("topics"))])
    yield plain("Backups", ["customer", "contacts", "topics"], rows)
    if not any((result.data or {}).get("backup") for result in summary.results):
        return
    yield Text(f"Bring one back: ses-fleet invoke restore-list --customer-code CODE --param backup={summary.run_id}\n")


def _access(summary: Summary, width: int) -> Iterator[RenderableType]:
    names: dict[str, None] = {}
    for result in summary.results:
        names |= dict.fromkeys(check["name"] for check in (result.data or {}).get("checks", ()))
    rows: list[_Row] = []
    for result in summary.results:
        checks = {check["name"]: _MARKS[check["status"]] for check in (result.data or {}).get("checks", ())}
        otherwise = "–" if checks else _why_not(result, "–")
        rows.append((printable(result.customer_code), [checks.get(name, otherwise) for name in names]))
    if names:
        yield from _side_by_side("Checks", list(names), rows, width)
    for result in summary.results:
        for check in (result.data or {}).get("checks", ()):
            if check["status"] == "finding":
                yield Text(
                    f"   ⚠️  {printable(result.customer_code)}: {check['name']}: {printable(check['message'], 500)}"
                )


_TABLES: dict[str, Callable[[Summary, int], Iterator[RenderableType]]] = {
    "describe-list": _lists,
    "describe-topics": _topics,
    "list-contacts": _contacts,
    "validate-access": _access,
    "manage-topic": _managed,
    "backup-list": _backups,
    "import-aws-contact": _imported,
}


def _side_by_side(title: str, heads: list[str], rows: list[_Row], width: int) -> Iterator[RenderableType]:
    """One table, or several below each other where the columns are more than the terminal takes."""
    first = max(len("customer"), *(len(code) for code, _ in rows)) + _PADDING
    start = 0
    while start < len(heads):
        end, used = start, first
        while end < len(heads) and (end == start or used + len(heads[end]) + _PADDING <= width):
            used += len(heads[end]) + _PADDING
            end += 1
        part = [[code, *cells[start:end]] for code, cells in rows]
        yield plain(title, ["customer", *heads[start:end]], part)
        start = end


def is_open(result: CustomerResult) -> bool:
    """Return whether nobody knows yet what becomes of this customer: it may wait, run, or have been lost."""
    return result.status == "not_started" and NO_RESULT_YET in result.warnings


def _why_not(result: CustomerResult, otherwise: str) -> str:
    if is_open(result):
        return NO_RESULT_YET
    if result.status == "successful" and result.data is None and result.data_location:
        return "in S3"
    return _SHOWN[result.status] or otherwise


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _names(names: Sequence[str]) -> str:
    return printable(", ".join(names), 400)
