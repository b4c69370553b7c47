"""Measure the memory that a worker needs to import so many people. `python -m bench.import_memory [PEOPLE ...]`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench import figures
from bench.fleet import Fleet, fleet
from ses_fleet_local.accounts import HUB_REGION, WORKER
from strict_aws.ses.store import ContactRecord

SIZES = (1_000, 10_000, 50_000, 100_000)
MEMBERS = 100  # of a group, and everybody is in one
LEAVING = 50  # so many have left when the second import prunes
ROLE = "dba"
TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_OUT"}
# Identity Center is read at its 20 requests a second; the rest is unpaced, as only memory is measured.
NO_LIMIT_MB = 8_192


def main() -> None:
    """Print the peak of a fresh worker for each size, and how much each thousand people more add to it."""
    sizes = tuple(int(text) for text in sys.argv[1:]) or SIZES
    with fleet(0, environments=1) as made:
        made.set_memory(WORKER, NO_LIMIT_MB)
        made.put_ses_config({"topics": [{**TOPIC, "OptInRoles": [ROLE]}]})
        made.cloud.add_customers({"customer_mappings": {f"c{n}": customer(n) for n in range(len(sizes))}})
        peaks = [_measured(made, number, people) for number, people in enumerate(sizes)]
    if len(sizes) > 1:
        more = (peaks[-1] - peaks[0]) / (sizes[-1] - sizes[0]) * 1_000
        base = peaks[0] - more * sizes[0] / 1_000
        figures.tell("import_memory", f"{more:.2f} MB for each thousand people, beside {base:.0f} MB")


def _measured(made: Fleet, number: int, people: int) -> float:
    """The peak in MB of a process that imported so many people by a plan, and then found nearly all of them there.

    By then as many others who unsubscribed are in the list: a run remembers them until its end.
    """
    account, directory = _accounts(number)
    made.cloud.aws.ses.create_list(account, HUB_REGION, "main", description=None, topics=[TOPIC])
    idle = _fresh(made)
    _put_people(made, directory, account, people)
    dry, planned = _imported(made, number, dry_run=True)
    first, _ = _imported(made, number, plan=planned["run_id"])
    others = (ContactRecord(f"other{number:07d}@corp.example", (), True) for number in range(people))
    made.cloud.aws.ses.fill(account, HUB_REGION, "main", others)
    _put_people(made, directory, account, people - LEAVING)
    second, _ = _imported(made, number, prune=True, params={"sync_topics": True})
    figures.tell(
        "import_memory",
        f"{people:,} people: idle {idle:.0f} MB; peak {dry:.0f} MB with a dry run that would import all of them as new "
        f"contacts, {first:.0f} MB with applying its plan, {second:.0f} MB with another import that finds them there, "
        "and as many who unsubscribed, and prunes",
    )
    return max(dry, first, second)


def _imported(made: Fleet, number: int, **more: object) -> tuple[float, dict[str, Any]]:
    """The peak of the worker in MB, and the Summary."""
    whom = {} if "plan" in more else {"customer_code": f"c{number}"}
    summary, _ = made.run(action="import-aws-contact", **whom, **more)
    (result,) = summary["results"]
    assert result["status"] == "successful", result
    return _peak(made), summary


def _fresh(made: Fleet) -> float:
    """Replace the worker's process by one that has done nothing yet, and return its memory in MB."""
    worker = made.cloud.function(WORKER)
    made.cloud.aws.runtime.discard(worker.arn)
    made.cloud.aws.runtime.prewarm(worker, 1)
    ((now, _),) = made.memory_mb(WORKER).values()
    return now


def _peak(made: Fleet) -> float:
    """The most memory in MB that the worker's process has had since this was asked last."""
    (environment,) = [one for one in made.cloud.aws.runtime.environments() if one.function == WORKER]
    ((_, most),) = made.memory_mb(WORKER).values()
    Path(f"/proc/{environment.pid}/clear_refs").write_text("5")  # proc(5): the peak is measured anew
    return most


def _put_people(made: Fleet, directory: str, account: str, people: int) -> None:
    name = f"ccoe-cloud-account-{{n}}-{account}-idp-portal-{ROLE}"
    groups = {"generate": -(-people // MEMBERS), "members": min(people, MEMBERS), "name": name}
    made.put(f"people/{directory}/{HUB_REGION}", {"users": {"generate": people, "seed": 1}, "groups": groups})


def _accounts(number: int) -> tuple[str, str]:
    """The account of a customer, and the one with its Identity Center."""
    return f"{200_000_000_000 + number}", f"{300_000_000_000 + number}"


def customer(number: int) -> dict[str, str]:
    """Return the entry of a customer with people of its own and a bucket for importing them."""
    account, directory = _accounts(number)
    return {
        "customer_code": f"c{number}",
        "region": HUB_REGION,
        "ses_role_arn": f"arn:aws:iam::{account}:role/contact-manager",
        "identity_center_role_arn": f"arn:aws:iam::{directory}:role/contact-importer",
        "import_bucket": f"imports-{account}",
    }


if __name__ == "__main__":
    main()
