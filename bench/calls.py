"""Count the calls of each action for a customer, from the journal, beside the least possible. `python -m bench.calls`

Each action runs on one customer, then on ten others: what the ten have more, divided by nine, is a customer's; the rest
is the run's. Lists hold one page of contacts, and ten people are in the Identity Center that all customers share.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench import figures
from bench.fleet import Fleet, fleet
from ses_fleet_local.accounts import HUB_REGION

MANY = 10
CONTACTS, PEOPLE = 100, 10
DIRECTORY = "300000000000"
SERVICES = ("sts", "sesv2", "s3", "lambda")


@dataclass(frozen=True)
class Case:
    """An action as it is counted: its payload, what SESConfig.json wants, and the least calls possible, with why.

    With `applies` the plan of a dry run is applied, and the calls of that run are counted.
    """

    name: str
    payload: dict[str, Any]
    least: dict[str, int]
    why: str
    topic: str = "Topic 0"
    applies: bool = False


@dataclass(frozen=True)
class Counted:
    """The calls of a case for each customer and for a run, by service; and of SES by operation."""

    case: Case
    customer: dict[str, float]
    run: dict[str, float]
    ses: dict[str, float] = field(default_factory=dict)

    def told(self) -> str:
        """Return the line that is printed of it."""
        shown = ", ".join(f"{name} {self.customer[name]:g} (least {self.case.least[name]})" for name in SERVICES)
        ses = ", ".join(f"{value:g} {name}" for name, value in self.ses.items())
        run = ", ".join(f"{name} {value:g}" for name, value in self.run.items() if value)
        return f"{self.case.name}: a customer: {shown}; SES: {ses}; the run beside that: {run}"


def _least(sesv2: int, s3: int) -> dict[str, int]:
    return {"sts": 1, "sesv2": sesv2, "s3": s3, "lambda": 1}


_READ = "which list, its topics, a page of contacts; its result"
_LEASE = "the lease taken and given back"
_IMPORT = (
    "which list, its topics, a page of contacts, each person; "
    f"the people, {_LEASE}, the ledger, who was erased, its result"
)
CASES = (
    Case("describe-list", {"action": "describe-list-all"}, _least(3, 1), _READ),
    Case("describe-topics", {"action": "describe-topics-all"}, _least(3, 1), _READ),
    Case("list-contacts", {"action": "list-contacts-all"}, _least(3, 2), f"{_READ}; one file of contacts"),
    Case("validate-access", {"action": "validate-access-all"}, _least(2, 1), "the account, which list; its result"),
    Case("backup-list", {"action": "backup-list-all"}, _least(3, 3), f"{_READ}; one file of contacts, the manifest"),
    Case(
        "manage-topic, a topic changed",
        {"action": "manage-topic-all"},
        _least(3, 3),
        f"which list, its topics, the change; {_LEASE}, its result",
        topic="Another name",
    ),
    Case(
        "manage-topic, nothing to change",
        {"action": "manage-topic-all"},
        _least(2, 1),
        "which list, its topics; its result",
        topic="Another name",
    ),
    Case(
        f"import-aws-contact, {PEOPLE} new people",
        {"action": "import-aws-contact-all"},
        _least(3 + PEOPLE, 6),
        _IMPORT,
    ),
    Case(
        "import-aws-contact, nobody new",
        {"action": "import-aws-contact-all"},
        _least(3, 4),
        "which list, its topics, a page of contacts; the people, the ledger, who was erased, its result",
    ),
    Case(
        "manage-topic, a plan applied",
        {"action": "manage-topic-all"},
        _least(3, 3),
        f"which list, its topics, the change; {_LEASE}, its result",
        topic="Topic 0",
        applies=True,
    ),
    Case(
        f"import-aws-contact, a plan of {PEOPLE} new people applied",
        {"action": "import-aws-contact-all"},
        _least(3 + PEOPLE, 7),
        f"{_IMPORT}, the plan",
        applies=True,
    ),
)


def main() -> None:
    """Print a line for each action, and save the figures."""
    entry = {"identity_center_role_arn": f"arn:aws:iam::{DIRECTORY}:role/contact-importer"}
    with fleet(1 + MANY, entry=entry) as made:
        _prepare(made)
        found = []
        for one in counted(made):
            print(one.told(), flush=True)
            found.append({"case": vars(one.case), "customer": one.customer, "run": one.run, "ses": one.ses})
        log_bytes = {name: _log_bytes(made, name) for name in ("worker", "orchestrator")}
    print("; ".join(f"{name}: {size:,.0f} bytes of log a customer" for name, size in log_bytes.items()))
    figures.save("calls", {"cases": found, "log_bytes": log_bytes})


def counted(made: Fleet) -> Iterator[Counted]:
    """Yield what each case calls."""
    for case in CASES:
        _employ(made, seed=2 if case.applies else 1)
        made.put_ses_config({"topics": [{**_TOPIC, "DisplayName": case.topic}]})
        one, many = _calls(made, case, ["c0000"]), _calls(made, case, [f"c{n:04d}" for n in range(1, 1 + MANY)])
        each = {key: (many[key] - one[key]) / (MANY - 1) for key in sorted({*one, *many})}
        yield Counted(
            case,
            customer=_by_service(each),
            run={name: one_run for name, one_run in _by_service(_rest(one, each)).items() if one_run > 0},
            ses={operation: value for (service, operation), value in each.items() if service == "sesv2" and value},
        )


def _calls(made: Fleet, case: Case, customers: list[str]) -> Counter[tuple[str, str]]:
    journal = made.cloud.aws.journal
    payload = {**case.payload, "include": customers}
    if case.applies:
        dry, _ = made.run(**payload, dry_run=True)
        payload = {**case.payload, "plan": dry["run_id"]}
    since = len(journal.since())
    made.run(**payload)
    return Counter((one.service, one.operation) for one in journal.since(since) if one.environment)


def _rest(one: Mapping[tuple[str, str], float], each: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {key: one[key] - value for key, value in each.items()}


def _by_service(calls: Mapping[tuple[str, str], float]) -> dict[str, float]:
    found = dict.fromkeys(SERVICES, 0.0)
    for (service, _), value in calls.items():
        found[service] = round(found.get(service, 0.0) + value, 2)
    return found


_TOPIC = {"TopicName": "topic-0", "DefaultSubscriptionStatus": "OPT_OUT"}


def _prepare(made: Fleet) -> None:
    """Put people into the Identity Center that all share, and contacts into every list."""
    _employ(made, seed=1)
    made.fill(CONTACTS)


def _employ(made: Fleet, *, seed: int) -> None:
    """Have other people in the Identity Center with every other seed."""
    made.put(f"people/{DIRECTORY}/{HUB_REGION}", {"users": {"generate": PEOPLE, "seed": seed}})


def _log_bytes(made: Fleet, name: str) -> float:
    """Return the bytes of one describe-list for each customer, with the 26 that CloudWatch counts for every event."""
    before = made.log_bytes(name)
    made.run(include=[f"c{number:04d}" for number in range(1, 1 + MANY)])
    return math.ceil((made.log_bytes(name) - before) / MANY)


if __name__ == "__main__":
    main()
