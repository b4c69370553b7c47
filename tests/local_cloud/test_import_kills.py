"""Workers that are really killed in the middle of an import: others are served, and the next run completes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import CONFIG_BUCKET, FREE_LEASE, HUB, RESULTS_BUCKET, Cloud, fleet, running

IC = "400000000001"
ROLE = f"arn:aws:iam::{IC}:role/importer"
TOPIC = {"TopicName": "calendar", "DisplayName": "Calendar", "DefaultSubscriptionStatus": "OPT_OUT"}
NEW = [f"user{number}@corp.example" for number in range(26)]  # more than the threshold
STAYING = [f"staying{number}@corp.example" for number in range(2)]  # with a role; the second one unsubscribed
LEAVING = ["leaving@corp.example", "chose@corp.example"]  # the second one opted out
OWN = [f"own{number}@corp.example" for number in range(20)]
OPTED_IN, OPTED_OUT = {"calendar": "OPT_IN"}, {"calendar": "OPT_OUT"}

# The call that the worker of each of these customers is killed at.
VICTIMS = {
    "f01": ("sesv2", "ListImportJobs"),
    "f02": ("sesv2", "ListContacts"),
    "f03": ("s3", "PutObject"),  # the import file: the customer's account
    "f04": ("sesv2", "CreateImportJob"),
    "f05": ("sesv2", "GetImportJob"),
    "f06": ("s3", "DeleteObject"),
    "f07": ("sesv2", "CreateContact"),
    "f08": ("sesv2", "UpdateContact"),
    "f09": ("sesv2", "DeleteContact"),
}
UNTOUCHED = ("f10", "f11")
CODES = (*VICTIMS, *UNTOUCHED)
WITHOUT_BUCKET = ("f07", "f10")
PRUNING = {"action": "import-aws-contact-all", "prune": True, "params": {"sync_topics": True}}
EVERYBODY: dict[str, Any] = {**PRUNING, "confirm_customers": len(CODES)}

Contacts = dict[str, tuple[dict[str, str], bool]]
COMPLETE: Contacts = {
    **{email: (OPTED_IN if email == NEW[0] else {}, False) for email in (*NEW, *OWN)},
    STAYING[0]: (OPTED_IN, False),
    STAYING[1]: ({}, True),
    LEAVING[1]: (OPTED_OUT, False),
}


@pytest.fixture(scope="module")
def cloud_of_kills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Eleven customers that share an Identity Center; import jobs are over at once."""
    path = tmp_path_factory.mktemp("kills")
    config = fleet(len(CODES))
    for code, customer in config["customer_mappings"].items():
        customer["identity_center_role_arn"] = ROLE
        if code not in WITHOUT_BUCKET:
            customer["import_bucket"] = f"{code}-import"
    at_once = {"ses": {"us-east-1": {"import_jobs": {"created_seconds": 0, "processing_seconds": 0}}}}
    (path / "config.json").write_text(json.dumps(config))
    accounts = {IC: {"identity_centers": [people()]}, **{account(code): at_once for code in CODES}}
    (path / "scenario.json").write_text(json.dumps({"accounts": accounts}))
    arguments = ("--config", str(path / "config.json"), "--scenario", str(path / "scenario.json"))
    with running("--port", "0", *arguments, "--ses-rate", "0", "--max-environments", "10") as (_, cloud):
        topic = {**TOPIC, "Description": "", "OptInRoles": ["DBA"]}
        cloud.s3.put_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=json.dumps({"topics": [topic]}).encode())
        yield cloud


@pytest.fixture
def killing(cloud_of_kills: Cloud) -> Cloud:
    """The same, every customer with its list as it was, and with a record of whom Identity Center had."""
    for code in CODES:
        key = f"leases/{account(code)}-us-east-1.json"
        cloud_of_kills.s3.put_object(Bucket=RESULTS_BUCKET, Key=key, Body=FREE_LEASE)
        prepare(cloud_of_kills, code)
    return cloud_of_kills


