"""The floor of a run is made of the least calls, their time, and SES's rate."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import one_person, report
from bench.one_person import AT_ONCE, CUSTOMERS, Case, Run

ROUNDS = CUSTOMERS / AT_ONCE


def case(requests: int, *more: dict[str, dict[str, int]], pause: float = 0.0) -> Case:
    """An action of so many requests to SES, with further phases."""
    first = {"sts": {"AssumeRole": 1}, "sesv2": {"GetContact": requests}, "s3": {"GetObject": 2}}
    return Case("find-contact", (first, *more), "why", pause=pause)


def test_a_floor_is_every_round_s_calls_one_after_another() -> None:
    """One of STS and four of SES at 60 ms, two of S3 at 30 ms."""
    assert case(4).floor() == pytest.approx(ROUNDS * 0.36)


def test_more_requests_than_a_burst_take_a_second_each() -> None:
    """Eight may be sent after three seconds, and the last one takes its time."""
    assert case(8).floor() == pytest.approx(ROUNDS * (0.06 + 0.06 + 3 + 0.06))


def test_phases_are_added_and_a_pause_is_waited_once() -> None:
    """Whatever the number of rounds."""
    assert case(4, {"sesv2": {"DeleteContact": 1}}, pause=15).floor() == pytest.approx(ROUNDS * 0.42 + 15)


def test_the_page_has_the_median_beside_the_floor_and_the_calls_beside_the_least() -> None:
    """Those of the workers, summed over all customers; a call without a least has a zero."""
    cpu = {"worker": 1.0, "orchestrator": 2.0, "local cloud": 3.0}
    called = Counter({("sesv2", "GetContact"): 4 * CUSTOMERS, ("s3", "ListObjectsV2"): 1})
    runs = [Run(seconds, cpu, called, Counter({("s3", "PutObject"): 9})) for seconds in (9.0, 2.88, 1.0)]
    shown = {"customers": CUSTOMERS, "at_once": AT_ONCE, "latency": {"sts": 0.06}, "burst": 5}
    figures = {**shown, "cases": [one_person.figures_of(case(4), runs)]}
    about = {"command": "c", "date": "d", "commit": "a", "load": 0.1, "cores": 2, "machine": "m", "python": "3"}
    page = report.page({"one_person": {**about, "boto3": "1", "figures": figures}}, [])
    assert "| find-contact | 2.88 | 1.44 | 2 | 1 | 2 | 3 | 9, 2.88, 1 |" in page
    assert "GetContact 800 (800)" in page
    assert "GetObject 0 (400), ListObjectsV2 1 (0)" in page
    assert "| PutObject 9 | why |" in page
