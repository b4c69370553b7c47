"""`--people` and `--person`: a file as people have it becomes the rows that the orchestrator reads, or is refused."""

from __future__ import annotations

import csv
import io
import json
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS, payload_names
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, PeopleFileError
from ses_fleet.people import request_file
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.people.rows import PersonRow, Row
from ses_fleet.runs.help import help_answer
from ses_fleet_cli import invoke, main, people_file
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.show import help_lines
from tests.unit.memory_s3 import Before, MemoryS3
from tests.unit.people_action import FIND, SET, SUPPRESS, declare

INVOKE: Any = typer.main.get_command(main.app).commands["invoke"]  # type: ignore[attr-defined]
NO_EMAIL = (
    "line 1: no column is called email: the first line names the columns, email, customers, opt_in, opt_out, "
    "unsubscribe_all, attributes"
)
HEADER = "email,customers,opt_in,opt_out,unsubscribe_all,attributes.team\n"


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)


def rows(directory: Path, body: str | bytes, action: str = SET, name: str = "people.csv") -> dict[int, Any]:
    """What the orchestrator reads of the file that is uploaded: {line: what the row says}."""
    path = directory / name
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    made = people_file.checked({"action": f"{action}-all"}, str(path), [])
    assert made is not None
    wanted = ACTIONS[action].people
    assert wanted is not None
    found = request_file.parse(made.body, wanted).rows
    assert len(found) == made.rows
    return {line: row.model_dump(exclude_defaults=True) for line, row in found.items()}


def problems(directory: Path, body: str | bytes, action: str = SET, name: str = "people.csv") -> tuple[str, ...]:
    """Everything that is wrong with a file."""
    with pytest.raises(PeopleFileError) as error:
        rows(directory, body, action, name)
    return error.value.texts


def usage(*arguments: Any) -> str:
    """Why a command line is refused."""
    with pytest.raises(CommandError) as error:
        people_file.checked(*arguments)
    assert error.value.exit_code == 2
    return error.value.message


