"""Bring a stack from what it is to what it shall be, and back when something fails."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from strict_aws.cloudformation import template as templates
from strict_aws.cloudformation.api import Api
from strict_aws.cloudformation.intrinsics import Resolver
from strict_aws.cloudformation.resources.base import Made, Place
from strict_aws.cloudformation.resources.registry import TYPES, WITHOUT_EFFECT
from strict_aws.cloudformation.stack import Event, Request, Resource, Stack
from strict_aws.http.messages import AwsError

_log = logging.getLogger(__name__)

# What a stack's account and Region export, by name.
Exports = Callable[[], Mapping[str, str]]
# By DeletionPolicy: whether a resource stays when the template loses it, and when it was made and the change failed.
_KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
_KEPT_IN_VAIN = frozenset({"Retain"})
_Leftover = tuple[str, Resource]
_Result = TypeVar("_Result")


class ResourceError(Exception):
    """A resource could not be made, changed or deleted. The message is the reason that the stack shows."""


class Deployment:
    """One creation, update or deletion of one stack. Its outcome is the stack's status afterwards."""

    def __init__(self, stack: Stack, api: Api, exports: Exports) -> None:
        self._stack = stack
        self._api = api
        self._exports = exports

    def create(self, request: Request) -> None:
        """Make the stack.

        It ends as CREATE_COMPLETE, or as ROLLBACK_COMPLETE with nothing left but retained resources.
        """
        stack = self._stack
        stack.becomes("CREATE_IN_PROGRESS", "User Initiated")
        try:
            self._apply(request)
        except ResourceError as error:
            stack.becomes("ROLLBACK_IN_PROGRESS", str(error))
            failed = self._delete_all(_KEPT_IN_VAIN)
            stack.becomes("ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", failed or str(error))
            return
        stack.becomes("CREATE_COMPLETE")

    def update(self, request: Request) -> None:
        """Change the stack.

        It ends as UPDATE_COMPLETE, or as UPDATE_ROLLBACK_COMPLETE, which is as it was before.
        """
        stack, before = self._stack, self._stack.current
        stack.becomes("UPDATE_IN_PROGRESS", "User Initiated")
        try:
            leftovers = self._apply(request)
        except ResourceError as error:
            stack.becomes("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
            self._roll_back(before, str(error))
            return
        stack.becomes("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up(leftovers, _KEPT)
        stack.becomes("UPDATE_COMPLETE")

    def delete(self) -> None:
        """Delete the stack with its resources.

        It ends as DELETE_COMPLETE, or as DELETE_FAILED with what could not be deleted.
        """
        stack = self._stack
        stack.becomes("DELETE_IN_PROGRESS", "User Initiated")
        failed = self._delete_all(_KEPT)
        stack.becomes("DELETE_FAILED" if failed else "DELETE_COMPLETE", failed or None)

    def _roll_back(self, before: Request | None, reason: str) -> None:
        assert before is not None  # noqa: S101  # only what was created is updated
        try:
            self._clean_up(self._apply(before), _KEPT_IN_VAIN)
        except ResourceError as error:
            self._stack.becomes("UPDATE_ROLLBACK_FAILED", str(error))
            return
        self._stack.becomes("UPDATE_ROLLBACK_COMPLETE", reason)

    def _apply(self, request: Request) -> list[_Leftover]:
        """Make and change all resources, and return those that are to be deleted afterwards."""
        application = _Application(self._stack, self._api, request, self._exports)
        try:
            application.run()
        except ResourceError:
            application.take_back_replaced()
            raise
        self._stack.current = request
        return application.leftovers

    def _clean_up(self, leftovers: list[_Leftover], kept: frozenset[str]) -> None:
        """Delete what an update left over.

        What cannot be deleted is no longer the stack's, and the update succeeds, as on AWS.
        """
        for logical_id, resource in reversed(leftovers):
            if resource.deletion not in kept:
                _delete(self._stack, self._api, logical_id, resource)

    def _delete_all(self, kept: frozenset[str]) -> str:
        failed = []
        for logical_id, resource in reversed(list(self._stack.resources.items())):
            if resource.deletion in kept:
                _note(self._stack, logical_id, resource, "DELETE_SKIPPED")
            elif not _delete(self._stack, self._api, logical_id, resource):
                failed.append(logical_id)
                continue
            del self._stack.resources[logical_id]
        return f"The following resource(s) failed to delete: [{', '.join(failed)}]. " if failed else ""


class _Application:
    """One template that is being applied. A resource is made when something first refers to it."""

    def __init__(self, stack: Stack, api: Api, request: Request, exports: Exports) -> None:
        self._stack, self._api, self._request = stack, api, request
        self._exports = exports
        self._template = request.template
        self._under_way: list[str] = []
        self._done: set[str] = set()
        self.leftovers: list[_Leftover] = []
        self._resolver: Resolver

    def run(self) -> None:
        """Make and change all resources.

        `leftovers` then holds the resources that the template no longer has and those that were replaced.
        """
        stack = self._stack
        _attempt(self._prepare)
        wanted = _attempt(lambda: [name for name in self._template.resources if self._is_wanted(name)])
        for logical_id in wanted:
            _attempt(partial(self._ensure, logical_id))
        stack.outputs = _attempt(self._outputs)
        for logical_id in [name for name in stack.resources if name not in wanted]:
            self.leftovers.append((logical_id, stack.resources.pop(logical_id)))

    def take_back_replaced(self) -> None:
        """Give replaced resources back to the stack, and treat their replacements as resources that no template has."""
        for logical_id, old in self.leftovers:
            replacement = self._stack.resources.pop(logical_id, None)
            if replacement is not None and replacement is not old:
                self._stack.resources[f"{logical_id} (replacement)"] = replacement
            self._stack.resources[logical_id] = old

    def reference(self, logical_id: str) -> str:
        """Return what a Ref to this resource gives, making the resource first where needed."""
        return self._ensure(logical_id).made.physical_id

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what Fn::GetAtt gives of this resource, making the resource first where needed."""
        resource = self._ensure(logical_id)
        if name in resource.made.attributes:
            return resource.made.attributes[name]
        if resource.ignored:
            return f"{resource.made.physical_id}-{name}"
        raise templates.invalid(f"Template error: resource {logical_id} does not support attribute type {name}")

    def exported(self, name: str) -> str:
        """Return what Fn::ImportValue gives for the name of an export."""
        exports = self._exports()
        if name not in exports:
            raise templates.invalid(f"No export named {name} found.")
        return exports[name]

    def _prepare(self) -> None:
        def read(name: str) -> str:
            return str(self._api.call("ssm", "GetParameter", {"Name": name})["Parameter"]["Value"])

        stack = self._stack
        stack.values = dict(templates.parameter_values(self._template, self._request.texts, read))
        pseudo = {
            "AWS::AccountId": stack.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": stack.region,
            "AWS::StackId": stack.id,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._resolver = Resolver(self._template, {**stack.values, **pseudo}, self)

    def _is_wanted(self, logical_id: str) -> bool:
        definition = self._template.resources[logical_id]
        return "Condition" not in definition or self._resolver.holds(definition["Condition"])

    def _ensure(self, logical_id: str) -> Resource:
        if logical_id in self._done:
            return self._stack.resources[logical_id]
        if logical_id not in self._template.resources or not self._is_wanted(logical_id):
            raise templates.invalid(f"Template format error: Unresolved resource dependencies [{logical_id}]")
        if logical_id in self._under_way:
            raise templates.invalid(f"Circular dependency between resources: [{', '.join(self._under_way)}]")
        self._under_way.append(logical_id)
        self._bring_about(logical_id)
        self._under_way.remove(logical_id)
        self._done.add(logical_id)
        return self._stack.resources[logical_id]

    def _bring_about(self, logical_id: str) -> None:
        definition = self._template.resources[logical_id]
        kind = str(definition["Type"])
        depends = definition.get("DependsOn", [])
        for other in [depends] if isinstance(depends, str) else depends:
            if self._is_wanted(other):
                self._ensure(other)
        deletion = str(definition.get("DeletionPolicy", "Delete"))
        old = self._stack.resources.get(logical_id)
        try:
            properties = _attempt(lambda: self._resolver.resolve(definition.get("Properties", {})))
            self._make(logical_id, kind, properties, deletion, old)
        except ResourceError as error:
            status = "CREATE_FAILED" if old is None else "UPDATE_FAILED"
            physical_id = "" if old is None else old.made.physical_id
            self._stack.events.append(Event(logical_id, physical_id, kind, status, str(error)))
            raise

    def _make(
        self, logical_id: str, kind: str, properties: Mapping[str, Any], deletion: str, old: Resource | None
    ) -> None:
        resources = self._stack.resources
        place = Place(self._stack.name, logical_id, self._request.adopts)
        same_kind = old is not None and old.kind == kind
        if old is not None and same_kind and (kind not in TYPES or old.properties == properties):
            resources[logical_id] = replace(old, deletion=deletion)
            return
        if kind not in TYPES:
            resources[logical_id] = Resource(kind, self._ignored(place, kind), properties, deletion, ignored=True)
            return
        handler, before = TYPES[kind], {} if old is None else old.properties
        self._warn_of(logical_id, kind, sorted(properties.keys() - handler.properties))
        if old is not None and same_kind and not _differ(handler.replacing, before, properties):
            # Known as changed already: if changing fails half way, the way back is a change, too.
            resources[logical_id] = replace(old, properties=properties, deletion=deletion)
            made = _attempt(lambda: handler.update(self._api, old.made, before, properties))
            status = "UPDATE_COMPLETE"
        else:
            if old is not None:
                self.leftovers.append((logical_id, resources.pop(logical_id)))
            made, before, status = _attempt(lambda: handler.create(self._api, place, properties)), {}, "CREATE_COMPLETE"
        resources[logical_id] = Resource(kind, made, properties, deletion)
        _attempt(lambda: handler.settle(self._api, made, before, properties))
        self._stack.events.append(Event(logical_id, made.physical_id, kind, status))

    def _ignored(self, place: Place, kind: str) -> Made:
        made = Made(place.name())
        reason = None
        if kind not in WITHOUT_EFFECT:
            reason = f"strict_aws does not make any {kind}"
            _log.warning("CloudFormation: stack %s, %s: %s", place.stack, place.logical_id, reason)
        self._stack.events.append(Event(place.logical_id, made.physical_id, kind, "CREATE_COMPLETE", reason))
        return made

    def _warn_of(self, logical_id: str, kind: str, properties: list[str]) -> None:
        for name in properties:
            text = "CloudFormation: stack %s, %s: strict_aws ignores %s of %s"
            _log.warning(text, self._stack.name, logical_id, name, kind)

    def _outputs(self) -> list[dict[str, str]]:
        outputs = []
        for name, declared in self._template.outputs.items():
            if "Condition" in declared and not self._resolver.holds(declared["Condition"]):
                continue
            output = {"OutputKey": name, "OutputValue": str(self._resolver.resolve(declared["Value"]))}
            if "Description" in declared:
                output["Description"] = str(declared["Description"])
            if "Export" in declared:
                output["ExportName"] = str(self._resolver.resolve(declared["Export"]["Name"]))
            outputs.append(output)
        return outputs


def _differ(names: frozenset[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return any(old.get(name) != new.get(name) for name in names)


def _delete(stack: Stack, api: Api, logical_id: str, resource: Resource) -> bool:
    try:
        if not resource.ignored:
            _attempt(lambda: TYPES[resource.kind].delete(api, resource.made, resource.properties))
    except ResourceError as error:
        _note(stack, logical_id, resource, "DELETE_FAILED", str(error))
        return False
    _note(stack, logical_id, resource, "DELETE_COMPLETE")
    return True


def _note(stack: Stack, logical_id: str, resource: Resource, status: str, reason: str | None = None) -> None:
    stack.events.append(Event(logical_id, resource.made.physical_id, resource.kind, status, reason))


def _attempt(step: Callable[[], _Result]) -> _Result:
    """Run a step and turn whatever goes wrong in it into a failure of the stack. Unexpected errors are logged, too."""
    try:
        return step()
    except ResourceError:
        raise
    except (ClientError, BotoCoreError, AwsError) as error:
        raise ResourceError(str(error)) from None
    except Exception as error:
        token = uuid.uuid4().hex[:8]
        _log.exception("a resource of a stack failed in strict_aws (%s)", token)
        raise ResourceError(f"strict_aws failed, see {token} in its log: {error}") from error
