"""find-contact on the terminal of who gave the addresses: people, and people by customers.

Summaries and records know people by their row only. Who is where lies in S3, for those who may read contacts; the
addresses come from the file or the flags of this call.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ses_fleet import limits
from ses_fleet.actions.data.find_contact import FindContactData
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.people.rows import Row
from ses_fleet.runs.keys import data_prefix, part_name
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.text import printable
from ses_fleet_cli.errors import policy
from ses_fleet_cli.export import prefix_of
from ses_fleet_cli.parallel import in_order
from ses_fleet_cli.tables import answer_of_fleet, plain, side_by_side, tables

_FILES = "people"
_IS, _IS_NOT, _NOT_PROVEN, _NOT_ASKED = "✅", "–", "?", ""
_UNSUBSCRIBED, _SUPPRESSED = "🔕", "🚫"
_LEGEND = (
    f"{_IS} contact   {_IS_NOT} none   {_NOT_PROVEN} not proven   {_UNSUBSCRIBED} unsubscribed from all   "
    f"{_SUPPRESSED} suppressed"
)

# By customer, what was found of each row, or why that cannot be told.
_Found = Mapping[int, dict[str, Any]] | str


def is_shown(summary: Summary) -> bool:
    """Return whether this is the Summary of a run that looked for people."""
    return summary.action.removesuffix("-all") == "find-contact" and not summary.dry_run


def matrix(bucket: Bucket, summary: Summary, rows: Mapping[int, Row], width: int) -> Iterator[RenderableType]:
    """Yield a table of the people of these rows, by their lines, and tables of them by customers.

    Yield the counts, as for everybody, with what is needed when who is where may not be read.
    """
    try:
        found = _read_all(bucket, summary)
    except AwsCallError:
        yield from tables(summary, width)
        where = bucket.location(data_prefix(summary.run_id, "CUSTOMER"))
        yield Text(f"Who is where: {where}, shown here to those who have {policy('data-reader')}, too\n")
        return
    yield from _tables(summary, rows, found, width)


def _tables(
    summary: Summary, rows: Mapping[int, Row], found: Mapping[str, _Found], width: int
) -> Iterator[RenderableType]:
    cells = {
        (number, code): _cell(row, code, found.get(code, ""), number) for number, row in rows.items() for code in found
    }
    shown = list(islice(rows, limits.SHOWN_PEOPLE))
    heads = ["row", "address", _IS, _IS_NOT, _NOT_PROVEN, _UNSUBSCRIBED, _SUPPRESSED]
    yield plain("People", heads, [_person(number, rows[number].email, found, cells) for number in shown], texts=2)
    if len(rows) == 1:
        yield _of_one(next(iter(rows)), found, cells)
    else:
        by_customer = [(printable(code), [cells[number, code] for number in shown]) for code in found]
        yield from side_by_side("Where they are", [str(number) for number in shown], by_customer, width)
    if len(rows) > len(shown):
        yield Text(f"{len(rows) - len(shown):,} more people are in the data of the run\n")
    yield Text(_LEGEND)
    for code, one in found.items():
        if isinstance(one, str) and one:
            yield Text(f"   ⚠️  {printable(code)}: {printable(one, 300)}")
    yield from answer_of_fleet(summary)


def _of_one(number: int, found: Mapping[str, _Found], cells: Mapping[tuple[int, str], str]) -> RenderableType:
    """Return the table of one person's customers, with the topics that the person gets there."""
    rows = [[printable(code), cells[number, code], _topics(one, number)] for code, one in found.items()]
    return plain("Where they are", ["customer", "", "gets"], rows, texts=3)


def _topics(found: _Found, number: int) -> str:
    """Return the topics that a contact gets, and nothing of who is none or gets none."""
    record = {} if isinstance(found, str) else found.get(number, {})
    effective = record.get("effective")
    gets = [topic for topic, status in effective.items() if status == "OPT_IN"] if isinstance(effective, dict) else []
    return ", ".join(map(printable, gets))


def _person(number: int, email: str, found: Mapping[str, _Found], cells: Mapping[tuple[int, str], str]) -> list[str]:
    counts: Counter[str] = Counter()
    for code in found:
        counts.update(cells[number, code].split())
    numbers = (counts[one] for one in (_IS, _IS_NOT, _NOT_PROVEN, _UNSUBSCRIBED, _SUPPRESSED))
    return [str(number), printable(email, limits.ADDRESS_CHARACTERS), *(f"{one:,}" for one in numbers)]


def _cell(row: Row, code: str, found: _Found, number: int) -> str:
    """Return what is known of a person at a customer: absent only if SES said so there."""
    if not row.is_for(code):
        return _NOT_ASKED
    record = None if isinstance(found, str) else found.get(number)
    if record is None or record.get("found") not in (True, False):
        return _NOT_PROVEN
    marks = [_IS if record["found"] else _IS_NOT]
    marks += [_UNSUBSCRIBED] if record.get("unsubscribed_all") is True else []
    marks += [_SUPPRESSED] if isinstance(record.get("suppressed"), dict) else []
    return " ".join(marks)


def _read_all(bucket: Bucket, summary: Summary) -> dict[str, _Found]:
    """Return what was found by customer. Skipped customers, where nobody looked, are not in it.

    Raise AwsCallError when whoever runs the command may not read it.
    """
    asked = [one for one in summary.results if one.status != "skipped"]
    read = in_order(lambda result: _read(bucket, summary.run_id, result), asked, at_once=limits.RECORD_READERS)
    return dict(zip((one.customer_code for one in asked), read, strict=True))


def _read(bucket: Bucket, run_id: str, result: CustomerResult) -> _Found:
    data = FindContactData.read(result.data)
    if result.status != "successful":
        return ""  # the summary says why
    prefix = prefix_of(bucket, run_id, result)
    found: dict[int, dict[str, Any]] = {}
    for number in range(1, data.parts + 1):
        key = f"{prefix}{part_name(number, _FILES)}"
        try:
            body = bucket.read(key, limit=limits.MAX_EXPORT_PART_BYTES).body
            records = [json.loads(line) for line in gzip.decompress(body).splitlines()]
            found |= {record["row"]: record for record in records}
        except AwsCallError as failure:
            if failure.status == 403:
                raise
            return f"{bucket.location(key)} cannot be read ({failure.code})"
        except (TooLargeError, OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            return f"{bucket.location(key)} cannot be read ({type(error).__name__})"
    return found
