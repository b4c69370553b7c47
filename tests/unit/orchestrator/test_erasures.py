"""Erasures: nobody is deleted before every customer has answered, and the receipt claims no more than was read back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.aws import secrets
from ses_fleet.errors import AwsCallError, ConfigurationError, RequestError
from tests.unit.orchestrator.deployed import (
    RUN,
    Deployed,
    Json,
    code_of,
    customers,
    failed,
    of,
    statuses,
)
from tests.unit.orchestrator.killed import die, reap
from tests.unit.people_action import PEOPLE_ID, upload

ADA, BOB = "Ada@x.example", "bob@x.example"
KEY = b"1" * 32
SECRET = json.dumps({"current": "k1", "keys": {"k1": base64.b64encode(KEY).decode()}})
RECEIPT = ("results", f"receipts/{RUN}.json")
FOUND = {"data": None, "continuation": {"state": {"step": "bury"}, "second_phase": True}, "phase_over": True}


def person(row: int, outcome: str = "erased") -> Json:
    """What a worker says of one row."""
    return {"row": row, "outcome": outcome, "at": "2026-11-26T10:00:00Z", "contacts": 1, "suppressed": "kept"}


def phases(item: Json) -> Json:
    """A worker that finds, and then erases row 1, and row 2 where it is asked about it."""
    if item["continuation"] is None:
        return FOUND
    rows = [1] if code_of(item) == "b" else [1, 2]
    return {"data": {"people": [person(row) for row in rows]}}


def deployed(monkeypatch: pytest.MonkeyPatch, worker: Any = phases, codes: str = "abc") -> Deployed:
    """Customers a, b and c; Ada is to be erased everywhere, Bob from a and c."""
    there = Deployed(monkeypatch, customers(*codes), worker)
    monkeypatch.setenv("ERASURE_SECRET", "ses-fleet/erasure")
    monkeypatch.setattr(secrets, "read", lambda _region, _secret: SECRET)
    upload(there.s3, {"email": ADA}, {"email": BOB, "customers": ["a", "c"]})
    return there


def run(there: Deployed, action: str = "erase-contact-all", params: Json | None = None, **payload: Any) -> Json:
    """The Summary of an erasure."""
    return there.run(action, people=PEOPLE_ID, params={"confirm_people": 2, **(params or {})}, **payload)


def receipt(there: Deployed) -> Json:
    """The receipt."""
    return dict(json.loads(there.s3.stored[RECEIPT].body))


def proofs(there: Deployed) -> dict[str, list[str]]:
    """{customer: outcomes of its people}."""
    found = receipt(there)["customers"]
    return {one["customer_code"]: [person["outcome"] for person in one["people"]] for one in found}


def order(there: Deployed) -> list[int]:
    """The phase of every slice that was sent."""
    return [1 if item["continuation"] is None else 2 for item in there.lambda_.items]


def test_nobody_is_deleted_before_everybody_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the receipt says of each whether it is proven; the Summary says where it lies, and counts."""
    there = deployed(monkeypatch)
    answer = run(there, params={"ticket": "GDPR-7"}, max_customer_concurrency=1)
    assert (order(there), answer["exit_code"]) == ([1, 1, 1, 2, 2, 2], 0)
    assert proofs(there) == {"a": ["erased", "erased"], "b": ["erased"], "c": ["erased", "erased"]}
    kept = receipt(there)
    assert (kept["proven"], kept["ticket"], kept["key_id"]) == (True, "GDPR-7", "k1")
    assert kept["config_version"]["config"] == there.version("config.json")
    assert kept["customers"][0]["people"][0]["hash"] == hmac.new(KEY, b"ada@x.example", hashlib.sha256).hexdigest()
    assert answer["receipt"] == f"s3://results/receipts/{RUN}.json"
    assert answer["fleet"] == {"erased": 5, "was_absent": 0, "not_proven": 0}


def test_one_that_does_not_answer_keeps_everybody_from_being_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is proven, not even of those who had answered; the resumed run asks everybody again."""

    def worker(item: Json) -> Json:
        return failed() if code_of(item) == "b" else phases(item)

    there = deployed(monkeypatch, worker)
    answer = run(there)
    assert (set(order(there)), answer["exit_code"]) == ({1}, 1)
    assert proofs(there) == {"a": ["not_proven"] * 2, "b": ["not_proven"], "c": ["not_proven"] * 2}
    assert of(answer, "a")["error"]["type"] == "NotEverybodyAnswered"
    assert not receipt(there)["proven"]
    there.lambda_.items.clear()
    there.lambda_.worker = phases
    again = there.invoke({**answer["resume"], "run_id": "r2"})
    assert (sorted(order(there)), again["exit_code"]) == ([1, 1, 1, 2, 2, 2], 0)
    assert json.loads(there.s3.stored["results", "receipts/r2.json"].body)["resumes"] == RUN


def test_who_may_be_out_of_reach_is_not_proven_and_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are erased; the exit code says that something is not proven."""

    def worker(item: Json) -> Json:
        return failed() if code_of(item) == "b" else phases(item)

    there = deployed(monkeypatch, worker)
    answer = run(there, params={"accept_unreachable": ["b"]})
    assert statuses(answer) == {"a": "successful", "b": "failed", "c": "successful"}
    assert (answer["exit_code"], receipt(there)["proven"]) == (1, False)
    assert proofs(there) == {"a": ["erased"] * 2, "b": ["not_proven"], "c": ["erased"] * 2}


