"""What differs between two values of one model, such as a customer's results of two runs.

What counts is said by the models: a field that is marked VOLATILE does not, and entries of a list are the same one when
their fields that are marked KEY are equal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from ses_fleet.actions.data.marks import KEY, VOLATILE

Model = type[BaseModel] | None
_NO_FIELDS: Mapping[str, FieldInfo] = {}


@dataclass(frozen=True)
class Change:
    """One thing that differs. `path` leads to it, by the names of fields and the keys of lists' entries.

    `before` and `after` are JSON values. An entry of a list that only one side has is None on the other. Of a list of
    values without keys, they have those that only one side has.
    """

    path: tuple[str, ...]
    before: Any
    after: Any


def between(model: Model, before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Change]:
    """Yield what differs between two JSON values that `model` describes, if it is one that is known here.

    A field that one side lacks, as another version wrote it, has the model's default there; one that the model does not
    have is compared all the same. The order of a list is no difference.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_objects(model, before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(model, before, after, path)
    elif before != after:
        yield Change(path, before, after)


def _of_objects(
    model: Model, before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[Change]:
    fields = _fields(model)
    for name in dict.fromkeys([*fields, *before, *after]):
        field = fields.get(name)
        if field is None:
            yield from between(None, before.get(name), after.get(name), (*path, name))
        elif VOLATILE not in field.metadata:
            old, new = (side[name] if name in side else _default(field) for side in (before, after))
            yield from between(_model_in(field.annotation), old, new, (*path, name))


def _of_lists(model: Model, before: Sequence[Any], after: Sequence[Any], path: tuple[str, ...]) -> Iterator[Change]:
    olds, news = _by_key(model, before), _by_key(model, after)
    if olds is None or news is None:
        gone, added = _only_in_one(before, after)
        if gone or added:
            yield Change(path, gone, added)
        return
    for key in dict.fromkeys([*olds, *news]):
        old, new = olds.get(key), news.get(key)
        if old is None or new is None:
            yield Change((*path, *key), old, new)
        else:
            yield from between(model, old, new, (*path, *key))


def _by_key(model: Model, entries: Sequence[Any]) -> dict[tuple[str, ...], Any] | None:
    """Return a list's entries by their keys, or None where they have none, or share one."""
    keys = [name for name, field in _fields(model).items() if KEY in field.metadata]
    if not keys or not all(isinstance(entry, Mapping) for entry in entries):
        return None
    found = {tuple(str(entry.get(name)) for name in keys): entry for entry in entries}
    return found if len(found) == len(entries) else None


def _only_in_one(before: Sequence[Any], after: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    olds, news = (Counter(json.dumps(entry, sort_keys=True) for entry in side) for side in (before, after))
    return [json.loads(one) for one in (olds - news).elements()], [json.loads(one) for one in (news - olds).elements()]


def _fields(model: Model) -> Mapping[str, FieldInfo]:
    """Return a model's fields by the names that they have in JSON."""
    if model is None:
        return _NO_FIELDS
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _default(field: FieldInfo) -> Any:
    default = field.get_default(call_default_factory=True, validated_data={})
    return None if default is PydanticUndefined else to_jsonable_python(default)


def _model_in(annotation: Any) -> Model:
    """Return the model of a field's value, or of the entries of its list; None where it has none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple, list):
        return next((found for found in map(_model_in, get_args(annotation)) if found is not None), None)
    return None
