"""What `PUT /_ses_fleet/conditions` takes: a preset, single fields, or both."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from strict_aws.conditions.settings import AWS_LATENCY_SECONDS, Conditions
from strict_aws.http.messages import AwsError
from strict_aws.identity_center.identity_scenario import fault_path


def changed(now: Conditions, body: bytes) -> Conditions:
    """Return the conditions that `body` makes of those in force; AwsError 400 says what is wrong with it.

    `{"preset": "aws"}` begins with that preset, else with what is in force; every other member replaces one field.
    Of `latency_seconds` only the services named are replaced.
    """
    given = _document(body)
    preset = given.pop("preset", None)
    if preset not in (None, "aws", "kind"):
        raise _wrong("$.preset", f"is aws or kind, not {json.dumps(preset)}")
    base = now if preset is None else Conditions.preset(preset)
    latency = given.get("latency_seconds")
    if isinstance(latency, dict):
        _check_services(latency)
        given["latency_seconds"] = {**base.latency_seconds, **latency}
    try:
        return Conditions.model_validate({**base.model_dump(), **given}, strict=True)
    except ValidationError as error:
        detail = error.errors()[0]
        raise _wrong(fault_path(detail["loc"]), detail["msg"]) from None


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise _wrong("$", "is not JSON") from None
    if not isinstance(document, dict):
        raise _wrong("$", "is not an object")
    return document


def _check_services(latency: dict[str, Any]) -> None:
    for service in latency:
        if service not in AWS_LATENCY_SECONDS:
            raise _wrong(f"$.latency_seconds.{service}", f"is none of {', '.join(AWS_LATENCY_SECONDS)}")


def _wrong(path: str, message: str) -> AwsError:
    return AwsError("BadRequest", f"{path}: {message}")
