"""Leave out optional members of an answer that say nothing, or make them null, as AWS may."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.http import operations


def leave_out(service: str, operation: str, answer: dict[str, Any], conditions: CurrentConditions) -> dict[str, Any]:
    """Return the answer with optional members that say nothing null or absent at random.

    The conditions say how often. What says nothing is a value that is empty, false or zero, and any timestamp. Members
    that the model requires, and all others, stay. The given answer is not changed.
    """
    if conditions.now.unset_share <= 0:
        return answer
    shape = operations.output_shape(service, operation)
    return answer if shape is None else _structure(shape, answer, conditions)


def _structure(shape: StructureShape, given: Mapping[str, Any], conditions: CurrentConditions) -> dict[str, Any]:
    made: dict[str, Any] = {}
    share = conditions.now.unset_share
    for name, member in shape.members.items():
        value = given.get(name)
        if name not in shape.required_members and _says_nothing(member, value) and conditions.chance(share):
            if conditions.chance(0.5):
                made[name] = None
        elif name in given:
            made[name] = _inside(member, value, conditions) if _has_optional(member) else value
    return made


def _inside(shape: Shape, value: Any, conditions: CurrentConditions) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return _structure(shape, value, conditions)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_inside(shape.member, one, conditions) for one in value]
    return value


def _says_nothing(shape: Shape, value: Any) -> bool:
    return shape.type_name == "timestamp" or value is None or value in (False, 0, "", [], {}, ())


@functools.cache
def _has_optional(shape: Shape) -> bool:
    """Tell whether anything inside may be left out; a shape within itself counts as if it did."""
    return _search(shape, frozenset())


def _search(shape: Shape, seen: frozenset[str]) -> bool:
    if shape.name in seen:
        return True
    inner = seen | {shape.name}
    if isinstance(shape, StructureShape):
        optional = shape.members.keys() - set(shape.required_members)
        return bool(optional) or any(_search(member, inner) for member in shape.members.values())
    if isinstance(shape, ListShape):
        return _search(shape.member, inner)
    return isinstance(shape, MapShape) and _search(shape.value, inner)
