"""Erased people in the local cloud: real functions, a secret in Secrets Manager, tombstones in the results bucket."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.people.hash_keys import HashKeys
from ses_fleet.worker.erased import ErasedPeople, Why
from tests.local_cloud.conftest import (
    CONFIG_BUCKET,
    ORCHESTRATOR,
    RESULTS_BUCKET,
    WORKER,
    Cloud,
    fleet,
    running,
    ses_fleet,
)

IC, REGION = "400000000009", "us-east-1"
SECRET = "ses-fleet/erasure"
PEOPLE = [f"User{number}@corp.example" for number in range(30)]
DIRECTORY = {
    "region": REGION,
    "users": [{"username": f"user{number}", "email": email} for number, email in enumerate(PEOPLE)],
    "groups": [],
}
WHY = Why("by-a-test", "T-1", "2026-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Ten customers with an empty list each, who share an Identity Center of thirty people; f01 has a bucket."""
    path = tmp_path_factory.mktemp("erased")
    made = fleet(10)
    for customer in made["customer_mappings"].values():
        customer["identity_center_role_arn"] = f"arn:aws:iam::{IC}:role/importer"
    made["customer_mappings"]["f01"]["import_bucket"] = "f01-erased-import"
    (path / "config.json").write_text(json.dumps(made))
    (path / "scenario.json").write_text(json.dumps({"accounts": {IC: {"identity_centers": [DIRECTORY]}}}))
    arguments = ("--config", str(path / "config.json"), "--scenario", str(path / "scenario.json"))
    with running("--port", "0", *arguments, "--ses-rate", "0") as (_, cloud):
        cloud.s3.put_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=b'{"topics": []}')
        for number in range(1, 11):
            ses = cloud.client("sesv2", account=account(number))
            ses.create_contact_list(ContactListName="main")
        yield cloud


@pytest.fixture
def cloud(own: Cloud) -> Cloud:
    """The same with the secret as `erasure-key` makes it, whatever the test before did to it."""
    made = ses_fleet(None, "erasure-key")
    assert made.returncode == 0
    put(own, made.stdout)
    own.caught_up()
    return own


def account(number: int) -> str:
    """A customer's."""
    return str(300000000000 + number)


def put(cloud: Cloud, text: str) -> None:
    """Make the secret, or give it another value."""
    secrets = cloud.client("secretsmanager")
    with contextlib.suppress(secrets.exceptions.ResourceNotFoundException):
        secrets.restore_secret(SecretId=SECRET)
        secrets.put_secret_value(SecretId=SECRET, SecretString=text)
        return
    secrets.create_secret(Name=SECRET, SecretString=text)


def present(cloud: Cloud) -> str:
    """The secret's text."""
    return str(cloud.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"])


def tombstones(cloud: Cloud, number: int) -> ErasedPeople:
    """Who was erased from a customer's list."""
    bucket = Bucket(AwsClient("s3", cloud.s3), RESULTS_BUCKET)
    return ErasedPeople.load(bucket, account(number), REGION, lambda: HashKeys.parse(present(cloud)))


def importing(cloud: Cloud, number: int, **more: Any) -> dict[str, Any]:
    """The result of an import into a customer's list."""
    (result,) = cloud.run(action="import-aws-contact", customer_code=f"f{number:02d}", **more)["results"]
    return dict(result)


def contacts(cloud: Cloud, number: int) -> set[str]:
    """The addresses of a customer's list."""
    return {one.email for one in cloud.contacts_now(account(number))}


def writes(cloud: Cloud, mark: Any, number: int) -> list[str]:
    """What was changed at SES in a customer's account."""
    entries = [one for one in cloud.journal(mark) if one["service"] == "sesv2" and one["account"] == account(number)]
    return [one["operation"] for one in entries if one["writes"]]


@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.matrix)])
def test_an_import_does_not_bring_back_who_was_erased(number: int, cloud: Cloud) -> None:
    """By an import job and one by one; a dry run counts the same. A worker reads the secret once."""
    assert tombstones(cloud, number).bury(PEOPLE[3].upper(), WHY) == "buried"
    shown = importing(cloud, number, dry_run=True)
    mark = cloud.mark()
    done = importing(cloud, number)
    assert done["status"] == "successful", done["error"]
    for data in (shown["data"], done["data"]):
        assert (data["created"], data["erased_before"]) == (29, 1)
    assert contacts(cloud, number) == {*PEOPLE} - {PEOPLE[3]}
    operations = [entry["operation"] for entry in cloud.journal(mark)]
    assert operations.count("GetSecretValue") == 1
    assert ("CreateImportJob" in operations) == (number == 1)


@pytest.mark.matrix
def test_a_list_without_tombstones_needs_no_secret(cloud: Cloud) -> None:
    """Not even one that is there."""
    cloud.client("secretsmanager").delete_secret(SecretId=SECRET)
    mark = cloud.mark()
    assert importing(cloud, 3)["data"]["created"] == 30
    assert "GetSecretValue" not in [entry["operation"] for entry in cloud.journal(mark)]


