"""`runs show --changes`: who an import would create, opt in to more topics, or remove.

The record knows counts only. Who it is lies in S3 below data/, for those who may read contacts.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.catalogue import IMPORT_AWS_CONTACT
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.text import printable
from ses_fleet_cli.errors import no_summary, policy, usage
from ses_fleet_cli.export import prefix_of
from ses_fleet_cli.parallel import in_order

_FILE = re.compile(r"changes-\d+\.jsonl\.gz")
_BROKEN = (TooLargeError, OSError, EOFError, zlib.error, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class CustomersChanges:
    """What an import decided for one customer: records of its files. `problem` says why some or all are missing."""

    code: str
    records: Sequence[dict[str, Any]] = ()
    problem: str | None = None


def read(bucket: Bucket, summary: Summary) -> list[CustomersChanges]:
    """Return the changes of all customers of an import, in the order of its results; skipped customers have none.

    Raise CommandError with exit code 2 for a run of another action, with exit code 3 when whoever runs the command may
    not read them.
    """
    if summary.action.removesuffix("-all") != IMPORT_AWS_CONTACT.name:
        text = f"run {summary.run_id} is a {printable(summary.action)}: --changes shows whom {IMPORT_AWS_CONTACT.name}"
        raise usage(f"{text} would touch")
    asked = [result for result in summary.results if result.status != "skipped"]
    try:
        return list(in_order(lambda one: _of(bucket, summary.run_id, one), asked, at_once=limits.RECORD_READERS))
    except AwsCallError as failure:
        where = bucket.location(f"data/{summary.run_id}/")
        advice = f"it has addresses, and takes {policy('data-reader')}" if failure.status == 403 else "try again"
        raise no_summary(f"{where} cannot be read ({failure.code}): {advice}") from None


def _of(bucket: Bucket, run_id: str, result: CustomerResult) -> CustomersChanges:
    prefix = prefix_of(bucket, run_id, result)
    keys = sorted(one.key for one in bucket.objects(prefix) if _FILE.fullmatch(one.key.removeprefix(prefix)))
    if not keys and result.status != "successful":
        return CustomersChanges(result.customer_code, problem="nothing was decided: see the run's Summary")
    records: list[dict[str, Any]] = []
    for key in keys:
        body = bucket.read(key, limit=limits.MAX_EXPORT_PART_BYTES).body
        try:
            records += [_checked(json.loads(line)) for line in gzip.decompress(body).splitlines()]
        except _BROKEN as error:
            problem = f"{bucket.location(key)} cannot be understood ({type(error).__name__})"
            return CustomersChanges(result.customer_code, records, problem)
    return CustomersChanges(result.customer_code, records)


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(record["email"], str) or record["change"] not in ("create", "update", "remove"):
        raise ValueError("no change of a contact")
    return {"change": record["change"], "email": record["email"], "opt_in": [str(one) for one in record["opt_in"]]}


def lines(found: Sequence[CustomersChanges], *, dry_run: bool) -> Iterator[str]:
    """Yield the changes as lines of text, one a person, below a line for each customer with the numbers."""
    yield f"Whom the import {'would touch' if dry_run else 'was to touch, as it was decided'}:"
    for one in found:
        counts = Counter(record["change"] for record in one.records)
        told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items()) or "nobody"
        yield f"{printable(one.code)}: {told}"
        for record in one.records:
            topics = f"  ({printable(', '.join(record['opt_in']), 400)})" if record["opt_in"] else ""
            yield f"   {record['change']:<6}  {printable(record['email'], limits.ADDRESS_CHARACTERS)}{topics}"
        if one.problem is not None:
            yield f"   ⚠️  {one.problem}"


def json_lines(found: Sequence[CustomersChanges]) -> Iterator[str]:
    """Yield JSON, one a line: `{customer_code, change, email, opt_in}` of a person, or `{customer_code, problem}`."""
    for one in found:
        for record in one.records:
            yield json.dumps({"customer_code": one.code, **record}, ensure_ascii=False)
        if one.problem is not None:
            yield json.dumps({"customer_code": one.code, "problem": one.problem}, ensure_ascii=False)
