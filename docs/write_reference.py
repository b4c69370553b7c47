"""Write the generated tables of docs/reference.md anew: `make reference`. A test compares them with the code.

The page is written by hand but for what stands between `<!-- NAME -->` and `<!-- /NAME -->`: those blocks are made of
the models, settings, keys and flags themselves. Meanings come from the models' own descriptions.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ses_fleet.actions.catalogue import ACTIONS, Action, field_scope
from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.config.file_models import CustomerFields, DefaultsFields, TopicFields
from ses_fleet.people.kinds import RowKind
from ses_fleet.people.rows import MODELS
from ses_fleet.runs import keys
from ses_fleet.runs.models import CustomerResult, RunRequest, Summary
from ses_fleet.settings import OrchestratorSettings, WorkerSettings
from ses_fleet_cli.main import app

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference.md"

_BLOCK = re.compile(r"(?P<begin><!-- (?P<name>[a-z]+) -->\n)\n.*?(?P<end><!-- /(?P=name) -->)", re.DOTALL)
_PREFIXES = ("open/", "runs/", "receipts/", "leases/", "erased/", "data/", "backups/")
# What stands for a parameter whose form matters, by its annotation.
_PEOPLE_ID = "0" * 32
_GIVEN = {"int": 1, "PeopleId": _PEOPLE_ID}
_FOR = {"all": "`-all`", "single": "one customer", "both": "both"}


def blocks() -> dict[str, str]:
    """Return every generated block of the page by its name."""
    return {
        "payload": _payload(),
        "actions": "\n\n".join(_action(action) for action in ACTIONS.values() if action.scopes),
        "rows": "\n\n".join(_kind(kind) for kind in MODELS),
        "summary": _fields(Summary, without="results"),
        "results": _fields(CustomerResult),
        "record": _table(("key", "what it is"), _record()),
        "environment": "\n\n".join((_settings(OrchestratorSettings), _settings(WorkerSettings))),
        "command": "\n\n".join(_commands()),
        "customers": _keys(CustomerFields),
        "defaults": _keys(DefaultsFields),
        "topics": _keys(TopicFields),
    }


def written(page: str) -> str:
    """Return the page's text with every block made anew; KeyError for a block that nobody makes."""
    made = blocks()
    return _BLOCK.sub(lambda found: f"{found['begin']}\n{made[found['name']]}\n\n{found['end']}", page)


def _payload() -> str:
    schema = RunRequest.model_json_schema()
    rows = []
    for name, field in schema["properties"].items():
        default = "required" if name in schema["required"] else _default(field)
        meaning = _meaning(field)
        rows.append((f"`{name}`", _FOR[field_scope(name)], _given(field, schema), default, meaning))
    return _table(("field", "for", "value", "default", "meaning"), rows)


def _action(action: Action) -> str:
    names = " and ".join(f"`{action.name}{'-all' if scope == 'all' else ''}`" for scope in reversed(action.scopes))
    does = "changes customers' lists" if action.mutates else "changes nothing in customers' accounts"
    takes = "; takes `prune`" if action.prunes else ""
    role = f"; needs version {action.role_version} of the customer's role" if action.role_version > 1 else ""
    purpose = f"{action.purpose[0].upper()}{action.purpose[1:]}."
    parts = [f"### {action.name}", purpose, f"{names}: {does}{takes}{role}."]
    params = action.params.model_json_schema()
    if action.people is not None:
        people = action.people
        parts.append(
            f"It needs a [people file](#people-files): at most {people.at_most:,} rows of kind *{people.kind}*."
        )
    rows = [
        (f"`{name}`", _given(field, params), _default(field), field["description"])
        for name, field in params["properties"].items()
    ]
    if rows:
        parts.append(_table(("parameter", "value", "default", "meaning"), rows))
    parts += ["Its data:", _fields(DATA_MODELS[action.name])]
    return "\n\n".join(parts)


def _kind(kind: RowKind) -> str:
    return f"Rows of kind *{kind}*:\n\n{_fields(MODELS[kind])}"


def _keys(model: type[BaseModel]) -> str:
    """Return a table of the keys that one entry of a configuration file has."""
    fields = model.model_json_schema()["properties"].items()
    return _table(("key", "meaning"), [(f"`{name}`", _meaning(field)) for name, field in fields])


def _fields(model: type[BaseModel], without: str = "") -> str:
    """A table of everything that a model holds, models inside it included, but for those in the field `without`."""
    schema = model.model_json_schema(mode="serialization")
    rows = _rows(schema, schema, "")
    shown = [row for row in rows if not without or not row[0].startswith((f"`{without}[]", f"`{without}."))]
    return _table(("field", "value", "meaning"), shown)


