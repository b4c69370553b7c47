"""Whatever botocore can ask of our own services is answered in shape, refused with a code, or a 501."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from strict_aws.cloudformation.service import CloudFormation
from strict_aws.conditions.conditions import Conditions
from strict_aws.http.messages import Response
from strict_aws.iam.sts import OPERATIONS
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.organizations.service import OPERATIONS as ORGANIZATIONS
from strict_aws.secrets.api import OPERATIONS as SECRETS
from strict_aws.ses.service import StrictSes
from tests.strict_aws.conformance import hooks, requests
from tests.strict_aws.conformance.wire import session, shape_problems
from tests.strict_aws.conformance.world import SERVED, World

ALL_SERVED = [(service, operation) for service in SERVED for operation in SERVED[service]]
# Everything that may be left out is left out; nothing waits.
UNKIND = Conditions(read_lag_seconds=0.01, unset_share=1.0, token_seconds=3600.0, tokens_of_session=True)
# botocore signs these with a library of its own that the tests do without.
UNSIGNABLE = {("sesv2", "SendEmail", "full"), ("sesv2", "SendBulkEmail", "full")}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One for all requests: what they change may be missing for the next, which is then refused."""
    with pytest.MonkeyPatch.context() as patch:
        hooks.check_every_answer(patch)
        made = World()
        yield made
        made.close()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One in which everything is there."""
    hooks.check_every_answer(monkeypatch)
    made = World()
    yield made
    made.close()


def wrong(world: World, service: str, operation: str, parameters: dict[str, Any]) -> list[str]:
    """What is wrong with how a request is answered; a request that botocore does not make is answered well."""
    answered = world.wire.ask(service, operation, parameters)
    if answered is None or answered.status == HTTPStatus.NOT_IMPLEMENTED:
        return []
    if answered.status == HTTPStatus.OK:
        return shape_problems(service, operation, answered.body)
    refused = HTTPStatus.BAD_REQUEST <= answered.status < HTTPStatus.INTERNAL_SERVER_ERROR and answered.code
    return [] if refused else [f"{answered.status} {answered.code}: {answered.body[:200]!r}"]


def operations(service: str) -> list[str]:
    """All operations that the service's model has."""
    return list(session().get_service_model(service).operation_names)


@pytest.mark.parametrize("conditions", [Conditions(), UNKIND], ids=["kind", "unkind"])
@pytest.mark.parametrize("service", SERVED)
def test_every_operation_of_the_model_is_answered_refused_or_501(
    service: str, conditions: Conditions, fresh: World
) -> None:
    """With the members that it requires and with all of them, whatever the conditions."""
    fresh.be(conditions)
    found = {}
    for operation in operations(service):
        shape = session().get_service_model(service).operation_model(operation).input_shape
        for make in (requests.minimal, requests.full):
            if (service, operation, make.__name__) not in UNSIGNABLE:
                found[operation, make.__name__] = wrong(fresh, service, operation, make(shape, fresh.known))
    assert {asked: problems for asked, problems in found.items() if problems} == {}
    assert {operation for operation, _ in found} == set(operations(service))


@pytest.mark.parametrize(("service", "operation"), ALL_SERVED)
def test_what_is_served_is_answered(service: str, operation: str, fresh: World) -> None:
    """A good request gets an answer of the model's shape: none of these is a 501 or refused by mistake."""
    more = fresh.served(service, operation)
    shape = session().get_service_model(service).operation_model(operation).input_shape
    parameters = {**requests.minimal(shape, fresh.known), **more}
    answered = fresh.wire.ask(service, operation, parameters)
    assert answered is not None
    assert (answered.status, answered.code) == (HTTPStatus.OK, None), answered.body
    assert shape_problems(service, operation, answered.body) == []


def test_no_other_operation_is_served() -> None:
    """What this page lists as served is all: one that is added is tried, too."""
    ours = {
        "sesv2": StrictSes(rate=None).operations,
        "identitystore": StrictIdentityCenter().operations,
        "sso-admin": {"ListInstances"},
        "sts": OPERATIONS,
        "cloudformation": CloudFormation(lambda _: Response(500), lambda: "")._operations.keys(),
        "organizations": ORGANIZATIONS.keys(),
        "secretsmanager": SECRETS.keys(),
    }
    assert {service: set(names) for service, names in SERVED.items()} == {name: set(one) for name, one in ours.items()}


@pytest.mark.parametrize(("service", "operation"), ALL_SERVED)
def test_no_request_is_too_strange(service: str, operation: str, world: World) -> None:
    """Any values, within the rules and outside of them, in any combination of members."""
    shape = session().get_service_model(service).operation_model(operation).input_shape

    @settings(max_examples=12, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(requests.some(shape, world.known))
    def ask(parameters: dict[str, Any]) -> None:
        assert wrong(world, service, operation, parameters) == []

    ask()
