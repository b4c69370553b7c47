"""`runs export`: the parts that a result names, and no others."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.customer import CustomerIdentity
from ses_fleet.runs.models import Concurrency, CustomerResult, RunPlan, Summary
from ses_fleet_cli.export import export
from ses_fleet_cli.new_file import NewFile
from ses_fleet_cli.runs import Shown
from tests.unit.cli import stored
from tests.unit.memory_s3 import MemoryS3
from tests.unit.worker.world import Objects

CONTACT: dict[str, Any] = {"unsubscribed_all": False, "last_updated_at": None, "preferences": {}, "effective": {}}


def part(*emails: str) -> bytes:
    """Contacts as list-contacts writes them."""
    return gzip.compress("".join(json.dumps({"email": email, **CONTACT}) + "\n" for email in emails).encode())


def written(result: CustomerResult) -> bytes:
    """A result as the record has it."""
    return result.model_dump_json().encode()


def shown() -> Shown:
    """A run of list-contacts with one customer."""
    customer = CustomerIdentity(customer_code="acme", customer_name="Acme", account_id=None, region=None)
    sizes = Concurrency(requested=0, effective=1)
    plan = RunPlan(run_id="run-1", request={}, started_at="", deadline="", customers=(customer,), concurrency=sizes)
    summary = Summary(
        run_id="run-1",
        action="list-contacts-all",
        dry_run=False,
        started_at="",
        total_duration_seconds=1,
        total_customers=1,
        successful_count=1,
        failed_count=0,
        skipped_count=0,
        not_started_count=0,
        results=(),
    )
    return Shown(plan, summary, "finished")


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("s3://results/data/run-1/acme/", ["abandoned@x.example"]),
        ("s3://results/data/run-1/acme/again-1/", ["ada@x.example"]),
        ("s3://results/data/run-1/globex/", ["abandoned@x.example"]),
        (None, ["abandoned@x.example"]),
    ],
)
def test_the_parts_are_where_the_result_says(location: str | None, found: list[str], tmp_path: Path) -> None:
    """A reading that began again has a place of its own; a place that is not the customer's own is not believed."""
    objects = Objects()
    result = CustomerResult(
        customer_code="acme",
        customer_name="Acme",
        account_id=None,
        region=None,
        status="successful",
        data={"contact_list": "main", "total": 1, "parts": 1},
        data_location=location,
    )
    objects.written = {
        "runs/run-1/results/acme.json": result.model_dump_json().encode(),
        "data/run-1/acme/contacts-00001.jsonl.gz": part("abandoned@x.example"),
        "data/run-1/acme/again-1/contacts-00001.jsonl.gz": part("ada@x.example"),
        "data/run-1/globex/contacts-00001.jsonl.gz": part("other@x.example"),
    }
    out = tmp_path / "contacts.jsonl"
    exported = export(Bucket(objects, "results"), shown(), "jsonl", NewFile(out), lambda _done, _of: None)
    assert [json.loads(line)["email"] for line in out.read_text().splitlines()] == found
    assert exported.problems == []


@pytest.mark.parametrize(
    ("status", "said"), [("under_way", "under way or about to start"), ("not_started", "no result yet")]
)
def test_who_has_no_result_yet_is_named(status: Any, said: str, tmp_path: Path) -> None:
    """With a worker or not, as far as the record shows."""
    run = shown()
    going = stored.result("acme", status)
    run = replace(run, summary=run.summary.model_copy(update={"results": (going,)}), state="under way")
    exported = export(
        Bucket(Objects(), "results"), run, "csv", NewFile(tmp_path / "contacts.csv"), lambda _done, _of: None
    )
    assert exported.problems == [f"contacts of acme are missing: {said}"]


def test_parts_are_read_ahead_and_written_in_order(tmp_path: Path) -> None:
    """Over several customers, whatever S3 answers first; a broken part is named, and hides no other one."""
    codes = ("acme", "empty", "globex")
    parts = {
        "acme": [part("a@x.example"), b"no gzip", part("b@x.example")],
        "empty": [],
        "globex": [part("c@x.example")],
    }
    record = MemoryS3()
    for code, bodies in parts.items():
        data = {"contact_list": "main", "total": 2 if code == "acme" else len(bodies), "parts": len(bodies)}
        record.put("results", f"runs/run-1/results/{code}.json", written(stored.result(code, data=data)))
        for number, body in enumerate(bodies, start=1):
            record.put("results", f"data/run-1/{code}/contacts-{number:05d}.jsonl.gz", body)
    keys = record.keys("data/")
    answered = {key: threading.Event() for key in keys}

    def happens(_operation: str, key: str, done: bool) -> None:
        if key not in answered:
            return
        if done:
            answered[key].set()
        else:  # the one behind it is answered first
            assert all(answered[later].wait(20) for later in keys[keys.index(key) + 1 :][:1])

    record.hook.happens = happens
    run = replace(shown(), plan=stored.plan("run-1", codes=codes))
    out = tmp_path / "contacts.jsonl"
    exported = export(Bucket(record, "results"), run, "jsonl", NewFile(out), lambda _done, _of: None)
    contacts = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(one["customer_code"], one["email"]) for one in contacts] == [
        ("acme", "a@x.example"),
        ("acme", "b@x.example"),
        ("globex", "c@x.example"),
    ]
    (problem,) = exported.problems
    assert problem.startswith("contacts of acme are missing: s3://results/data/run-1/acme/contacts-00002.jsonl.gz")
