"""Backups in S3: parts of contacts, then a manifest that says they are complete. And reading them again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from shared import clock
from shared.errors import CustomerError
from shared.models import Stored
from shared.record import backup_manifest_key, backup_prefix, walk_prefix
from worker import parts
from worker.contact_list import ContactList
from worker.job import Job
from worker.parts import PartWriter, Record

Kind = Literal["list", "topics", "contacts"]


class Manifest(Stored):
    """backup.json. `kind` topics: only preferences for `topics`, which a prune was about to remove; contacts: only
    those whom an import was about to remove. `walk`: how often the reading began again, which says where the parts lie.
    """

    kind: Kind
    run_id: str
    customer_code: str
    account_id: str
    region: str
    created_at: str
    contact_list: ContactList
    topics: tuple[str, ...]
    contacts: int
    parts: int
    walk: Annotated[int, Field(ge=0)] = 0
    with_attributes: bool = False


def complete(
    job: Job,
    kind: Kind,
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
        walk=written.walk,
        with_attributes=with_attributes,
    )
    key = backup_manifest_key(job.code, job.item.run_id)
    job.write(key, manifest.model_dump_json().encode(), "application/json")
    return job.results.location(job.backup_prefix)


def load(job: Job, run_id: str, *kinds: Kind) -> Manifest:
    """The customer's own backup of that run, of one of these kinds; CustomerError (configuration) without one."""
    key = backup_manifest_key(job.code, run_id)
    where = job.results.location(key)
    body = parts.read(job, key)
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
    if manifest.kind not in kinds:
        other = "restore-topics" if manifest.kind == "topics" else "restore-list"
        raise CustomerError("configuration", "OtherBackup", f"{where} is a backup of {manifest.kind}: use {other}")
    return manifest


def records(job: Job, manifest: Manifest, part: int) -> list[Record]:
    """The contacts of one part, from 1; CustomerError when it is damaged or gone: nothing of it is restored then."""
    prefix = walk_prefix(backup_prefix(manifest.customer_code, manifest.run_id), manifest.walk)
    found = parts.records(job, prefix, part)
    if not all(isinstance(record.get("email"), str) for record in found):
        text = f"part {part} of the backup {manifest.run_id} of {job.code} is damaged; nothing of it was restored"
        raise CustomerError("operation", "DamagedData", text)
    return found
