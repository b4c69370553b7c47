"""Identity Center's throttle: twenty a second for each API of a store, and for sso-admin in an account."""

from __future__ import annotations

import pytest

from strict_aws.http.messages import AwsError
from strict_aws.identity_center.service import DEFAULT_RATE, StrictIdentityCenter
from tests.strict_aws.unit.identity_center.emulated import MEMBER, NAMED, OWNER, REGION, STORE, Emulated


def allowed(seen: Emulated, operation: str = "ListUsers", account: str = OWNER, store: str = STORE) -> int:
    """How many of fifty requests, all sent now, are answered."""
    for number in range(50):
        try:
            if operation == "ListInstances":
                seen.instances(account)
            else:
                seen.call(operation, account=account, IdentityStoreId=store)
        except AwsError as error:
            if (error.code, error.status) != ("ThrottlingException", 400):
                raise
            return number
    return 50


def test_twenty_at_once_then_twenty_a_second() -> None:
    """A refused request costs nothing."""
    seen = Emulated(rate=DEFAULT_RATE)
    assert allowed(seen) == 20
    assert allowed(seen) == 0
    seen.now += 0.5
    assert allowed(seen) == 10
    seen.now += 3_600
    assert allowed(seen) == 20


def test_each_api_of_a_store_has_its_own_rate() -> None:
    """And each store, whoever asks it."""
    seen = Emulated(rate=DEFAULT_RATE)
    seen.put(visible_to=[MEMBER])
    seen.put("222233334444", store_id="d-aaaaaaaaaa")
    assert allowed(seen) == 20
    assert allowed(seen, account=MEMBER) == 0
    assert allowed(seen, "ListGroups") == 20
    assert allowed(seen, account="222233334444", store="d-aaaaaaaaaa") == 20


def test_an_accounts_instances_have_a_rate_of_their_own() -> None:
    """Another account's are not slowed by it."""
    seen = Emulated(rate=DEFAULT_RATE)
    assert allowed(seen, "ListInstances") == 20
    assert allowed(seen) == 20
    assert allowed(seen, "ListInstances", MEMBER) == 20


def test_a_throttled_request_does_nothing() -> None:
    """It is refused before anything else about it is looked at."""
    seen = Emulated(rate=DEFAULT_RATE)
    for number in range(20):
        seen.user(f"u{number}")
    assert seen.refused("CreateUser", UserName="late", **NAMED) == ("ThrottlingException", 400)
    assert seen.refused("CreateUser") == ("ThrottlingException", 400)
    assert len(seen.call("ListUsers")["Users"]) == 20


def test_putting_people_is_not_throttled() -> None:
    """It leaves the whole rate."""
    seen = Emulated(rate=DEFAULT_RATE)
    for _ in range(50):
        seen.put()
    assert allowed(seen) == 20


def test_the_rate_holds_unless_it_is_turned_off() -> None:
    """None = as many as one likes."""
    assert allowed(Emulated()) == 50
    service = StrictIdentityCenter(clock=lambda: 0.0)
    for _ in range(20):
        service.call("sso-admin", OWNER, REGION, "ListInstances", {})
    with pytest.raises(AwsError, match="Rate exceeded"):
        service.call("sso-admin", OWNER, REGION, "ListInstances", {})
