"""What a run found out, as tables: one row for each customer, one column for each thing that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.data.backup_list import BackupListData
from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.check_health import CheckHealthData, HealthCheck, HealthStatus
from ses_fleet.actions.data.describe_list import DescribeListData
from ses_fleet.actions.data.describe_topics import Drift
from ses_fleet.actions.data.erase_contact import EraseContactData
from ses_fleet.actions.data.estimate import Estimate
from ses_fleet.actions.data.find_contact import FindContactData, FoundPeople
from ses_fleet.actions.data.import_aws_contact import ImportData
from ses_fleet.actions.data.list_contacts import ListContactsData
from ses_fleet.actions.data.list_suppressed import ListSuppressedData
from ses_fleet.actions.data.manage_topic import ManageTopicData
from ses_fleet.actions.data.remove_contacts import RemoveContactsData
from ses_fleet.actions.data.set_contacts import SetContactsData
from ses_fleet.actions.data.set_suppressed import SetSuppressedData
from ses_fleet.actions.data.topic_comparison import TopicMatrix
from ses_fleet.actions.data.un_erase import UnEraseData
from ses_fleet.actions.data.validate_access import ValidateAccessData
from ses_fleet.runs.backups import Kind, restore_command
from ses_fleet.runs.models import CustomerResult, Status, Summary
from ses_fleet.runs.results import NO_RESULT_YET
from ses_fleet.text import printable

# The record names customers before they are started: it cannot tell who of them is with a worker already.
NAMED = "under way or about to start"
_MARKS = {"ok": "✅", "finding": "⚠️", "failed": "❌"}
_HEALTH_MARKS: dict[HealthStatus, str] = {"ok": "✅", "no_data": "❔", "finding": "⚠️", "failed": "❌"}
# The columns of the health matrix, each with its checks: all of them fit into 80 characters.
_HEALTH_COLUMNS = {
    "account": ("sandbox", "sending", "enforcement", "review", "suppression"),
    "quota": ("quota",),
    "identities": ("identities",),
    "DNS": ("dkim", "mail_from", "configuration_set"),
    "bounces": ("bounce_rate",),
    "complaints": ("complaint_rate",),
}
_SHOWN: dict[Status, str] = {
    "successful": "",
    "failed": "failed",
    "skipped": "skipped",
    "not_started": "not started",
    "under_way": NAMED,
}
_WORST_FIRST: tuple[HealthStatus, ...] = ("failed", "finding", "no_data", "ok")
_REASONS = ("BOUNCE", "COMPLAINT")
_PADDING = 3
Row = tuple[str, list[str]]
D = TypeVar("D", bound=Data)


class Afterwards(Text):
    """A line about what can be done or read once the run is over, where its records are still there."""


def tables(summary: Summary, width: int) -> Iterator[RenderableType]:
    """Yield the tables of a run's action, each at most `width` characters wide; nothing for an action without tables.

    A dry run of a reading action has none, because no worker was started.
    """
    action = summary.action.removesuffix("-all")
    make = _TABLES.get(action)
    if make is not None and (not summary.dry_run or ACTIONS[action].mutates):
        yield from make(summary, width)


def plain(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> Table:
    """Return a table whose first `texts` columns are text, and the others numbers or marks."""
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
        data = DescribeListData.read(result.data)
        found, counted = data.contact_list, data.contacts
        cells = [
            found.name if found else _why_not(result, "no list"),
            str(len(data.topics)) if found else "",
            _number(counted.total) if counted else "",
            _number(counted.unsubscribed_all) if counted else "",
        ]
        rows.append([printable(result.customer_code), *(printable(cell) for cell in cells)])
    yield plain("Contact lists", ["customer", "list", "topics", "contacts", "unsubscribed from all"], rows, texts=2)


def _contacts(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    found = [(result, ListContactsData.read(result.data)) for result in summary.results]
    for result, data in found:
        contacts = _why_not(result, "") if data.total is None else _number(data.total)
        rows.append([printable(result.customer_code), contacts, _number(data.parts)])
    total = sum(data.total or 0 for _, data in found)
    yield plain("Contacts written", ["customer", "contacts", "parts"], [*rows, ["all", _number(total), ""]])
    if not any(data.parts for _, data in found):
        return
    yield Afterwards(f"Export them to one file: ses-fleet runs export {summary.run_id} --format csv --out FILE\n")


def _found(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    for result in summary.results:
        data = FindContactData.read(result.data)
        if not data.people:
            rows.append([printable(result.customer_code), _why_not(result, ""), "", ""])
            continue
        suppressed = "unknown" if data.suppressed is None else _number(data.suppressed)
        rows.append([printable(result.customer_code), _number(data.contacts), _number(data.not_found), suppressed])
    yield plain("People found", ["customer", "contacts", "not found", "suppressed"], rows)
    yield from answer_of_fleet(summary)


def _suppressed(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    found = [(result, ListSuppressedData.read(result.data)) for result in summary.results]
    for result, data in found:
        total = _why_not(result, "") if data.total is None else _number(data.total)
        counts = [_number(data.reasons.get(reason, 0)) if data.total is not None else "" for reason in _REASONS]
        rows.append([printable(result.customer_code), total, *counts])
    yield plain("Suppressed addresses", ["customer", "addresses", "bounced", "complained"], rows)
    places = {(one.data_location or "").removesuffix(f"{one.customer_code}/") for one in summary.results} - {""}
    for place in sorted(places):
        where = f"{printable(place, 300)}CUSTOMER/suppressed-*.jsonl.gz"
        yield Afterwards(f"Which: {where}, for those who may read contacts\n")


def _set_suppressed(summary: Summary, _width: int) -> Iterator[RenderableType]:
    title = "Suppression lists as they would be changed" if summary.dry_run else "Suppression lists"
    columns = ("added", "already", "removed", "was absent", "kept", "failed")
    yield _counted(
        summary,
        title,
        columns,
        SetSuppressedData,
        lambda data: (data.added, data.already, data.removed, data.was_absent, data.kept_complaint, data.failed),
    )


def _counted(
    summary: Summary, title: str, columns: Sequence[str], model: type[D], counts: Callable[[D], Sequence[int]]
) -> Table:
    """Return a table with each customer's numbers, or why there are none.

    Where a plan was applied it says who was left out, and has no column in which all is zero but the first: one more
    would not fit into 80 characters.
    """
    found = {one.customer_code: model.read(one.data) for one in summary.results if one.data is not None}
    numbers = {code: list(counts(data)) for code, data in found.items()}
    heads = list(columns)
    if summary.plan is not None:
        shown = [at for at in range(len(heads)) if at == 0 or any(one[at] for one in numbers.values())]
        heads = [*(heads[at] for at in shown), "left out"]
        numbers = {
            code: [*(one[at] for at in shown), getattr(found[code], "left_out", 0)] for code, one in numbers.items()
        }
    rows = []
    for result in summary.results:
        known = numbers.get(result.customer_code)
        cells = [_why_not(result, ""), *[""] * (len(heads) - 1)] if known is None else [*map(_number, known)]
        rows.append([printable(result.customer_code), *cells])
    return plain(title, ["customer", *heads], rows)


def _erased(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows, proven = [], 0
    for result in summary.results:
        data = EraseContactData.read(result.data)
        if not data.people:
            rows.append([printable(result.customer_code), _why_not(result, ""), "", ""])
            continue
        proven += data.not_proven == 0 and not summary.dry_run
        gone = data.would_erase if summary.dry_run else data.erased
        counts = [_number(count) for count in (gone, data.was_absent, data.not_proven)]
        rows.append([printable(result.customer_code), *counts])
    head = "would be erased" if summary.dry_run else "erased"
    yield plain("People", ["customer", head, "were absent", "not proven"], rows)
    yield from _estimated([EraseContactData.read(result.data).estimate for result in summary.results])
    if summary.receipt is not None:
        asked = sum(result.status != "skipped" for result in summary.results)
        said = "everything is proven" if proven == asked else f"NOT PROVEN for {asked - proven} of {asked} customers"
        yield Afterwards(f"Receipt: {summary.receipt}\n{said}\n")


def _let_in(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows, let_in = [], 0
    for result in summary.results:
        data = UnEraseData.read(result.data)
        counts = [_number(data.lifted), _number(data.was_not_erased)]
        rows.append([printable(result.customer_code), *(counts if result.data else [_why_not(result, ""), ""])])
        let_in += data.lifted
    head = "would be let in again" if summary.dry_run else "let in again"
    yield plain("People", ["customer", head, "were not erased"], rows)
    if let_in == 0 and any(result.data for result in summary.results):
        yield Text("nobody is let in: where customers answered, none of these people was erased. Check the addresses\n")


def answer_of_fleet(summary: Summary) -> Iterator[RenderableType]:
    """Yield the line that says in how many customers' lists people were found; nothing for a run without an answer."""
    if summary.fleet is None:
        return
    fleet = FoundPeople.read(summary.fleet)
    parts = [f"found in {fleet.found_in:,}", f"absent in {fleet.absent_in:,}", f"not proven in {fleet.not_proven_in:,}"]
    parts += [f"not searched in {fleet.not_searched_in:,}"] if fleet.not_searched_in else []
    yield Text(f"Of {len(summary.results):,} customers: {', '.join(parts)}\n")


