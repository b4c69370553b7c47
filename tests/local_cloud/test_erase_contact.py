"""Erasures in the local cloud: real functions, a real barrier, and a receipt that claims what is so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import CONFIG_BUCKET, Cloud, fleet, running, ses_fleet
from tests.local_cloud.people_files import upload
from tests.local_cloud.test_erased_people import put

CODES = [f"f{number:02d}" for number in range(1, 5)]
ADA, OTHER = "ada@corp.example", "eve@corp.example"
SPELLINGS = (ADA, "Ada@corp.example")
LISTS = {"f01": (*SPELLINGS, OTHER), "f02": (OTHER,), "f03": (ADA,), "f04": (OTHER, "ADA@corp.example")}
IC = "400000000009"


def account(code: str) -> str:
    """The customer's account."""
    return str(300000000000 + int(code[1:]))


def contacts(cloud: Cloud, code: str) -> set[str]:
    """Who is in the customer's list."""
    return {one.email for one in cloud.contacts_now(account(code))}


@pytest.fixture(scope="module")
def cloud_of_lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Four customers, and the secret as `erasure-key` makes it."""
    folder = tmp_path_factory.mktemp("erasing")
    made = fleet(len(CODES))
    made["customer_mappings"]["f01"]["identity_center_role_arn"] = f"arn:aws:iam::{IC}:role/importer"
    (folder / "config.json").write_text(json.dumps(made))
    users = [{"username": "ada", "email": ADA}, {"username": "eve", "email": OTHER}]
    directory = {"region": "us-east-1", "users": users, "groups": []}
    (folder / "scenario.json").write_text(json.dumps({"accounts": {IC: {"identity_centers": [directory]}}}))
    files = ("--config", str(folder / "config.json"), "--scenario", str(folder / "scenario.json"))
    with running("--port", "0", *files, "--ses-rate", "0") as (_, cloud):
        put(cloud, ses_fleet(None, "erasure-key").stdout)
        cloud.s3.put_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=b'{"topics": []}')
        yield cloud


@pytest.fixture
def cloud(cloud_of_lists: Cloud) -> Cloud:
    """The same with everybody's list as it was."""
    cloud_of_lists.leases_over()
    for code, emails in LISTS.items():
        cloud_of_lists.without_list(account(code))
        cloud_of_lists.client("sesv2", account(code)).create_contact_list(ContactListName="main")
        lines = "\n".join(json.dumps({"emailAddress": email}) for email in emails)
        cloud_of_lists.control("PUT", f"contacts/{account(code)}/us-east-1/main", lines.encode())
    cloud_of_lists.caught_up()
    return cloud_of_lists


