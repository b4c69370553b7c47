"""set-contacts and remove-contacts on the whole way: from a people file to SES, killed on it, and run again."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloud.conftest import FREE_LEASE, RESULTS_BUCKET, SES_FLEET, Cloud, fleet, running, ses_fleet
from tests.local_cloud.people_files import upload

TOPICS = [
    {"TopicName": "calendar", "DisplayName": "Calendar", "DefaultSubscriptionStatus": "OPT_OUT"},
    {"TopicName": "alerts", "DisplayName": "Alerts", "DefaultSubscriptionStatus": "OPT_IN"},
]
NEW = [f"new{number}@corp.example" for number in range(60)]
AWKWARD = ["a/b@corp.example", "a%2Fb@corp.example", "a?b@corp.example", "../x@corp.example", "M.x+Tag@Corp.Example"]
AWKWARD.append(f"{'l' * 64}@{'d' * 243}.example.org")  # 320 characters
STAYING, CHOSE, GONE = "staying@corp.example", "chose@corp.example", "gone@corp.example"
ROWS: list[dict[str, Any]] = [
    *({"email": one, "opt_in": ["calendar"], "attributes": {"from": "file"}} for one in NEW),
    {"email": STAYING, "opt_in": ["calendar"]},
    {"email": CHOSE.upper(), "opt_in": ["calendar"], "opt_out": ["alerts"]},
    {"email": GONE, "opt_in": ["calendar"]},
]
LEAVING = [STAYING, CHOSE, "nobody@corp.example"]

# The call that the worker of each of these customers is killed at.
SETTING = {
    "f01": ("sesv2", "ListImportJobs"),
    "f02": ("sesv2", "ListContacts"),
    "f03": ("s3", "PutObject"),  # the import file: the customer's account
    "f04": ("sesv2", "CreateImportJob"),
    "f05": ("sesv2", "GetImportJob"),
    "f06": ("s3", "DeleteObject"),
    "f07": ("sesv2", "CreateContact"),
    "f08": ("sesv2", "UpdateContact"),
    "f09": ("sesv2", "GetContact"),
}
REMOVING = {
    "f01": ("sesv2", "ListImportJobs"),
    "f02": ("sesv2", "ListContacts"),
    "f03": ("sesv2", "GetContact"),
    "f04": ("sesv2", "DeleteContact"),
}
CODES = (*SETTING, "f10")
WITHOUT_BUCKET = ("f07", "f10")
Contacts = dict[str, tuple[dict[str, str], bool]]
OPTED_IN = {"calendar": "OPT_IN"}
COMPLETE: Contacts = {
    **dict.fromkeys(NEW, (OPTED_IN, False)),
    STAYING: (OPTED_IN, False),
    CHOSE: ({"calendar": "OPT_OUT", "alerts": "OPT_OUT"}, False),
    GONE: ({}, True),
}


@pytest.fixture(scope="module")
def cloud_of_people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Ten customers whose import jobs are over at once."""
    path = tmp_path_factory.mktemp("people")
    config = fleet(len(CODES))
    for code, customer in config["customer_mappings"].items():
        if code not in WITHOUT_BUCKET:
            customer["import_bucket"] = f"{code}-import"
    at_once = {"ses": {"us-east-1": {"import_jobs": {"created_seconds": 0, "processing_seconds": 0}}}}
    (path / "config.json").write_text(json.dumps(config))
    (path / "scenario.json").write_text(json.dumps({"accounts": {account(code): at_once for code in CODES}}))
    arguments = ("--config", str(path / "config.json"), "--scenario", str(path / "scenario.json"))
    with running("--port", "0", *arguments, "--ses-rate", "0") as (_, cloud):
        yield cloud


@pytest.fixture
def lists(cloud_of_people: Cloud) -> Cloud:
    """The same, every customer with its list as it was."""
    for code in CODES:
        key = f"leases/{account(code)}-us-east-1.json"
        cloud_of_people.s3.put_object(Bucket=RESULTS_BUCKET, Key=key, Body=FREE_LEASE)
        ses = cloud_of_people.client("sesv2", account=account(code))
        cloud_of_people.without_list(account(code))
        ses.create_contact_list(ContactListName="main", Topics=TOPICS)
        refused = [{"topicName": "calendar", "subscriptionStatus": "OPT_OUT"}]
        records = [
            {"emailAddress": STAYING},
            {"emailAddress": CHOSE, "topicPreferences": refused},
            {"emailAddress": GONE, "unsubscribeAll": True},
        ]
        body = "\n".join(map(json.dumps, records)).encode()
        cloud_of_people.control("PUT", f"contacts/{account(code)}/us-east-1/main", body)
    cloud_of_people.caught_up()
    return cloud_of_people


