"""`--people` and `--person`: whom a run is for, checked as the orchestrator checks it, then uploaded.

A file is JSON Lines, a row a line, or CSV as spreadsheets write it: the first line names the columns, and what is empty
is not given. What is wrong is told by the file's own lines, which the rows keep when they are uploaded.
"""

from __future__ import annotations

import codecs
import csv
import io
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ses_fleet import json_text, limits
from ses_fleet.actions.catalogue import payload_names
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, JsonError, PeopleFileError, Problem
from ses_fleet.people import request_file
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.people.rows import MODELS, OF_ADDRESS_ALONE, Row
from ses_fleet.problems import harmless_key
from ses_fleet.runs.keys import people_file_key
from ses_fleet.text import did_you_mean, printable, quoted
from ses_fleet_cli.errors import no_summary, policy, usage

_DELIMITERS = ",;\t"
_LISTS = frozenset({"customers", "opt_in", "opt_out"})
_BOOLEANS = {"true": True, "false": None}  # in a row there is no false: it is not given
_ATTRIBUTE = "attributes."
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Checked:
    """A people file that is right: the bytes to be uploaded, and their rows by line."""

    body: bytes
    by_line: Mapping[int, Row]

    @property
    def rows(self) -> int:
        """Return how many rows the file has."""
        return len(self.by_line)


def checked(payload: Mapping[str, Any], source: str | None, persons: Sequence[str]) -> Checked | None:
    """Return the people file that the flags give for the payload's action, or None when they give none.

    `source` is the name of a file, or `-` for standard input; `persons` are addresses. Raise CommandError with exit
    code 2 when they do not fit the action or the file cannot be read, and PeopleFileError with all that is wrong in it.
    """
    if source is None and not persons:
        return None
    flag = "--person" if source is None else "--people"
    if source is not None and persons:
        raise usage("--people and --person both say whom the run is for: give one of the two")
    if "people" in payload:
        raise usage(f"{flag} uploads a people file, and the payload names one already: give one of the two")
    wanted = _rows_of(payload["action"], flag)
    if source is None:
        return _of_persons(persons, payload["action"], wanted)
    body = _read(source)
    request_file.check_size(len(body))
    if not _is_json_lines(source, body):
        body = request_file.stored(request_file.checked(_csv_values(_text(body), wanted), wanted))
    return _checked(body, wanted)


def upload(results: Bucket, file: Checked) -> str:
    """Upload the file under an id that nobody can guess, and return the id.

    Raise CommandError with exit code 3, which says which policy is missing if that is why.
    """
    people_id = secrets.token_hex(16)
    key = people_file_key(people_id)
    # One try that must create the object: to read back what became of a lost answer, this person has no permission.
    given = {"Key": key, "Body": file.body, "ContentType": "application/x-ndjson", "IfNoneMatch": "*"}
    try:
        results.s3.call("put_object", Bucket=results.name, **given)
    except AwsCallError as failure:
        where = results.location(key)
        if failure.status == 403:
            text = f"{where} may not be written ({failure.code}): that takes {policy('requester')}"
        else:
            text = f"{where} could not be written ({failure.code}: {failure.text}): try again"
        raise no_summary(f"{text}; nothing was started") from None
    return people_id


def told(people_id: str, file: Checked, now: datetime) -> str:
    """Return a line about an uploaded file; `now` is when it was uploaded."""
    rows = "1 row" if file.rows == 1 else f"{file.rows:,} rows"
    until = (now + timedelta(days=limits.PEOPLE_FILE_DAYS)).date()
    return f'people file {people_id}: {rows}, there until {until}; a payload names it as "people": "{people_id}"'


def _rows_of(action: Any, flag: str) -> PeopleRows:
    entry = payload_names().get(action) if isinstance(action, str) else None
    if entry is None or entry[0].people is None:
        takers = ", ".join(name for name, (one, _) in payload_names().items() if one.people is not None)
        raise usage(f"{flag}: {printable(action)} takes no people; {takers or 'no action'} does")
    return entry[0].people


def _of_persons(persons: Sequence[str], action: str, wanted: PeopleRows) -> Checked:
    if wanted.kind not in OF_ADDRESS_ALONE:
        columns = ", ".join(MODELS[wanted.kind].model_fields)
        raise usage(f"--person gives an address alone, and {action} needs more: give --people a file with {columns}")
    values = ((number, {"email": person}) for number, person in enumerate(persons, 1))
    return _checked(request_file.stored(request_file.checked(values, wanted)), wanted)


