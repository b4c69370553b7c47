"""CloudFormation's wire format, the query protocol: flat form parameters in requests, XML in answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from strict_aws.cloudformation.template import invalid
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import form_of
from strict_aws.http.protocols import xml

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


class Given(dict[str, Any]):
    """The members of a request. Reading a required member that is missing raises a ValidationError."""

    def __missing__(self, name: str) -> Any:
        raise invalid(
            f"1 validation error detected: Value null at '{name[:1].lower()}{name[1:]}' failed to satisfy constraint: "
            "Member must not be null"
        )


def parameters_of(request: Request) -> Given:
    """Return a request's parameters as a tree: `A.member.1.B=c` is `{"A": [{"B": "c"}]}`.

    A list that is empty is an empty string.
    """
    tree: dict[str, Any] = {}
    for name, value in form_of(request).items():
        place, parts = tree, name.split(".")
        for part in parts[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise AwsError("MalformedInput", f"{name}: it cannot be both a value and a structure")
        place[parts[-1]] = value
    return Given((name, _unfolded(value)) for name, value in tree.items() if name not in ("Action", "Version"))


def answer(operation: str, result: Mapping[str, Any]) -> Response:
    """Return a successful answer. Members that are None are left out; lists become `member` elements."""
    inside = xml("RequestId", str(uuid.uuid4()))
    body = (
        f'<{operation}Response xmlns="{_NAMESPACE}"><{operation}Result>{_elements(result)}</{operation}Result>'
        f"<ResponseMetadata>{inside}</ResponseMetadata></{operation}Response>"
    )
    return Response(200, body.encode(), {"Content-Type": "text/xml"})


def _unfolded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"}:
        members = value["member"]
        if not isinstance(members, dict) or not all(number.isdecimal() for number in members):
            raise AwsError("MalformedInput", "the members of a list are not numbered")
        return [_unfolded(members[number]) for number in sorted(members, key=int)]
    return Given((name, _unfolded(inner)) for name, inner in value.items())


def _elements(fields: Mapping[str, Any]) -> str:
    return "".join(_element(name, value) for name, value in fields.items() if value is not None)


def _element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{_elements(value)}</{name}>"
    if isinstance(value, list):
        return f"<{name}>{''.join(_element('member', inner) for inner in value)}</{name}>"
    if isinstance(value, datetime):
        return xml(name, value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    return xml(name, str(value).lower() if isinstance(value, bool) else str(value))
