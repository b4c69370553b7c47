"""The intrinsic functions and conditions of templates."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from strict_aws.cloudformation.template import Template, invalid

_PLACE = re.compile(r"\$\{(!?)([^}]*)\}")


class Known(Protocol):
    """What a template refers to outside of the resolved part: resources and exports."""

    def reference(self, logical_id: str) -> str:
        """Return what a Ref to a resource gives."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what Fn::GetAtt gives for an attribute of a resource."""

    def exported(self, name: str) -> str:
        """Return what Fn::ImportValue gives for the name of an export."""


class Resolver:
    """Turns parts of a template into values.

    For a Ref to a resource it asks `known`, which may have to make the resource first.
    """

    def __init__(self, template: Template, values: Mapping[str, Any], known: Known) -> None:
        self._template = template
        self._values = values
        self._known = known

    def resolve(self, node: Any) -> Any:
        """Return the node's value; None stands for AWS::NoValue, and is left out of whatever holds it."""
        if isinstance(node, list):
            return [value for value in map(self.resolve, node) if value is not None]
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            function = _FUNCTIONS.get(name)
            if function is not None:
                return function(self, argument)
            if str(name).startswith("Fn::"):
                raise invalid(f"Template error: strict_aws does not know {name}")
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not None}

    def holds(self, condition: Any) -> bool:
        """Tell whether a condition holds, which is given by its name or as an expression."""
        if isinstance(condition, str):
            if condition not in self._template.conditions:
                raise invalid(f"Template format error: Unresolved condition {condition}")
            return self.holds(self._template.conditions[condition])
        return self.resolve(condition) is True

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        return self._values[name] if name in self._values else self._known.reference(name)

    def _get_att(self, argument: Any) -> Any:
        logical_id, name = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._known.attribute(logical_id, self.resolve(name))

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self.holds(condition) else otherwise)

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def filled(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return str(self.resolve(own[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _PLACE.sub(filled, text)

    def _join(self, argument: list[Any]) -> str:
        between, parts = argument
        return str(between).join(map(str, self.resolve(parts)))

    def _select(self, argument: list[Any]) -> Any:
        index, values = self.resolve(argument)
        return values[int(index)]

    def _split(self, argument: list[Any]) -> list[str]:
        between, text = self.resolve(argument)
        return str(text).split(between)

    def _find_in_map(self, argument: list[Any]) -> Any:
        name, first, second = self.resolve(argument[:3])
        try:
            return self._template.mappings[name][first][second]
        except KeyError:
            raise invalid(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None

    def _equals(self, argument: list[Any]) -> bool:
        first, second = (self.resolve(value) for value in argument)
        return str(first) == str(second)


_FUNCTIONS: Final[dict[str, Callable[[Resolver, Any], Any]]] = {
    "Ref": Resolver._ref,
    "Condition": lambda resolver, name: resolver.holds(name) if isinstance(name, str) else _plain(resolver, name),
    "Fn::GetAtt": Resolver._get_att,
    "Fn::If": Resolver._if,
    "Fn::Sub": Resolver._sub,
    "Fn::Join": Resolver._join,
    "Fn::Select": Resolver._select,
    "Fn::Split": Resolver._split,
    "Fn::FindInMap": Resolver._find_in_map,
    "Fn::ImportValue": lambda resolver, name: resolver._known.exported(resolver.resolve(name)),
    "Fn::Base64": lambda resolver, text: base64.b64encode(str(resolver.resolve(text)).encode()).decode(),
    "Fn::ToJsonString": lambda resolver, value: json.dumps(resolver.resolve(value)),
    "Fn::Equals": Resolver._equals,
    "Fn::And": lambda resolver, parts: all(map(resolver.holds, parts)),
    "Fn::Or": lambda resolver, parts: any(map(resolver.holds, parts)),
    "Fn::Not": lambda resolver, parts: not resolver.holds(parts[0]),
}


def _plain(resolver: Resolver, node: Any) -> Any:
    """Resolve an object that looks like a function and is none: a policy statement with nothing but a Condition."""
    return {"Condition": resolver.resolve(node)}
