"""Measure the window between SES's last read of a contact and the write. `python -m bench.window`

SES's updates take no precondition, so what somebody chooses between SES taking the read and taking the write that it
decides is overwritten. The time is that at which requests reach SES, with a call taking 60 ms there and back. What a
read may lag in AWS comes on top, and is not measured here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from statistics import median

from bench import figures
from bench.fleet import Fleet, fleet
from bench.imports import CUSTOMER, DIRECTORY, ROLE, TOPIC, customer, journaled
from ses_fleet_local.accounts import HUB_REGION
from strict_aws.journal import Entry

PEOPLE = 40
WRITES = {"UpdateContact": "GetContact", "DeleteContact": "GetContact", "UpdateContactList": "GetContactList"}


def main() -> None:
    """Print the window of updates and removals by an import, at the one request a second that SES allows."""
    with fleet(0, environments=1, ses_rate=1.0) as made:
        made.put("conditions", {"latency_seconds": {"sesv2": 0.06, "sts": 0.06, "s3": 0.03, "identitystore": 0.05}})
        made.cloud.add_customers({"customer_mappings": {"acme": customer()}})
        made.cloud.aws.ses.create_list(CUSTOMER, HUB_REGION, "main", description=None, topics=[TOPIC])
        made.put_ses_config({"topics": [{**TOPIC, "OptInRoles": [ROLE]}]})
        put_people(made, PEOPLE)
        made.run(action="import-aws-contact-all")
        put_people(made, PEOPLE - 4, with_role=True)
        options = {"params": {"sync_topics": True}, "prune": True, "confirm_customers": 1}
        entries, _, (result,) = journaled(made, **options)
        assert (result["data"]["updated"], result["data"]["removed"]) == (PEOPLE - 4, 4), result["data"]
    lengths = sorted(windows([one for one in entries if one.service == "sesv2" and one.http_status == 200]))
    figures.tell(
        "window",
        f"{len(lengths)} updates and removals of contacts: {median(lengths) * 1000:.0f} ms between SES taking the read "
        f"and taking the write (median; {lengths[0] * 1000:.0f} to {lengths[-1] * 1000:.0f}); nothing came in between",
    )


def put_people(made: Fleet, count: int, *, with_role: bool = False) -> None:
    """Put so many people into Identity Center, in a group of the role or in none."""
    users = [{"username": f"user{n}", "email": f"user{n}@corp.example"} for n in range(count)]
    name = f"ccoe-cloud-account-{CUSTOMER}-idp-portal-{ROLE}"
    groups = [{"name": name, "members": [user["username"] for user in users]}] if with_role else []
    made.put(f"people/{DIRECTORY}/{HUB_REGION}", {"users": users, "groups": groups})


def windows(entries: list[Entry]) -> Iterator[float]:
    """Yield the seconds between each write and the read that decided it; AssertionError if a request came between."""
    for before, write in pairwise(sorted(entries, key=lambda entry: entry.started_at)):
        if write.operation in WRITES:
            assert before.operation == WRITES[write.operation], json.dumps([before.operation, write.operation])
            yield (datetime.fromisoformat(write.started_at) - datetime.fromisoformat(before.started_at)).total_seconds()


if __name__ == "__main__":
    main()
