"""`runs export`: write the contacts of all customers of a run into one file, reading a few parts ahead."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.keys import data_prefix, part_name
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.record import RunRecord
from ses_fleet.runs.results import NO_RESULT_YET
from ses_fleet.text import printable
from ses_fleet_cli.errors import usage
from ses_fleet_cli.new_file import NewFile
from ses_fleet_cli.parallel import in_order
from ses_fleet_cli.runs import Shown
from ses_fleet_cli.tables import NAMED

_ACTION = "list-contacts"
_COLUMNS = ("customer_code", "email", "unsubscribed_all", "last_updated_at", "preferences", "effective")
_FIELDS = {"email", "unsubscribed_all", "last_updated_at", "preferences", "effective"}
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Exported:
    """How many contacts were exported. `problems` has a text for everything that is missing in the file."""

    contacts: int = 0
    problems: list[str] = field(default_factory=list)


def export(bucket: Bucket, shown: Shown, format_: str, out: NewFile, advance: Callable[[int, int], None]) -> Exported:
    """Write the run's contacts to `out` in the format csv or jsonl; the file appears only when it is complete.

    `advance(contacts so far, contacts in all)` is called as it goes on. Raise CommandError with exit code 2 for a run
    that lists no contacts, or when `out` cannot be written.
    """
    if shown.plan is None or shown.summary.action.removesuffix("-all") != _ACTION or shown.summary.dry_run:
        what = f"{shown.summary.action}{' (dry run)' if shown.summary.dry_run else ''}"
        raise usage(
            f"run {shown.summary.run_id} is a {what} and lists no contacts; export a run of {_ACTION}-all, or take "
            "--format html, the report of any run"
        )
    exported = Exported()
    results = _results(bucket, shown, exported)
    total = sum((result.data or {}).get("total", 0) for result in results)
    with out.writing() as file:
        write = _WRITERS[format_](file)
        parts = [part for result in results for part in _parts(bucket, shown.summary.run_id, result)]
        read = in_order(lambda key: _read(bucket, key), parts, at_once=limits.EXPORT_READERS)
        for result in results:
            for contact in _contacts(result, read, exported):
                write(result.customer_code, contact)
                exported.contacts += 1
                if exported.contacts % 1_000 == 0:
                    advance(exported.contacts, total)
    return exported


def _results(bucket: Bucket, shown: Shown, exported: Exported) -> list[CustomerResult]:
    """The results of customers whose contacts were listed; each other customer becomes a problem."""
    assert shown.plan is not None  # noqa: S101  # checked by export
    found = []
    record = RunRecord(bucket, shown.summary.run_id)
    under_way = {result.customer_code for result in shown.summary.results if result.status == "under_way"}
    for index, body in record.stored_results(shown.plan, range(len(shown.plan.customers))):
        customer_code = shown.plan.customers[index].customer_code
        code = printable(customer_code)
        try:
            result = CustomerResult.model_validate_json(body) if body else None
        except ValueError:
            exported.problems.append(f"contacts of {code} are missing: its result cannot be understood")
            continue
        if result is not None and result.status == "successful":
            found.append(result)
        elif result is None or result.status != "skipped":
            without = NAMED if customer_code in under_way else NO_RESULT_YET
            exported.problems.append(f"contacts of {code} are missing: {result.status if result else without}")
    return found


def _parts(bucket: Bucket, run_id: str, result: CustomerResult) -> list[str]:
    """Return the keys of the files with a customer's contacts."""
    prefix = prefix_of(bucket, run_id, result)
    return [f"{prefix}{part_name(number)}" for number in range(1, _part_count(result) + 1)]


def _part_count(result: CustomerResult) -> int:
    return int((result.data or {}).get("parts", 0))


def _contacts(result: CustomerResult, read: Iterator[bytes | str], exported: Exported) -> Iterator[dict[str, Any]]:
    """Yield a customer's contacts; `read` has its parts next, as `_read` returns them."""
    count, is_whole = 0, True
    for _ in range(_part_count(result)):
        part = next(read)
        if isinstance(part, str):
            exported.problems.append(f"contacts of {result.customer_code} are missing: {part}")
            is_whole = False
            continue
        for contact in _lines(part):
            count += 1
            yield contact
    total = (result.data or {}).get("total")
    if is_whole and count != total:
        exported.problems.append(f"{result.customer_code} has {count} contacts in its files, not {total}")


def _read(bucket: Bucket, key: str) -> bytes | str:
    """Return a part that was read and is whole, or why it cannot be read."""
    try:
        stored = bucket.read(key, limit=limits.MAX_EXPORT_PART_BYTES).body
        _check(stored)
    except (AwsCallError, TooLargeError, OSError, EOFError, zlib.error, ValueError) as error:
        why = error.code if isinstance(error, AwsCallError) else type(error).__name__
        return f"{bucket.location(key)} cannot be read ({why})"
    return stored


def prefix_of(bucket: Bucket, run_id: str, result: CustomerResult) -> str:
    """Return the key prefix of a result's files: the result's own, if it is below the customer's data of this run."""
    own = data_prefix(run_id, result.customer_code)
    said = (result.data_location or "").removeprefix(bucket.location(""))
    return said if said.startswith(own) else own


def _check(stored: bytes) -> None:
    """Raise ValueError, OSError or zlib.error for a part that is broken anywhere: half of it would look like all."""
    for contact in _lines(stored):
        if not (isinstance(contact, dict) and contact.keys() >= _FIELDS):
            raise ValueError("a line is no contact")


def _lines(stored: bytes) -> Iterator[dict[str, Any]]:
    with gzip.open(io.BytesIO(stored), "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _jsonl(file: TextIO) -> Callable[[str, dict[str, Any]], None]:
    def write(code: str, contact: dict[str, Any]) -> None:
        file.write(json.dumps({"customer_code": code, **contact}, ensure_ascii=False) + "\n")

    return write


def _csv(file: TextIO) -> Callable[[str, dict[str, Any]], None]:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)

    def write(code: str, contact: dict[str, Any]) -> None:
        cells = [contact["email"], str(contact["unsubscribed_all"]).lower(), contact["last_updated_at"] or ""]
        topics = [_topics(contact["preferences"]), _topics(contact["effective"])]
        writer.writerow([code, *(_harmless(cell) for cell in (*cells, *topics))])

    return write


_WRITERS: dict[str, Callable[[TextIO], Callable[[str, dict[str, Any]], None]]] = {"csv": _csv, "jsonl": _jsonl}
FORMATS = tuple(_WRITERS)


def _topics(statuses: dict[str, str]) -> str:
    return ";".join(f"{topic}={status}" for topic, status in statuses.items())


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