def erase(cloud: Cloud, *emails: str, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The Summary of an erasure over the fleet."""
    params = {"confirm_people": len(emails), **(params or {})}
    return cloud.run(action="erase-contact-all", people=upload(cloud, *emails), params=params, **more)


def receipt(cloud: Cloud, summary: dict[str, Any]) -> dict[str, Any]:
    """The run's receipt."""
    return dict(json.loads(cloud.stored(f"receipts/{summary['run_id']}.json")))


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    """Of the one person, by customer."""
    return {one["customer_code"]: one["people"][0]["outcome"] for one in found["customers"]}


def is_gone(cloud: Cloud) -> bool:
    """Whether no list has Ada in any spelling, and everybody else is where they were."""
    return all(contacts(cloud, code) == {one for one in emails if one.lower() != ADA} for code, emails in LISTS.items())


def test_a_person_is_erased_everywhere_with_a_receipt(cloud: Cloud) -> None:
    """Every customer was asked before the first deletion; nothing of the person is in the record or the receipt."""
    mark = cloud.mark()
    summary = erase(cloud, "Ada@Corp.example", params={"ticket": "GDPR-1"}, max_customer_concurrency=2)
    assert (summary["exit_code"], is_gone(cloud)) == (0, True)
    found = receipt(cloud, summary)
    assert outcomes(found) == {"f01": "erased", "f02": "was_absent", "f03": "erased", "f04": "erased"}
    assert (found["proven"], found["ticket"], found["copies_complete"]) == (True, "GDPR-1", True)
    assert "data/requests/" in {one["prefix"] for one in found["copies"]}
    entries = [one for one in cloud.journal(mark) if one["service"] == "sesv2"]
    asked = {one["account"] for one in entries[: [one["operation"] for one in entries].index("DeleteContact")]}
    assert asked == {account(code) for code in CODES}
    text = json.dumps([summary, found, json.loads(cloud.stored(f"runs/{summary['run_id']}/plan.json"))])
    assert "corp.example" not in text.lower()


def test_who_does_not_answer_keeps_everybody_from_being_deleted(cloud: Cloud) -> None:
    """Nothing is changed anywhere, and the receipt proves nothing."""
    with cloud.faults({"operation": "ListContacts", "account": account("f03"), "fault": "deny", "times": None}):
        summary = erase(cloud, ADA)
    assert summary["exit_code"] == 1
    assert {code: contacts(cloud, code) for code in CODES} == {code: set(emails) for code, emails in LISTS.items()}
    assert set(outcomes(receipt(cloud, summary)).values()) == {"not_proven"}
    again = cloud.run(**{**summary["resume"], "run_id": f"{summary['run_id']}-again"})
    assert (again["exit_code"], is_gone(cloud)) == (0, True)


@pytest.mark.matrix
@pytest.mark.parametrize("fault", ["kill_before", "kill_after"])
@pytest.mark.parametrize("operation", ["DeleteContact", "ListContacts"])
def test_a_worker_that_is_killed_claims_nothing_and_the_next_run_completes(
    operation: str, fault: str, cloud: Cloud
) -> None:
    """Before and after the effect: what the receipt says of that customer is not proven, and then it is."""
    kill = {"operation": operation, "account": account("f01"), "fault": fault, "skip": 1, "times": 1}
    with cloud.faults(kill):
        summary = erase(cloud, ADA)
    assert summary["exit_code"] == 1
    assert outcomes(receipt(cloud, summary))["f01"] == "not_proven"
    cloud.leases_over()
    again = erase(cloud, ADA)
    assert (again["exit_code"], is_gone(cloud)) == (0, True)
    assert receipt(cloud, again)["proven"]


@pytest.mark.matrix
def test_two_erasures_at_once_are_both_proven(cloud: Cloud) -> None:
    """The second waits for the lease of each list."""
    found: dict[str, dict[str, Any]] = {}
    threads = [threading.Thread(target=lambda who=who: found.update({who: erase(cloud, who)})) for who in (ADA, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert [one["exit_code"] for one in found.values()] == [0, 0]
    assert all(receipt(cloud, one)["proven"] for one in found.values())
    assert [contacts(cloud, code) for code in CODES] == [set()] * 4


@pytest.mark.matrix
def test_an_import_does_not_bring_the_person_back_until_that_is_lifted(cloud: Cloud) -> None:
    """Tonight's import skips who was erased and counts it; un-erase with a ticket lets the person come back."""
    erase(cloud, ADA)
    importing = {"action": "import-aws-contact", "customer_code": "f01"}
    (result,) = cloud.run(**importing)["results"]
    assert (result["status"], result["data"]["erased_before"] >= 1) == ("successful", True)
    assert ADA not in contacts(cloud, "f01")
    lifting = {"action": "un-erase", "customer_code": "f01", "people": upload(cloud, ADA)}
    (lifted,) = cloud.run(**lifting, params={"confirm_people": 1, "ticket": "T-9"})["results"]
    assert lifted["data"] == {"lifted": 1, "was_not_erased": 0}
    cloud.run(**importing)
    assert ADA in contacts(cloud, "f01")


@pytest.mark.matrix
def test_the_command_erases_one_person_and_says_where_the_receipt_is(cloud: Cloud) -> None:
    """With the address on the command line only: the answer, the log and the record have none."""
    arguments = ("erase-contact-all", "--person", ADA, "--param", "confirm_people=1", "--yes")
    ended = ses_fleet(cloud, "invoke", *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "s3://ses-fleet-results-123456789012/receipts/" in ended.stdout
    assert is_gone(cloud)


@pytest.mark.matrix
def test_without_a_key_the_action_says_how_to_make_one(cloud: Cloud) -> None:
    """Nobody is erased whom the next import would bring back."""
    client = cloud.client("secretsmanager")
    text = client.get_secret_value(SecretId="ses-fleet/erasure")["SecretString"]
    client.delete_secret(SecretId="ses-fleet/erasure")
    try:
        answer = cloud.invoke(
            {"action": "erase-contact-all", "people": upload(cloud, ADA), "params": {"confirm_people": 1}}
        ).body
    finally:
        put(cloud, text)
    assert "docs/operating.md" in answer["errorMessage"]
    assert contacts(cloud, "f03") == {ADA}
