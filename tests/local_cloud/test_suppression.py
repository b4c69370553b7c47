"""Customers' suppression lists: what is put there and taken off, also by workers that are killed in between."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import FREE_LEASE, HUB, RESULTS_BUCKET, Cloud, fleet, running, ses_fleet
from tests.local_cloud.people_files import upload
from tests.local_cloud.test_find_contact import AWKWARD, account, results

NEW = [f"new{number}@corp.example" for number in range(26)]  # more than are added one by one
OLD, COMPLAINED, OTHER = ["old0@corp.example", "old1@corp.example"], "complained@corp.example", "other@corp.example"
ROWS = [
    *({"email": email, "reason": "BOUNCE"} for email in NEW),
    *({"email": email, "state": "absent"} for email in (*OLD, COMPLAINED)),
]
BEFORE = {**dict.fromkeys([*OLD, OTHER], "BOUNCE"), COMPLAINED: "COMPLAINT"}
COMPLETE = {**dict.fromkeys(NEW, "BOUNCE"), OTHER: "BOUNCE", COMPLAINED: "COMPLAINT"}

# The call that the worker of each of these customers is killed at.
VICTIMS = {
    "f01": ("sesv2", "ListImportJobs"),
    "f02": ("sesv2", "ListSuppressedDestinations"),
    "f03": ("s3", "PutObject"),  # the import file: the customer's account
    "f04": ("sesv2", "CreateImportJob"),
    "f05": ("sesv2", "GetImportJob"),
    "f06": ("s3", "DeleteObject"),
    "f07": ("sesv2", "GetSuppressedDestination"),
    "f08": ("sesv2", "PutSuppressedDestination"),
    "f09": ("sesv2", "DeleteSuppressedDestination"),
}
UNTOUCHED, SANDBOX = "f10", "f11"
CODES = (*VICTIMS, UNTOUCHED)
WITHOUT_BUCKET = ("f07", "f08")


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own without contact lists; import jobs are over at once, and one account is in the sandbox."""
    folder = tmp_path_factory.mktemp("suppression")
    config = fleet(len(CODES) + 1)
    for code, customer in config["customer_mappings"].items():
        if code not in WITHOUT_BUCKET:
            customer["import_bucket"] = f"{code}-import"
    at_once = {"import_jobs": {"created_seconds": 0, "processing_seconds": 0}}
    accounts: dict[str, Any] = {account(code): {"ses": {"us-east-1": at_once}} for code in CODES}
    accounts[account(SANDBOX)] = {"ses": {"us-east-1": {"production_access": False}}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "scenario.json").write_text(json.dumps({"accounts": accounts}))
    files = ("--config", str(folder / "config.json"), "--scenario", str(folder / "scenario.json"))
    with running("--port", "0", *files, "--ses-rate", "0") as (_, cloud):
        yield cloud


@pytest.fixture
def suppressing(clouds: Cloud) -> Cloud:
    """The same, every customer with its suppression list as it was, and no lease held."""
    clouds.caught_up()
    for code in CODES:
        key = f"leases/{account(code)}-us-east-1.json"
        clouds.s3.put_object(Bucket=RESULTS_BUCKET, Key=key, Body=FREE_LEASE)
        ses = clouds.client("sesv2", account(code))
        there = listed(clouds, code)
        for email in there.keys() - BEFORE.keys():
            ses.delete_suppressed_destination(EmailAddress=email)
        for email, reason in BEFORE.items() - there.items():
            ses.put_suppressed_destination(EmailAddress=email, Reason=reason)
    clouds.caught_up()
    return clouds


def listed(cloud: Cloud, code: str) -> dict[str, str]:
    """{address: reason} of a customer's suppression list, as reads show it."""
    page = cloud.client("sesv2", account(code)).list_suppressed_destinations(PageSize=1_000)
    return {one["EmailAddress"]: one["Reason"] for one in page.get("SuppressedDestinationSummaries", [])}


def lines(cloud: Cloud, location: str) -> list[dict[str, Any]]:
    """The records below a data location."""
    keys = cloud.keys(location.removeprefix(f"s3://{RESULTS_BUCKET}/"))
    stored = [line for key in keys for line in gzip.decompress(cloud.stored(key)).decode().splitlines()]
    return [json.loads(line) for line in stored]


@pytest.mark.matrix
@pytest.mark.parametrize("fault", [pytest.param("kill_before", marks=pytest.mark.matrix), "kill_after"])
def test_nine_killed_at_once_and_run_again(fault: str, suppressing: Cloud) -> None:
    """Each at a call of its own. Who complains before the next run keeps that reason; one more run writes nothing."""
    rules = [
        {"service": service, "operation": operation, "account": account(code), "fault": fault, "times": 1}
        for code, (service, operation) in VICTIMS.items()
    ]
    everybody: dict[str, Any] = {"action": "set-suppressed-all", "include": list(CODES)}
    with suppressing.faults(*rules):
        broken = suppressing.run(**everybody, people=upload(suppressing, *ROWS))
    ended = results(broken)
    assert {code: result["status"] for code, result in ended.items()} == {
        **dict.fromkeys(VICTIMS, "failed"),
        UNTOUCHED: "successful",
    }
    errors = [ended[code]["error"] for code in VICTIMS]
    assert {(error["category"], error["outcome_unknown"]) for error in errors} == {("internal", True)}
    suppressing.caught_up()
    assert listed(suppressing, UNTOUCHED) == COMPLETE
    assert ended[UNTOUCHED]["data"]["by_job"] == 26
    assert ended[UNTOUCHED]["data"]["kept_complaint"] == 1
    suppressing.client("sesv2", account("f05")).put_suppressed_destination(EmailAddress=NEW[3], Reason="COMPLAINT")
    suppressing.caught_up()
    suppressing.leases_over()
    resumed = suppressing.run(**broken["resume"])
    assert resumed["exit_code"] == 0, [result["error"] for result in resumed["results"]]
    suppressing.caught_up()
    for code in VICTIMS:
        assert listed(suppressing, code) == {**COMPLETE, **({NEW[3]: "COMPLAINT"} if code == "f05" else {})}, code
    mark = suppressing.mark()
    assert suppressing.run(**everybody, people=broken["resume"]["people"])["exit_code"] == 0
    written = [entry for entry in suppressing.journal(mark) if entry["writes"] and entry["account"] != HUB]
    assert written == []


