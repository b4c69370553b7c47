"""Receipts of erasures: whom a run is to erase, by hashes, and at its end what was proven, and which copies remain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from ses_fleet import clock, limits
from ses_fleet.aws.s3 import StoredVersion, TooLargeError
from ses_fleet.errors import AwsCallError, ConfigurationError, Problem, RequestError
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.people_files import People
from ses_fleet.orchestrator.task import Task
from ses_fleet.people.erasure import PersonToErase, PlannedErasure
from ses_fleet.people.hash_keys import HashKeys
from ses_fleet.runs.models import CustomerResult
from ses_fleet.runs.receipt import PROVEN, Copies, Receipt, ReceiptCustomer, ReceiptPerson, people_of


def planned(environment: Environment, people: People, customers: int) -> PlannedErasure:
    """Return whom a run on so many customers is to erase, by keyed hashes.

    RequestError when the receipt would be too large, and ConfigurationError when the key cannot be read: then nobody is
    erased.
    """
    if len(people.rows) * customers > limits.RECEIPT_PROOFS:
        text = f"{len(people.rows)} people for {customers} customers are more than a receipt holds: erase fewer at once"
        raise RequestError([Problem("$.people", text)])
    held = _keys(environment)
    found = tuple(
        PersonToErase(row=line, hash=held.hash_of(row.email), customers=row.customers)
        for line, row in people.rows.items()
    )
    return PlannedErasure(key_id=held.current, people=found)


class Proofs:
    """What results prove of the people who are to be erased, as they come in."""

    def __init__(self, erasure: PlannedErasure) -> None:
        self.customers: dict[str, ReceiptCustomer] = {}
        self._erasure = erasure

    def add(self, result: CustomerResult) -> None:
        """Take in one customer's result."""
        self.customers[result.customer_code] = ReceiptCustomer(
            customer_code=result.customer_code,
            account_id=result.account_id,
            region=result.region,
            status=result.status,
            people=people_of(self._erasure, result),
        )

    def answer(self, _order: Sequence[str]) -> dict[str, Any]:
        """Return the JSON of `fleet` in the Summary: how many people, in how many lists, with which outcome."""
        counts: Counter[str] = Counter(person.outcome for person in self.asked())
        return {outcome: counts[outcome] for outcome in (*PROVEN, "not_proven")}

    def asked(self) -> list[ReceiptPerson]:
        """Return every person of every customer that was to be erased there."""
        return [person for customer in self.customers.values() for person in customer.people]


def write(task: Task, proofs: Proofs) -> bool | None:
    """Write the run's receipt, and return whether it says that everything is proven of everybody.

    Another invocation of the run may have written it: then that one counts. Return None when the receipt that is there
    is none of this run: receipts outlive the records of runs, after which an id may be taken again. Raise AwsCallError
    when it cannot be written.
    """
    erasure, request = task.document.erasure, task.plan.request
    assert erasure is not None  # noqa: S101  # nobody has proofs without one
    asked = proofs.asked()
    copies, complete = _copies(task, [one.customer_code for one in proofs.customers.values() if one.people])
    receipt = Receipt(
        run_id=task.record.run_id,
        action=request.action,
        resumes=request.resumes,
        ticket=request.params.get("ticket"),
        started_at=task.document.started_at,
        ended_at=clock.iso(clock.now()),
        config_version=task.document.config_version,
        key_id=erasure.key_id,
        proven=all(person.outcome in PROVEN for person in asked),
        customers=tuple(proofs.customers[one.code] for one in task.plan.customers if one.code in proofs.customers),
        copies=copies,
        copies_complete=complete,
    )
    try:
        there = Receipt.model_validate_json(task.record.write_receipt(receipt.model_dump_json().encode()))
    except (TooLargeError, ValidationError):
        return None
    is_ours = (there.run_id, there.started_at) == (receipt.run_id, receipt.started_at)
    return there.proven if is_ours else None


def _keys(environment: Environment) -> HashKeys:
    # Imported here: no other action needs the secret.
    from ses_fleet.aws import secrets

    settings = environment.settings
    if settings.erasure_secret is None:
        raise ConfigurationError([_no_key("no setting erasure_secret names a secret (ERASURE_SECRET)")])
    try:
        return HashKeys.parse(secrets.read(settings.region, settings.erasure_secret))
    except AwsCallError as failure:
        text = f"the secret {settings.erasure_secret} could not be read ({failure.code}): {secrets.why_unread(failure)}"
        raise ConfigurationError([_no_key(text)]) from None
    except ConfigurationError as error:
        text = f"the secret {settings.erasure_secret} has no keys ({error.problems[0]})"
        raise ConfigurationError([_no_key(text)]) from None


def _no_key(problem: str) -> Problem:
    text = (
        f"{problem}; nobody is erased without a key to remember them by, as the next import would bring them back: "
        'docs/operating.md, section "Erased people", says how to make one'
    )
    return Problem("$.action", text)


class _Counted:
    """What lies below one prefix."""

    def __init__(self) -> None:
        self.counts: Counter[bool] = Counter()
        self.gone_by = datetime.min.replace(tzinfo=clock.now().tzinfo)


def _copies(task: Task, codes: Collection[str]) -> tuple[tuple[Copies, ...], bool]:
    """Return what may hold these customers' people in the hub, and whether all of it was counted.

    An object that expires becomes an old version, which is removed after some more days (S3 user guide, lifecycle).
    """
    settings = task.environment.settings
    now, found = clock.now(), dict[str, _Counted]()
    for number, (prefix, days, old_days, version) in enumerate(_versions(task, frozenset(codes)), 1):
        if number > limits.RECEIPT_VERSIONS or task.environment.remaining() < settings.return_margin / 2:
            return _told(found), False
        one = found.setdefault(prefix, _Counted())
        one.counts[version.is_latest] += 1
        expires = version.written + timedelta(days=days) if version.is_latest else now
        one.gone_by = max(one.gone_by, expires + timedelta(days=old_days))
    return _told(found), True


def _versions(task: Task, codes: frozenset[str]) -> Iterator[tuple[str, int, int, StoredVersion]]:
    """Yield every version that may hold these customers' people, with the prefix that it is told under.

    Between them stand the days after which the bucket's rules let it expire, and for which it stays as an old version.
    """
    settings, bucket = task.environment.settings, task.record.bucket
    old = settings.old_versions_days
    for version in bucket.versions("data/"):
        _, run_id, whose, *_ = (*version.key.split("/"), "", "")
        if run_id == "requests":
            yield "data/requests/", limits.PEOPLE_FILE_DAYS, limits.OLD_PEOPLE_FILE_DAYS, version
        elif whose in codes or whose.startswith("_"):
            yield f"data/*/{whose}/", settings.data_days, old, version
    for version in bucket.versions("backups/"):
        _, whose, name, *_ = (*version.key.split("/"), "", "")
        if whose == "identity" and name.removesuffix(".json") in codes:
            yield "backups/identity/", settings.backups_days, old, version
        elif whose in codes:
            yield f"backups/{whose}/", settings.backups_days, old, version


def _told(found: dict[str, _Counted]) -> tuple[Copies, ...]:
    return tuple(
        Copies(prefix=prefix, objects=one.counts[True], old_versions=one.counts[False], gone_by=clock.iso(one.gone_by))
        for prefix, one in sorted(found.items())
    )
