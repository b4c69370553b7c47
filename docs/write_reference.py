"""Write the generated tables of docs/reference.md anew: `make reference`. A test compares them with the code.

The page is written by hand but for what stands between `<!-- NAME -->` and `<!-- /NAME -->`: those blocks are made of
the models, settings, keys and flags themselves. Meanings come from the models' descriptions, and else from MEANINGS.
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
from ses_fleet.runs import keys
from ses_fleet.runs.models import CustomerResult, RunRequest, Summary
from ses_fleet.settings import OrchestratorSettings, WorkerSettings
from ses_fleet_cli.main import app

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference.md"

_BLOCK = re.compile(r"(?P<begin><!-- (?P<name>[a-z]+) -->\n)\n.*?(?P<end><!-- /(?P=name) -->)", re.DOTALL)
_PREFIXES = ("runs/", "data/", "backups/")
_FOR = {"all": "`-all`", "single": "one customer", "both": "both"}

# What fields without a description of their own mean.
MEANINGS: dict[str, dict[str, str]] = {
    "RunRequest": {
        "action": "what to do: `help`, or one of [Actions](#actions)",
        "dry_run": "show what would be done and write nothing; of an action that only reads, show which role and "
        "Region each customer would be reached by, and start no worker",
        "max_customer_concurrency": "customers at once; 0, a negative number or more than are selected = all at once, "
        "but never more than 500",
        "include": "only these customer codes, started in this order; an unknown code refuses the run",
        "exclude": "all customers but these codes",
        "environment": "only customers whose `environment` in config.json is this",
        "max_failures": "stop starting customers when more than so many started ones have failed; "
        '`"10%"` is of the selected ones, rounded down',
        "customer_timeout_seconds": "the longest that one customer may take, over all its slices",
        "on_deadline": "what becomes of customers that do not fit into this invocation: `stop` leaves them not "
        "started, `continue` goes on in another invocation",
        "customer_code": "the one customer of an action that runs on one",
        "ses_role_arn": "another role of the same account in place of the configured one",
        "prune": "also remove what is not wanted: topics that SESConfig.json does not have, people who left Identity "
        "Center",
        "confirm_customers": "how many customers are selected; required with `prune`, and another number refuses the "
        "run",
        "run_id": "an id of your own; the same id with the same request starts nothing and answers the run's state",
        "trigger": "`{schedule_arn, scheduled_time}`: which schedule fired and when, from EventBridge Scheduler. "
        "The run's id is made of both, so an "
        "event that is delivered twice is one run",
        "params": "the action's own parameters; unknown ones refuse the run",
    },
    "CustomerResult": {
        "customer_code": "the key in config.json",
        "customer_name": "`customer_name`, or the code where config.json has none",
        "account_id": "the customer's account, of its role's ARN; null where that is malformed",
        "region": "where the customer's list is; null where it is not known",
        "status": "`successful`, `failed`, `skipped` (nothing to do for it, such as no role) or `not_started` "
        "(`warnings` say why)",
        "error": "why the customer failed; null else",
        "data": "what the action found out, see [Actions](#actions); null for a failure, or when it is too large for "
        "the answer",
        "data_location": "`s3://` URI of data that is not in the answer",
        "warnings": "what should be looked at, although nothing failed",
        "api_calls": "requests to SES and Identity Center",
        "processing_time_seconds": "from the first Invoke to the last answer",
        "attempts": "Invoke requests sent, over all slices",
        "logs": "lines of the customer's block; null here, and kept in `results/CODE.json`",
        "continuation": "where a customer stopped between slices; null here, and kept in `results/CODE.json`",
        "success": "whether the status is successful",
    },
    "ErrorInfo": {
        "category": "see [Errors](#errors)",
        "type": "a stable name: AWS's error code, or one of ours",
        "message": "what happened, to whom, and what to do; without addresses",
        "retryable": "whether the same run may succeed later, with nothing mended",
        "outcome_unknown": "whether something may have been written that nobody heard of: run that customer again",
    },
    "Summary": {
        "run_id": "the run's id",
        "action": "as in the payload",
        "dry_run": "as in the payload",
        "started_at": "when the run began",
        "total_duration_seconds": "wall clock, over all invocations",
        "total_customers": "customers selected",
        "successful_count": "how many were successful",
        "failed_count": "how many failed",
        "skipped_count": "how many were skipped",
        "not_started_count": "how many were not started",
        "results": "one of the [Results](#results) for each selected customer, in config.json's order",
        "warnings": "what concerns the run as a whole",
        "errors": "why the run was refused; empty else",
        "concurrency": "how many customers ran at once; null for a refused run",
        "config_version": "which versions of the files the run read",
        "summary_location": "`s3://` URI of this Summary",
        "resume": "the payload that runs exactly what failed or was not started; null if there is nothing",
        "resume_needs": "what must be given again for `resume` to be taken, such as `params.username`",
        "fleet": "the comparison of customers that `describe-topics-all` makes; null for other actions",
        "exit_code": "0 all successful or skipped, 1 some failed or not started, 2 refused, null while the run goes on",
    },
    "Concurrency": {
        "requested": "`max_customer_concurrency` of the payload",
        "effective": "how many may run at once",
        "peak": "how many really did",
        "bound_by": '`"service_cap"` when 500 was the bound, else null',
    },
    "ConfigVersion": {
        "config": "S3's version id of config.json, or its ETag without versions",
        "ses_config": "the same of SESConfig.json; null where it was not read",
    },
    "OrchestratorSettings": {
        "config_bucket": "the bucket with config.json and SESConfig.json",
        "config_key": "the key of config.json",
        "ses_config_key": "the key of SESConfig.json",
        "results_bucket": "the bucket of run records, data and backups",
        "worker_function_name": "the worker's function",
        "region": "set by Lambda",
        "slice_budget": "seconds that a worker may work in one invocation",
        "start_margin": "no customer and no slice is started with fewer seconds left",
        "return_margin": "seconds before its own deadline at which the orchestrator returns",
    },
    "WorkerSettings": {
        "region": "set by Lambda",
        "results_bucket": "the bucket of run records, data and backups",
        "ses_requests_per_second": "requests to SES a second and customer; 0 = unpaced",
        "ses_burst": "requests that may be sent at once before that",
        "default_list_name": "the name of a list that is made where a customer has none",
        "default_list_description": "the description of such a list",
        "identity_center_requests_per_second": "requests a second to each API of Identity Center; 0 = unpaced",
        "group_role_pattern": "a regular expression for whole group names; its group `role` is what `OptInRoles` name",
        "import_job_threshold": "up to so many new contacts are made one by one, more by an import job",
        "verify_contacts": "`off` leaves out the look at the list after contacts were changed",
        "prune_limit_percent": "an import with `prune` that would remove more of the list is refused",
    },
}


def blocks() -> dict[str, str]:
    """Return every generated block of the page by its name."""
    return {
        "payload": _payload(),
        "actions": "\n\n".join(_action(action) for action in ACTIONS.values() if action.scopes),
        "summary": _fields(Summary, without="results"),
        "results": _fields(CustomerResult),
        "record": _table(("key", "what it is"), _record()),
        "environment": "\n\n".join((_settings(OrchestratorSettings), _settings(WorkerSettings))),
        "command": "\n\n".join(_commands()),
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
        meaning = _meaning("RunRequest", name, field)
        rows.append((f"`{name}`", _FOR[field_scope(name)], _given(field, schema), default, meaning))
    return _table(("field", "for", "value", "default", "meaning"), rows)


def _action(action: Action) -> str:
    names = " and ".join(f"`{action.name}{'-all' if scope == 'all' else ''}`" for scope in reversed(action.scopes))
    does = "changes customers' lists" if action.mutates else "changes nothing in customers' accounts"
    takes = "; takes `prune`" if action.prunes else ""
    parts = [f"### {action.name}", f"{action.purpose[0].upper()}{action.purpose[1:]}.", f"{names}: {does}{takes}."]
    params = action.params.model_json_schema()
    rows = [
        (f"`{name}`", _given(field, params), _default(field), field["description"])
        for name, field in params["properties"].items()
    ]
    if rows:
        parts.append(_table(("parameter", "value", "default", "meaning"), rows))
    data: type[BaseModel] | None = getattr(action, "data", None)
    if data is not None:
        parts += ["Its data:", _fields(data)]
    return "\n\n".join(parts)


def _fields(model: type[BaseModel], without: str = "") -> str:
    """A table of everything that a model holds, models inside it included, but for those in the field `without`."""
    schema = model.model_json_schema(mode="serialization")
    rows = _rows(model.__name__, schema, schema, "")
    shown = [row for row in rows if not without or not row[0].startswith((f"`{without}[]", f"`{without}."))]
    return _table(("field", "value", "meaning"), shown)


def _rows(model: str, part: Mapping[str, Any], whole: Mapping[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    for name, field in part.get("properties", {}).items():
        inner, suffix = _inner(field, whole)
        yield f"`{path}{name}`", _type(field, whole), _meaning(model, name, field)
        if inner is not None:
            yield from _rows(inner["title"], inner, whole, f"{path}{name}{suffix}.")


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
        return " or ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in _values(field))
    if "items" in field:
        return f"list of {_type(field['items'], whole)}s".replace("ys", "ies")
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


def _meaning(model: str, name: str, field: Mapping[str, Any]) -> str:
    """The field's own description, else ours; KeyError for a field that nobody explains."""
    said = str(field["description"]) if "description" in field else MEANINGS[model][name]
    return said[0].lower() + said[1:].rstrip(".") if said[1].islower() else said


def _record() -> Iterator[tuple[str, str]]:
    """Every place of the record, with capitals for what differs and 1 for any number."""
    for function in vars(keys).values():
        if inspect.isfunction(function) and function.__module__ == keys.__name__:
            example = _example(function)
            if example.startswith(_PREFIXES):
                yield f"`{example}`", " ".join((inspect.getdoc(function) or "").split())


def _example(function: Any) -> str:
    parameters = inspect.signature(function).parameters.values()
    return str(function(*(1 if one.annotation == "int" else one.name.upper() for one in parameters)))


def _settings(settings: type[BaseModel]) -> str:
    rows = []
    for name, field in settings.model_fields.items():
        value = field.default
        default = (
            "required" if value is PydanticUndefined else f"`{getattr(value, 'pattern', value)}`".replace("|", "\\|")
        )
        rows.append((f"`{field.alias}`", default, field.description or MEANINGS[settings.__name__][name]))
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