FULL = {
    "email": "one@corp.example",
    "customers": ("acme", "globex"),
    "opt_in": ("news", "offers"),
    "opt_out": ("calendar",),
    "attributes": {"team": "Blau, grün"},
}
TABLE = [
    HEADER.strip().split(","),
    ["one@corp.example", "acme globex", "news offers", "calendar", "FALSE", "Blau, grün"],
    ["two@corp.example", "", "", "", "True", ""],
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_table_is_taken_as_spreadsheets_write_it(
    tmp_path: Path, encoding: str, delimiter: str, line_end: str
) -> None:
    """By any separator, in UTF-8 or as Excel's Unicode text; what is empty is not given, and false is not, either."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(TABLE)
    assert rows(tmp_path, text.getvalue().encode(encoding)) == {
        2: FULL,
        3: {"email": "two@corp.example", "unsubscribe_all": True},
    }


def test_columns_come_in_any_order_and_case_and_some_may_be_left_out(tmp_path: Path) -> None:
    """Blanks around names and addresses do not count; rows that are empty, or shorter than the header, are fine."""
    body = '\n" Opt_In ", E-Mail \n'.replace("E-Mail", "EMAIL") + "news, one@corp.example \n,,\n,two@corp.example,,\n"
    assert rows(tmp_path, body) == {
        3: {"email": "one@corp.example", "opt_in": ("news",)},
        5: {"email": "two@corp.example"},
    }
    assert rows(tmp_path, "email,opt_in\none@corp.example\n") == {2: {"email": "one@corp.example"}}


def test_attributes_are_one_column_of_json_or_a_column_each(tmp_path: Path) -> None:
    """The name of an attribute is as it is written; a quoted cell may have several lines."""
    single = 'email,attributes\none@corp.example,"{""Team"": ""red"",\n ""floors"": [1, 2]}"\ntwo@corp.example,\n'
    assert rows(tmp_path, single) == {
        2: {"email": "one@corp.example", "attributes": {"Team": "red", "floors": [1, 2]}},
        4: {"email": "two@corp.example"},
    }
    several = "email,Attributes.Team,attributes.floor\none@corp.example,red,2\n"
    assert rows(tmp_path, several)[2]["attributes"] == {"Team": "red", "floor": "2"}


def test_every_fault_is_told_by_the_line_of_the_file(tmp_path: Path) -> None:
    """In the words of the orchestrator, and without repeating what is there."""
    body = HEADER + (
        "one@corp.example,,news,news,,\n"
        "jane doe,,,,,\n"
        '"two@corp.example",,"a\nb",,maybe,\n'
        "ONE@corp.example,jane!,,,,\n"
        ",acme,,,,\n"
    )
    assert problems(tmp_path, body) == (
        "line 2: opt_out: has a topic that is in opt_in, too: a row opts in to a topic or out of it",
        "line 3: email: is no address: it must be one name, an @ and a domain with a dot, without blanks",
        "line 4: unsubscribe_all: must be true, or left out, not a text of 5 characters",
        "line 6: customers[0]: must match ^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$, not a text of 5 characters",
        "line 7: email: missing: the address; blanks around it do not count, nor does upper or lower case",
    )
    assert problems(tmp_path, "email,\na@corp.example,jane\nb@corp.example,,jane\nA@corp.example\n") == (
        "line 2: column 2: has a value, and the first line has no name for it",
        "line 3: column 3: has a value, and the first line has no name for it",
    )
    assert problems(tmp_path, 'email,attributes\na@corp.example,{\nb@corp.example,"[1]"\n') == (
        "line 2: attributes: the cell is not JSON: Expecting property name enclosed in double quotes at column 2",
        "line 3: attributes: must be a JSON object, not a list",
    )


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("email,optin", ['line 1: column 2: unknown column "optin"; did you mean "opt_in"?']),
        ("email,jane@corp.example", ["line 1: column 2: unknown column"]),
        ("email,opt_in,Email", ["line 1: column 3: is column 1 once more"]),
        (
            "email,attributes,attributes.team",
            ["line 1: has the column attributes and one for a single attribute: give one of the two"],
        ),
        (
            "one@corp.example",
            ["line 1: column 1: unknown column", NO_EMAIL],
        ),
    ],
)
def test_columns_that_are_none_are_told(tmp_path: Path, header: str, told: list[str]) -> None:
    """A file without its first line of names begins with an address, which is not repeated."""
    assert problems(tmp_path, header + "\none@corp.example,x,y\n") == tuple(told)


def test_a_column_of_another_kind_of_rows_is_unknown(tmp_path: Path) -> None:
    """Each action says what its rows have."""
    assert problems(tmp_path, "email,opt_in\na@corp.example,news\n", FIND)[0].startswith("line 1: column 2: unknown")
    assert problems(tmp_path, "email,attributes.x\na@corp.example,1\n", FIND)[0].startswith("line 1: column 2: unknown")
    body = "email,reason,state\na@corp.example,BOUNCE,\nb@corp.example,,absent\n"
    assert rows(tmp_path, body, SUPPRESS) == {
        2: {"email": "a@corp.example", "reason": "BOUNCE"},
        3: {"email": "b@corp.example", "state": "absent"},
    }


def test_what_is_no_text_or_no_csv_is_told_by_its_line(tmp_path: Path) -> None:
    """With how to save it."""
    assert problems(tmp_path, b"email\na@corp.example\nj\xfcrgen@corp.example\n") == (
        "line 3: is not UTF-8: save the file as CSV UTF-8",
    )
    assert problems(tmp_path, 'email,opt_in\na@corp.example,"x"y\n')[0].startswith(
        "line 2: is no CSV: a quotation mark"
    )
    assert problems(tmp_path, 'email,opt_in\na@corp.example,"x\n\n')[0].startswith(
        "line 2: is no CSV: a quotation mark"
    )
    assert problems(tmp_path, "") == (NO_EMAIL,)
    assert problems(tmp_path, "email\n") == ("has no row, so it names nobody",)


def test_json_lines_are_uploaded_as_they_are(tmp_path: Path) -> None:
    """By the file's name, or by how it begins; what is wrong is told in the same words."""
    body = '\ufeff{"email": "one@corp.example"}\r\n\r\n{"email": "two@corp.example", "customers": ["acme"]}\r\n'
    for name in ("people.jsonl", "people.txt"):
        assert rows(tmp_path, body, name=name) == {
            1: {"email": "one@corp.example"},
            3: {"email": "two@corp.example", "customers": ("acme",)},
        }
    made = people_file.checked({"action": FIND}, str(tmp_path / "people.jsonl"), [])
    assert made is not None
    assert (made.body[: len(body.encode())], made.rows) == (body.encode(), 2)
    assert problems(tmp_path, '{"email": "x"}\n', name="people.jsonl")[0].startswith("line 1: email: is no address")
    assert problems(tmp_path, "email\n", name="people.jsonl")[0].startswith("line 1: the row is not JSON")
    assert problems(tmp_path, "{}\n", name="people.csv")[0] == "line 1: column 1: unknown column"


def test_an_action_says_how_many_rows_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a file has no more bytes than are allowed."""
    body = "email\n" + "".join(f"p{number}@corp.example\n" for number in range(6))
    assert problems(tmp_path, body) == ("line 7: is one row more than the 5 that the action takes",)
    monkeypatch.setattr(limits, "MAX_PEOPLE_FILE_BYTES", 200)
    for name, wrong in (
        ("people.csv", "email\na@corp.example\n" + "\n" * 190),
        ("people.csv", "email\na@corp.example" + " " * 190),  # as rows it would be small enough
        ("people.jsonl", '{"email": "one@corp.example"}' + " " * 190),
    ):
        (text,) = problems(tmp_path, wrong, name=name)
        assert text == "has 201 bytes, more than the 200 allowed"
    assert len(rows(tmp_path, "email\na@corp.example\n")) == 1


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)


@given(st.lists(st.tuples(cells, cells), max_size=6))
def test_no_table_breaks_the_command(written: list[tuple[str, str]]) -> None:
    """Whatever is in it, it is taken or refused by line."""
    text, wanted = io.StringIO(), PeopleRows("contact")
    csv.writer(text).writerows([("email", "opt_in"), *written])
    found: tuple[str, ...] = ()
    try:
        request_file.checked(people_file._csv_values(text.getvalue(), wanted), wanted)
    except PeopleFileError as error:
        found = error.texts
    assert all(one.startswith(("line ", "has no row")) for one in found)


def test_persons_are_a_row_each() -> None:
    """For every selected customer."""
    made = people_file.checked({"action": f"{FIND}-all"}, None, ["one@corp.example", " two@corp.example"])
    assert made is not None
    assert (made.body.split(), made.rows) == ([b'{"email":"one@corp.example"}', b'{"email":"two@corp.example"}'], 2)
    with pytest.raises(PeopleFileError, match="line 2: email: is no address"):
        people_file.checked({"action": f"{FIND}-all"}, None, ["one@corp.example", "two"])


def test_nobody_can_guess_at_the_digest_of_an_upload(tmp_path: Path) -> None:
    """It is in the run's record, which people read who may not read addresses; no two uploads have the same."""
    path = tmp_path / "people.jsonl"
    path.write_text('{"email": "one@corp.example"}\n')
    ways: list[tuple[str | None, list[str]]] = [(None, ["one@corp.example"]), (str(path), [])]
    made = [people_file.checked({"action": FIND}, source, persons) for source, persons in ways for _ in range(20)]
    digests = {request_file.parse(one.body, PeopleRows("person")).sha256 for one in made if one is not None}
    assert len(digests) == 40
    blanks = {one.body.rpartition(b"\n")[2] for one in made if one is not None}
    assert {len(one) for one in blanks} == {128}
    assert {byte for one in blanks for byte in one} == set(b" \t")


def counted(count: int) -> dict[int, Row]:
    """So many rows, by line."""
    return {line: PersonRow(email=f"p{line}@corp.example") for line in range(1, count + 1)}


def test_flags_that_do_not_fit_say_what_does(tmp_path: Path) -> None:
    """The action, each other, the payload."""
    file, one = str(tmp_path / "gone.csv"), ["one@corp.example"]
    assert people_file.checked({"action": "describe-list-all"}, None, []) is None
    takers = ", ".join(name for name, (one, _) in payload_names().items() if one.people is not None)
    assert takers.endswith("look-up-all, look-up, set-up-all, set-up, hold-back-all, hold-back")
    assert (
        usage({"action": "describe-list-all"}, file, [])
        == f"--people: describe-list-all takes no people; {takers} does"
    )
    assert usage({"action": "help"}, None, one) == f"--person: help takes no people; {takers} does"
    assert (
        usage({"action": FIND}, file, one) == "--people and --person both say whom the run is for: give one of the two"
    )
    assert usage({"action": FIND, "people": "0" * 32}, None, one) == (
        "--person uploads a people file, and the payload names one already: give one of the two"
    )
    assert usage({"action": SUPPRESS}, None, one) == (
        "--person gives an address alone, and hold-back needs more: give --people a file with email, customers, state, "
        "reason"
    )
    assert usage({"action": FIND}, file, []) == f"--people {file}: No such file or directory"
    assert usage({"action": FIND}, "", []) == '--people "" cannot be the name of a file'
    assert usage({"action": FIND}, "a\0b", []).startswith("--people a\\u0000b: ")


def test_a_file_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """How it begins says which form it has."""
    for body in (b'{"email": "one@corp.example"}\n', b"email\none@corp.example\n"):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(body)))
        made = people_file.checked({"action": FIND}, "-", [])
        assert made is not None
        assert made.rows == 1
        assert b"one@corp.example" in made.body
    with pytest.raises(CommandError, match="cannot both be read from standard input"):
        INVOKE.main([FIND, "--people", "-", "--payload", "-"], standalone_mode=False)


