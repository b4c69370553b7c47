"""What the control of the conditions takes and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strict_aws.conditions.conditions import AWS_LATENCY_SECONDS, Conditions
from strict_aws.control.conditions import changed
from strict_aws.http.messages import AwsError

AWS, KIND = Conditions.preset("aws"), Conditions.preset("kind")


def change(now: Conditions, **members: Any) -> Conditions:
    """What a body of these members makes of them."""
    return changed(now, json.dumps(members).encode())


def test_a_preset_replaces_everything() -> None:
    """It does so whatever was in force."""
    assert change(KIND, preset="aws") == AWS
    assert change(AWS, preset="kind") == KIND
    assert change(AWS) == AWS


def test_single_fields_override_what_is_in_force_or_the_preset() -> None:
    """Also with null, zero and false."""
    assert change(AWS, token_seconds=None, tokens_of_session=False, pending_seconds=0) == AWS.model_copy(
        update={"token_seconds": None, "tokens_of_session": False, "pending_seconds": 0.0}
    )
    assert change(AWS, preset="kind", read_lag_seconds=3.5) == Conditions(read_lag_seconds=3.5)


def test_of_the_latency_the_named_services_are_replaced() -> None:
    """The other services keep the latency that they had."""
    assert change(AWS, latency_seconds={"s3": 0}).latency_seconds == {**AWS_LATENCY_SECONDS, "s3": 0.0}
    assert change(KIND, latency_seconds={"sts": 1}).latency_seconds == {"sts": 1.0}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "$: is not JSON"),
        (b"[" * 100_000, "$: is not JSON"),
        (b"[]", "$: is not an object"),
        (b'{"preset": "cruel"}', '$.preset: is aws or kind, not "cruel"'),
        (b'{"preset": ["aws"]}', '$.preset: is aws or kind, not ["aws"]'),
        (b'{"read_lag": 1}', "$.read_lag: Extra inputs are not permitted"),
        (b'{"read_lag_seconds": "1"}', "$.read_lag_seconds: Input should be a valid number"),
        (b'{"read_lag_seconds": -1}', "$.read_lag_seconds: Input should be greater than or equal to 0"),
        (b'{"token_seconds": Infinity}', "$.token_seconds: Input should be a finite number"),
        (b'{"latency_seconds": {"ses": 1}}', "$.latency_seconds.ses: is none of sts, sesv2, s3, lambda"),
        (b'{"latency_seconds": {"s3": -1}}', "$.latency_seconds.s3: Input should be greater than or equal to 0"),
        (b'{"latency_seconds": {"s3": 1e999}}', "$.latency_seconds.s3: Input should be"),
        (b'{"latency_seconds": null}', "$.latency_seconds: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(body: bytes, message: str) -> None:
    """400, and nothing is changed."""
    with pytest.raises(AwsError) as refused:
        changed(AWS, body)
    assert refused.value.status == 400
    assert refused.value.message.startswith(message)


def test_the_latencies_are_of_services_as_the_journal_names_them() -> None:
    """One under another name would silently have none."""
    from strict_aws.http import operations

    signing = ("sts", "ses", "s3", "lambda", "identitystore", "sso", "organizations", "tagging")
    assert {operations.service_of(name, "/v2/") for name in signing} == set(AWS_LATENCY_SECONDS)
