"""A people file: how it is read, everything that is wrong with it by line, and that a run reads the same one again."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, PeopleFileError
from ses_fleet.people import request_file
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.people.pinned import PinnedPeople
from ses_fleet.people.rows import ContactRow, Row
from tests.unit.memory_s3 import MemoryS3

PERSON, CONTACT = PeopleRows("person"), PeopleRows("contact")
KEY = "data/requests/x.jsonl"
BODY = b'{"email": "one@corp.example"}\n{"email": "two@corp.example", "customers": ["acme"]}\n'


def emails(body: bytes, wanted: PeopleRows = PERSON) -> dict[int, str]:
    """{line: address} of a file."""
    return {line: row.email for line, row in request_file.parse(body, wanted).rows.items()}


def problems(body: bytes, wanted: PeopleRows = PERSON) -> tuple[str, ...]:
    """What is wrong with a file."""
    with pytest.raises(PeopleFileError) as error:
        request_file.parse(body, wanted)
    return error.value.texts


def test_a_row_a_line_whatever_the_editor_added() -> None:
    """A byte order mark, carriage returns, blank lines and a missing end of line; lines count as an editor counts."""
    body = b'\xef\xbb\xbf{"email": "one@corp.example"}\r\n\r\n  \n{"email": "two@corp.example"}'
    assert emails(body) == {1: "one@corp.example", 4: "two@corp.example"}


def test_everything_that_is_wrong_is_told_by_line_and_nothing_is_repeated() -> None:
    """What is no JSON, not UTF-8, a key that comes twice, NaN, half of a character, the same address twice."""
    lines = [
        b'{"email": "Jane@Corp.Example"}',
        b'{"email": "jane@corp.example"',
        b'{"email": "jane@corp.example", "email": "jane@corp.example"}',
        b'{"email": "jane@corp.example", "customers": NaN}',
        b'{"email": "jane\\ud800@corp.example"}',
        b'{"email": "jane\xff@corp.example"}',
        b'{"jane@corp.example": 1, "jane@corp.example": 2}',
        b'"jane@corp.example"',
        b'{"email": "jane@corp.example"}',
    ]
    found = problems(b"\n".join(lines))
    assert found == (
        "line 2: the row is not JSON: Expecting ',' delimiter at column 30",
        "line 3: email: the key is there more than once in the row",
        "line 4: customers: NaN is not a JSON value in the row",
        "line 5: email: is not text that UTF-8 can hold (it has half of a character, a lone surrogate) in the row",
        "line 6: the row is not UTF-8 (byte 15)",
        "line 7: the key is there more than once in the row",
        "line 8: must be a JSON object, not a string",
        "line 9: email: is the address of line 1, too: one row a person",
    )


def test_a_file_names_somebody_and_not_too_many() -> None:
    """The action says how many."""
    assert problems(b"\n\n") == ("has no row, so it names nobody",)
    two = PeopleRows("person", at_most=2)
    assert len(emails(BODY, two)) == 2
    assert problems(BODY + b"\n{}\nx\n", two) == ("line 4: is one row more than the 2 that the action takes",)


def test_a_file_has_ten_thousand_rows_and_no_more_bytes_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both the size is told."""
    assert PERSON.at_most == 10_000
    monkeypatch.setattr(limits, "MAX_PEOPLE_FILE_BYTES", len(BODY))
    assert len(emails(BODY)) == 2
    assert problems(BODY + b" ") == (f"has {len(BODY) + 1} bytes, more than the {len(BODY)} allowed",)


def test_a_hundred_problems_are_told_and_the_others_counted() -> None:
    """A file that is wrong in every line is wrong in the same way."""
    found = problems(b"{}\n" * 250)
    assert len(found) == 101
    assert found[99].startswith("line 100: ")
    assert found[100] == "and 150 more problems like these"


