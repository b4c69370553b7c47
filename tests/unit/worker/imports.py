"""Imports on the strict SES: the people of an Identity Center, runs of it, and what others do meanwhile."""

from __future__ import annotations

import gzip
import json
from typing import Any

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.actions.params import ImportParams
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.config.topics import WantedTopic
from ses_fleet.worker.actions import import_aws_contact
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.world import ACCOUNT, REGION, Finished, World

SOURCE = IdentityCenter(role_arn="arn:aws:iam::999988887777:role/ic", region="us-east-1")
TOPICS = [
    WantedTopic(name="in", display_name="In", description="d", default_status="OPT_IN", opt_in_roles=["dba"]),
    WantedTopic(name="out", display_name="Out", description="", default_status="OPT_OUT", opt_in_roles=["DBA"]),
]
PREFIX = "data/people/"


def with_people(world: World, *emails: str, roles: dict[str, list[str]] | None = None) -> DirectoryFiles:
    """What the first phase would have read: users u0, u1 and so on."""
    users = [{"id": f"u{n}", "name": f"user{n}", "email": email, "enabled": True} for n, email in enumerate(emails)]
    return with_users(world, users, roles)


def with_users(world: World, users: list[dict[str, Any]], roles: dict[str, list[str]] | None = None) -> DirectoryFiles:
    """The same, of users ({id, name, email, enabled}) as they are; `roles` are {role: ids}."""
    members = [{"role": role, "users": ids} for role, ids in (roles or {}).items()]
    for name, rows in (("users", users), ("memberships", members)):
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        world.objects.written[f"{PREFIX}{name}-00001.jsonl.gz"] = gzip.compress(body)
    return DirectoryFiles(
        prefix=PREFIX,
        users=len(users),
        groups=1,
        all_groups=2,
        memberships=0,
        user_parts=1,
        membership_parts=1 if members else 0,
    )


def importing(
    world: World, people: DirectoryFiles, *, run_id: str = "run-1", bucket: str | None = "b", **options: Any
) -> Finished:
    """One run to its end."""
    params = ImportParams(sync_topics=options.pop("sync_topics", False), username=options.pop("username", None))
    customer = {"identity_center": SOURCE, "import_bucket": bucket}
    known: dict[str, Any] = {"customer": customer, "topics": tuple(TOPICS), "directory": people, "run_id": run_id}
    return world.run(import_aws_contact.run, params, **known, **options)


def known_before(world: World, *addresses: str, **changes: Any) -> None:
    """The record that an earlier import left of this customer's people."""
    record = {
        "customer_code": "acme",
        "run_id": "before",
        "account_id": ACCOUNT,
        "region": REGION,
        "identity_store_id": None,
        "addresses": sorted(addresses),
        **changes,
    }
    world.objects.written["backups/identity/acme.json"] = json.dumps(record).encode()


def contacts(world: World) -> dict[str, tuple[dict[str, str], bool]]:
    """{address: (explicit preferences, unsubscribed from everything)}."""
    there = world.ses.true_contacts(ACCOUNT, REGION, "main")
    return {one.email: (dict(one.preferences), one.unsubscribed_all) for one in there}


def writes(world: World) -> int:
    """Changing calls so far."""
    return sum(not name.startswith(("Get", "List")) for name in world.asked)


def everybody(count: int) -> list[str]:
    """Addresses."""
    return [f"person{number:05d}@corp.example" for number in range(count)]


def leave(world: World, *stay: str) -> DirectoryFiles:
    """Ten people come, then only these are left in Identity Center; the list has ten more of its own."""
    world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(f"own{n}@x.example") for n in range(10)])
    importing(world, with_people(world, *everybody(10)), run_id="first")
    return with_people(world, *stay)


def meanwhile(world: World, happens: Any) -> None:
    """Call `happens(operation)` after every answer of SES, as other people's doing."""
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        happens(operation)
        return answer

    world.client.call = call  # type: ignore[method-assign]


def unsubscribing(world: World, email: str) -> Any:
    """That person unsubscribes from everything as soon as they are in the list."""
    done: list[str] = []

    def happens(_operation: str) -> None:
        if not done and email in contacts(world):
            request = {"ContactListName": "main", "EmailAddress": email, "UnsubscribeAll": True}
            world.ses.call(ACCOUNT, REGION, "UpdateContact", request)
            done.append(email)

    return happens
