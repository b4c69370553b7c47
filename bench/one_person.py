"""Find, set, remove and erase one person in 200 lists, beside what that takes at least. `python -m bench.one_person`

SES and STS take 60 ms a call and S3 30 ms, and SES allows one request a second for an account, after a burst of five.
Each list has one page of contacts; 50 customers are worked on at once. Every round has a person of its own, since who
was erased does not come back. Between runs the accounts' bursts are waited for.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench import figures
from bench.fleet import Fleet, fleet
from ses_fleet import limits
from ses_fleet.aws import clients
from ses_fleet.runs.keys import people_file_key
from ses_fleet_cli import erasure_key
from ses_fleet_local.accounts import ERASURE_SECRET, HUB_REGION, ORCHESTRATOR, RESULTS_BUCKET, WORKER
from strict_aws.ses.rate import BURST, REQUESTS_PER_SECOND

CUSTOMERS, AT_ONCE, ROUNDS = 200, 50, 3
CONTACTS = 100
LATENCY = {"sts": 0.06, "sesv2": 0.06, "s3": 0.03}
Operations = dict[str, dict[str, int]]  # how many of each operation, by service


@dataclass(frozen=True)
class Case:
    """An action, and the least that a customer's worker calls for one person, in each of its phases, with why.

    `pause` is what the whole run waits once, in seconds, whatever its calls take.
    """

    action: str
    phases: tuple[Operations, ...]
    why: str
    payload: dict[str, Any] = field(default_factory=dict)
    pause: float = 0.0

    def floor(self) -> float:
        """Return the seconds that the run takes at least."""
        rounds = math.ceil(CUSTOMERS / AT_ONCE)
        return self.pause + rounds * sum(map(_phase_seconds, self.phases))

    def least(self) -> Counter[tuple[str, str]]:
        """Return the least calls of a customer, by service and operation."""
        found: Counter[tuple[str, str]] = Counter()
        for phase in self.phases:
            for service, operations in phase.items():
                found.update({(service, name): count for name, count in operations.items()})
        return found


_CONFIRMED = {"params": {"confirm_people": 1}}
_SES_LIST = {"ListContactLists": 1, "GetContactList": 1}
_STS = {"AssumeRole": 1}
CASES = (
    Case(
        "set-contacts",
        (
            {
                "sts": _STS,
                "sesv2": {"ListImportJobs": 1, **_SES_LIST, "ListContacts": 1, "CreateContact": 1},
                "s3": {"GetObject": 1, "PutObject": 3, "ListObjectsV2": 1},
            },
        ),
        "no import job, which list, its topics, whether she is in it in any case of letters, the new contact; "
        "whom it is for, the lease taken and given back, who was erased, what became of her",
    ),
    Case(
        "find-contact",
        (
            {
                "sts": _STS,
                "sesv2": {**_SES_LIST, "GetContact": 1, "GetSuppressedDestination": 1},
                "s3": {"GetObject": 1, "PutObject": 1},
            },
        ),
        "which list, its topics, the contact, the suppression list; whom it is for, what was found",
    ),
    Case(
        "remove-contacts",
        (
            {
                "sts": _STS,
                "sesv2": {"ListImportJobs": 1, **_SES_LIST, "ListContacts": 1, "GetContact": 3, "DeleteContact": 1},
                "s3": {"GetObject": 1, "PutObject": 5},
            },
        ),
        "as set-contacts, and the contact to be saved, once more right before its deletion, the deletion, and reading "
        "back; a file and a manifest of the backup",
        {**_CONFIRMED, "confirm_customers": CUSTOMERS},
    ),
    Case(
        "erase-contact",
        (
            {
                "sts": _STS,
                "sesv2": {"ListImportJobs": 1, "ListContactLists": 1, "ListContacts": 1},
                "s3": {"GetObject": 1},
            },
            {
                "sts": _STS,
                "sesv2": {
                    "ListImportJobs": 1,
                    "GetContact": 1,
                    "DeleteContact": 1,
                    "ListContacts": 1,
                    "GetSuppressedDestination": 1,
                },
                "s3": {"GetObject": 2, "PutObject": 3, "ListObjectsV2": 1},
                "secretsmanager": {"GetSecretValue": 1},
            },
        ),
        "first which list and a page of it, from every customer; then no import job, the contact right before its "
        "deletion, the deletion, the whole list read back, the suppression list; whom it is for, twice, the lease "
        "taken and given back, who was erased, the tombstone, what imports remember",
        _CONFIRMED,
        pause=sum(limits.READ_BACK_PAUSES_SECONDS),
    ),
)


@dataclass
class Run:
    """One measured run: seconds, CPU seconds by part, and the calls of the workers and of the rest, by operation."""

    seconds: float
    cpu: dict[str, float]
    workers: Counter[tuple[str, str]]
    rest: Counter[tuple[str, str]]


def main() -> None:
    """Print a line for each action, and save the figures."""
    runs: dict[str, list[Run]] = {case.action: [] for case in CASES}
    with fleet(CUSTOMERS, environments=AT_ONCE, ses_rate=REQUESTS_PER_SECOND) as made:
        _prepare(made)
        for number in range(ROUNDS):
            for case, run in _round(made, f"person-{number}@corp.example"):
                runs[case.action].append(run)
                print(f"{case.action}: {run.seconds:.2f} s", flush=True)
    cases = [figures_of(case, runs[case.action]) for case in CASES]
    for one in cases:
        print(_told(one), flush=True)
    conditions = {"customers": CUSTOMERS, "at_once": AT_ONCE, "latency": LATENCY, "burst": BURST}
    figures.save("one_person", {**conditions, "cases": cases})


def figures_of(case: Case, runs: list[Run]) -> dict[str, Any]:
    """Return the figures of an action: its runs' seconds and CPU, its floor, and the calls of the last run, by name."""
    last = runs[-1]
    least = case.least()
    return {
        "action": case.action,
        "why": case.why,
        "seconds": [run.seconds for run in runs],
        "cpu": [run.cpu for run in runs],
        "floor": case.floor(),
        "pause": case.pause,
        "calls": [
            {"service": service, "operation": name, "calls": last.workers[service, name], "least": CUSTOMERS * count}
            for (service, name), count in sorted({**dict.fromkeys(last.workers, 0), **least}.items())
        ],
        "run": [
            {"service": service, "operation": name, "calls": count}
            for (service, name), count in sorted(last.rest.items())
        ],
    }


