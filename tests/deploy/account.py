"""The managed customer's account, put into the state that an action needs."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tests.deploy.deployment import CUSTOMER, PEOPLE, REGION, Deployment
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