def test_addresses_are_set_and_listed_as_they_are(suppressing: Cloud) -> None:
    """Slashes, percent signs, question marks, dots, plus, case before the @, 320 characters; by the API's own paths."""
    one: dict[str, Any] = {"customer_code": "f01"}
    put = [{"email": email, "reason": "COMPLAINT"} for email in AWKWARD]
    done = suppressing.run(action="set-suppressed", **one, people=upload(suppressing, *put))
    (result,) = done["results"]
    assert (result["status"], result["data"]["added"]) == ("successful", len(AWKWARD)), result["error"]
    suppressing.caught_up()
    kept = ["@".join([email.rpartition("@")[0], email.rpartition("@")[2].lower()]) for email in AWKWARD]
    assert listed(suppressing, "f01").keys() == {*kept, *OLD, OTHER, COMPLAINED}
    reading = suppressing.run(action="list-suppressed", **one, params={"reasons": ["COMPLAINT"]})
    (found,) = reading["results"]
    assert found["data"]["reasons"] == {"COMPLAINT": len(AWKWARD) + 1}
    assert [line["email"] for line in lines(suppressing, found["data_location"])] == [COMPLAINED, *kept]
    assert "@" not in json.dumps([done, reading, lines(suppressing, result["data_location"])])
    take = upload(suppressing, *({"email": email, "state": "absent"} for email in AWKWARD))
    kept_all = suppressing.run(action="set-suppressed", **one, people=take)
    assert kept_all["results"][0]["data"]["kept_complaint"] == len(AWKWARD)
    params = {"confirm_people": len(AWKWARD)}
    assert suppressing.run(action="set-suppressed", **one, people=take, params=params)["exit_code"] == 0
    suppressing.caught_up()
    assert listed(suppressing, "f01").keys() == {*OLD, OTHER, COMPLAINED}


@pytest.mark.matrix
def test_another_number_of_people_refuses_the_run(suppressing: Cloud) -> None:
    """Before anything is done for a customer, and naming the number."""
    people, mark = upload(suppressing, *ROWS), suppressing.mark()
    asked: dict[str, Any] = {"action": "set-suppressed-all", "people": people, "params": {"confirm_people": 3}}
    refused = suppressing.invoke(asked).body
    assert refused["errorType"] == "RequestError"
    assert refused["errorMessage"] == "$.params.confirm_people: says 3, but the people file has 29 rows"
    assert not [entry for entry in suppressing.journal(mark) if entry["service"] in ("sts", "sesv2")]


@pytest.mark.matrix
def test_a_dry_run_says_what_it_would_do_and_what_that_takes(suppressing: Cloud) -> None:
    """By one job or one by one; nothing is written, and no lease is taken."""
    people, mark = upload(suppressing, *ROWS), suppressing.mark()
    summary = suppressing.run(action="set-suppressed-all", people=people, include=["f01", "f07", SANDBOX], dry_run=True)
    ended = results(summary)
    by_job, by_hand = ended["f01"]["data"], ended["f07"]["data"]
    assert (by_job["added"], by_job["by_job"], by_job["removed"], by_job["kept_complaint"]) == (26, 26, 2, 1)
    assert (by_hand["added"], by_hand["by_job"]) == (26, 0)
    assert by_hand["requests"] > 2 * 26 > by_job["requests"]
    assert any("import_bucket" in warning for warning in ended["f07"]["warnings"])
    assert (ended[SANDBOX]["error"]["type"], ended[SANDBOX]["error"]["outcome_unknown"]) == ("SesSandbox", False)
    assert not [one for one in suppressing.journal(mark) if one["writes"] and one["account"] != HUB]
    assert listed(suppressing, "f01").keys() == {*OLD, OTHER, COMPLAINED}


def test_the_command_shows_what_was_done_without_an_address(suppressing: Cloud, tmp_path_factory: Any) -> None:
    """From a table with one row a person."""
    path = tmp_path_factory.mktemp("table") / "people.csv"
    path.write_text("email,reason,state\nada@corp.example,COMPLAINT,present\nold0@corp.example,,absent\n")
    arguments = ("set-suppressed-all", "--people", str(path), "--include", "f01", "--include", "f02", "--yes")
    ended = ses_fleet(suppressing, "invoke", *arguments)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    rows = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines() if line.split()}
    assert rows["f01"] == rows["f02"] == ["1", "0", "1", "0", "0", "0"]
    suppressing.caught_up()
    assert listed(suppressing, "f02")["ada@corp.example"] == "COMPLAINT"
