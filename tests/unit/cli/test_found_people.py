"""People by customers on a terminal, with the addresses that were given; nobody is absent unless SES said so."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from rich.console import Console

from ses_fleet.people.rows import PersonRow, Row
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet_cli import found_people
from ses_fleet_cli.show import Screen
from tests.unit.cli.stored import S3
from tests.unit.cli.test_tables import result, shown, summary

ADA, BOB = "ada@corp.example", "bob@corp.example"
BOUNCE = {"reason": "BOUNCE", "since": "2026-01-01T00:00:00Z"}


def found(s3: S3, code: str, *records: tuple[int, bool, Any]) -> CustomerResult:
    """A customer's result, with its (row, whether found, suppressed) in S3."""
    lines = [json.dumps({"row": row, "found": there, "suppressed": entry}) for row, there, entry in records]
    s3.objects[f"data/r/{code}/people-00001.jsonl.gz"] = gzip.compress("\n".join(lines).encode())
    contacts = sum(there for _, there, _ in records)
    data = {"people": len(records), "contacts": contacts, "not_found": len(records) - contacts, "suppressed": 0}
    return result(code, {**data, "parts": 1}, data_location=f"s3://b/data/r/{code}/")


def of(*results: CustomerResult, **fleet: int) -> Summary:
    """The run's Summary."""
    return summary("find-contact-all", list(results), fleet=fleet or None)


def matrix(s3: S3, made: Summary, rows: dict[int, Row], width: int = 80) -> str:
    """As printed on a terminal so wide."""
    console = Console(width=width, force_terminal=False, file=io.StringIO())
    for table in found_people.matrix(s3.bucket, made, rows, width):
        console.print(table)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def by_name(text: str) -> dict[str, list[str]]:
    """Lines by their first word."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}


def test_people_by_customers() -> None:
    """By the rows' numbers: found, absent, suppressed, not proven where the customer failed, nothing if not asked."""
    s3 = S3()
    made = of(
        found(s3, "acme", (2, True, None), (3, False, BOUNCE)),
        found(s3, "globex", (2, False, None)),
        result("initech", None, "failed"),
        result("hooli", None, "skipped"),
        found_in=1,
        absent_in=1,
        not_proven_in=1,
        not_searched_in=1,
    )
    rows: dict[int, Row] = {2: PersonRow(email=ADA), 3: PersonRow(email=BOB, customers=("acme",))}
    text = matrix(s3, made, rows)
    lines = by_name(text.partition("Where they are")[2])
    assert lines["acme"] == ["✅", "–", "🚫"]
    assert lines["globex"] == ["–"]
    assert lines["initech"] == ["?"]
    assert "hooli" not in text
    people = by_name(text)
    assert people["2"] == [ADA, "1", "1", "1", "0", "0"]
    assert people["3"] == [BOB, "0", "1", "0", "0", "1"]
    assert "Of 4 customers: found in 1, absent in 1, not proven in 1, not searched in 1" in text


def test_one_person_is_shown_with_what_they_get() -> None:
    """The topics, defaults counted; and whether they unsubscribed from everything."""
    s3 = S3()
    made = of(*(found(s3, code, (1, code != "hooli", None)) for code in ("acme", "globex", "hooli")))
    gets = {"news": "OPT_IN", "alerts": "OPT_OUT", "calendar": "OPT_IN"}
    for code, more in (
        ("acme", {"effective": gets, "unsubscribed_all": False}),
        ("globex", {"effective": dict.fromkeys(gets, "OPT_OUT"), "unsubscribed_all": True, "suppressed": BOUNCE}),
    ):
        record = {"row": 1, "found": True, "suppressed": None, **more}
        s3.objects[f"data/r/{code}/people-00001.jsonl.gz"] = gzip.compress(json.dumps(record).encode())
    text = matrix(s3, made, {1: PersonRow(email=ADA)})
    lines = by_name(text.partition("Where they are")[2])
    assert lines["acme"] == ["✅", "news,", "calendar"]
    assert lines["globex"] == ["✅", "🔕", "🚫"]
    assert lines["hooli"] == ["–"]
    assert by_name(text)["1"] == [ADA, "2", "1", "0", "1", "1"]


def test_long_names_of_topics_fit() -> None:
    """They wrap within the terminal."""
    s3 = S3()
    topics = [f"topic-{number}-{'x' * 40}" for number in range(20)]
    record = {"row": 1, "found": True, "suppressed": None, "effective": dict.fromkeys(topics, "OPT_IN")}
    made = of(found(s3, "acme", (1, True, None)))
    s3.objects["data/r/acme/people-00001.jsonl.gz"] = gzip.compress(json.dumps(record).encode())
    text = matrix(s3, made, {1: PersonRow(email=ADA)})
    assert all(len(line) <= 80 for line in text.partition("Where they are")[2].partition("✅ contact")[0].splitlines())
    assert "topic-0-" in text
    assert "topic-19-" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_many_people_and_customers_fit(width: int) -> None:
    """No line is wider than the terminal; a long address is whole, and every customer is in every part."""
    s3, count = S3(), 40
    codes = [f"customer-{number:02d}" for number in range(30)]
    made = of(*(found(s3, code, *((n, n % 2 == 0, None) for n in range(1, count + 1))) for code in codes))
    long = f"{'l' * 60}@{'d' * 250}.example"
    rows: dict[int, Row] = {n: PersonRow(email=long if n == 7 else f"p{n}@corp.example") for n in range(1, count + 1)}
    text = matrix(s3, made, rows, width)
    assert all(len(line) <= width for line in text.splitlines())
    assert text.count("l") >= 60
    assert text.count("d") >= 250
    assert text.count("customer-17") == text.count("Where they are")


