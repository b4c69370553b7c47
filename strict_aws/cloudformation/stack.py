"""A stack with its template, its resources and its events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from strict_aws.cloudformation.resources.base import Made
from strict_aws.cloudformation.template import Template


@dataclass(frozen=True)
class Request:
    """What a stack shall become.

    `texts` are the parameters as given. With `adopts` existing resources are taken over.
    """

    template: Template
    texts: Mapping[str, str]
    tags: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()
    role_arn: str | None = None
    adopts: bool = False

    def same_as(self, other: Request | None) -> bool:
        """Tell whether this request asks for nothing that the other one did not, so that there is nothing to do."""
        return other is not None and (self.template.text, self.texts, self.tags) == (
            other.template.text,
            other.texts,
            other.tags,
        )


@dataclass(frozen=True)
class Resource:
    """A resource that a stack has.

    `properties` are resolved. `ignored` tells a resource of a type that is not really made. `deletion` is its
    DeletionPolicy.
    """

    kind: str
    made: Made
    properties: Mapping[str, Any]
    deletion: str
    ignored: bool = False


@dataclass(frozen=True)
class Event:
    """One entry of a stack's history."""

    logical_id: str
    physical_id: str
    kind: str
    status: str
    reason: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Stack:
    """A stack as it is now. `resources` are in the order in which they were made."""

    id: str
    name: str
    account: str
    region: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    current: Request | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    protected: bool = False
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime | None = None
    deleted_at: datetime | None = None

    @classmethod
    def new(cls, account: str, region: str, name: str) -> Stack:
        """Return a stack of this name of which nothing was made yet."""
        arn = f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}"
        return cls(arn, name, account, region)

    def becomes(self, status: str, reason: str | None = None) -> None:
        """Change the stack's status, and add an event that says so."""
        self.status, self.reason = status, reason
        self.events.append(Event(self.name, self.id, "AWS::CloudFormation::Stack", status, reason))
