"""Read or make many contacts at once, for demos, tests and benchmarks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from strict_aws.ses import records
from strict_aws.ses.errors import bad_request
from strict_aws.ses.store import ContactRecord, Preferences

_UNSUBSCRIBED_ONE_IN = 50


def parse_import_lines(body: bytes) -> Iterator[ContactRecord]:
    """Yield the contacts in an import job's newline-delimited JSON; empty lines are skipped.

    Raise AwsError (BadRequestException) for the first line that is wrong, which an import job would count and leave
    out.
    """
    for number, record in records.read_json(body):
        if isinstance(record, records.BadRecord):
            raise bad_request(f"line {number} is not a contact record: {record.reason}")
        yield record


def generate(*, count: int, seed: int, opt_in: Mapping[str, float], topics: Sequence[str]) -> Iterator[ContactRecord]:
    """Yield `count` made-up contacts; the same arguments give the same contacts.

    For every topic in `opt_in`, about that share of the contacts (from 0 to 1, drawn for each contact) has an explicit
    OPT_IN and the others an explicit OPT_OUT; other topics have no explicit preference. About one contact in 50 has
    UnsubscribeAll. `topics` are the list's; raise AwsError when `opt_in` has another one.
    """
    for name in opt_in:
        if name not in topics:
            raise bad_request(f"the list has no topic {name}")
    chance = random.Random(seed)  # noqa: S311  # made-up people, not secrets
    draw, shares, preferences_of = chance.random, list(opt_in.values()), _choices(tuple(opt_in))
    for number in range(count):
        preferences = preferences_of(tuple([draw() < share for share in shares]))
        unsubscribed_all = chance.randrange(_UNSUBSCRIBED_ONE_IN) == 0
        yield ContactRecord(f"contact-{number:07d}@seed-{seed}.example", preferences, unsubscribed_all)


def _choices(names: Sequence[str]) -> Callable[[tuple[bool, ...]], Preferences]:
    """Return a function from "opted in?" for each name to preferences; frequent ones are shared."""
    pairs = [((name, "OPT_OUT"), (name, "OPT_IN")) for name in names]

    @lru_cache(maxsize=4096)
    def preferences_of(opted_in: tuple[bool, ...]) -> Preferences:
        return tuple([pair[chosen] for pair, chosen in zip(pairs, opted_in, strict=True)])

    return preferences_of
