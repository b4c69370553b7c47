"""Find the AWS operation that an HTTP request asks for, by botocore's service models."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from strict_aws.http.messages import AwsError, Request

# Signing names that differ from botocore's service names.
_BY_SIGNING_NAME = {"monitoring": "cloudwatch", "sso": "sso-admin", "tagging": "resourcegroupstaggingapi"}
_READING_PREFIXES = ("Get", "List", "Describe", "Head", "Filter", "Lookup", "BatchGet", "Query", "Search", "Validate")
_READING = frozenset({"AssumeRole"})
# URIs that older or newer SDKs use for the same operations.
_OTHER_GENERATIONS = {
    "sesv2": [
        ("GET", "/v2/email/contact-lists/{ContactListName}/contacts", "ListContacts"),
        ("GET", "/v2/email/import-jobs", "ListImportJobs"),
        ("GET", "/v2/email/identities", "ListEmailIdentities"),
    ],
}

# Smithy RPC v2, which newer SDKs speak to CloudWatch and others.
_RPC_PATH = re.compile(r"/service/[^/]+/operation/(?P<operation>\w+)")


@dataclass(frozen=True)
class Operation:
    """The operation that a request asks for. `parameters` are filled in for rest-json services only."""

    service: str
    name: str
    parameters: Mapping[str, Any]
    protocol: str

    @property
    def writes(self) -> bool:
        """Whether the operation can change anything, which its name tells."""
        return self.name not in _READING and not self.name.startswith(_READING_PREFIXES)


@dataclass(frozen=True)
class _Route:
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str | None]
    headers: frozenset[str]
    model: OperationModel

    @property
    def rank(self) -> tuple[int, int]:
        """How specific the route is: of the routes that match, the one that asks for most is meant."""
        return len(self.query) + len(self.headers), len(self.path.pattern)


def resolve(signing_name: str, request: Request) -> Operation:
    """Return the operation of a request; raise AwsError 501 when no model of the service has it."""
    service = service_of(signing_name, request.path)
    model = _model(service)
    if model is None:
        raise AwsError("NotImplemented", f"strict_aws has no service {service}", 501)
    protocol = str(model.resolved_protocol)
    target = request.headers.get("x-amz-target")
    if target:
        return Operation(service, target.rpartition(".")[2], {}, protocol)
    rpc = _RPC_PATH.fullmatch(request.path)
    if rpc:
        return Operation(service, rpc["operation"], {}, protocol)
    if protocol in ("query", "ec2"):
        return Operation(service, _action(request), {}, protocol)
    return _resolve_rest(service, protocol, request)


def service_of(signing_name: str, path: str) -> str:
    """Return botocore's name of the service that a request is for."""
    if signing_name == "ses":
        return "sesv2" if path.startswith("/v2/") else "ses"
    return _BY_SIGNING_NAME.get(signing_name, signing_name)


def protocol_of(service: str) -> str:
    """Return the wire protocol that botocore speaks to a service, or rest-json when the service is not known."""
    model = _model(service)
    return "rest-json" if model is None else str(model.resolved_protocol)


@functools.cache
def output_shape(service: str, operation: str) -> StructureShape | None:
    """Return the shape of an operation's answer, or None when the model has no shape or no such operation."""
    model = _model(service)
    if model is None or operation not in model.operation_names:
        return None
    return model.operation_model(operation).output_shape


def query_of(request: Request) -> dict[str, list[str]]:
    """Return the decoded parameters of the query string, each with all of its values."""
    return parse_qs(request.query, keep_blank_values=True)


def form_of(request: Request) -> dict[str, str]:
    """Return the parameters of a query-protocol request, from its body and its query string."""
    body = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in {**query_of(request), **body}.items()}


def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body, or an empty one when there is none; raise AwsError when it is not JSON."""
    if not request.body:
        return {}
    try:
        body = json.loads(request.body)
    except ValueError:
        raise AwsError("SerializationException", "the body is not JSON", 400) from None
    return body if isinstance(body, dict) else {}


def _action(request: Request) -> str:
    action = form_of(request).get("Action")
    if not action:
        raise AwsError("MissingAction", "the request names no Action", 400)
    return action


def _resolve_rest(service: str, protocol: str, request: Request) -> Operation:
    for route, fields in _candidates(service, request):
        parameters = _parameters(route.model, fields, request) if protocol == "rest-json" else {}
        return Operation(service, route.model.name, parameters, protocol)
    raise AwsError("NotImplemented", f"strict_aws knows no {service} operation {request.method} at this path", 501)


def _candidates(service: str, request: Request) -> list[tuple[_Route, dict[str, str]]]:
    query = query_of(request)
    found = []
    for route in _routes(service):
        if route.method != request.method or not route.headers <= request.headers.keys():
            continue
        if any(name not in query or (value and query[name] != [value]) for name, value in route.query.items()):
            continue
        match = route.path.fullmatch(request.path)
        if match:
            found.append((route, {name: unquote(value) for name, value in match.groupdict().items()}))
    return sorted(found, key=lambda entry: entry[0].rank, reverse=True)[:1]


@functools.cache
def _model(service: str) -> ServiceModel | None:
    try:
        return _session().get_service_model(service)
    except UnknownServiceError:
        return None


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def _routes(service: str) -> list[_Route]:
    model = _model(service)
    if model is None:
        return []
    operations = [model.operation_model(name) for name in model.operation_names]
    routes = [_route(operation.http["method"], operation.http["requestUri"], operation) for operation in operations]
    return routes + [
        _route(method, uri, model.operation_model(name)) for method, uri, name in _OTHER_GENERATIONS.get(service, [])
    ]


def _route(method: str, uri: str, model: OperationModel) -> _Route:
    path, _, literals = uri.partition("?")
    query: dict[str, str | None] = {
        name: values[0] or None for name, values in parse_qs(literals, keep_blank_values=True).items()
    }
    headers = set()
    shape = model.input_shape
    members = {} if shape is None else {name: shape.members[name] for name in shape.required_members}
    for name, member in members.items():
        if member.serialization.get("location") == "querystring":
            query[member.serialization.get("name", name)] = None
        elif member.serialization.get("location") == "header":
            headers.add(member.serialization.get("name", name).lower())
    return _Route(method, _path_pattern(path), query, frozenset(headers), model)


def _path_pattern(path: str) -> re.Pattern[str]:
    pattern = ""
    for part in re.split(r"(\{[^}]+\})", path):
        if part.endswith("+}"):
            pattern += f"(?P<{part[1:-2]}>.+)"
        elif part.startswith("{"):
            pattern += f"(?P<{part[1:-1]}>[^/]+)"
        else:
            pattern += re.escape(part)
    return re.compile(pattern + "/?")


def _parameters(model: OperationModel, fields: dict[str, str], request: Request) -> dict[str, Any]:
    shape = model.input_shape
    if shape is None:
        return {}
    query = query_of(request)
    parameters: dict[str, Any] = json_body(request) if "payload" not in shape.serialization else {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "uri" and wire_name in fields:
            parameters[name] = fields[wire_name]
        elif location == "querystring" and wire_name in query:
            parameters[name] = _converted(member, query[wire_name])
    for name in ("PageSize", "NextToken"):  # older SDKs sent them in the query string
        if name in shape.members and name not in parameters and name in query:
            parameters[name] = _converted(shape.members[name], query[name])
    return parameters


def _converted(shape: Shape, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    if shape.type_name in ("integer", "long"):
        try:
            return int(values[0])
        except ValueError:
            raise AwsError("SerializationException", "a number was expected", 400) from None
    return values[0] == "true" if shape.type_name == "boolean" else values[0]