def test_more_people_than_fit_are_told_by_number() -> None:
    """The first hundred are shown."""
    s3 = S3()
    made = of(found(s3, "acme", *((n, True, None) for n in range(1, 151))))
    text = matrix(s3, made, {n: PersonRow(email=f"p{n}@corp.example") for n in range(1, 151)})
    assert "p100@corp.example" in text
    assert "p101@corp.example" not in text
    assert "50 more people" in text


def test_who_may_not_read_the_data_is_told_the_policy() -> None:
    """With the counts that everybody sees, and without an address."""
    s3 = S3()
    made = of(found(s3, "acme", (1, True, None)), found_in=1, absent_in=0)
    s3.refused["data/r/acme/people-00001.jsonl.gz"] = ("AccessDenied", 403)
    text = matrix(s3, made, {1: PersonRow(email=ADA)})
    assert "ses-fleet-data-reader" in text
    assert by_name(text)["acme"] == ["1", "0", "0"]
    assert ADA not in text


@pytest.mark.parametrize(
    "broken",
    [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b"{}"), gzip.compress(b"[]")],
    ids=["nothing", "no gzip", "no JSON", "no row", "no record"],
)
def test_data_that_is_broken_proves_nothing(broken: bytes) -> None:
    """It is named; other customers are shown."""
    s3 = S3()
    made = of(found(s3, "acme", (1, True, None)), found(s3, "globex", (1, False, None)))
    s3.objects["data/r/acme/people-00001.jsonl.gz"] = broken
    text = matrix(s3, made, {1: PersonRow(email=ADA)})
    lines = by_name(text.partition("Where they are")[2])
    assert (lines["acme"], lines["globex"]) == (["?"], ["–"])
    assert broken == b"" or "people-00001.jsonl.gz cannot be read" in text.replace("\n", "")


def test_a_part_that_is_not_there_proves_nothing() -> None:
    """Nor does a row that it does not have."""
    s3 = S3()
    made = of(found(s3, "acme", (1, True, None)), found(s3, "globex", (2, False, None)))
    del s3.objects["data/r/acme/people-00001.jsonl.gz"]
    lines = by_name(matrix(s3, made, {1: PersonRow(email=ADA)}).partition("Where they are")[2])
    assert (lines["acme"], lines["globex"]) == (["?"], ["?"])


def test_everybody_sees_counts_and_the_fleets_answer() -> None:
    """Without an address; a customer that failed shows no number."""
    data = {"people": 2, "contacts": 1, "not_found": 1, "suppressed": None}
    made = of(result("acme", data), result("initech", None, "failed"), found_in=1, absent_in=0, not_proven_in=1)
    text = shown(made, 80)
    assert by_name(text)["acme"] == ["1", "1", "unknown"]
    assert by_name(text)["initech"] == ["failed"]
    assert "Of 2 customers: found in 1, absent in 0, not proven in 1" in text


def test_suppressed_addresses_are_counted_by_reason() -> None:
    """With where they are; the addresses themselves are never printed."""
    data = {"total": 1_200, "reasons": {"BOUNCE": 1_200}, "parts": 1}
    results = [result("acme", data, data_location="s3://b/data/r/acme/"), result("initech", None, "failed")]
    text = shown(summary("list-suppressed-all", results), 80)
    assert by_name(text)["acme"] == ["1,200", "1,200", "0"]
    assert by_name(text)["initech"] == ["failed"]
    assert "s3://b/data/r/CUSTOMER/suppressed-*.jsonl.gz" in text


def test_a_changed_suppression_list_by_customer() -> None:
    """What was done, or would be; a customer without data says why."""
    data = {"added": 1_200, "already": 2, "removed": 3, "was_absent": 4, "kept_complaint": 5, "failed": 6}
    results = [result("acme", data, "failed"), result("initech", None, "failed")]
    for dry_run in (False, True):
        text = shown(summary("set-suppressed-all", results, dry_run=dry_run), 80)
        assert by_name(text)["acme"] == ["1,200", "2", "3", "4", "5", "6"]
        assert by_name(text)["initech"] == ["failed"]
        assert ("as they would be changed" in text) == dry_run


def test_the_matrix_is_text_for_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON there is the Summary alone, and nothing is read for it."""
    made = of(result("acme", None, "failed"))
    Screen(text=False).summary(made, lambda _: pytest.fail("nothing is asked of it"))
    assert json.loads(capsys.readouterr().out)["action"] == "find-contact-all"
    assert found_people.is_shown(made)
    assert not found_people.is_shown(made.model_copy(update={"dry_run": True}))
    assert not found_people.is_shown(made.model_copy(update={"action": "list-contacts-all"}))
