"""Requests made of botocore's input shapes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from hypothesis import strategies as st

_DEPTH = 4  # of shapes within shapes: some hold themselves
_TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_SCALARS: dict[str, Any] = {
    "blob": b"x",
    "boolean": True,
    "double": 1.5,
    "float": 1.5,
    "integer": 1,
    "long": 1,
    "timestamp": _TIME,
}


def minimal(shape: StructureShape | None, known: Mapping[str, Any]) -> dict[str, Any]:
    """The required members only. `known` has values for members of these names, else any that fits is taken."""
    return {} if shape is None else _structure(shape, known, whole=False, depth=0)


def full(shape: StructureShape | None, known: Mapping[str, Any]) -> dict[str, Any]:
    """A request with all members of the model, and with all of theirs."""
    return {} if shape is None else _structure(shape, known, whole=True, depth=0)


def _structure(shape: StructureShape, known: Mapping[str, Any], *, whole: bool, depth: int) -> dict[str, Any]:
    if depth > _DEPTH:
        return {}
    names = [name for name in shape.members if whole or name in shape.required_members]
    if getattr(shape, "is_tagged_union", False):
        names = names[:1] or list(shape.members)[:1]
    return {name: known.get(name, _value(shape.members[name], known, whole=whole, depth=depth)) for name in names}


def _value(shape: Shape, known: Mapping[str, Any], *, whole: bool, depth: int) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, known, whole=whole, depth=depth + 1)
    if isinstance(shape, ListShape):
        return [_value(shape.member, known, whole=whole, depth=depth + 1)] if depth <= _DEPTH else []
    if isinstance(shape, MapShape):
        key = _value(shape.key, known, whole=whole, depth=depth)
        return {key: _value(shape.value, known, whole=whole, depth=depth + 1)}
    if isinstance(shape, StringShape):
        return shape.enum[0] if shape.enum else "x" * int(shape.metadata.get("min", 1) or 1)
    return (
        max(_SCALARS[shape.type_name], shape.metadata.get("min", 0))
        if _is_number(shape)
        else _SCALARS.get(shape.type_name, "x")
    )


def _is_number(shape: Shape) -> bool:
    return shape.type_name in ("double", "float", "integer", "long")


def some(shape: StructureShape | None, known: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any request: the required members, whichever others, values within and outside of what the service takes."""
    return st.just({}) if shape is None else _some_structure(shape, known, 0)


def _some_structure(shape: StructureShape, known: Mapping[str, Any], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    if depth > _DEPTH:
        return st.just({})
    values = {name: _some_member(name, member, known, depth) for name, member in shape.members.items()}
    required = {name: values[name] for name in shape.required_members}
    return st.fixed_dictionaries(
        required, optional={name: value for name, value in values.items() if name not in required}
    )


def _some_member(name: str, shape: Shape, known: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    value = _some_value(shape, known, depth)
    if shape.serialization.get("location") == "uri":
        value = value.filter(bool)  # without it, it is the path of another operation
    return st.one_of(st.just(known[name]), value) if name in known else value


def _some_value(shape: Shape, known: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if isinstance(shape, StructureShape):
        return _some_structure(shape, known, depth + 1)
    if isinstance(shape, ListShape):
        return st.lists(_some_value(shape.member, known, depth + 1), max_size=2)
    if isinstance(shape, MapShape):
        return st.dictionaries(st.text(max_size=3), _some_value(shape.value, known, depth + 1), max_size=2)
    if isinstance(shape, StringShape) and shape.enum:
        return st.sampled_from([*shape.enum, "no such value"])
    return _SOME.get(shape.type_name, st.text(max_size=12))


_SOME: dict[str, st.SearchStrategy[Any]] = {
    "blob": st.binary(max_size=5),
    "boolean": st.booleans(),
    "double": st.floats(-1e6, 1e6),
    "float": st.floats(-1e6, 1e6),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "timestamp": st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
}