def _checked(body: bytes, wanted: PeopleRows) -> Checked:
    """Return the file with a last line of random blanks, which rows are read without.

    The run's plan has the digest of the file, for people who may not read it. Without the blanks they could try
    addresses until one has that digest.
    """
    salted = body + b"\n" + bytes(secrets.choice(b" \t") for _ in range(limits.SALT_BLANKS))
    return Checked(salted, request_file.parse(salted, wanted).rows)


def _read(source: str) -> bytes:
    if not source:
        raise usage('--people "" cannot be the name of a file')
    most = limits.MAX_PEOPLE_FILE_BYTES + 1  # one more is told to be too large
    try:
        if source == "-":
            return b"" if sys.stdin is None else sys.stdin.buffer.read(most)
        with Path(source).open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise usage(f"--people {printable(source)}: {error.strerror}") from None
    except ValueError as error:  # a name with a NUL in it
        raise usage(f"--people {printable(source)}: {printable(str(error))}") from None


def _is_json_lines(source: str, body: bytes) -> bool:
    """Return whether a file is JSON Lines: by its name, or if that does not say so, by its first character."""
    suffix = Path(source).suffix.lower()
    if suffix in (".jsonl", ".csv"):
        return suffix == ".jsonl"
    return body.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{")


def _text(body: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS.items() if body.startswith(mark)), "utf-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise PeopleFileError(
            [f"line {line}: is not {encoding.removesuffix('-sig').upper()}: save the file as CSV UTF-8"]
        ) from None


def _csv_values(text: str, wanted: PeopleRows) -> Iterator[tuple[int, Any]]:
    """Yield (line, value of a row, or the JsonError of a cell) for every row of a CSV file.

    Raise PeopleFileError when the columns are wrong, or when a line is no CSV.
    """
    records = _records(text)
    first, header = next(records, (1, []))
    columns = _columns(first, header, wanted)
    for line, cells in records:
        try:
            yield line, _value(columns, cells)
        except JsonError as error:
            yield line, error


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (its first line, cells) of every record that has something in it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        problem = "is no CSV: a quotation mark is not closed, is not doubled inside a cell, or a cell is far too long"
        raise PeopleFileError([f"line {line}: {problem}"]) from None


def _delimiter(text: str) -> str:
    """Return what separates cells: comma, semicolon or tab, whichever the line with the columns' names has most of."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=header.count)


def _columns(line: int, header: list[str], wanted: PeopleRows) -> list[str]:
    """Return the field that each column is, "" for a column without a name; PeopleFileError when one is none."""
    fields = [*MODELS[wanted.kind].model_fields]
    names = [_column(cell) for cell in header]
    texts = []
    for number, name in enumerate(names, 1):
        if name and name not in fields and not (name.startswith(_ATTRIBUTE) and "attributes" in fields):
            shown = f" {quoted(name)}" if harmless_key(name) == name else ""
            texts.append(f"line {line}: column {number}: unknown column{shown}{did_you_mean(name, fields)}")
        elif name and name in names[: number - 1]:
            texts.append(f"line {line}: column {number}: is column {names.index(name) + 1} once more")
    if "attributes" in names and any(name.startswith(_ATTRIBUTE) for name in names):
        texts.append(f"line {line}: has the column attributes and one for a single attribute: give one of the two")
    if "email" not in names:
        texts.append(f"line {line}: no column is called email: the first line names the columns, {', '.join(fields)}")
    request_file.refuse(texts)
    return names


def _column(cell: str) -> str:
    """Return the name of a column as rows have it; that of an attribute is taken as it is written."""
    name = cell.strip()
    if name.casefold().startswith(_ATTRIBUTE):
        return _ATTRIBUTE + name[len(_ATTRIBUTE) :]
    return name.casefold()


def _value(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """Return a row as JSON has it; JsonError when a cell cannot be one."""
    row: dict[str, Any] = {}
    attributes: dict[str, str] = {}
    for number, cell in enumerate(cells, 1):
        name = columns[number - 1] if number <= len(columns) else ""
        if not cell.strip():
            continue
        if not name:
            raise JsonError([Problem("$", f"column {number}: has a value, and the first line has no name for it")])
        if name.startswith(_ATTRIBUTE):
            attributes[name.removeprefix(_ATTRIBUTE)] = cell
        else:
            row[name] = _cell(name, cell.strip())
    return {**row, **({"attributes": attributes} if attributes else {})}


def _cell(name: str, cell: str) -> Any:
    if name in _LISTS:
        return cell.split()
    if name == "unsubscribe_all":
        return _BOOLEANS.get(cell.casefold(), cell)
    if name != "attributes":
        return cell
    try:
        return json_text.parse(cell, "the cell")
    except JsonError as error:
        raise JsonError(Problem(f"$.attributes{one.path[1:]}", one.text) for one in error.problems) from None
