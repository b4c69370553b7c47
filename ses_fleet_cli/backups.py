"""What `backups list` says: which backups there are, of whom, by which run, until when, and what restores each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.identifiers import CODE_PATTERN, RUN_ID_PATTERN
from ses_fleet.runs.backups import Kind, Saved, restore_command
from ses_fleet.runs.keys import BACKUPS, backup_manifest_key, backups_prefix
from ses_fleet.text import did_you_mean, quoted
from ses_fleet_cli.errors import no_summary, policy, usage
from ses_fleet_cli.parallel import in_order


@dataclass(frozen=True)
class Backup:
    """One customer's backup by one run.

    `saved_at` is when its newest object was written, and `until` the day until which all of it is kept; both UTC.
    `kind`, `action`, `contacts`, `topics` and `restore` are None of a backup that is not complete: its run goes on, or
    died. `problem` says why a manifest that is there cannot be used.
    """

    customer_code: str
    run_id: str
    saved_at: str
    until: str
    complete: bool
    kind: Kind | None = None
    action: str | None = None
    account_id: str | None = None
    region: str | None = None
    contacts: int | None = None
    topics: int | None = None
    restore: str | None = None
    problem: str | None = None


@dataclass
class _Folder:
    """What lies below one run's folder: the age in seconds of each object, by its name."""

    code: str
    run_id: str
    ages: dict[str, float] = field(default_factory=dict)

    @property
    def generation(self) -> int | None:
        """Return the number of the newest manifest, from 1, or None while there is none."""
        found = [backup_manifest_key(self.code, self.run_id, n) for n in range(1, limits.CHANGE_ATTEMPTS + 1)]
        return max((n for n, key in enumerate(found, 1) if key.rpartition("/")[2] in self.ages), default=None)


@dataclass(frozen=True)
class Place:
    """Where backups lie: the results bucket, AWS's time now, and for how many days the bucket keeps backups."""

    bucket: Bucket
    now: datetime
    days: int


def listed(place: Place, customer_code: str | None, count: int) -> list[Backup]:
    """Return the newest `count` backups of one customer, or of all, newest first.

    Raise CommandError with exit code 2 for what can be no customer's code, with exit code 3 when S3 does not answer or
    does not let this person read backups.
    """
    if customer_code is not None and not re.fullmatch(CODE_PATTERN, customer_code):
        raise usage(f"{quoted(customer_code)} can be no customer's code")
    try:
        folders = _folders(place.bucket, customer_code)
        newest = sorted(folders, key=lambda one: min(one.ages.values()))[:count]
        read = in_order(lambda folder: _read(place, folder), newest, at_once=limits.COMMAND_S3_CONNECTIONS)
        return list(read)
    except AwsCallError as failure:
        raise no_summary(_unreadable(place.bucket, failure)) from None


def none_of(place: Place, customer_code: str | None) -> str:
    """Return what is to be said when there is no backup: a customer that has some may be meant."""
    if customer_code is None:
        return "no backups yet"
    try:
        others = place.bucket.folders(BACKUPS)
    except AwsCallError as failure:
        raise no_summary(_unreadable(place.bucket, failure)) from None
    return f"no backups of {customer_code}{did_you_mean(customer_code, others)}"


def as_json(found: Sequence[Backup]) -> str:
    """Return the backups as `backups list --output json` prints them."""
    return json.dumps([vars(one) for one in found], indent=2)


def _unreadable(bucket: Bucket, failure: AwsCallError) -> str:
    where = bucket.location(BACKUPS)
    if failure.status == 403:
        return f"{where} may not be read ({failure.code}): that takes {policy('data-reader')}"
    return f"{where} cannot be read ({failure.code}: {failure.text})"


def _folders(bucket: Bucket, customer_code: str | None) -> Iterable[_Folder]:
    found: dict[tuple[str, str], _Folder] = {}
    for one in bucket.objects(BACKUPS if customer_code is None else backups_prefix(customer_code)):
        code, _, rest = one.key.removeprefix(BACKUPS).partition("/")
        run_id, slash, name = rest.partition("/")
        # Else it is the import ledger of a customer, or none of ours, and its name may be anything.
        if slash and re.fullmatch(CODE_PATTERN, code) and re.fullmatch(RUN_ID_PATTERN, run_id):
            found.setdefault((code, run_id), _Folder(code, run_id)).ages[name] = one.age
    return found.values()


def _read(place: Place, folder: _Folder) -> Backup:
    """Return what is said of one backup; raise AwsCallError when S3 does not answer."""

    def then(age: float) -> datetime:
        return (place.now - timedelta(seconds=age)).astimezone(UTC)

    ages = folder.ages.values()
    found = Backup(
        customer_code=folder.code,
        run_id=folder.run_id,
        saved_at=f"{then(min(ages)):%Y-%m-%dT%H:%M:%SZ}",
        until=f"{then(max(ages)) + timedelta(days=place.days):%Y-%m-%d}",
        complete=False,
    )
    return found if folder.generation is None else _with_manifest(place.bucket, found, folder.generation)


def _with_manifest(bucket: Bucket, found: Backup, generation: int) -> Backup:
    key = backup_manifest_key(found.customer_code, found.run_id, generation)
    where = bucket.location(key)
    try:
        saved = Saved.model_validate_json(bucket.read(key, limit=limits.MAX_RECORD_BYTES).body)
    except (ValidationError, TooLargeError):
        return replace(found, problem=f"{where} is not the manifest of a backup")
    if (saved.customer_code, saved.run_id) != (found.customer_code, found.run_id):
        return replace(found, problem=f"{where} names another customer or run")
    return replace(
        found,
        complete=True,
        kind=saved.kind,
        action=saved.action,
        account_id=saved.account_id,
        region=saved.region,
        contacts=saved.contacts,
        topics=saved.topic_count,
        restore=restore_command(saved.kind, saved.customer_code, saved.run_id),
    )
