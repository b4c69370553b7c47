"""Count the requests of an import to Identity Center and to SES, and how fast they come. `python -m bench.imports`"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from bench import figures
from bench.fleet import Fleet, fleet
from ses_fleet_local.accounts import HUB_REGION
from strict_aws.journal import Entry

USERS, GROUPS, MEMBERS = 20_000, 200, 50
NEW_PEOPLE = 10_000
PAGE = 100
CUSTOMER, DIRECTORY = "200000000000", "200000999999"
ROLE = "dba"
TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_OUT"}


def main() -> None:
    """Print a line for each of the two, with SES at the one request a second that it allows."""
    with fleet(0, environments=1, ses_rate=1.0) as made:
        made.cloud.add_customers({"customer_mappings": {"acme": customer()}})
        made.cloud.aws.ses.create_list(CUSTOMER, HUB_REGION, "main", description=None, topics=[TOPIC])
        made.put_ses_config({"topics": [{**TOPIC, "OptInRoles": [ROLE]}]})
        read_people(made)
        import_people(made)


def read_people(made: Fleet) -> None:
    """Print the requests of a dry run to Identity Center, which are those of a real run."""
    name = f"ccoe-cloud-account-{{n}}-{CUSTOMER}-idp-portal-{ROLE}"
    groups = {"generate": GROUPS, "members": MEMBERS, "name": name}
    made.put(f"people/{DIRECTORY}/{HUB_REGION}", {"users": {"generate": USERS, "seed": 1}, "groups": groups})
    entries, seconds, (result,) = journaled(made, dry_run=True)
    assert result["data"]["created"] == USERS
    asked = [entry for entry in entries if entry.service == "identitystore"]
    assert all(entry.http_status == 200 for entry in asked)
    pages = ceil(USERS / PAGE) + ceil(GROUPS / PAGE) + GROUPS * ceil(MEMBERS / PAGE)
    busiest = ", ".join(f"{name} {count}" for name, count in sorted(most_a_second(asked).items()))
    figures.tell(
        "imports",
        f"reading {USERS:,} users and {GROUPS} groups of {MEMBERS}: {len(asked)} requests for {pages} pages, "
        f"{len(asked) / pages:.2f} times as many; most in any one second: {busiest}; {seconds:.0f} s with the dry run",
    )


def import_people(made: Fleet) -> None:
    """Print the requests of an import to SES, into an empty list and by an import job."""
    made.put(f"people/{DIRECTORY}/{HUB_REGION}", {"users": {"generate": NEW_PEOPLE, "seed": 2}})
    entries, seconds, (result,) = journaled(made)
    assert (result["data"]["created"], result["data"]["failed"]) == (NEW_PEOPLE, 0)
    calls = [entry.operation for entry in entries if (entry.service, entry.account) == ("sesv2", CUSTOMER)]
    named = ", ".join(f"{calls.count(name)} {name}" for name in sorted(set(calls)))
    figures.tell(
        "imports",
        f"importing {NEW_PEOPLE:,} new people: {len(calls)} SES calls at one a second ({named}); {seconds:.0f} s",
    )


def journaled(made: Fleet, **payload: Any) -> tuple[list[Entry], float, list[dict[str, Any]]]:
    """Run an import. Return what it left in the journal, the seconds that it took, and its results."""
    journal = made.cloud.aws.journal
    since = len(journal.since())
    summary, seconds = made.run(action="import-aws-contact-all", **payload)
    return journal.since(since), seconds, summary["results"]


def most_a_second(entries: list[Entry]) -> dict[str, int]:
    """Return the highest number of requests within any one second, by operation."""
    times: defaultdict[str, list[datetime]] = defaultdict(list)
    for entry in entries:
        times[entry.operation].append(datetime.fromisoformat(entry.started_at))
    return {name: _most(sorted(came)) for name, came in times.items()}


def _most(times: list[datetime]) -> int:
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] >= timedelta(seconds=1):
            first += 1
        most = max(most, last - first + 1)
    return most


def customer() -> dict[str, str]:
    """Return the entry of a customer with people and a bucket for importing them."""
    return {
        "customer_code": "acme",
        "region": HUB_REGION,
        "ses_role_arn": f"arn:aws:iam::{CUSTOMER}:role/contact-manager",
        "identity_center_role_arn": f"arn:aws:iam::{DIRECTORY}:role/contact-importer",
        "import_bucket": f"imports-{CUSTOMER}",
    }


if __name__ == "__main__":
    main()
