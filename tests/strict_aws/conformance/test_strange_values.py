"""JSON that no SDK would send: a refusal, never an error of ours."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strict_aws.http.messages import AwsError
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.ses.service import StrictSes
from tests.strict_aws.conformance.wire import session
from tests.strict_aws.conformance.world import ACCOUNT, REGION, SERVED, STORE

NOTHING: dict[str, Any] = {"visible_to": (), "users": (), "groups": ()}
# What is there, so that requests get beyond the first look.
KNOWN: dict[str, Any] = {"ContactListName": "main", "IdentityStoreId": STORE}


def values() -> st.SearchStrategy[Any]:
    """Any JSON, with texts that have halves of characters and numbers out of every bound."""
    texts = st.text(st.characters(), max_size=4)
    scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2))


def requests(service: str, operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Members of the model's names and any values."""
    shape = session().get_service_model(service).operation_model(operation).input_shape
    members = {} if shape is None else dict(shape.members)
    of_their_own = {
        name: st.one_of(st.just(KNOWN[name]), values()) if name in KNOWN else _nested(member)
        for name, member in members.items()
    }
    return st.fixed_dictionaries({}, optional=of_their_own)


def _nested(shape: Any) -> st.SearchStrategy[Any]:
    if shape.type_name == "structure":
        return st.one_of(
            values(), st.fixed_dictionaries({}, optional={name: _nested(one) for name, one in shape.members.items()})
        )
    if shape.type_name == "list":
        return st.one_of(values(), st.lists(_nested(shape.member), max_size=2))
    return values()


@pytest.mark.parametrize(
    ("service", "operation"),
    [(service, operation) for service in ("sesv2", "identitystore", "sso-admin") for operation in SERVED[service]],
)
def test_no_value_is_too_strange(service: str, operation: str) -> None:
    """An answer or a refusal that a client can read."""
    ses, center = StrictSes(rate=None), StrictIdentityCenter(rate=None)
    ses.create_list(ACCOUNT, REGION, "main", description=None, topics=[])
    center.put(ACCOUNT, REGION, store_id=STORE, **NOTHING)

    @settings(max_examples=12, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(requests(service, operation))
    def ask(parameters: dict[str, Any]) -> None:
        with contextlib.suppress(AwsError):
            if service == "sesv2":
                ses.call(ACCOUNT, REGION, operation, parameters)
            else:
                center.call(service, ACCOUNT, REGION, operation, parameters)

    ask()