def test_the_customers_that_a_file_is_for() -> None:
    """Those that its rows name, or all of them as soon as one row names none."""
    acme = b'{"email": "a@corp.example", "customers": ["acme", "globex"]}\n'
    both = acme + b'{"email": "b@corp.example", "customers": ["initech"]}\n'
    assert request_file.parse(acme, PERSON).customers == frozenset({"acme", "globex"})
    assert request_file.parse(both, PERSON).customers == frozenset({"acme", "globex", "initech"})
    assert request_file.parse(both + BODY, PERSON).customers is None


rows = st.builds(
    lambda number, gap, **fields: (gap, ContactRow(email=f"p{number}@corp.example", **fields)),
    st.integers(0, 10**6),
    st.integers(1, 3),
    customers=st.none() | st.just(("acme",)) | st.just(("acme", "globex")),
    opt_in=st.sampled_from([(), ("a",), ("a", "b")]),
    opt_out=st.sampled_from([(), ("c",)]),
    attributes=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3),
)


@given(st.lists(rows, min_size=1, max_size=8, unique_by=lambda one: one[1].email))
def test_what_is_stored_is_read_again_row_by_row(written: list[tuple[int, ContactRow]]) -> None:
    """In the same lines and the same order, by every reader."""
    numbered: dict[int, Row] = {}
    line = 0
    for gap, row in written:
        line += gap
        numbered[line] = row
    body = request_file.stored(numbered)
    first, second = request_file.parse(body, CONTACT), request_file.parse(body, CONTACT)
    assert first == second
    assert list(first.rows.items()) == list(numbered.items())
    assert first.sha256 == hashlib.sha256(body).hexdigest()


class Store:
    """A bucket with the file, and the file as a run pins it."""

    def __init__(self, *, versioned: bool = True) -> None:
        self.s3 = MemoryS3(versioned=versioned)
        self.s3.put("results", KEY, BODY)
        self.bucket = Bucket(self.s3, "results")
        found = request_file.read(self.bucket, KEY, PERSON)
        self.pinned = PinnedPeople(id="0" * 32, version_id=found.version_id, sha256=found.sha256, rows=len(found.rows))

    def again(self) -> Any:
        """The file as the run began with it."""
        return request_file.read_pinned(self.bucket, KEY, self.pinned, PERSON)

    def problem(self) -> str:
        """Why it cannot be read again."""
        with pytest.raises(PeopleFileError) as error:
            self.again()
        (text,) = error.value.texts
        return text


def test_a_run_reads_the_version_that_it_began_with() -> None:
    """Whatever was uploaded over it since."""
    there = Store()
    there.s3.put("results", KEY, json.dumps({"email": "other@corp.example"}).encode())
    assert [row.email for row in there.again().rows.values()] == ["one@corp.example", "two@corp.example"]


def test_without_versions_another_file_is_not_used() -> None:
    """The digest tells."""
    there = Store(versioned=False)
    assert len(there.again().rows) == 2
    there.s3.put("results", KEY, BODY.replace(b"one", b"eno"))
    assert there.problem() == f"s3://results/{KEY} is not the file that the run began with: start a new run"


def test_a_file_that_is_gone_or_forbidden_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how long it lives; while S3 does not answer, nothing is said of the file."""
    there = Store()
    there.s3.versions.clear()
    assert there.problem() == (
        f"s3://results/{KEY} does not exist (NoSuchKey): a people file lives 7 days, upload it again"
    )

    def failing(kind: Any, status: int) -> None:
        def call(*_: Any, **__: Any) -> Any:
            raise AwsCallError("s3", "get_object", kind, "Code", "text", status)

        monkeypatch.setattr(there.s3, "call", call)

    failing("refused", 403)
    assert there.problem() == f"s3://results/{KEY} may not be read by ses-fleet, or does not exist (Code)"
    failing("server", 503)
    with pytest.raises(AwsCallError):
        there.again()


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor held in memory."""
    there = Store()
    monkeypatch.setattr(limits, "MAX_PEOPLE_FILE_BYTES", len(BODY) - 1)
    assert there.problem() == f"has {len(BODY)} bytes, more than the {len(BODY) - 1} allowed"