def _told(one: Mapping[str, Any]) -> str:
    calls = ", ".join(f"{row['operation']} {row['calls']} (least {row['least']})" for row in one["calls"])
    cpu = median(sum(run.values()) for run in one["cpu"])
    return (
        f"{one['action']}: {figures.seconds(one['seconds'])}, floor {one['floor']:.2f} s, CPU {cpu:.2f} s; "
        f"workers' calls: {calls}"
    )


def _phase_seconds(phase: Operations) -> float:
    """Return the seconds of these calls one after another, SES's at its rate: a burst, then one a second."""
    counts = {service: sum(operations.values()) for service, operations in phase.items()}
    ses = counts.pop("sesv2", 0)
    others = sum(count * LATENCY.get(service, 0.0) for service, count in counts.items())
    return others + max(ses * LATENCY["sesv2"], (ses - BURST) / REQUESTS_PER_SECOND + LATENCY["sesv2"])


def _prepare(made: Fleet) -> None:
    """Fill the lists, make the key of erased people, and let one run be the first in each environment."""
    made.fill(CONTACTS)
    secret = {"Name": ERASURE_SECRET, "SecretString": erasure_key.with_new_key()}
    clients.client("secretsmanager", HUB_REGION).call("create_secret", **secret)
    _run(made, CASES[0], "somebody@corp.example")
    made.put("conditions", {"latency_seconds": LATENCY})


def _round(made: Fleet, email: str) -> Iterator[tuple[Case, Run]]:
    """Yield each action's run for this person, who is set once more after the removal."""
    setting, finding, removing, erasing = CASES
    for case in (setting, finding, removing):
        yield case, _run(made, case, email)
    _run(made, setting, email)
    yield erasing, _run(made, erasing, email)


def _run(made: Fleet, case: Case, email: str) -> Run:
    time.sleep(BURST / REQUESTS_PER_SECOND + 1)
    people_id = secrets.token_hex(16)
    body = json.dumps({"email": email}).encode() + b"\n"
    key = people_file_key(people_id)
    clients.client("s3", HUB_REGION).call("put_object", Bucket=RESULTS_BUCKET, Key=key, Body=body)
    journal = made.cloud.aws.journal
    since, before = len(journal.since()), _cpu(made)
    payload = {**case.payload, "action": f"{case.action}-all", "people": people_id}
    _, seconds = made.run(max_customer_concurrency=AT_ONCE, **payload)
    after, workers = _cpu(made), made.cpu_seconds(WORKER).keys()
    called = [one for one in journal.since(since) if one.environment]
    return Run(
        seconds,
        {part: after[part] - before[part] for part in after},
        Counter((one.service, one.operation) for one in called if one.environment in workers),
        Counter((one.service, one.operation) for one in called if one.environment not in workers),
    )


def _cpu(made: Fleet) -> dict[str, float]:
    parts = {"worker": made.cpu_seconds(WORKER), "orchestrator": made.cpu_seconds(ORCHESTRATOR)}
    return {**{part: sum(found.values()) for part, found in parts.items()}, "local cloud": time.process_time()}


if __name__ == "__main__":
    main()
