"""Backups in S3: parts of contacts, then a manifest that says they are complete. And reading them again."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import ValidationError

from shared import clock, limits
from shared.errors import AwsCallError, CustomerError
from shared.models import Stored
from shared.objects import TooLargeError
from shared.record import backup_manifest_key, backup_prefix, contacts_part
from worker.contact_list import ContactList
from worker.job import Job
from worker.parts import PartWriter


class Manifest(Stored):
    """backup.json. `kind` topics: only preferences for `topics`, which a prune was about to remove."""

    kind: Literal["list", "topics"]
    run_id: str
    customer_code: str
    account_id: str
    region: str
    created_at: str
    contact_list: ContactList
    topics: tuple[str, ...]
    contacts: int
    parts: int
    with_attributes: bool = False


def complete(
    job: Job,
    kind: Literal["list", "topics"],
    found: ContactList,
    topics: tuple[str, ...],
    written: PartWriter,
    *,
    with_attributes: bool = False,
) -> str:
    """Write what is left of the parts, then the manifest; the backup's s3:// URI."""
    written.flush()
    manifest = Manifest(
        kind=kind,
        run_id=job.item.run_id,
        customer_code=job.code,
        account_id=job.customer.account_id,
        region=job.customer.region,
        created_at=clock.iso(clock.now()),
        contact_list=found,
        topics=topics,
        contacts=written.total,
        parts=written.parts,
        with_attributes=with_attributes,
    )
    key = backup_manifest_key(job.code, job.item.run_id)
    job.write(key, manifest.model_dump_json().encode(), "application/json")
    return job.results.location(job.backup_prefix)


def load(job: Job, run_id: str, kind: Literal["list", "topics"]) -> Manifest:
    """The customer's own backup of that run; CustomerError (configuration) when there is no complete one."""
    key = backup_manifest_key(job.code, run_id)
    where = job.results.location(key)
    body = _read(job, key)
    if body is None:
        text = f"there is no complete backup of {job.code} by run {run_id}: {where} does not exist"
        raise CustomerError("configuration", "NoBackup", text)
    try:
        manifest = Manifest.model_validate_json(body)
    except ValidationError:
        raise CustomerError("configuration", "BadBackup", f"{where} is no manifest of a backup") from None
    if (manifest.account_id, manifest.region) != (job.customer.account_id, job.customer.region):
        text = f"{where} is of account {manifest.account_id} in {manifest.region}, not of {job.code} as configured now"
        raise CustomerError("configuration", "BackupOfAnotherList", text)
    if manifest.kind != kind:
        other = "restore-topics" if manifest.kind == "topics" else "restore-list"
        raise CustomerError("configuration", "OtherBackup", f"{where} is a backup of {manifest.kind}: use {other}")
    return manifest


def records(job: Job, manifest: Manifest, part: int) -> list[dict[str, Any]]:
    """The contacts of one part, from 1; CustomerError when it is damaged or gone: nothing of it is used then."""
    key = f"{backup_prefix(job.code, manifest.run_id)}{contacts_part(part)}"
    body = _read(job, key)
    try:
        return list(_lines(body or b"gone"))
    except (OSError, EOFError, zlib.error, ValueError):
        text = f"{job.results.location(key)} is damaged or gone; nothing of it was restored"
        raise CustomerError("operation", "BadBackup", text) from None


def _lines(body: bytes) -> Iterator[dict[str, Any]]:
    with gzip.open(io.BytesIO(body), "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if not isinstance(record, dict) or not isinstance(record.get("email"), str):
                raise ValueError("no contact")  # noqa: TRY004  # what is in a file is a value
            yield record


def _read(job: Job, key: str) -> bytes | None:
    where = job.results.location(key)
    try:
        stored = job.results.find(key, limit=limits.MAX_PART_BYTES)
    except AwsCallError as failure:
        text = f"could not read {where} ({failure.code}): check the worker role's policy on the bucket"
        raise CustomerError("operation", failure.code, text, retryable=failure.transient) from None
    except TooLargeError as error:
        raise CustomerError("operation", "BadBackup", f"{where} has {error.size} bytes: that is no part") from None
    return None if stored is None else stored.body