def _topics(summary: Summary, width: int) -> Iterator[RenderableType]:
    if summary.fleet is None:
        return
    matrix = TopicMatrix.read(summary.fleet)
    if matrix.topics is None:
        yield Afterwards(f"The comparison of all customers is in {matrix.location}\n")
        return
    counts = list(matrix.topics.values())
    rows: list[Row] = [
        (
            printable(result.customer_code),
            [_number(opted_in.get(result.customer_code)) for opted_in in counts]
            if result.status == "successful"
            else [_why_not(result, "")] * len(counts),
        )
        for result in summary.results
    ]
    sums = ("all", [_number(sum(opted_in.values())) for opted_in in counts])
    yield from side_by_side("Opted in", list(matrix.topics), [*rows, sums], width)
    if matrix.drift is not None:
        yield from _drift(matrix.drift)


def _drift(drift: Mapping[str, Drift]) -> Iterator[RenderableType]:
    rows = []
    for code, found in drift.items():
        changed = [f"{one.topic}.{one.field}" for one in found.different]
        if found.is_different():
            rows.append([printable(code), *(_names(names) for names in (found.missing, found.extra, changed))])
    if rows:
        yield plain("Differs from SESConfig.json", ["customer", "missing", "extra", "different"], rows, texts=4)
    elif drift:
        yield Text("Every list that was read has the topics of SESConfig.json, and no others.\n")


