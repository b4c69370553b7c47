"""The record of every address that Identity Center had for a customer: nobody else is ever removed by an import."""

from __future__ import annotations

import json
from collections.abc import Iterable

from shared.errors import CustomerError
from shared.record import known_people_key
from worker import parts
from worker.job import Job


def load(job: Job) -> frozenset[str]:
    """Case-folded addresses; empty when there was no real run yet. CustomerError when the record is damaged."""
    body = parts.read(job, known_people_key(job.code))
    if body is None:
        return frozenset()
    try:
        addresses = json.loads(body)["addresses"]
    except (ValueError, KeyError, TypeError):
        addresses = None
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        where = job.results.location(known_people_key(job.code))
        raise CustomerError("operation", "DamagedData", f"{where} is no record of addresses; nothing was changed")
    return frozenset(addresses)


def store(job: Job, addresses: Iterable[str]) -> None:
    """Write the record, also when it is as it was: what a rule of the bucket would expire is young again."""
    body = {"customer_code": job.code, "run_id": job.item.run_id, "addresses": sorted(addresses)}
    job.write(known_people_key(job.code), json.dumps(body, ensure_ascii=False).encode(), "application/json")
