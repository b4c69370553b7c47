"""The throttle: a burst, then one request a second, for everything in one account and Region."""

from __future__ import annotations

import pytest

from strict_aws.conditions.rate import RateLimit
from strict_aws.http.messages import AwsError
from strict_aws.ses import bulk
from tests.strict_aws.unit.ses.emulated import ACCOUNT, REGION, Emulated

RATE = RateLimit(per_second=1.0, burst=5)


def allowed(seen: Emulated, requests: int = 20) -> int:
    """How many of so many requests, all sent now, are answered."""
    for number in range(requests):
        try:
            seen.call("ListContactLists")
        except AwsError as error:
            if error.code != "TooManyRequestsException":
                raise
            return number
    return requests


def test_five_at_once_then_one_a_second() -> None:
    """Burst and rate have their default values."""
    seen = Emulated(rate=RATE)
    assert allowed(seen) == 5
    assert allowed(seen) == 0
    seen.now += 1
    assert allowed(seen) == 1
    seen.now += 3
    assert allowed(seen) == 3


def test_a_long_rest_gives_one_burst_and_no_more() -> None:
    """The bucket does not grow."""
    seen = Emulated(rate=RateLimit(per_second=2.0, burst=3))
    allowed(seen)
    seen.now += 3_600
    assert allowed(seen) == 3


def test_refused_requests_cost_nothing() -> None:
    """Who hammers is served as soon as who waits."""
    seen = Emulated(rate=RATE)
    allowed(seen)
    for _ in range(9):
        seen.now += 0.125
        assert allowed(seen) in (0, 1)
    seen.now += 0.875
    assert allowed(seen) == 1


def test_a_throttled_request_says_so_and_does_nothing() -> None:
    """HTTP 429, before anything else about the request is looked at."""
    seen = Emulated(rate=RateLimit(per_second=1.0, burst=1))
    seen.call("GetAccount")
    refusal = ("TooManyRequestsException", 429, "Too Many Requests")
    assert seen.refused("CreateContact", EmailAddress="ada@x.example") == refusal
    assert seen.refused("GetContactList", ContactListName="a b") == refusal
    seen.now += 1
    assert seen.call("ListContacts") == {"Contacts": []}


@pytest.mark.parametrize("elsewhere", [(ACCOUNT, "eu-west-1"), ("444455556666", REGION)])
def test_each_account_and_region_has_its_own_rate(elsewhere: tuple[str, str]) -> None:
    """One that is used up slows nobody else."""
    seen = Emulated(rate=RATE)
    allowed(seen)
    assert seen.ses.call(*elsewhere, "ListContactLists", {}) == {"ContactLists": []}


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    """The next second counts from there."""
    seen = Emulated(rate=RATE)
    allowed(seen)
    seen.now -= 1_000
    assert allowed(seen) == 0
    seen.now += 1
    assert allowed(seen) == 1


def test_seeding_is_not_throttled() -> None:
    """Making a list and filling it leave the whole burst."""
    seen = Emulated(rate=RATE)
    for seed in range(10):
        seen.ses.fill(ACCOUNT, REGION, "main", bulk.generate(count=1, seed=seed, opt_in={}, topics=[]))
    assert allowed(seen) == 5


def test_without_a_rate_there_is_no_throttle() -> None:
    """As many as one likes."""
    assert allowed(Emulated(), 500) == 500