def account(code: str) -> str:
    """A customer's account."""
    return str(300000000000 + int(code[1:]))


def contacts(cloud: Cloud, code: str) -> Contacts:
    """{address: (explicit preferences, unsubscribed from everything)}."""
    return {one.email: (one.preferences, one.unsubscribed) for one in cloud.contacts_now(account(code))}


def results(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By customer."""
    return {result["customer_code"]: result for result in summary["results"]}


def killed(cloud: Cloud, victims: dict[str, tuple[str, str]], fault: str, **payload: Any) -> dict[str, Any]:
    """The Summary of a run in which each of these workers is killed at its call; the others are served."""
    rules = [
        {"service": service, "operation": operation, "account": account(code), "fault": fault, "times": 1}
        for code, (service, operation) in victims.items()
    ]
    with cloud.faults(*rules):
        broken = cloud.run(**payload)
    assert {code for code, one in results(broken).items() if one["status"] == "failed"} == set(victims)
    errors = [results(broken)[code]["error"] for code in victims]
    assert {(error["category"], error["outcome_unknown"]) for error in errors} == {("internal", True)}
    cloud.leases_over()
    cloud.caught_up()
    return broken


def endings(cloud: Cloud, run_id: str, code: str) -> dict[int, str]:
    """{line: ending}; nothing in those files is an address."""
    bodies = [gzip.decompress(cloud.stored(key)) for key in cloud.keys(f"data/{run_id}/{code}/rows-")]
    assert not any(b"@" in body for body in bodies)
    rows = [json.loads(line) for body in bodies for line in body.splitlines()]
    return {row["row"]: row["ending"] for row in rows}


@pytest.mark.matrix
@pytest.mark.parametrize("fault", [pytest.param("kill_before", marks=pytest.mark.matrix), "kill_after"])
def test_setting_is_killed_at_every_call_and_completed_by_the_next_run(fault: str, lists: Cloud) -> None:
    """Nobody is set twice, nobody against a choice: whoever unsubscribes in between stays so."""
    payload = {"action": "set-contacts-all", "people": upload(lists, *ROWS)}
    broken = killed(lists, SETTING, fault, **payload)
    assert contacts(lists, "f10") == COMPLETE
    ended = endings(lists, broken["run_id"], "f10")
    assert list(ended.values()).count("created") == 60
    assert (ended[61], ended[62], ended[63]) == ("updated", "updated", "unchanged")
    data = results(broken)["f10"]["data"]
    assert {name: data[name] for name in ("created", "updated", "unchanged", "kept_choice")} == {
        "created": 60,
        "updated": 2,
        "unchanged": 1,
        "kept_choice": 2,
    }
    there = [code for code in SETTING if NEW[7] in contacts(lists, code)]
    for code in there:
        request = {"ContactListName": "main", "EmailAddress": NEW[7], "UnsubscribeAll": True}
        lists.client("sesv2", account=account(code)).update_contact(**request)
    lists.caught_up()
    resumed = lists.run(**broken["resume"])
    assert resumed["exit_code"] == 0, [result["error"] for result in resumed["results"]]
    for code in SETTING:
        chosen: Contacts = {NEW[7]: ({}, True)} if code in there else {}
        found = contacts(lists, code)
        assert {email: (said, gone) for email, (said, gone) in found.items() if email not in chosen} == {
            email: one for email, one in COMPLETE.items() if email not in chosen
        }, code
        assert all(found[email][1] for email in chosen)
    lists.caught_up()
    mark = lists.mark()
    assert lists.run(**payload)["exit_code"] == 0
    changed = [one["operation"] for one in lists.journal(mark) if one["writes"] and one["service"] == "sesv2"]
    assert set(changed) <= {"ListContacts", "UpdateContact"}  # attributes are merged by a read of the contact
    assert "UpdateContact" not in changed


@pytest.mark.matrix
@pytest.mark.parametrize("fault", [pytest.param("kill_before", marks=pytest.mark.matrix), "kill_after"])
def test_removing_is_killed_at_every_call_and_completed_by_the_next_run(fault: str, lists: Cloud) -> None:
    """Whoever is gone has a complete backup, and whoever made a choice is there."""
    payload = {
        "action": "remove-contacts-all",
        "include": [*REMOVING, "f10"],
        "confirm_customers": 5,
        "people": upload(lists, *LEAVING),
        "params": {"confirm_people": 3},
    }
    broken = killed(lists, REMOVING, fault, **payload)
    assert endings(lists, broken["run_id"], "f10") == {1: "removed", 2: "kept_choice", 3: "absent"}
    for code in REMOVING:
        saved = f"backups/{code}/{broken['run_id']}/backup.json" in lists.keys(f"backups/{code}/")
        assert STAYING in contacts(lists, code) or saved
    resumed = lists.run(**broken["resume"])
    assert resumed["exit_code"] == 0, [result["error"] for result in resumed["results"]]
    for code in (*REMOVING, "f10"):
        assert set(contacts(lists, code)) == {CHOSE, GONE}, code
    restored = {"action": "restore-list", "customer_code": "f10", "params": {"backup": broken["run_id"]}}
    assert lists.run(**restored)["exit_code"] == 0
    assert set(contacts(lists, "f10")) == {STAYING, CHOSE, GONE}


def test_a_plan_is_applied_once_to_whom_it_still_holds_for(lists: Cloud, tmp_path: Path) -> None:
    """By two terminals at once. One of sixty said no since and is left out, by name for those who may see names; where
    ten did, nothing is written."""
    path = tmp_path / "people.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    chosen = [argument for code in ("f01", "f02", "f07") for argument in ("--include", code)]
    arguments = ("set-contacts-all", "--people", str(path), *chosen, "--dry-run")
    dry = ses_fleet(lists, "invoke", *arguments)
    assert dry.returncode == 0, dry.stderr
    run_id = dry.stdout.rpartition("ses-fleet apply ")[2].strip()
    for code, count in (("f01", 1), ("f02", 10)):
        for one in NEW[:count]:
            request = {"ContactListName": "main", "EmailAddress": one, "UnsubscribeAll": True}
            lists.client("sesv2", account=account(code)).create_contact(**request)
    lists.caught_up()
    before, mark = contacts(lists, "f02"), lists.mark()
    command = [SES_FLEET, "apply", run_id, "--yes", "--output", "json"]
    both = [subprocess.Popen(command, env=lists.environment(), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [one.communicate(timeout=60)[0] for one in both]
    applied = json.loads(next(filter(None, ended)))
    found = results(applied)
    assert {code: one["status"] for code, one in found.items()} == {
        "f01": "successful", "f02": "failed", "f07": "successful",
    }  # fmt: skip
    assert found["f02"]["error"]["type"] == "PlanStale"
    assert contacts(lists, "f02") == before
    assert [found[code]["data"][name] for code in ("f01", "f07") for name in ("created", "updated", "left_out")] == [
        59, 2, 1, 60, 2, 0,
    ]  # fmt: skip
    assert contacts(lists, "f01") == {**COMPLETE, NEW[0]: ({}, True)}
    assert contacts(lists, "f07") == COMPLETE
    written = [one["operation"] for one in lists.journal(mark) if one["writes"] and one["service"] == "sesv2"]
    assert (written.count("CreateImportJob"), written.count("CreateContact")) == (1, 60)
    shown = ses_fleet(lists, "runs", "show", f"{run_id}-apply", "--changes").stdout.splitlines()
    del lists.spoken[-2:]  # addresses, for those who may read them
    assert shown[1:3] == ["f01: 1 left out", f"   left out  {NEW[0]}  (unsubscribed or opted out since)"]
    assert shown[3] == "f02: 10 left out"
    again = ses_fleet(lists, "apply", run_id, "--yes")
    assert (again.returncode, again.stdout) == (2, "")
    assert f"was applied already, by run {run_id}-apply" in again.stderr


@pytest.mark.matrix
@pytest.mark.parametrize("fault", ["kill_before", "kill_after"])
def test_applying_is_killed_at_every_call_and_completed_by_a_resume(fault: str, lists: Cloud) -> None:
    """What was made already counts as done: nobody is left out."""
    dry = lists.run(action="set-contacts-all", people=upload(lists, *ROWS), dry_run=True)
    broken = killed(lists, SETTING, fault, action="set-contacts-all", plan=dry["run_id"])
    assert contacts(lists, "f10") == COMPLETE
    resumed = lists.run(**broken["resume"])
    assert (resumed["exit_code"], resumed["run_id"]) == (0, f"{dry['run_id']}-apply-2")
    assert {code: one["data"]["left_out"] for code, one in results(resumed).items()} == dict.fromkeys(SETTING, 0)
    for code in SETTING:
        assert contacts(lists, code) == COMPLETE, code


def test_awkward_addresses_go_there_and_back_by_the_command(lists: Cloud, tmp_path: Path) -> None:
    """Whatever they have that means something in a path; a dry run before shows the same and writes nothing."""
    path = tmp_path / "people.csv"
    path.write_text("email,opt_in\n" + "".join(f'"{one}",calendar\n' for one in AWKWARD))
    before = contacts(lists, "f10")
    arguments = ("--customer-code", "f10", "--people", str(path), "--output", "json")
    shown = ses_fleet(lists, "invoke", "set-contacts", *arguments, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    planned = json.loads(shown.stdout)["results"][0]["data"]
    assert (planned["created"], planned["estimate"]["looked_up"], contacts(lists, "f10")) == (6, "by pages", before)
    done = ses_fleet(lists, "invoke", "set-contacts", *arguments)
    assert (done.returncode, json.loads(done.stdout)["results"][0]["data"]["created"]) == (0, 6), done.stderr
    assert contacts(lists, "f10") == {**before, **dict.fromkeys(AWKWARD, (OPTED_IN, False))}
    again = ses_fleet(lists, "invoke", "set-contacts", *arguments)
    assert json.loads(again.stdout)["results"][0]["data"]["unchanged"] == 6
    addresses = tmp_path / "addresses.csv"
    addresses.write_text("email\n" + "".join(f'"{one}"\n' for one in AWKWARD))
    taking = ("--customer-code", "f10", "--people", str(addresses), "--output", "json")
    refused = ses_fleet(lists, "invoke", "remove-contacts", *taking, "--confirm-people", "5")
    assert refused.returncode == 2
    assert "says 5, but the people file has 6 rows" in refused.stdout + refused.stderr
    removed = ses_fleet(lists, "invoke", "remove-contacts", *taking, "--confirm-people", "6")
    assert (removed.returncode, json.loads(removed.stdout)["results"][0]["data"]["removed"]) == (0, 6), removed.stderr
    assert contacts(lists, "f10") == before


@pytest.mark.matrix
def test_what_contradicts_itself_is_refused_before_anything_starts(lists: Cloud) -> None:
    """An address twice, an unknown customer, a topic both ways; an unknown topic refuses its customer alone."""
    rows = [
        {"email": "a@corp.example", "opt_in": ["calendar"], "opt_out": ["calendar"]},
        {"email": "A@corp.example", "customers": ["f01"]},
        {"email": "a@corp.example"},
        {"email": "b@corp.example", "customers": ["nobody"]},
    ]
    mark = lists.mark()
    answer = lists.invoke({"action": "set-contacts-all", "people": upload(lists, *rows)}).body
    assert answer["errorType"] == "RequestError"
    assert "line 3: email: is the address of line 2, too" in answer["errorMessage"]
    assert "line 1: opt_out: has a topic that is in opt_in, too" in answer["errorMessage"]
    unknown = lists.invoke({"action": "set-contacts-all", "people": upload(lists, rows[3])}).body
    assert "line 1: customers[0]: config.json has no such customer" in unknown["errorMessage"]
    summary = lists.run(
        action="set-contacts-all",
        include=["f01", "f02"],
        people=upload(lists, {"email": NEW[0], "customers": ["f01"], "opt_in": ["x"]}, NEW[1]),
    )
    assert (results(summary)["f01"]["error"]["type"], results(summary)["f02"]["status"]) == (
        "UnknownTopic",
        "successful",
    )
    changed = [one for one in lists.journal(mark) if one["writes"] and one["service"] == "sesv2"]
    assert {one["account"] for one in changed if one["operation"] != "ListContacts"} == {account("f02")}