def account(code: str) -> str:
    """A customer's account."""
    return str(300000000000 + int(code[1:]))


def people() -> dict[str, Any]:
    """Of the Identity Center: the first new one and those who stay have the role."""
    name = "ccoe-cloud-acme-111122223333-x-idp-portal-dba"
    users = [{"username": email.partition("@")[0], "email": email} for email in (*NEW, *STAYING)]
    members = [email.partition("@")[0] for email in (NEW[0], *STAYING)]
    return {"region": "us-east-1", "users": users, "groups": [{"name": name, "members": members}]}


def prepare(cloud: Cloud, code: str) -> None:
    """Somebody to bring, somebody to opt in, somebody to remove, and somebody who chose among each of them."""
    ses = cloud.client("sesv2", account=account(code))
    cloud.without_list(account(code))
    ses.create_contact_list(ContactListName="main", Topics=[TOPIC])
    records: list[dict[str, Any]] = [{"emailAddress": email} for email in (*OWN, STAYING[0], LEAVING[0])]
    records.append({"emailAddress": STAYING[1], "unsubscribeAll": True})
    choice = {"topicName": "calendar", "subscriptionStatus": "OPT_OUT"}
    records.append({"emailAddress": LEAVING[1], "topicPreferences": [choice]})
    body = "\n".join(map(json.dumps, records)).encode()
    cloud.control("PUT", f"contacts/{account(code)}/us-east-1/main", body)
    (instance,) = cloud.client("sso-admin", account=IC).list_instances()["Instances"]
    record = {
        "customer_code": code,
        "run_id": "before",
        "account_id": account(code),
        "region": "us-east-1",
        "identity_store_id": instance["IdentityStoreId"],
        "addresses": sorted([*STAYING, *LEAVING]),
    }
    cloud.s3.put_object(Bucket=RESULTS_BUCKET, Key=record_key(code), Body=json.dumps(record).encode())


def record_key(code: str) -> str:
    """Where it is remembered whom Identity Center had."""
    return f"backups/identity/{code}.json"


def contacts(cloud: Cloud, code: str) -> Contacts:
    """{address: (explicit preferences, unsubscribed from everything)}."""
    return {one.email: (one.preferences, one.unsubscribed) for one in cloud.contacts_now(account(code))}


