"""The managed customer's account, put into the state that an action needs."""

from __future__ import annotations

import contextlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.people.hash_keys import HashKeys
from ses_fleet.worker.erased import ErasedPeople, Why
from ses_fleet_cli import erasure_key
from tests.deploy.deployment import CUSTOMER, ERASURE_SECRET, PEOPLE, REGION, Deployment
from tests.local_cloud.conftest import Cloud

LIST = "main-contact-list"
CALENDAR = {
    "TopicName": "calendar",
    "DisplayName": "Calendar",
    "Description": "Changes",
    "DefaultSubscriptionStatus": "OPT_OUT",
}
OLD = {"TopicName": "old", "DisplayName": "Old", "DefaultSubscriptionStatus": "OPT_OUT"}
GROUP = "ccoe-cloud-acme-111122223333-x-idp-portal-dba"


def without_list(cloud: Cloud) -> None:
    """No contact list at all."""
    cloud.without_list(CUSTOMER)


def with_list(
    cloud: Cloud, *emails: str, topics: tuple[dict[str, str], ...] = (CALENDAR,), tagged: bool = False
) -> None:
    """A list with these contacts, who chose nothing."""
    without_list(cloud)
    tags = {"Tags": [{"Key": "team", "Value": "mail"}]} if tagged else {}
    cloud.client("sesv2", account=CUSTOMER).create_contact_list(ContactListName=LIST, Topics=list(topics), **tags)
    if emails:
        lines = "\n".join(json.dumps({"emailAddress": email}) for email in emails)
        cloud.control("PUT", f"contacts/{CUSTOMER}/{REGION}/{LIST}", lines.encode())


def opted_in(cloud: Cloud, email: str, *topics: str) -> None:
    """One contact's explicit choices."""
    choices = [{"TopicName": topic, "SubscriptionStatus": "OPT_IN"} for topic in topics]
    cloud.client("sesv2", account=CUSTOMER).update_contact(
        ContactListName=LIST, EmailAddress=email, TopicPreferences=choices, UnsubscribeAll=False
    )


def with_suppressed(cloud: Cloud, *emails: str) -> None:
    """A suppression list of these addresses, which bounced."""
    ses = cloud.client("sesv2", account=CUSTOMER)
    for one in ses.list_suppressed_destinations()["SuppressedDestinationSummaries"]:
        ses.delete_suppressed_destination(EmailAddress=one["EmailAddress"])
    for email in emails:
        ses.put_suppressed_destination(EmailAddress=email, Reason="BOUNCE")


def with_identity(cloud: Cloud) -> None:
    """A verified domain to send from, of an account in which everything is well."""
    said = {"identities": [{"name": "corp.example"}], "sent_last_24_hours": 5}
    cloud.control("PUT", f"ses-account/{CUSTOMER}/{REGION}", json.dumps(said).encode())


def with_people(cloud: Cloud, count: int) -> None:
    """So many users in Identity Center, all with the role that the topic names."""
    users: list[dict[str, Any]] = [{"username": f"p{n}", "email": f"p{n}@corp.example"} for n in range(count)]
    groups = [{"name": GROUP, "members": [user["username"] for user in users]}]
    document = {"region": REGION, "users": users, "groups": groups}
    cloud.control("PUT", f"people/{PEOPLE}/{REGION}", json.dumps(document).encode())


def people_file(made: Deployment, *rows: Any) -> str:
    """Upload a people file of these rows, a text being somebody's address, and return its id."""
    written = [{"email": row} if isinstance(row, str) else row for row in rows]
    people_id = secrets.token_hex(16)
    body = "".join(json.dumps(row) + "\n" for row in written).encode()
    place = {"Bucket": made.outputs["ResultsBucket"], "Key": f"data/requests/{people_id}.jsonl"}
    made.cloud.s3.put_object(**place, Body=body)
    return people_id


def addresses(cloud: Cloud) -> set[str]:
    """Who is in the list."""
    return {one.email for one in cloud.contacts_now(CUSTOMER)}


def forget_imports(made: Deployment) -> None:
    """No earlier import, as far as anybody knows."""
    made.cloud.s3.delete_object(Bucket=made.cloud.results_bucket, Key="backups/identity/acme.json")


def with_secret(made: Deployment) -> str:
    """The text of the erasure secret, which is made if it is not there."""
    client = made.cloud.client("secretsmanager")
    with contextlib.suppress(client.exceptions.ResourceExistsException):
        client.create_secret(Name=ERASURE_SECRET, SecretString=erasure_key.with_new_key())
    return str(client.get_secret_value(SecretId=ERASURE_SECRET)["SecretString"])


def with_tombstone(made: Deployment, email: str) -> None:
    """This person was erased from the list, as the worker alone may write it: the bucket's policy is off meanwhile."""
    place = {"Bucket": made.cloud.results_bucket}
    held = HashKeys.parse(with_secret(made))
    policy = made.cloud.s3.get_bucket_policy(**place)["Policy"]
    made.cloud.s3.delete_bucket_policy(**place)
    try:
        bucket = Bucket(AwsClient("s3", made.cloud.s3), made.cloud.results_bucket)
        ErasedPeople.load(bucket, CUSTOMER, REGION, lambda: held).bury(email, Why("by-a-test", None, "2026-01-01"))
    finally:
        made.cloud.s3.put_bucket_policy(**place, Policy=policy)


def wait_for_lease(made: Deployment) -> None:
    """Return when nobody holds the list's lease: a run whose outcome is unknown keeps it for a minute."""
    key = f"leases/{CUSTOMER}-{REGION}.json"

    def is_over() -> bool:
        found = made.cloud.s3.get_object(Bucket=made.cloud.results_bucket, Key=key)
        lease = json.loads(found["Body"].read())
        return "free" in lease or (datetime.now(UTC) - found["LastModified"]).total_seconds() > lease["seconds"] + 1

    if made.cloud.keys(key):
        made.waits_until(is_over, seconds=2 * limits.LEASE_GRACE_SECONDS)