def test_a_restore_does_not_bring_back_who_was_erased(cloud: Cloud) -> None:
    """From a backup of before."""
    ses = cloud.client("sesv2", account=account(4))
    for email in PEOPLE[:3]:
        ses.create_contact(ContactListName="main", EmailAddress=email)
    cloud.caught_up()
    backup = cloud.run(action="backup-list", customer_code="f04")["run_id"]
    for email in PEOPLE[:3]:
        ses.delete_contact(ContactListName="main", EmailAddress=email)
    tombstones(cloud, 4).bury(PEOPLE[1], WHY)
    cloud.caught_up()
    restoring = {"action": "restore-list", "customer_code": "f04", "params": {"backup": backup}}
    counts = {"created": 2, "updated": 0, "unchanged": 0, "erased_before": 1}
    for options in ({"dry_run": True}, {}):
        (result,) = cloud.run(**restoring, **options)["results"]
        assert result["data"]["contacts"] == counts
    assert contacts(cloud, 4) == {PEOPLE[0], PEOPLE[2]}


@pytest.mark.matrix
def test_a_tombstone_of_an_older_key_still_counts(cloud: Cloud) -> None:
    """A newer key was put beside it, as the operating guide says."""
    tombstones(cloud, 5).bury(PEOPLE[0], WHY)
    newer = ses_fleet(None, "erasure-key", "--add", stdin=present(cloud))
    put(cloud, newer.stdout)
    tombstones(cloud, 5).bury(PEOPLE[1], WHY)
    assert len({key.split("/")[2] for key in cloud.keys(f"erased/{account(5)}-{REGION}/")}) == 2
    assert importing(cloud, 5)["data"]["erased_before"] == 2
    assert contacts(cloud, 5) == {*PEOPLE[2:]}


@pytest.mark.matrix
def test_a_person_whose_tombstone_was_lifted_comes_back(cloud: Cloud) -> None:
    """Nobody else does."""
    people = tombstones(cloud, 6)
    for email in PEOPLE[:2]:
        people.bury(email, WHY)
    assert tombstones(cloud, 6).lift(PEOPLE[0], WHY) == "lifted"
    assert importing(cloud, 6)["data"]["erased_before"] == 1
    assert contacts(cloud, 6) == {*PEOPLE} - {PEOPLE[1]}


def lose_the_key(cloud: Cloud) -> None:
    """The secret has another key than the tombstones need."""
    put(cloud, ses_fleet(None, "erasure-key").stdout)


def delete_the_secret(cloud: Cloud) -> None:
    """It can be restored for 30 days."""
    cloud.client("secretsmanager").delete_secret(SecretId=SECRET)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("number", "lose", "code", "advice"),
    [
        (7, lose_the_key, "ErasureKeyMissing", "put that key back beside the others"),
        (8, delete_the_secret, "InvalidRequestException", "aws secretsmanager restore-secret"),
    ],
)
def test_without_the_key_a_customer_with_tombstones_fails_before_its_first_write(
    number: int, lose: Any, code: str, advice: str, cloud: Cloud
) -> None:
    """What is wrong and what to do is in the message; a dry run fails alike, and nobody comes back."""
    tombstones(cloud, number).bury(PEOPLE[0], WHY)
    lose(cloud)
    mark = cloud.mark()
    for options in ({"dry_run": True}, {}):
        error = importing(cloud, number, **options)["error"]
        assert (error["category"], error["type"], error["outcome_unknown"]) == ("configuration", code, False)
        assert advice in error["message"]
    assert writes(cloud, mark, number) == []
    assert cloud.keys(f"backups/identity/f{number:02d}") == []


@pytest.mark.matrix
def test_tombstones_that_cannot_be_read_fail_the_customer(cloud: Cloud) -> None:
    """As another run's failing S3 would: it does not import blindly."""
    tombstones(cloud, 9).bury(PEOPLE[0], WHY)
    mark = cloud.mark()
    with cloud.faults({"operation": "GetObject", "path": "/erased/", "fault": "deny", "times": None}):
        error = importing(cloud, 9)["error"]
    assert error["type"] == "AccessDenied"
    assert "who was erased could not be read" in error["message"]
    assert writes(cloud, mark, 9) == []


@pytest.mark.matrix
def test_who_is_erased_is_looked_up_after_the_list_is_ones_own(cloud: Cloud) -> None:
    """A customer whose list another run holds asks neither for tombstones nor for the secret: they may change still."""
    tombstones(cloud, 10).bury(PEOPLE[0], WHY)
    lease = {"run_id": "holder", "customer_code": "f10", "number": 1, "owner": "x", "taken_at": "", "seconds": 300}
    place = {"Bucket": RESULTS_BUCKET, "Key": f"leases/{account(10)}-{REGION}.json"}
    cloud.s3.put_object(**place, Body=json.dumps(lease).encode())
    mark = cloud.mark()
    with cloud.variables(ORCHESTRATOR, SLICE_BUDGET_SECONDS="1"):
        assert importing(cloud, 10)["status"] == "not_started"
    asked = [one["operation"] for one in cloud.journal(mark) if WORKER in (one["principal"] or "")]
    assert not {"GetSecretValue", "ListObjectsV2"} & {*asked}
    cloud.leases_over()
    mark = cloud.mark()
    assert importing(cloud, 10)["status"] == "successful"
    asked = [one["operation"] for one in cloud.journal(mark) if WORKER in (one["principal"] or "")]
    assert {"GetSecretValue", "ListObjectsV2"} <= {*asked}