@pytest.mark.parametrize("entry", [{"enabled": False}, {"ses_role_arn": ""}])
def test_a_customer_that_is_skipped_has_not_answered(monkeypatch: pytest.MonkeyPatch, entry: Json) -> None:
    """It may have the person in its list: only one whom no row names has nothing to say."""
    there = deployed(monkeypatch)
    config = customers("a", "b", "c")
    config["customer_mappings"]["b"] |= entry
    there.put("config.json", config)
    answer = run(there)
    assert (set(order(there)), statuses(answer)["b"], answer["exit_code"]) == ({1}, "failed", 1)
    assert "params.accept_unreachable" in of(answer, "b")["error"]["message"]
    upload(there.s3, {"email": BOB, "customers": ["a", "c"]})
    there.lambda_.items.clear()
    answer = there.invoke(
        {"action": "erase-contact-all", "people": PEOPLE_ID, "params": {"confirm_people": 1}, "run_id": "r2"}
    )
    assert (statuses(answer)["b"], sorted(order(there))) == ("skipped", [1, 1, 2, 2])


def test_a_dry_run_asks_and_leaves_no_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    """One phase; nothing below receipts/."""
    there = deployed(monkeypatch, lambda _: {"data": {"people": [person(1, "would_erase")]}})
    answer = run(there, dry_run=True)
    assert (answer["exit_code"], answer["receipt"], there.s3.keys("receipts/")) == (0, None, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("no setting", "no setting erasure_secret names a secret"),
        ("ResourceNotFoundException", "could not be read (ResourceNotFoundException): it does not exist"),
        (
            "AccessDeniedException",
            "could not be read (AccessDeniedException): it does not exist, or the function's role",
        ),
        ("no keys", "has no keys"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_without_a_key_nobody_is_erased(monkeypatch: pytest.MonkeyPatch, change: str, said: str, dry_run: bool) -> None:
    """The next import would bring them back. The refusal says how to make a key; a dry run is refused, too."""
    there = deployed(monkeypatch)

    def read(_region: str, _secret: str) -> str:
        if change.endswith("Exception"):
            raise AwsCallError("secretsmanager", "get_secret_value", "refused", change, "no", 400)
        return "{}"

    monkeypatch.setattr(secrets, "read", read)
    if change == "no setting":
        monkeypatch.delenv("ERASURE_SECRET")
    with pytest.raises(ConfigurationError) as error:
        run(there, dry_run=dry_run)
    assert said in str(error.value)
    assert "docs/operating.md" in str(error.value)
    assert (there.lambda_.items, there.s3.keys("open/")) == ([], [])


def test_more_than_a_receipt_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts."""
    there = deployed(monkeypatch)
    monkeypatch.setattr(limits, "RECEIPT_PROOFS", 5)
    with pytest.raises(RequestError, match="2 people for 3 customers are more than a receipt holds"):
        run(there)


def test_the_number_of_people_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another number, or none, refuses the run."""
    there = deployed(monkeypatch)
    for params in ({"confirm_people": 3}, {}):
        with pytest.raises(RequestError, match="but the people file has 2 rows"):
            there.run("erase-contact-all", people=PEOPLE_ID, params=params)
    assert there.lambda_.items == []


def test_the_phases_outlive_an_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose time ends at the barrier goes on in another one, and so does one whose second phase had begun."""
    for last in (3, 4):
        there = deployed(monkeypatch)

        def worker(item: Json, there: Deployed = there, last: int = last) -> Json:
            if len(there.lambda_.items) == last:
                there.context.seconds = 50.0
            return phases(item)

        there.lambda_.worker = worker
        run(there, max_customer_concurrency=1, on_deadline="continue")
        opened = bool(there.s3.keys(f"runs/{RUN}/barrier.json"))
        assert opened is (last == 4)
        answer = there.go_on()
        assert (order(there), answer["exit_code"]) == ([1, 1, 1, 2, 2, 2], 0)
        assert receipt(there)["proven"]


def test_a_run_that_died_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reaper writes the receipt: only what a stored result says is claimed."""
    there = deployed(monkeypatch)

    event = {"action": "erase-contact-all", "people": PEOPLE_ID, "params": {"confirm_people": 2}, "run_id": RUN}
    there.lambda_.worker = phases
    die(monkeypatch, there, "c", {**event, "max_customer_concurrency": 1})
    reap(there)
    kept = there.kept("summary.json")
    assert kept["closed_by"] == "reaper"
    found = proofs(there)
    assert not receipt(there)["proven"]
    assert found["c"] == ["not_proven"] * 2
    for code, outcomes in found.items():
        stored = there.kept(f"results/{code}.json")
        assert ("erased" in outcomes) is (stored["status"] == "successful")


def test_the_receipt_counts_the_copies_that_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the customers concerned, old versions too, and until when; nobody else's, and no records without addresses."""
    there = deployed(monkeypatch)
    for key in ("data/r0/a/contacts-00001.jsonl.gz", "data/r0/zzz/x", "backups/a/r0/x", "backups/identity/a.json"):
        there.s3.put("results", key, b"1")
        there.s3.put("results", key, b"2")
    there.s3.put("results", "data/r0/_people/ic-0/users-00001.jsonl.gz", b"1")
    run(there)
    copies = {one["prefix"]: (one["objects"], one["old_versions"]) for one in receipt(there)["copies"]}
    assert copies == {
        "backups/a/": (1, 1),
        "backups/identity/": (1, 1),
        "data/*/_people/": (1, 0),
        "data/*/a/": (1, 1),
        "data/requests/": (1, 0),
    }
    assert receipt(there)["copies_complete"]
    until = {one["prefix"]: one["gone_by"][:10] for one in receipt(there)["copies"]}
    assert until["data/*/a/"] < until["backups/a/"]


def test_a_receipt_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is proven then; the run says so."""
    there = deployed(monkeypatch)
    there.s3.refused = {f"receipts/{RUN}.json"}
    answer = run(there)
    assert answer["receipt"] is None
    assert "the receipt could not be written (AccessDenied), so nothing of this run is proven" in answer["warnings"][0]
    assert answer["exit_code"] == 1


@pytest.mark.parametrize("change", [{"started_at": "2020-01-01T00:00:00Z"}, {"run_id": "other"}, None])
def test_another_run_s_receipt_is_never_taken_for_this_one_s(
    monkeypatch: pytest.MonkeyPatch, change: Json | None
) -> None:
    """Receipts outlive the records of runs, so an id may come again: what is there stays, and proves nothing of it."""
    there = deployed(monkeypatch)
    run(there)
    earlier = b"{}" if change is None else json.dumps({**receipt(there), **change}).encode()
    again = deployed(monkeypatch)
    again.s3.put(*RECEIPT, earlier)
    answer = run(again)
    assert (answer["receipt"], answer["exit_code"], set(statuses(answer).values())) == (None, 1, {"successful"})
    assert again.s3.stored[RECEIPT].body == earlier
    (told,) = answer["warnings"]
    assert told.startswith(f"s3://results/receipts/{RUN}.json is not of this run but of an earlier one")
    assert told.endswith("run it again under another id")


@pytest.mark.parametrize("proven", [True, False])
def test_a_receipt_that_another_invocation_of_the_run_wrote_decides(
    monkeypatch: pytest.MonkeyPatch, proven: bool
) -> None:
    """It died before it wrote the Summary: the exit code says what the receipt does."""
    there = deployed(monkeypatch)
    run(there)
    written = {**receipt(there), "proven": proven}
    again = deployed(monkeypatch)

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, key, done) == ("put_object", RECEIPT[1], False):
            plan = json.loads(again.s3.stored["results", f"runs/{RUN}/plan.json"].body)
            again.s3.put(*RECEIPT, json.dumps({**written, "started_at": plan["started_at"]}).encode())

    again.s3.hook.happens = happens
    answer = run(again)
    assert (answer["receipt"], answer["exit_code"]) == (f"s3://results/receipts/{RUN}.json", 0 if proven else 1)
    assert receipt(again)["proven"] is proven


def test_no_address_is_in_the_record_or_the_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor in the log."""
    there = deployed(monkeypatch)
    run(there)
    text = "".join(
        body.body.decode(errors="replace")
        for (_, key), body in there.s3.stored.items()
        if not key.startswith("data/requests/") and not key.endswith(".gz")
    )
    for address in (ADA, BOB):
        assert address.lower() not in (text + there.written.getvalue() + str(there.lines())).lower()
