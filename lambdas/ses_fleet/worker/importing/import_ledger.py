"""The ledger of every address that Identity Center had for a customer: an import removes nobody who is not in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs.keys import import_ledger_key
from ses_fleet.worker import record_files
from ses_fleet.worker.context import ActionContext


def load(context: ActionContext) -> frozenset[str]:
    """Return the case-folded addresses; none before the first run that is not a dry run.

    A ledger of another account, Region or identity store, or of an earlier version that does not say of which it is, is
    not used; a run that prunes warns about it. Raise CustomerError when it is damaged.
    """
    body = record_files.read(context, import_ledger_key(context.code))
    if body is None:
        return frozenset()
    record = _parsed(context, body)
    if _origin(record) == _origin(_heading(context)):
        return frozenset(record["addresses"])
    if context.item.prune:
        whose = (
            "does not say which account it is of"
            if "account_id" not in record
            else "is of another account or identity store"
        )
        context.warn(
            f"the ledger of the addresses of earlier imports {whose}, so nobody is removed; "
            "a run that is not a dry run writes it again"
        )
    return frozenset()


def store(context: ActionContext, addresses: Iterable[str]) -> None:
    """Write the ledger, also when it did not change, so that no expiry rule of the bucket deletes it."""
    body = {**_heading(context), "addresses": sorted(addresses)}
    context.write(import_ledger_key(context.code), json.dumps(body, ensure_ascii=False).encode(), "application/json")


def forget(context: ActionContext, addresses: Collection[str]) -> int:
    """Take these case-folded addresses out of the ledger, whichever account it is of, and return how many it had.

    Raise CustomerError when it is damaged, or S3 does not say that it was written.
    """
    key = import_ledger_key(context.code)
    for _ in range(limits.TOMBSTONE_TRIES):
        try:
            found = context.results.find(key, limit=limits.MAX_PART_BYTES)
            if found is None:
                return 0
            record = _parsed(context, found.body)
            left = [one for one in record["addresses"] if one not in addresses]
            forgotten = len(record["addresses"]) - len(left)
            body = json.dumps({**record, "run_id": context.run_id, "addresses": left}, ensure_ascii=False).encode()
            if not forgotten or context.results.replace(key, body, found.etag) is not None:
                return forgotten
        except AwsCallError as failure:
            text = f"{context.results.location(key)} could not be written without the people ({failure.code})"
            advice = f"{text}: {failure.text}; run this customer again"
            raise CustomerError("operation", failure.code, advice, retryable=failure.transient) from None
    text = f"{context.results.location(key)} was changed again and again meanwhile; run this customer again"
    raise CustomerError("operation", "LedgerChanged", text, retryable=True)


def _parsed(context: ActionContext, body: bytes) -> dict[str, Any]:
    try:
        record = json.loads(body)
        addresses = record["addresses"]
    except (ValueError, KeyError, TypeError):
        record, addresses = {}, None
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        where = context.results.location(import_ledger_key(context.code))
        raise CustomerError("operation", "DamagedData", f"{where} is not a ledger of addresses; nothing was changed")
    return dict(record)


def _heading(context: ActionContext) -> dict[str, Any]:
    return {
        "customer_code": context.code,
        "run_id": context.run_id,
        "account_id": context.customer.account_id,
        "region": context.customer.region,
        "identity_store_id": None if context.item.directory is None else context.item.directory.store_id,
    }


def _origin(record: dict[str, Any]) -> tuple[Any, ...] | None:
    if "account_id" not in record:
        return None
    return tuple(record.get(name) for name in ("customer_code", "account_id", "region", "identity_store_id"))
