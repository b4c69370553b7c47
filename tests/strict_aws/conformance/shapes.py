"""Whether an answer has the shape that botocore's model gives it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

# What AWS answers although its own model lacks it: a stack's events have the stack's status (observed: `sam deploy`).
_BEYOND = {
    "ResourceStatus": ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "blob": (str, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "timestamp": (float, int),
}


def problems(answer: Any, shape: Shape | None, path: str = "$") -> Iterator[str]:
    """Every problem of a JSON answer: types, enums, required members, members that the model does not have.

    Times are numbers of seconds. An optional member may be null.
    """
    if shape is None:
        yield from (f"{path}: the model has no answer" for _ in range(bool(answer)))
    elif isinstance(shape, StructureShape):
        yield from _structure(answer, shape, path)
    elif isinstance(shape, ListShape):
        yield from _list(answer, shape, path)
    elif isinstance(shape, MapShape):
        yield from _map(answer, shape, path)
    else:
        yield from _scalar(answer, shape, path)


def _structure(answer: Any, shape: StructureShape, path: str) -> Iterator[str]:
    if not isinstance(answer, Mapping):
        yield f"{path}: {type(answer).__name__} is no structure"
        return
    for name in shape.required_members:
        if answer.get(name) is None:
            yield f"{path}.{name}: is required and missing"
    for name, value in answer.items():
        if name not in shape.members:
            yield f"{path}.{name}: the model has no such member"
        elif value is not None:
            yield from problems(value, shape.members[name], f"{path}.{name}")


def _list(answer: Any, shape: ListShape, path: str) -> Iterator[str]:
    if not isinstance(answer, list):
        yield f"{path}: {type(answer).__name__} is no list"
        return
    for number, value in enumerate(answer):
        yield from problems(value, shape.member, f"{path}[{number}]")


def _map(answer: Any, shape: MapShape, path: str) -> Iterator[str]:
    if not isinstance(answer, Mapping):
        yield f"{path}: {type(answer).__name__} is no map"
        return
    for name, value in answer.items():
        yield from problems(name, shape.key, f"{path}.{name} (key)")
        yield from problems(value, shape.value, f"{path}.{name}")


def _scalar(answer: Any, shape: Shape, path: str) -> Iterator[str]:
    wanted = _TYPES[shape.type_name]
    if not isinstance(answer, wanted) or (isinstance(answer, bool) and bool not in wanted):
        yield f"{path}: {type(answer).__name__} is no {shape.type_name}"
    elif isinstance(answer, float) and not math.isfinite(answer):
        yield f"{path}: {answer} is no JSON number"
    elif isinstance(shape, StringShape) and shape.enum and answer not in {*shape.enum, *_BEYOND.get(shape.name, ())}:
        yield f"{path}: {answer} is none of {', '.join(shape.enum)}"


def xml_problems(operation: str, body: bytes, shape: StructureShape | None) -> Iterator[str]:
    """Every problem of a query protocol's XML answer to an operation: the same, and the elements around it."""
    root = ElementTree.fromstring(body)  # noqa: S314  # our own answer
    if _name(root) != f"{operation}Response":
        yield f"{_name(root)}: is not {operation}Response"
    names = [_name(child) for child in root]
    if "ResponseMetadata" not in names:
        yield "ResponseMetadata: is missing"
    for child in root:
        if shape is not None and _name(child) == shape.serialization.get("resultWrapper", f"{operation}Result"):
            yield from problems(_read(child, shape), shape)


def _read(element: ElementTree.Element, shape: Shape) -> Any:
    """The element as JSON would have it; what is not of its shape as it is, for `problems` to find."""
    if isinstance(shape, StructureShape):
        return _members(element, shape)
    if isinstance(shape, ListShape):
        wrapped = shape.member.serialization.get("name", "member")
        return [_read(one, shape.member) if _name(one) == wrapped else _name(one) for one in element]
    if isinstance(shape, MapShape):
        pairs = [{_name(part): part for part in entry} for entry in element]
        return {pair["key"].text or "": _read(pair["value"], shape.value) for pair in pairs}
    return _value(element.text or "", shape)


def _members(element: ElementTree.Element, shape: StructureShape) -> dict[str, Any]:
    by_wire_name = {member.serialization.get("name", name): name for name, member in shape.members.items()}
    found: dict[str, Any] = {}
    for child in element:
        name = by_wire_name.get(_name(child), _name(child))
        found[name] = _read(child, shape.members[name]) if name in shape.members else child.text
    return found


def _value(text: str, shape: Shape) -> Any:
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
        if shape.type_name == "timestamp":
            return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return text
    return {"true": True, "false": False}.get(text, text) if shape.type_name == "boolean" else text


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
