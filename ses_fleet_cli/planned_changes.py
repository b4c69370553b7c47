"""`runs show --changes`: whom a dry run would change, and how; and whom an import was to create, change or remove.

The record knows counts only. Who it is lies in S3 below data/, for those who may read contacts.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.catalogue import IMPORT_AWS_CONTACT, payload_names
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.people.person_change import REASON, TOPIC, PersonChange
from ses_fleet.runs.keys import COMPARED_FOLDER, LEFT_OUT_FILES, PLAN_FILES, data_prefix, part_name
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.text import printable
from ses_fleet_cli import whole_results
from ses_fleet_cli.errors import no_summary, policy, usage
from ses_fleet_cli.parallel import in_order
from ses_fleet_cli.runs import Shown

# Of an import that was no dry run.
_DECIDED = "changes"
# Of a run that applies a plan.
_LEFT_OUT = f"{COMPARED_FOLDER}{LEFT_OUT_FILES}"
_TITLES = {
    PLAN_FILES: "Whom the run would change:",
    _DECIDED: "Whom the import was to touch, as it was decided:",
    _LEFT_OUT: "Of whom something else would be done now than the plan has, so they were left as they are:",
}
_BROKEN = (TooLargeError, OSError, EOFError, zlib.error, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class CustomersChanges:
    """What was decided for one customer: records of its files. `problem` says why some or all are missing."""

    code: str
    records: Sequence[dict[str, Any]] = ()
    problem: str | None = None


def read(bucket: Bucket, shown: Shown) -> list[CustomersChanges]:
    """Return the changes of all customers of a run, in the order of its results; skipped customers have none.

    Raise CommandError with exit code 2 for a run of another action, with exit code 3 when whoever runs the command may
    not read them.
    """
    summary = shown.summary
    name = _files_of(summary)
    if name is None:
        text = f"run {summary.run_id} is a {printable(summary.action)}{'' if summary.dry_run else ' and no dry run'}"
        raise usage(f"{text}: --changes shows the plan of a dry run, and whom an import was to touch")
    results = whole_results.of(bucket, shown, blocks=True) if name == PLAN_FILES else summary.results
    asked = [result for result in results if result.status != "skipped"]
    try:
        return list(in_order(lambda one: _of(bucket, summary.run_id, one, name), asked, at_once=limits.RECORD_READERS))
    except AwsCallError as failure:
        where = bucket.location(f"data/{summary.run_id}/")
        advice = f"it has addresses, and takes {policy('data-reader')}" if failure.status == 403 else "try again"
        raise no_summary(f"{where} cannot be read ({failure.code}): {advice}") from None


def _files_of(summary: Summary) -> str | None:
    """Return the name of the files that say whom a run would or was to change, or None for a run without any."""
    entry = payload_names().get(summary.action)
    if entry is not None and entry[0].saves_plan == "people" and summary.dry_run:
        return PLAN_FILES
    if entry is not None and entry[0].saves_plan == "people" and summary.plan is not None:
        return _LEFT_OUT
    return _DECIDED if entry is not None and entry[0] is IMPORT_AWS_CONTACT else None


def _of(bucket: Bucket, run_id: str, result: CustomerResult, name: str) -> CustomersChanges:
    code, keys = result.customer_code, _keys(bucket, run_id, result, name)
    if not keys and result.status != "successful" and name != _LEFT_OUT:
        return CustomersChanges(code, problem="nothing was decided: see the run's Summary")
    if keys is None:
        return CustomersChanges(code, problem="no plan was saved: make a new dry run")
    records: dict[str, dict[str, Any]] = {}
    for key in keys:
        try:
            stored = bucket.find(key, limit=limits.MAX_EXPORT_PART_BYTES)
            for line in map(json.loads, gzip.decompress(b"gone" if stored is None else stored.body).splitlines()):
                if "salt" not in line:
                    records[str(line["email"])] = _CHECKED[name](line)
        except _BROKEN as error:
            problem = f"{bucket.location(key)} cannot be understood ({type(error).__name__})"
            return CustomersChanges(code, [*records.values()], problem)
    return CustomersChanges(code, [*records.values()])


def _keys(bucket: Bucket, run_id: str, result: CustomerResult, name: str) -> list[str] | None:
    """Return the keys of a customer's files; None of a dry run that saved no plan.

    A run that went on where another one had stopped has written them where that one did.
    """
    if name == PLAN_FILES:
        plan = result.plan
        if not isinstance(plan, PeoplePlan):
            return None
        return [f"{plan.prefix}{part_name(number, PLAN_FILES)}" for number in range(1, plan.parts + 1)]
    prefix = data_prefix(result.work_of or run_id, result.customer_code)
    file = re.compile(rf"{name}-\d+\.jsonl\.gz")
    return sorted(one.key for one in bucket.objects(prefix) if file.fullmatch(one.key.removeprefix(prefix)))


def _planned(record: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(record["email"], str):
        raise TypeError("no change of a person")
    return PersonChange.of(record).record(record["email"])


def _decided(record: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(record["email"], str) or record["change"] not in ("create", "update", "remove"):
        raise ValueError("no change of a contact")
    return {"change": record["change"], "email": record["email"], "opt_in": [str(one) for one in record["opt_in"]]}


def _left_out(record: dict[str, Any]) -> dict[str, Any]:
    return {"change": "left out", "email": str(record["email"]), "why": str(record["why"])}


_CHECKED: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    PLAN_FILES: _planned,
    _DECIDED: _decided,
    _LEFT_OUT: _left_out,
}


def lines(found: Sequence[CustomersChanges], summary: Summary) -> Iterator[str]:
    """Yield the changes as lines of text, one a person, below a line for each customer with the numbers."""
    yield _TITLES[_files_of(summary) or _DECIDED]
    is_of_plan = _files_of(summary) == _LEFT_OUT
    for one in [one for one in found if one.records or one.problem or not is_of_plan] or found:
        counts = Counter(record["change"] for record in one.records)
        told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items()) or "nobody"
        yield f"{printable(one.code)}: {told}"
        for record in one.records:
            told = ", ".join(_what(record))
            email = printable(record["email"], limits.ADDRESS_CHARACTERS)
            yield f"   {record['change']:<6}  {email}{f'  ({printable(told, 400)})' if told else ''}"
        if one.problem is not None:
            yield f"   ⚠️  {one.problem}"


def _what(record: dict[str, Any]) -> Iterator[str]:
    """Yield what changes of a person, but for what every new contact says and everything that a removal forgets."""
    yield from record.get("opt_in", ())
    yield from (record["why"],) if "why" in record else ()
    for name, (before, after) in record.get("what", {}).items():
        if record["change"] == "create" and after is not False:
            yield f"{name.removeprefix(TOPIC)} {_value(after)}"
        elif record["change"] == "update" or name == REASON:
            yield f"{name.removeprefix(TOPIC)} {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def json_lines(found: Sequence[CustomersChanges]) -> Iterator[str]:
    """Yield JSON, one a line: `{customer_code, change, email}` of a person, or `{customer_code, problem}`.

    A dry run also says `what`, an import that was none `opt_in`, and of whom was left out it is said `why`.
    """
    for one in found:
        for record in one.records:
            yield json.dumps({"customer_code": one.code, **record}, ensure_ascii=False)
        if one.problem is not None:
            yield json.dumps({"customer_code": one.code, "problem": one.problem}, ensure_ascii=False)
