"""Backups in S3: files of contacts, then a manifest that says that they are complete; and how they are read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from ses_fleet import clock, limits
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs.backups import Kind, Saved, restore_command, restoring
from ses_fleet.runs.keys import backup_manifest_key, backup_prefix, backups_prefix, walk_prefix
from ses_fleet.worker import record_files
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.record_files import Record, RecordFileWriter


class Manifest(Saved):
    """The text of backup.json, which is written last.

    The files lie in `folder`, a name that no other backup has; backups of earlier versions have none, and their files
    lie beside the manifest. `walk` is how often the reading began again, which says below which prefix the files lie.
    `parts` counts them.
    """

    folder: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    contact_list: ContactList
    parts: int
    walk: Annotated[int, Field(ge=0)] = 0
    with_attributes: bool = False


class BackupWriter:
    """Writes the contacts of one backup, over as many slices as that takes. Nothing is ever overwritten.

    A backup begins with its first contact, or when it is completed; that raises CustomerError (configuration) when the
    run's id has a backup of this customer already. A `generation` above 1 is the same run's backup, made again.
    """

    def __init__(self, context: ActionContext, state: State, *, generation: int = 1) -> None:
        self._context = context
        self._generation = generation
        self.folder: str | None = state.get("folder")
        self._parts_state: State = state.get("parts", {})
        self._parts: RecordFileWriter | None = None if self.folder is None else self._open(self.folder)

    @property
    def total(self) -> int:
        """Return how many contacts were added."""
        return 0 if self._parts is None else self._parts.total

    @property
    def count(self) -> int:
        """Return how many files were written."""
        return 0 if self._parts is None else self._parts.parts

    def state(self) -> State:
        """Write everything that was added, and return what the next slice continues from; JSON."""
        return {"folder": self.folder, "parts": {} if self._parts is None else self.flushed().state()}

    def add(self, records: Iterable[Record]) -> None:
        """Append contacts, as the files have them."""
        self._begun().add(records)

    def flushed(self) -> RecordFileWriter:
        """Write everything that was added, and return the writer of the files."""
        parts = self._begun()
        parts.flush()
        return parts

    def records(self) -> Iterator[Record]:
        """Yield every contact that was added, read from S3, with one file in memory at a time."""
        if self._parts is not None:
            saved = self.flushed()
            for part in range(1, saved.parts + 1):
                yield from record_files.records(self._context, saved.prefix, part)

    def restart(self) -> None:
        """Forget every contact that was added. What was written stays in S3, and nothing refers to it."""
        if self._parts is not None:
            self._parts.restart()

    def _begun(self) -> RecordFileWriter:
        if self._parts is None:
            if self._generation == 1:
                _refuse_a_second_backup(self._context)
            self.folder = uuid.uuid4().hex
            self._parts = self._open(self.folder)
        return self._parts

    def _open(self, folder: str) -> RecordFileWriter:
        prefix = _prefix(self._context, self._context.run_id, folder)
        return RecordFileWriter(self._context, prefix, self._parts_state, create_only=True)


def complete(
    context: ActionContext,
    kind: Kind,
    found: ContactList,
    topics: tuple[str, ...],
    saved: BackupWriter,
    *,
    with_attributes: bool = False,
    generation: int = 1,
) -> str:
    """Write what is left of the contacts, then the manifest. Return the s3:// URI of the folder of the backup.

    The block gets the command that restores it.
    """
    written = saved.flushed()
    manifest = Manifest(
        kind=kind,
        folder=saved.folder,
        run_id=context.run_id,
        action=context.item.action,
        customer_code=context.code,
        account_id=context.customer.account_id,
        region=context.customer.region,
        created_at=clock.iso(clock.now()),
        contact_list=found,
        topics=topics,
        topic_count=len(topics if kind == "topics" else found.topics),
        contacts=written.total,
        parts=written.parts,
        walk=written.restarts,
        with_attributes=with_attributes,
    )
    key = backup_manifest_key(context.code, context.run_id, generation)
    context.create(key, manifest.model_dump_json().encode(), "application/json")
    context.log(f"💾 Customer {context.code}: {_told(manifest)} saved; to bring them back:")
    context.log(f"   {restore_command(kind, context.code, context.run_id)}")
    return context.results.location(context.backup_prefix)


def _told(saved: Manifest) -> str:
    if saved.kind == "topics":
        return f"preferences of {saved.contacts} contacts for {', '.join(saved.topics)}"
    if saved.kind == "contacts":
        return f"{saved.contacts} contacts that are to be removed"
    return f"{saved.contacts} contacts and {len(saved.contact_list.topics)} topics of {saved.contact_list.name}"


def load(context: ActionContext, run_id: str, *kinds: Kind) -> Manifest:
    """Return the manifest of the customer's own backup by that run, of one of these kinds.

    Raise CustomerError (configuration) when there is none, or when it is of another customer, account, Region or kind.
    """
    key, body = _newest(context, run_id)
    where = context.results.location(key)
    if body is None:
        text = f"there is no complete backup of {context.code} by run {run_id}: {where} does not exist"
        raise CustomerError("configuration", "NoBackup", text)
    try:
        manifest = Manifest.model_validate_json(body)
    except ValidationError:
        raise CustomerError("configuration", "BadBackup", f"{where} is not the manifest of a backup") from None
    if (manifest.customer_code, manifest.run_id) != (context.code, run_id):
        text = f"{where} names another customer or run: it was not used, and nothing was restored"
        raise CustomerError("configuration", "BackupOfAnotherCustomer", text)
    if (manifest.account_id, manifest.region) != (context.customer.account_id, context.customer.region):
        text = (
            f"{where} is of account {manifest.account_id} in {manifest.region}, not of {context.code} as configured now"
        )
        raise CustomerError("configuration", "BackupOfAnotherList", text)
    if manifest.kind not in kinds:
        text = f"{where} is a backup of {manifest.kind}: use {restoring(manifest.kind)}"
        raise CustomerError("configuration", "OtherBackup", text)
    return manifest


def runs_with_backups(context: ActionContext) -> list[str]:
    """Return the ids of the runs that have a backup of the customer, complete or not.

    Raise CustomerError when S3 cannot be read.
    """
    prefix = backups_prefix(context.code)
    try:
        return context.results.folders(prefix)
    except AwsCallError as failure:
        text = f"the backups in {context.results.location(prefix)} could not be listed ({failure.code}): {failure.text}"
        raise CustomerError("operation", failure.code, text, retryable=failure.transient) from None


def prunes_since(context: ActionContext, older: Manifest, run_ids: Iterable[str]) -> list[Manifest]:
    """Return those of these runs' backups of topics that were made since another backup of the same list, oldest first.

    A manifest that cannot be parsed is a warning. Raise CustomerError when S3 cannot be read.
    """
    found = prunes(context, (run_id for run_id in run_ids if run_id != older.run_id))
    return [one for one in found if one.created_at >= older.created_at]


def prunes(context: ActionContext, run_ids: Iterable[str]) -> list[Manifest]:
    """Return these runs' complete backups of topics of the customer's list, oldest first.

    A manifest that cannot be parsed is a warning. Raise CustomerError when S3 cannot be read.
    """
    place = (context.customer.account_id, context.customer.region)
    found = [one for run_id in run_ids if (one := _found(context, run_id)) is not None]
    return sorted(
        (one for one in found if one.kind == "topics" and (one.account_id, one.region) == place),
        key=lambda one: one.created_at,
    )


def _found(context: ActionContext, run_id: str) -> Manifest | None:
    key, body = _newest(context, run_id)
    if body is None:
        return None
    try:
        manifest = Manifest.model_validate_json(body)
    except ValidationError:
        context.warn(
            f"{context.results.location(key)} cannot be understood: if a prune made it, the opt-outs in it are "
            "not known"
        )
        return None
    return manifest if (manifest.customer_code, manifest.run_id) == (context.code, run_id) else None


def records(context: ActionContext, manifest: Manifest, part: int) -> list[Record]:
    """Return the contacts of one file of a backup, numbered from 1.

    Raise CustomerError when it is damaged or missing.
    """
    found = record_files.records(
        context, walk_prefix(_prefix(context, manifest.run_id, manifest.folder), manifest.walk), part
    )
    if not all(isinstance(record.get("email"), str) for record in found):
        text = f"file {part} of the backup {manifest.run_id} of {context.code} is damaged; nothing in it was restored"
        raise CustomerError("operation", "DamagedData", text)
    return found


def _newest(context: ActionContext, run_id: str) -> tuple[str, bytes | None]:
    """Return the key and the text of a run's newest manifest; the key of the first one and None when there is none.

    Only a backup of topics may be made more than once.
    """
    key = backup_manifest_key(context.code, run_id)
    body = record_files.read(context, key)
    for generation in range(2, limits.CHANGE_ATTEMPTS + 1):
        if body is None or not _is_of_topics(body):
            break
        later = backup_manifest_key(context.code, run_id, generation)
        found = record_files.read(context, later)
        if found is None:
            break
        key, body = later, found
    return key, body


def _is_of_topics(body: bytes) -> bool:
    try:
        return Manifest.model_validate_json(body).kind == "topics"
    except ValidationError:
        return False


def _prefix(context: ActionContext, run_id: str, folder: str | None) -> str:
    return backup_prefix(context.code, run_id) + ("" if folder is None else f"{folder}/")


def _refuse_a_second_backup(context: ActionContext) -> None:
    key = backup_manifest_key(context.code, context.run_id)
    if record_files.read(context, key) is not None:
        where = context.results.location(key)
        text = f"{where} exists already: run {context.run_id} has a backup of {context.code}; choose another run_id"
        raise CustomerError("configuration", "BackupExists", text)