class Uploads:
    """A bucket that is uploaded to."""

    def __init__(self) -> None:
        self.s3 = MemoryS3()
        self.bucket = Bucket(self.s3, "results")
        self.file = people_file.Checked(b'{"email":"one@corp.example"}\n', counted(1))

    def failing(self, code: str, status: int) -> str:
        """What is said when S3 refuses the upload."""

        def fails(*_: Any) -> None:
            raise AwsCallError("s3", "put_object", "refused", code, "text", status)

        self.s3.hook = Before(fails)
        with pytest.raises(CommandError) as error:
            people_file.upload(self.bucket, self.file)
        assert error.value.exit_code == 3
        return error.value.message


def test_an_upload_has_an_id_of_its_own_and_overwrites_nothing() -> None:
    """In one request, and nothing is read."""
    there = Uploads()
    ids = {people_file.upload(there.bucket, there.file) for _ in range(3)}
    assert there.s3.keys() == sorted(f"data/requests/{one}.jsonl" for one in ids)
    assert len(ids) == 3
    assert {operation for operation, _ in there.s3.asked} == {"put_object"}
    assert there.s3.stored["results", there.s3.keys()[0]].body == there.file.body


def test_an_upload_never_overwrites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one of the same id."""
    there = Uploads()
    monkeypatch.setattr(secrets, "token_hex", lambda size: "0" * 2 * size)
    people_file.upload(there.bucket, there.file)
    with pytest.raises(CommandError, match=r"could not be written \(PreconditionFailed"):
        people_file.upload(there.bucket, there.file)


def test_who_may_not_upload_is_told_what_is_missing() -> None:
    """The policy; any other failure is for another try."""
    there = Uploads()
    assert there.failing("AccessDenied", 403).endswith(
        ".jsonl may not be written (AccessDenied): that takes the policy ses-fleet-requester "
        "(NAME-requester of a deployment with a name); nothing was started"
    )
    assert there.failing("SlowDown", 503).endswith(
        ".jsonl could not be written (SlowDown: text): try again; nothing was started"
    )


def test_what_is_told_of_an_upload_is_its_id_its_rows_and_its_end() -> None:
    """The id starts other runs for the same people."""
    uploaded = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert people_file.told("0f", people_file.Checked(b"", counted(1)), uploaded) == (
        'people file 0f: 1 row, there until 2026-03-08; a payload names it as "people": "0f"'
    )
    assert ": 1,234 rows, " in people_file.told("0f", people_file.Checked(b"", counted(1_234)), uploaded)


class SentError(Exception):
    """Stands for the sending: carries the payload."""


def test_the_command_uploads_what_it_has_checked_and_sends_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the run starts, for a dry run, too; no address is in the payload, or on the terminal."""
    there = Uploads()
    target = SimpleNamespace(results=there.bucket, now=datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr(invoke, "connect", lambda _: target)

    def send(_target: Any, payload: Any, screen: Any, **__: Any) -> int:
        assert "people" in screen._flags, "a refusal names the flag beside the field"
        raise SentError(payload)

    monkeypatch.setattr(invoke, "run", send)
    path = tmp_path / "people.csv"
    path.write_text("email\none@corp.example\n")
    for dry_run in ([], ["--dry-run"]):
        with pytest.raises(SentError) as error:
            INVOKE.main([f"{FIND}-all", "--people", str(path), *dry_run], standalone_mode=False)
        sent = error.value.args[0]
        assert f"data/requests/{sent['people']}.jsonl" in there.s3.keys("data/")
        assert "corp.example" not in json.dumps(sent)
    assert len(there.s3.keys()) == 2
    captured = capsys.readouterr()
    assert "1 row, there until 2026-03-08" in captured.err
    assert "corp.example" not in captured.out + captured.err


def test_a_wrong_file_is_told_line_by_line_and_nothing_is_uploaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is anything connected to."""
    monkeypatch.setattr(invoke, "connect", lambda _: pytest.fail("connected"))
    path = tmp_path / "people.csv"
    path.write_text("email\none\ntwo\n")
    with pytest.raises(CommandError, match="cannot be used: nothing was uploaded, and nothing was started"):
        INVOKE.main([f"{FIND}-all", "--people", str(path)], standalone_mode=False)
    told = [line.partition(": is no address")[0] for line in capsys.readouterr().err.splitlines()]
    assert told == [f"{path}: line 2: email", f"{path}: line 3: email"]


def test_help_shows_what_rows_an_action_takes() -> None:
    """With as many as there may be; an orchestrator of an earlier version says nothing of people."""
    answer = help_answer()
    lines = help_lines(answer)
    told = [line for line in lines if line.startswith("   people: ")]
    assert "   people: a file of at most 10,000 rows of email, customers" in told
    assert len(told) == sum(one.people is not None for one, _ in payload_names().values()) > 6
    for action in answer["actions"]:
        del action["people"]
    assert help_lines(answer) == [line for line in lines if line not in told]
