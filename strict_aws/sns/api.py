"""SNS's HTTP API. moto keeps topics and subscriptions, and sends; this refuses the messages that SNS refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation, form_of
from strict_aws.iam.identity import Caller

# API reference, Publish: printable ASCII that begins with no space, fewer than 100 characters; 256 KB of message.
_SUBJECT = re.compile(r"[!-~][ -~]{0,98}")
_MESSAGE_BYTES = 262_144


class SnsApi:
    """Answers SNS's operations. `forward` sends a request to moto."""

    def __init__(self, forward: Callable[[Request, str], Response]) -> None:
        self._forward = forward

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as SNS would."""
        if operation.name == "Publish":
            _check(form_of(request))
        return self._forward(request, caller.account)


def _check(given: Mapping[str, str]) -> None:
    message = given.get("Message", "")
    if not message:
        raise AwsError("InvalidParameter", "Invalid parameter: Empty message", 400)
    if len(message.encode()) > _MESSAGE_BYTES:
        raise AwsError("InvalidParameter", "Invalid parameter: Message too long", 400)
    if "Subject" in given and _SUBJECT.fullmatch(given["Subject"]) is None:
        raise AwsError("InvalidParameter", "Invalid parameter: Subject", 400)
    if given.get("MessageStructure") == "json":
        _check_structure(message)


def _check_structure(message: str) -> None:
    try:
        parts = json.loads(message)
    except ValueError:
        raise AwsError("InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse",
                       400) from None  # fmt: skip
    if not isinstance(parts, dict) or not isinstance(parts.get("default"), str):
        text = "Invalid parameter: Message Structure - No default entry in JSON message body"
        raise AwsError("InvalidParameter", text, 400)
