"""Valid configuration files with random mistakes in them: what people, editors and programs do to them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

ADDRESS = "ada@corp.example"
ROLE = "arn:aws:iam::111122223333:role/contact-manager"
CUSTOMER: dict[str, Any] = {
    "customer_code": "acme",
    "customer_name": "Acme",
    "environment": "prod",
    "region": "eu-west-1",
    "ses_role_arn": ROLE,
    "enabled": True,
    "external_id": "an-id",
    "contact_list_name": "main",
    "import_bucket": "acme-imports",
    "identity_center_role_arn": "arn:aws:iam::210987654321:role/contact-importer",
    "identity_center_region": "us-east-1",
    "identity_center_external_id": "another-id",
    "identity_store_id": "d-1234567890",
}
CONFIG: dict[str, Any] = {
    "aws_region": "us-east-1",
    "customer_mappings": {"acme": CUSTOMER, "b": {"ses_role_arn": ROLE}},
    "email_config": {"domain": "x"},
}
TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_OUT"}
SES_CONFIG: dict[str, Any] = {
    "topics": [TOPIC, {**TOPIC, "TopicName": "more", "Description": "All the news", "OptInRoles": ["dba", "dev"]}],
    "topic_group_prefix": ["aws", "wiz"],
    "topic_group_members": [{**TOPIC, "TopicName": "calendar"}],
}
_ODD: list[Any] = [
    *(None, "", " ", 0, -1, 1.5, True, False, "x", "a b", "\u200b", "x" * 70, "x" * 600, 10**30),
    *([], {}, ["x"], [5], {"a": 1}, [None], "us-east-1", "us-gov-west-1", "us-east-3", "OPT_IN", "d-0", ROLE + "x"),
    *(ADDRESS, [ADDRESS], {"a": ADDRESS}, f"arn:aws:iam::111122223333:role/{ADDRESS}"),
]
_KEYS = ["ses_role_arm", "SesRoleArn", "topic", "OptInRole", "$schema", "other", "customer_code", "TopicName", "topics"]


def _places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [trail, *(place for key, inner in inside for place in _places(inner, (*trail, key)))]


@st.composite
def with_mistakes(draw: st.DrawFn, document: dict[str, Any], *, keys: list[str] = _KEYS) -> dict[str, Any]:
    """Return the document with up to four values replaced, removed or added."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 4))):
        *trail, last = draw(st.sampled_from([place for place in _places(made) if place] or [("topics",)]))
        parent = made
        for key in trail:
            parent = parent[key]
        mistake, odd = draw(st.sampled_from(["replace", "remove", "add"])), copy.deepcopy(draw(st.sampled_from(_ODD)))
        if mistake == "remove" and len(made) > 1:
            del parent[last]
        elif mistake == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(keys))] = odd
        else:
            parent[last] = odd
    return made