def _rows(part: Mapping[str, Any], whole: Mapping[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    for name, field in part.get("properties", {}).items():
        yield f"`{path}{name}`", _type(field, whole), _meaning(field)
        for one in _alternatives(field):
            inner, suffix = _inner(one, whole)
            if inner is not None:
                yield from _rows(inner, whole, f"{path}{name}{suffix}.")


def _alternatives(field: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models of which a field holds one, each on its own; else the field itself."""
    models = [one for one in field.get("anyOf", ()) if "$ref" in one]
    return models if len(models) > 1 else [field]


def _inner(field: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The model that a field holds, and how the path to it goes on: `[]` for a list, `.NAME` for an object of them."""
    for one in field.get("anyOf", [field]):
        if "$ref" in one:
            return whole["$defs"][one["$ref"].rpartition("/")[2]], ""
        if "items" in one:
            inner, suffix = _inner(one["items"], whole)
            return inner, f"[]{suffix}"
        if isinstance(one.get("additionalProperties"), dict):
            inner, suffix = _inner(one["additionalProperties"], whole)
            return inner, f".NAME{suffix}"
    return None, ""


def _type(field: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """What a JSON value of a field's schema may be, in a few words."""
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(one, whole) for one in field["anyOf"]))
    if "$ref" in field:
        return "object"
    if "enum" in field or "const" in field:
        return " or ".join(json.dumps(value) for value in _values(field))
    if "items" in field:
        inside = _type(field["items"], whole)
        return (
            f"list of texts {inside[5:]}" if inside.startswith("text `") else f"list of {inside}s".replace("ys", "ies")
        )
    words = {"boolean": "true or false", "integer": "integer", "number": "number", "string": "text", "null": "null"}
    return words.get(str(field.get("type")), "object") + _bounds(field)


def _given(field: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """What a field may be given as: null is how a field is when it is left out."""
    return _type(field, whole).removesuffix(" or null")


def _values(field: Mapping[str, Any]) -> list[Any]:
    return list(field["enum"]) if "enum" in field else [field["const"]]


def _bounds(field: Mapping[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f" {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    return f" `{field['pattern']}`".replace("|", "\\|") if "pattern" in field else ""


def _default(field: Mapping[str, Any]) -> str:
    """The default as JSON; nothing where it is null or empty, which is how a field is when it is left out."""
    if "default" not in field:
        return "" if field.get("type") == "object" else "required"
    return f"`{json.dumps(field['default'])}`" if field["default"] not in (None, []) else ""


def _meaning(field: Mapping[str, Any]) -> str:
    """Return the field's own description as a table has it; KeyError for a field that nobody explains."""
    said = str(field["description"])
    return said[0].lower() + said[1:].rstrip(".") if said[1].islower() or said.startswith("A ") else said


def _record() -> Iterator[tuple[str, str]]:
    """Every place of the record, with capitals for what differs and 1 for any number."""
    for function in vars(keys).values():
        if inspect.isfunction(function) and function.__module__ == keys.__name__:
            example = _example(function)
            if example.startswith(_PREFIXES):
                said = " ".join((inspect.getdoc(function) or "").split())
                yield f"`{example}`", re.sub(r"^Return the (key|prefix) of ", "", said)


def _example(function: Any) -> str:
    parameters = inspect.signature(function).parameters.values()
    given = (_GIVEN.get(one.annotation, one.name.upper()) for one in parameters)
    return str(function(*given)).replace(_PEOPLE_ID, "PEOPLE")


def _settings(settings: type[BaseModel]) -> str:
    rows = []
    for field in settings.model_fields.values():
        value = field.default
        shown = "" if value is None else f"`{getattr(value, 'pattern', value)}`".replace("|", "\\|")
        default = "required" if value is PydanticUndefined else shown
        rows.append((f"`{field.alias}`", default, str(field.description)))
    title = settings.__name__.removesuffix("Settings").lower()
    return f"The {title}:\n\n{_table(('variable', 'default', 'meaning'), rows)}"


def _commands() -> Iterator[str]:
    """A heading and a table of flags for each of the command's commands."""
    for words, command in _leaves([], typer.main.get_command(app)):
        rows = []
        for parameter in command.params:
            if parameter.name == "help":
                continue
            is_flag = parameter.param_type_name == "option"
            shown = ", ".join(parameter.opts) if is_flag else str(parameter.name).upper()
            default = parameter.default if parameter.default not in (None, False, ()) and is_flag else ""
            rows.append((f"`{shown}`", f"`{default}`" if default != "" else "", getattr(parameter, "help", "") or ""))
        about = " ".join((command.help or "").split())
        yield f"#### `ses-fleet {' '.join(words)}`\n\n{about}\n\n{_table(('', 'default', ''), rows)}"


def _leaves(words: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    inside = getattr(command, "commands", None)
    if inside is None:
        yield words, command
    for name, one in (inside or {}).items():
        yield from _leaves([*words, name], one)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("  ", " ") for line in lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
