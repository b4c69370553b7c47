"""The interface of resource types, which make, change and delete resources by their service's own API."""

from __future__ import annotations

import secrets
import string
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from strict_aws.cloudformation.api import Api

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a resource stands in its template. With `adopts` an existing resource of that name is taken over."""

    stack: str
    logical_id: str
    adopts: bool = False

    def name(self, limit: int = 64) -> str:
        """Return a name of at most `limit` characters as CloudFormation makes one up: `stack-logical id-RANDOM`."""
        suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
        return f"{self.stack}-{self.logical_id}"[: limit - 13] + f"-{suffix}"


@dataclass(frozen=True)
class Made:
    """A resource that was made: its id, which is what Ref gives, and the attributes that Fn::GetAtt gives."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class ResourceType(ABC):
    """One `AWS::Service::Type`. All methods raise ClientError when the service refuses.

    `properties` are those that are heeded: any other is ignored with a warning. When one of `replacing` changes, a new
    resource takes the place of the old one.
    """

    properties: ClassVar[frozenset[str]]  # that are heeded; others are ignored with a warning
    replacing: ClassVar[frozenset[str]] = frozenset()  # whose change makes a new resource instead

    @abstractmethod
    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the resource and return it."""

    @abstractmethod
    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Change the resource in place, and return it as it is afterwards."""

    def settle(self, api: Api, made: Made, old: Properties, new: Properties) -> None:  # noqa: B027  # few have any
        """Set what can only be set on an existing resource. This runs after `create` and after `update`."""

    @abstractmethod
    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the resource. One that is gone already is not an error."""


def forgiving(api: Api, service: str, operation: str, parameters: Properties) -> None:
    """Call an operation, and ignore the error that says that the resource does not exist."""
    try:
        api.call(service, operation, parameters)
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if not code.startswith("NoSuch") and "NotFound" not in code and "NonExistent" not in code:
            raise


def tags(properties: Properties) -> dict[str, str]:
    """Return a template's list of tags as the map that some services want."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


def lower_first(value: Any) -> Any:
    """Return a value whose keys begin with a small letter, at all levels, as some services want them."""
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: lower_first(inner) for name, inner in value.items()}
    return [lower_first(inner) for inner in value] if isinstance(value, list) else value
