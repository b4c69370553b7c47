"""The one translator of what pydantic finds wrong with a document into Problems: a JSON path each, in words of ours.

The payload, config.json, SESConfig.json, the environment variables and cdk.json's context are all read through it.
What a message may repeat of a document is a Disclosure: messages are logged, stored and printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sized
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ses_fleet import limits
from ses_fleet.errors import Problem
from ses_fleet.text import did_you_mean, may_hold_address, printable, quoted

_Model = TypeVar("_Model", bound=BaseModel)
_Place = tuple[int | str, ...]

# What a value of the wrong JSON type should have been, by the type of pydantic's finding.
_TYPES = {
    "bool_type": "true or false",
    "dict_type": "a JSON object",
    "float_type": "a number",
    "int_type": "an integer",
    "list_type": "a list",
    "model_type": "a JSON object",
    "string_type": "a string",
    "tuple_type": "a list",
}
# What a value of the right JSON type should have been, by the type of pydantic's finding and in terms of its context.
_VALUES = {
    "float_parsing": "be a number",
    "greater_than": "be more than {gt:g}",
    "greater_than_equal": "be at least {ge:g}",
    "int_parsing": "be an integer",
    "less_than": "be less than {lt:g}",
    "less_than_equal": "be at most {le:g}",
    "literal_error": "be {expected}",
    "pattern_regex": "be a regular expression",
    "string_pattern_mismatch": "match {pattern}",
    "string_too_long": "have at most {max_length} characters",
    "too_long": "have at most {max_length} entries",
}
_EMPTY = ("string_too_short", "too_short")
# A word or a number: too little to be a person's name or address.
_HARMLESS_VALUE = r"[A-Za-z0-9_%+:-]{0,64}"
_HARMLESS_KEY = r"[A-Za-z0-9_]{1,64}"


@dataclass(frozen=True)
class Disclosure:
    """What a message repeats of a document: `value` and `key` give the text that stands for a value and for a key."""

    value: Callable[[Any], str]
    key: Callable[[str], str]


@dataclass(frozen=True)
class Wording:
    """How messages speak of one kind of document.

    `unknown` names what an unknown key is, such as "unknown field". `must` has, by the name of a field, what the field
    has to be where its type does not say enough, and by the name with `[]` what each entry of it has to be. Of the
    fields in `personal` a message tells only what kind of value was there.
    """

    disclosure: Disclosure
    unknown: str = "unknown key"
    must: Mapping[str, str] | None = None
    personal: Collection[str] = ()


def kind(value: Any) -> str:
    """Return what a JSON value is, in JSON's words, such as `a list` or `null`."""
    names = {dict: "an object", list: "a list", tuple: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def size(value: Any) -> str:
    """Return what a JSON value is and how large, such as `a list of 3`, and nothing of what it says."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, Mapping):
        return f"an object of {len(value)} fields"
    return f"a list of {len(value)}" if isinstance(value, Sized) else kind(value)


def without_addresses(value: Any) -> str:
    """Return a scalar as it is, a text that may hold an address by its length, and a list or an object by its size."""
    return quoted(value) if isinstance(value, str) else _scalar(value)


def harmless(value: Any) -> str:
    """Return a value that can be nobody's name or address as it is, and any other by its size."""
    if isinstance(value, str):
        return quoted(value) if re.fullmatch(_HARMLESS_VALUE, value) else size(value)
    return _scalar(value)


def key_without_address(key: str) -> str:
    """Return a key on one line, or its length when it may hold an address."""
    return f"(a key of {len(key)} characters)" if may_hold_address(key) else printable(key, limits.SHOWN_KEY_CHARACTERS)


def harmless_key(key: str) -> str:
    """Return a key that can be nobody's name or address, or its length."""
    return key if re.fullmatch(_HARMLESS_KEY, key) else f"(a name of {len(key)} characters)"


# For documents that operators write: only addresses are kept from the messages.
OPEN = Disclosure(without_addresses, key_without_address)
# For payloads, which may come from anywhere and name people: only words and numbers are repeated.
GUARDED = Disclosure(harmless, harmless_key)


def problems_of(
    error: ValidationError, model: type[BaseModel], document: Any, wording: Wording, root: str = "$"
) -> list[Problem]:
    """Return one Problem for each place that pydantic found wrong when it read `document` as `model`.

    `root` is the JSON path of the document itself. Unknown keys come first, as one of them is often why another key
    is missing.
    """
    return list(_by_place(error, model, document, wording, root).values())


def attempt(
    model: type[_Model], document: Any, wording: Wording, root: str = "$"
) -> tuple[_Model | None, list[Problem]]:
    """Read `document` as `model`; return the model, or None and what is wrong."""
    try:
        return model.model_validate(document), []
    except ValidationError as error:
        return None, problems_of(error, model, document, wording, root)


def usable_part(
    model: type[_Model], document: Mapping[str, Any], wording: Wording, root: str = "$"
) -> tuple[_Model, dict[str, Problem]]:
    """Read what is right of `document` as `model`, all of whose fields have defaults.

    Return the model, in which a wrong field has its default, and the problem of each wrong field, by its key.
    """
    try:
        return model.model_validate(document), {}
    except ValidationError as error:
        found = _by_place(error, model, document, wording, root)
    wrong = {str(place[0]): problem for place, problem in found.items()}
    return model.model_validate({key: value for key, value in document.items() if key not in wrong}), wrong


def _by_place(
    error: ValidationError, model: type[BaseModel], document: Any, wording: Wording, root: str
) -> dict[_Place, Problem]:
    details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    found: dict[_Place, Problem] = {}
    for detail in details:
        place = _place(detail, document)
        if place not in found:
            path = root + "".join(_step(step, wording.disclosure) for step in place)
            found[place] = Problem(path, _text(detail, place, model, wording))
    return found


def _place(detail: ErrorDetails, document: Any) -> _Place:
    """Return where in the document a finding is; pydantic's own location also names the branches of unions."""
    place: list[int | str] = []
    value = document
    for step in detail["loc"]:
        if _has(value, step):
            value = value[step]
        elif detail["type"] != "missing":
            continue
        place.append(step)
    return tuple(place)


def _has(value: Any, step: int | str) -> bool:
    if isinstance(step, int):
        return isinstance(value, list | tuple) and step < len(value)
    return isinstance(value, Mapping) and step in value


def _step(step: int | str, disclosure: Disclosure) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{disclosure.key(step)}"


def _text(detail: ErrorDetails, place: _Place, model: type[BaseModel], wording: Wording) -> str:
    field = str(place[0]) if place else ""
    value, must = detail["input"], (wording.must or {}).get(_named(place))
    told = size if field in wording.personal else wording.disclosure.value
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "extra_forbidden":
        return f"{wording.unknown}{did_you_mean(str(place[-1]), _fields(model, place))}"
    if detail["type"] == "missing":
        description = _fields(model, place).get(str(place[-1]))
        return "missing" if description is None else f"missing: {description[:1].lower()}{description[1:].rstrip('.')}"
    if must is not None:
        return f"must be {must}, not {told(value)}"
    if detail["type"] in _TYPES:
        exact = isinstance(value, float) and detail["type"] == "int_type"
        return f"must be {_TYPES[detail['type']]}, not {told(value) if exact else kind(value)}"
    if detail["type"] in _EMPTY:
        return "must not be empty"
    return f"{_rule(detail)}, not {told(value)}"


def _named(place: _Place) -> str:
    """Return a place as `must` names it: `field`, or `field[]` for an entry of it."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in place)[1:]


def _rule(detail: ErrorDetails) -> str:
    """Return what a value of the right type should have been."""
    words = _VALUES.get(detail["type"])
    if words is None:
        return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return "must " + words.format(**detail.get("ctx", {})).replace("'", '"')


def _fields(model: type[BaseModel], place: _Place) -> Mapping[str, str | None]:
    """Return the keys that the object around a place may have, with what the model says of each."""
    around: type[BaseModel] | None = model
    for step in place[:-1]:
        if isinstance(step, str) and around is not None:
            field = around.model_fields.get(step)
            around = None if field is None else _model_in(field.annotation)
    fields = {} if around is None else around.model_fields
    return {field.alias or name: field.description for name, field in fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in an annotation such as `list[Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for found in map(_model_in, get_args(annotation)) if found is not None), None)


def _scalar(value: Any) -> str:
    return printable(json.dumps(value)) if value is None or isinstance(value, bool | int | float) else size(value)