def _managed(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    for result in summary.results:
        if result.data is None:
            rows.append([printable(result.customer_code), _why_not(result, ""), "", "", "", ""])
            continue
        data = ManageTopicData.read(result.data)
        updated = len({one.topic for one in data.updated})
        counts = (data.added, data.removed, data.unchanged, data.unmanaged)
        added, removed, unchanged, unmanaged = (str(len(names)) for names in counts)
        shown = f"{added} (new list)" if data.list_created else added
        rows.append([printable(result.customer_code), shown, str(updated), removed, unchanged, unmanaged])
    title = "Topics as they would be" if summary.dry_run else "Topics"
    yield plain(title, ["customer", "added", "updated", "removed", "unchanged", "unmanaged"], rows)
    pruned = [one for one in summary.results if ManageTopicData.read(one.data).removed]
    yield from _bring_back(summary, "topics", [] if summary.dry_run else pruned)


def _imported(summary: Summary, _width: int) -> Iterator[RenderableType]:
    yield _counted(
        summary,
        "Contacts as they would be imported" if summary.dry_run else "Contacts imported",
        ("created", "updated", "removed", "unchanged", "skipped", "failed"),
        ImportData,
        lambda data: (
            data.created,
            data.updated,
            data.removed,
            data.unchanged,
            sum(data.skipped.values()),
            data.failed,
        ),
    )
    places = {(one.data_location or "").removesuffix(f"{one.customer_code}/") for one in summary.results} - {""}
    for place in sorted(places):
        yield Afterwards(f"Who: {printable(place, 300)}CUSTOMER/changes-*.jsonl.gz, for those who may read contacts\n")
    yield from _bring_back(summary, "contacts", [one for one in summary.results if ImportData.read(one.data).backup])


def _set(summary: Summary, _width: int) -> Iterator[RenderableType]:
    yield _counted(
        summary,
        "Contacts as they would be set" if summary.dry_run else "Contacts set",
        ("created", "updated", "unchanged", "kept their choice", "erased before", "failed"),
        SetContactsData,
        lambda data: (
            data.created,
            data.updated,
            data.unchanged,
            data.kept_choice,
            data.erased_before,
            data.failed,
        ),
    )
    yield from _estimated([SetContactsData.read(result.data).estimate for result in summary.results])


def _removed(summary: Summary, _width: int) -> Iterator[RenderableType]:
    yield _counted(
        summary,
        "Contacts as they would be removed" if summary.dry_run else "Contacts removed",
        ("removed", "kept their choice", "absent", "failed"),
        RemoveContactsData,
        lambda data: (data.removed, data.kept_choice, data.absent, data.failed),
    )
    yield from _estimated([RemoveContactsData.read(result.data).estimate for result in summary.results])
    saved = [one for one in summary.results if RemoveContactsData.read(one.data).backup]
    yield from _bring_back(summary, "contacts", saved)


def _bring_back(summary: Summary, kind: Kind, saved: Sequence[CustomerResult]) -> Iterator[RenderableType]:
    """Yield the command that restores what these customers' backups have, once for each run that made some."""
    by_run: dict[str, list[str]] = {}
    for result in saved:
        by_run.setdefault(result.work_of or summary.run_id, []).append(printable(result.customer_code))
    for run_id, codes in by_run.items():
        code, whose = (codes[0], "") if len(codes) == 1 else ("CODE", f"; CODE is {_names(codes)}")
        yield Afterwards(f"Bring back: {restore_command(kind, code, printable(run_id))}{whose}\n")


def _estimated(estimates: Sequence[Estimate | None]) -> Iterator[RenderableType]:
    """Say what the real run takes: customers run side by side, so the longest one counts."""
    found = [one for one in estimates if one is not None]
    if found:
        requests, seconds = sum(one.requests for one in found), max(one.seconds for one in found)
        yield Text(f"It takes about {requests:,} requests to SES, {seconds:,} s for the customer that takes longest.\n")


def _backups(summary: Summary, _width: int) -> Iterator[RenderableType]:
    rows = []
    found = [(result, BackupListData.read(result.data)) for result in summary.results]
    for result, data in found:
        saved = _number(data.total) if data.backup else _why_not(result, "no list")
        rows.append([printable(result.customer_code), saved, _number(data.topics)])
    yield plain("Backups", ["customer", "contacts", "topics"], rows)
    yield from _bring_back(summary, "list", [result for result, data in found if data.backup])


def _access(summary: Summary, width: int) -> Iterator[RenderableType]:
    found = [(result, ValidateAccessData.read(result.data).checks) for result in summary.results]
    names = dict.fromkeys(check.name for _, checks in found for check in checks)
    rows: list[Row] = []
    for result, checks in found:
        marks = {check.name: _MARKS[check.status] for check in checks}
        otherwise = "–" if marks else _why_not(result, "–")
        rows.append((printable(result.customer_code), [marks.get(name, otherwise) for name in names]))
    if names:
        yield from side_by_side("Checks", list(names), rows, width)
    whose: dict[tuple[str, str], list[str]] = {}
    for result, checks in found:
        for check in checks:
            if check.status == "finding":
                whose.setdefault((check.name, check.message), []).append(result.customer_code)
    for (name, message), codes in whose.items():
        yield Text(f"   ⚠️  {_names(codes)}: {printable(name)}: {printable(message, 500)}")


def _health(summary: Summary, width: int) -> Iterator[RenderableType]:
    found = [(result, CheckHealthData.read(result.data)) for result in summary.results]
    rows: list[Row] = [(printable(result.customer_code), _health_cells(result, data)) for result, data in found]
    yield from side_by_side("Health", list(_HEALTH_COLUMNS), rows, width)
    whose: dict[HealthCheck, list[str]] = {}
    for result, data in found:
        for check in data.checks:
            if check.status == "finding":
                whose.setdefault(check, []).append(result.customer_code)
    for check, codes in whose.items():
        yield Text(f"   ⚠️  {_names(codes)}: {printable(check.name)}: {printable(check.detail, 500)}")
        if check.advice:
            yield Text(f"      → {printable(check.advice, 500)}")
    if any(check.status == "no_data" for _, data in found for check in data.checks):
        yield Text(f"   {_HEALTH_MARKS['no_data']} is not known, and not ok: the customer's block says why")
    yield Text("")


def _health_cells(result: CustomerResult, data: CheckHealthData) -> list[str]:
    """Return the cells of a customer: the worst mark of each column's checks, with the number behind it."""
    if not data.checks:  # who is under way is named below the tables, in words too long for a cell
        why = "–" if result.status == "under_way" else _why_not(result, "–")
        return [why, *[""] * (len(_HEALTH_COLUMNS) - 1)]
    total, verified = data.identities_total, data.identities_verified
    numbers = {
        "quota": _percent(data.quota_percent),
        "identities": "" if total is None or verified is None else f"{verified:,}/{total:,}",
        "bounces": _percent(data.bounce_percent),
        "complaints": _percent(data.complaint_percent),
    }
    cells = []
    for column, names in _HEALTH_COLUMNS.items():
        found = [check.status for check in data.checks if check.name in names]
        mark = next((_HEALTH_MARKS[one] for one in _WORST_FIRST if one in found), "–")
        cells.append(f"{numbers.get(column, '')} {mark}".strip())
    return cells


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".") + " %"


_TABLES: dict[str, Callable[[Summary, int], Iterator[RenderableType]]] = {
    "describe-list": _lists,
    "describe-topics": _topics,
    "list-contacts": _contacts,
    "erase-contact": _erased,
    "un-erase": _let_in,
    "find-contact": _found,
    "list-suppressed": _suppressed,
    "set-suppressed": _set_suppressed,
    "validate-access": _access,
    "check-health": _health,
    "manage-topic": _managed,
    "backup-list": _backups,
    "import-aws-contact": _imported,
    "set-contacts": _set,
    "remove-contacts": _removed,
}


def side_by_side(title: str, heads: list[str], rows: Sequence[Row], width: int) -> Iterator[RenderableType]:
    """Yield one table, or several below each other when there are more columns than the terminal is wide."""
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
    """Return whether this customer has no result yet, and was not sent to a worker as far as the record shows."""
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
