"""`runs show --changes`: whom a dry run would change, and how, for those who may read addresses."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ses_fleet.people.person_change import PersonChange
from ses_fleet_cli import planned_changes
from ses_fleet_cli.errors import CommandError
from tests.unit.cli.stored import S3
from tests.unit.cli.test_tables import result, summary

ADA, BOB, EVE = "ada@corp.example", "bob@corp.example", "eve@corp.example"


def change(kind: str, email: str, *opt_in: str) -> dict[str, Any]:
    """A record of an import's files."""
    return {"email": email, "change": kind, "opt_in": list(opt_in), "also": []}


def decided(s3: S3, code: str, *records: dict[str, Any], part: int = 1) -> None:
    """Have these changes in a customer's data."""
    body = gzip.compress("\n".join(map(json.dumps, records)).encode())
    s3.objects[f"data/r/{code}/changes-{part:05d}.jsonl.gz"] = body


def text(s3: S3, *codes: str, **fields: Any) -> list[str]:
    """The lines for a run of these customers."""
    made = summary("import-aws-contact-all", [result(code, {}) for code in codes], **fields)
    return list(planned_changes.lines(planned_changes.read(s3.bucket, made), made))


def test_everybody_is_named_below_the_customer_with_the_numbers() -> None:
    """Over all parts, in their order; other files of the run are none of it."""
    s3 = S3()
    decided(s3, "acme", change("create", ADA, "news", "alerts"), change("update", BOB, "news"))
    decided(s3, "acme", change("remove", EVE), part=2)
    s3.objects["data/r/acme/failed-00001.jsonl.gz"] = b"other"
    assert text(s3, "acme", "globex") == [
        "Whom the import was to touch, as it was decided:",
        "acme: 1 create, 1 update, 1 remove",
        f"   create  {ADA}  (news, alerts)",
        f"   update  {BOB}  (news)",
        f"   remove  {EVE}",
        "globex: nobody",
    ]


PLANNED = [
    PersonChange("create", (("attributes", None, '{"a": 1}'), ("topic:news", None, "OPT_IN"),
                            ("unsubscribed_all", None, False))),
    PersonChange("update", (("topic:news", "OPT_OUT", "OPT_IN"), ("unsubscribed_all", True, False))),
    PersonChange("remove", (("topic:news", "OPT_IN", None), ("unsubscribed_all", False, None)), unread_attributes=True),
    PersonChange("remove", (("reason", "BOUNCE", None),)),
]  # fmt: skip


def planned(s3: S3, code: str) -> list[dict[str, Any]]:
    """Have this plan in a customer's data."""
    records = [one.record(email) for one, email in zip(PLANNED, (ADA, BOB, EVE, "x@x.example"), strict=True)]
    s3.objects[f"data/r/{code}/plan-00001.jsonl.gz"] = gzip.compress("\n".join(map(json.dumps, records)).encode())
    return records


@pytest.mark.parametrize("action", ["set-contacts-all", "import-aws-contact", "remove-contacts", "set-suppressed-all"])
def test_the_plan_of_a_dry_run_says_from_what_to_what(action: str) -> None:
    """Of every action that saves one; other files of the run are none of it."""
    s3 = S3()
    records = planned(s3, "acme")
    decided(s3, "acme", change("create", "other@x.example"))
    made = summary(action, [result("acme", {})], dry_run=True)
    found = planned_changes.read(s3.bucket, made)
    assert list(planned_changes.lines(found, made)) == [
        "Whom the run would change:",
        "acme: 1 create, 1 update, 2 remove",
        f'   create  {ADA}  (attributes {{"a": 1}}, news OPT_IN)',
        f"   update  {BOB}  (news OPT_OUT → OPT_IN, unsubscribed_all true → false)",
        f"   remove  {EVE}",
        "   remove  x@x.example  (reason BOUNCE → none)",
    ]
    assert [json.loads(line) for line in planned_changes.json_lines(found)] == [
        {"customer_code": "acme", **record} for record in records
    ]


def test_a_run_that_applied_a_plan_names_whom_it_left_out() -> None:
    """By what was decided again before anything was written; those that the plan holds for are not named."""
    s3 = S3()
    decided_again = [{"email": ADA, "holds": True}, {"email": BOB, "holds": False}]
    body = gzip.compress("\n".join(map(json.dumps, decided_again)).encode())
    s3.objects["data/r/acme/compared/compared-00001.jsonl.gz"] = body
    decided(s3, "acme", change("create", EVE))
    made = summary("import-aws-contact-all", [result("acme", {}), result("globex", {})], plan="p")
    found = planned_changes.read(s3.bucket, made)
    assert [*planned_changes.lines(found, made)][1:] == ["acme: 1 left out", f"   left out  {BOB}", "globex: nobody"]
    assert [*map(json.loads, planned_changes.json_lines(found))] == [
        {"customer_code": "acme", "change": "left out", "email": BOB}
    ]


def test_as_json_each_person_is_a_line() -> None:
    """With the customer, for other programs."""
    s3 = S3()
    decided(s3, "acme", change("create", ADA, "news"))
    made = summary("import-aws-contact", [result("acme", {}), result("globex", None, "failed")])
    assert [json.loads(line) for line in planned_changes.json_lines(planned_changes.read(s3.bucket, made))] == [
        {"customer_code": "acme", "change": "create", "email": ADA, "opt_in": ["news"]},
        {"customer_code": "globex", "problem": "nothing was decided: see the run's Summary"},
    ]


@pytest.mark.parametrize(
    "broken", [b"no gzip", gzip.compress(b"{"), gzip.compress(b'{"email": 1}')], ids=["no gzip", "no JSON", "no change"]
)
def test_a_file_that_is_broken_is_named(broken: bytes) -> None:
    """Not taken for nobody; other customers are shown."""
    s3 = S3()
    s3.objects["data/r/acme/changes-00001.jsonl.gz"] = broken
    decided(s3, "globex", change("create", ADA))
    shown = text(s3, "acme", "globex")
    assert any("changes-00001.jsonl.gz cannot be understood" in line for line in shown)
    assert f"   create  {ADA}" in shown


def test_who_may_not_read_addresses_is_told_the_policy() -> None:
    """Exit code 3."""
    s3 = S3()
    decided(s3, "acme", change("create", ADA))
    s3.refused["data/r/acme/changes-00001.jsonl.gz"] = ("AccessDenied", 403)
    with pytest.raises(CommandError, match="ses-fleet-data-reader") as error:
        text(s3, "acme")
    assert error.value.exit_code == 3


@pytest.mark.parametrize("action", ["manage-topic-all", "set-contacts-all"])
def test_only_plans_and_imports_are_shown(action: str) -> None:
    """Exit code 2."""
    with pytest.raises(CommandError, match=f"is a {action} and no dry run") as error:
        planned_changes.read(S3().bucket, summary(action, []))
    assert error.value.exit_code == 2
