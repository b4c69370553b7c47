"""`runs show --changes`: whom a dry run would change, and how, for those who may read addresses."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ses_fleet.people.person_change import PersonChange
from ses_fleet.runs.models import Summary
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet_cli import planned_changes
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.planned_changes import CustomersChanges
from ses_fleet_cli.runs import Shown
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
    return list(planned_changes.lines(read(s3, made), made))


def read(s3: S3, made: Summary) -> list[CustomersChanges]:
    """What is found of a run that is over."""
    return planned_changes.read(s3.bucket, Shown(None, made, "finished"))


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


def planned(s3: S3, run_id: str = "r") -> tuple[PeoplePlan, list[dict[str, Any]]]:
    """Have this plan in acme's data; the plan, and its records."""
    records = [one.record(email) for one, email in zip(PLANNED, (ADA, BOB, EVE, "x@x.example"), strict=True)]
    body = "\n".join(map(json.dumps, [{"salt": "s"}, *records])).encode()
    s3.objects[f"data/{run_id}/acme/plan-00001.jsonl.gz"] = gzip.compress(body)
    return PeoplePlan(prefix=f"data/{run_id}/acme/", parts=1, digest="d"), records


@pytest.mark.parametrize("action", ["set-contacts-all", "import-aws-contact", "remove-contacts", "set-suppressed-all"])
def test_the_plan_of_a_dry_run_says_from_what_to_what(action: str) -> None:
    """Of every action that saves one; other files of the run are none of it."""
    s3 = S3()
    plan, records = planned(s3)
    decided(s3, "acme", change("create", "other@x.example"))
    s3.objects["data/r/acme/plan-00002.jsonl.gz"] = b"of a slice that was killed"
    made = summary(action, [result("acme", {}, plan=plan)], dry_run=True)
    found = read(s3, made)
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


def test_a_resumed_dry_run_has_its_plan_where_the_first_one_began_it() -> None:
    """Its own folder has nothing."""
    s3 = S3()
    plan, _ = planned(s3, "first")
    made = summary("set-contacts", [result("acme", {}, plan=plan, work_of="first")], dry_run=True)
    assert len(read(s3, made)[0].records) == 4


def test_a_dry_run_without_a_plan_is_not_taken_for_one_that_changes_nobody() -> None:
    """It failed, or was made by another version; a file that is gone is named."""
    s3 = S3()
    gone = PeoplePlan(prefix="data/r/acme/", parts=1, digest="d")
    results = [result("acme", {}, plan=gone), result("globex", {}), result("hooli", None, "failed")]
    planned(s3)
    del s3.objects["data/r/acme/plan-00001.jsonl.gz"]
    s3.objects["data/r/hooli/plan-00001.jsonl.gz"] = gzip.compress(b"{}")
    found = {one.code: one.problem for one in read(s3, summary("set-contacts-all", results, dry_run=True))}
    assert "plan-00001.jsonl.gz" in str(found["acme"])
    assert "no plan was saved" in str(found["globex"])
    assert "nothing was decided" in str(found["hooli"])


def test_a_run_that_applied_a_plan_names_whom_it_left_out() -> None:
    """Also where that failed the customer, and where another run had begun the work."""
    s3 = S3()
    for run_id, code, email in (("r", "acme", BOB), ("first", "hooli", ADA)):
        body = gzip.compress(json.dumps({"email": email, "why": "changed since"}).encode())
        s3.objects[f"data/{run_id}/{code}/compared/left-out-00001.jsonl.gz"] = body
    decided(s3, "acme", change("create", EVE))
    results = [result("acme", None, "failed"), result("globex", {}), result("hooli", {}, work_of="first")]
    made = summary("import-aws-contact-all", results, plan="p")
    found = read(s3, made)
    assert [*planned_changes.lines(found, made)][1:] == [
        "acme: 1 left out", f"   left out  {BOB}  (changed since)",
        "hooli: 1 left out", f"   left out  {ADA}  (changed since)",
    ]  # fmt: skip
    assert [*map(json.loads, planned_changes.json_lines(found))] == [
        {"customer_code": "acme", "change": "left out", "email": BOB, "why": "changed since"},
        {"customer_code": "hooli", "change": "left out", "email": ADA, "why": "changed since"},
    ]


def test_as_json_each_person_is_a_line() -> None:
    """With the customer, for other programs."""
    s3 = S3()
    decided(s3, "acme", change("create", ADA, "news"))
    made = summary("import-aws-contact", [result("acme", {}), result("globex", None, "failed")])
    assert [json.loads(line) for line in planned_changes.json_lines(read(s3, made))] == [
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
        read(S3(), summary(action, []))
    assert error.value.exit_code == 2
