"""The conditions that a control request asks for: a preset, single fields, or both."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from strict_aws.conditions.conditions import AWS_LATENCY_SECONDS, Conditions
from strict_aws.control.problems import bad_request, first_problem


def changed(now: Conditions, body: bytes) -> Conditions:
    """Return the conditions that `body` makes of those in force; raise AwsError 400 that says what is wrong with it.

    `{"preset": "aws"}` starts from that preset, any other body from what is in force; every other member replaces one
    field. Of `latency_seconds` only the services that are named are replaced.
    """
    given = _document(body)
    preset = given.pop("preset", None)
    if preset not in (None, "aws", "kind"):
        raise bad_request("$.preset", f"is aws or kind, not {json.dumps(preset)}")
    base = now if preset is None else Conditions.preset(preset)
    latency = given.get("latency_seconds")
    if isinstance(latency, dict):
        _check_services(latency)
        given["latency_seconds"] = {**base.latency_seconds, **latency}
    try:
        return Conditions.model_validate({**base.model_dump(), **given}, strict=True)
    except ValidationError as error:
        raise first_problem(error) from None


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("$", "is not JSON") from None
    if not isinstance(document, dict):
        raise bad_request("$", "is not an object")
    return document


def _check_services(latency: dict[str, Any]) -> None:
    for service in latency:
        if service not in AWS_LATENCY_SECONDS:
            raise bad_request(f"$.latency_seconds.{service}", f"is none of {', '.join(AWS_LATENCY_SECONDS)}")
