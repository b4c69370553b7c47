"""Filling a list with many contacts at once, for demos, tests and benches."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence

from local.ses.store import ContactRecord, shared_preferences
from local.ses.validation import bad_request

_UNSUBSCRIBED_ONE_IN = 50


def parse_import_lines(body: bytes) -> Iterator[ContactRecord]:
    """Contacts of an import job's newline-delimited JSON; BadRequestException names the line that is wrong."""
    for number, line in enumerate(body.splitlines(), start=1):
        if line.strip():
            yield _record(line, number)


def generate(*, count: int, seed: int, opt_in: Mapping[str, float], topics: Sequence[str]) -> Iterator[ContactRecord]:
    """`count` made-up contacts, the same for the same arguments.

    For every topic in `opt_in`, that share of the contacts has an explicit OPT_IN and the others an explicit
    OPT_OUT; other topics have no explicit preference. One contact in 50 has UnsubscribeAll.
    """
    for name in opt_in:
        if name not in topics:
            raise bad_request(f"the list has no topic {name}")
    chance = random.Random(seed)  # noqa: S311  # made-up people, not secrets
    for number in range(count):
        chosen = {name: "OPT_IN" if chance.random() < share else "OPT_OUT" for name, share in opt_in.items()}
        yield ContactRecord(
            email=f"contact-{number:07d}@seed-{seed}.example",
            preferences=shared_preferences(chosen),
            unsubscribed_all=chance.randrange(_UNSUBSCRIBED_ONE_IN) == 0,
        )


def _record(line: bytes, number: int) -> ContactRecord:
    try:
        record = json.loads(line)
        return ContactRecord(
            email=record["emailAddress"],
            preferences=shared_preferences(
                {entry["topicName"]: entry["subscriptionStatus"] for entry in record.get("topicPreferences") or []}
            ),
            unsubscribed_all=bool(record.get("unsubscribeAll", False)),
            attributes=record.get("attributesData"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise bad_request(f"line {number} is not a contact record") from None