def results(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By customer."""
    return {result["customer_code"]: result for result in summary["results"]}


def unsubscribe(cloud: Cloud, code: str, email: str) -> None:
    """From everything."""
    request = {"ContactListName": "main", "EmailAddress": email, "UnsubscribeAll": True}
    cloud.client("sesv2", account=account(code)).update_contact(**request)


def assert_complete(cloud: Cloud, code: str, *unsubscribed: str) -> None:
    """The list and the record are those of a run that nobody killed, but for who unsubscribed."""
    assert contacts(cloud, code) == {**COMPLETE, **{email: ({}, True) for email in unsubscribed}}, code
    known = json.loads(cloud.stored(record_key(code)))["addresses"]
    assert known == sorted([*NEW, *STAYING, LEAVING[1]]), code


def assert_nothing_left_to_do(cloud: Cloud, **payload: Any) -> None:
    """One more run writes nothing to anybody's list, and to nobody's bucket."""
    cloud.caught_up()
    mark = cloud.mark()
    assert cloud.run(**payload)["exit_code"] == 0
    written = [entry for entry in cloud.journal(mark) if entry["writes"] and entry["account"] != HUB]
    assert {entry["operation"] for entry in written} <= {"ListContacts"}


@pytest.mark.parametrize("fault", [pytest.param("kill_before", marks=pytest.mark.matrix), "kill_after"])
def test_nine_killed_at_once_and_run_again(fault: str, killing: Cloud) -> None:
    """Each at a call of its own. Whoever unsubscribes before the next run stays unsubscribed."""
    rules = [
        {"service": service, "operation": operation, "account": account(code), "fault": fault, "times": 1}
        for code, (service, operation) in VICTIMS.items()
    ]
    with killing.faults(*rules):
        broken = killing.run(**EVERYBODY)
    assert {code: result["status"] for code, result in results(broken).items()} == {
        **dict.fromkeys(VICTIMS, "failed"),
        **dict.fromkeys(UNTOUCHED, "successful"),
    }
    errors = [results(broken)[code]["error"] for code in VICTIMS]
    assert {(error["category"], error["outcome_unknown"]) for error in errors} == {("internal", True)}
    for code in UNTOUCHED:
        assert_complete(killing, code)
    there = [code for code in VICTIMS if NEW[7] in contacts(killing, code)]
    assert "f05" in there, "its import job was over when it was killed"
    for code in there:
        unsubscribe(killing, code, NEW[7])
    assert broken["resume"]["include"] == list(VICTIMS)
    killing.leases_over()
    resumed = killing.run(**broken["resume"])
    assert resumed["exit_code"] == 0, [result["error"] for result in resumed["results"]]
    for code in VICTIMS:
        assert_complete(killing, code, *([NEW[7]] if code in there else []))
        saved = [key for key in killing.keys(f"backups/{code}/") if key.endswith("/backup.json")]
        assert saved, "whom the prune removed"
    assert_nothing_left_to_do(killing, **EVERYBODY)


@pytest.mark.matrix
@pytest.mark.parametrize("fault", ["kill_before", "kill_after"])
def test_killed_when_it_assumes_the_customers_role(fault: str, killing: Cloud) -> None:
    """Nothing was done for that customer; the other one is served."""
    two: dict[str, Any] = {**PRUNING, "include": ["f01", "f10"], "confirm_customers": 2, "max_customer_concurrency": 1}
    before = contacts(killing, "f01")
    with killing.faults({"operation": "AssumeRole", "fault": fault, "skip": 1, "times": 1}):
        broken = killing.run(**two)
    assert {code: result["status"] for code, result in results(broken).items()} == {
        "f01": "failed",
        "f10": "successful",
    }
    assert results(broken)["f01"]["error"]["category"] == "internal"
    assert contacts(killing, "f01") == before
    killing.leases_over()
    assert killing.run(**broken["resume"])["exit_code"] == 0
    for code in ("f01", "f10"):
        assert_complete(killing, code)
    assert_nothing_left_to_do(killing, **two)


@pytest.mark.matrix
@pytest.mark.parametrize("writes", ["the last", "all"])
def test_killed_at_its_writes_to_the_results_bucket(writes: str, killing: Cloud) -> None:
    """Identity Center's people, the record, the decision, the backup: before or after each of them."""
    one: dict[str, Any] = {**PRUNING, "include": ["f01"], "confirm_customers": 1}
    mark = killing.mark()
    assert killing.run(**one)["exit_code"] == 0
    puts = [entry for entry in killing.journal(mark) if entry["operation"] == "PutObject" and entry["account"] == HUB]
    ours = [number for number, entry in enumerate(puts) if "ses-fleet-worker" in entry["principal"]]
    assert len(ours) >= 7
    for number in ours if writes == "all" else ours[-1:]:
        for fault in ("kill_before", "kill_after"):
            prepare(killing, "f01")
            rule = {"service": "s3", "operation": "PutObject", "account": HUB, "fault": fault, "times": 1}
            with killing.faults({**rule, "skip": number}):
                broken = killing.run(**one)
            (result,) = broken["results"]
            assert (result["status"], result["error"]["category"]) == ("failed", "internal"), (number, fault)
            killing.leases_over()
            assert killing.run(**broken["resume"])["exit_code"] == 0, (number, fault)
            assert_complete(killing, "f01")
    assert_nothing_left_to_do(killing, **one)
