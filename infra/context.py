"""cdk.json's context → Settings, or one ContextError with every problem, before anything is synthesised."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.schedule_problems import schedule_problems
from infra.settings import OrchestratorPart, Settings, WorkerPart
from ses_fleet import json_text, limits, problems
from ses_fleet.errors import JsonError, Problem
from ses_fleet.identifiers import SECRET_PATTERN, TOPIC_ARN_PATTERN
from ses_fleet.settings import OrchestratorSettings, WorkerSettings
from ses_fleet.text import did_you_mean, printable, quoted

KEY = "ses-fleet"
_WORDING = problems.Wording(problems.OPEN, unknown="unknown setting")

# IAM: a role's path and name; a pattern may have "*" in it.
_ROLE_PATTERN = re.compile(r"[A-Za-z0-9_+=,.@*-]+(?:/+[A-Za-z0-9_+=,.@*-]+)*")
_SOME_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{4}")
_ROLE_CHARACTERS = limits.ROLE_NAME_CHARACTERS + limits.ROLE_PATH_CHARACTERS
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")  # S3 user guide: names of buckets
_SNS_TOPIC = re.compile(TOPIC_ARN_PATTERN)
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:root|(?:role|user)/[A-Za-z0-9_+=,.@*/-]+)")
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::(?P<account>[0-9]{12}):assumed-role/.+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# What the stack itself puts into a function's environment.
_BOTH_OWN = frozenset({"ERASURE_SECRET", "RESULTS_BUCKET"})
_DAYS = frozenset({"DATA_DAYS", "BACKUPS_DAYS", "OLD_VERSIONS_DAYS"})
_NOTIFY = frozenset({"NOTIFY_TOPIC_ARN", "NOTIFY_ON"})
_ORCHESTRATOR_OWN = (
    _BOTH_OWN | {"CONFIG_BUCKET", "CONFIG_KEY", "SES_CONFIG_KEY", "WORKER_FUNCTION_NAME"} | _DAYS | _NOTIFY
)
_WORKER_OWN = _BOTH_OWN
_PLACEHOLDERS = {
    "AWS_REGION": "us-east-1",
    **dict.fromkeys((_ORCHESTRATOR_OWN | _WORKER_OWN) - _NOTIFY, "given-by-the-stack"),
    **dict.fromkeys(_DAYS, "1"),
}

_Problems = Iterator[Problem]
_Document = Mapping[str, Any]


class ContextError(Exception):
    """cdk.json's context is wrong. The message has a line for every problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f'context "{KEY}": {problem}' for problem in problems))


def read(context: Any, defaults: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the context's value, an object or its JSON text; raise ContextError with every problem.

    `defaults` are settings that depend on where it is deployed to, for what the context does not say.
    """
    document = {**(defaults or {}), **_document(context)}
    found = _shape_problems(document)
    for look in _LOOKS:  # each at its own part, whatever else is wrong
        found += look(document)
    if found:
        raise ContextError(found)
    return Settings.model_validate(document)


def _document(context: Any) -> dict[str, Any]:
    if isinstance(context, str):
        text = context
        try:
            context = json_text.parse(text, quoted(text))
        except JsonError as error:
            raise ContextError(list(error.problems)) from None
    if context is None:
        raise ContextError([Problem("$", "missing in cdk.json: see docs/operating.md; {} takes every default")])
    if not isinstance(context, dict):
        raise ContextError([Problem("$", f"must be a JSON object, not {problems.kind(context)}")])
    found = list(json_text.problems_of(context, "the context"))
    if found:
        raise ContextError(found)
    return context


def _shape_problems(document: _Document) -> list[Problem]:
    return problems.attempt(Settings, document, _WORDING)[1]


def _log_problems(document: _Document) -> _Problems:
    days = document.get("log_days")
    if isinstance(days, int) and days not in limits.LOG_RETENTION_DAYS:
        yield Problem("$.log_days", f"must be one of {', '.join(map(str, limits.LOG_RETENTION_DAYS))}")


def _bucket_problems(document: _Document) -> _Problems:
    name = document.get("config_bucket")
    if isinstance(name, str) and (not _BUCKET.fullmatch(name) or _is_address(name)):
        yield Problem("$.config_bucket", f"{quoted(name)} is not the name of a bucket")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _role_problems(document: _Document) -> _Problems:
    for index, pattern in _texts(document, "role_patterns"):
        path = f"$.role_patterns[{index}]"
        if not _ROLE_PATTERN.fullmatch(pattern) or len(pattern) > _ROLE_CHARACTERS:
            text = 'is not a pattern of role names such as "*contact-manager" or "teams/email/*", no arn: or spaces'
            yield Problem(path, f"{quoted(pattern)} {text}")
        elif not _SOME_NAME.search(pattern):
            text = "would let the worker assume nearly every role: give at least four characters in a row"
            yield Problem(path, f"{quoted(pattern)} {text}")


def _secret_problems(document: _Document) -> _Problems:
    secret = document.get("erasure_secret")
    if isinstance(secret, str) and not re.fullmatch(SECRET_PATTERN, secret):
        text = "is not the name of a secret such as ses-fleet/erasure, nor an ARN with its last six characters"
        yield Problem("$.erasure_secret", f"{quoted(secret)} {text}")


def _admin_problems(document: _Document) -> _Problems:
    for index, arn in _texts(document, "data_admins"):
        path, found, session = f"$.data_admins[{index}]", _PRINCIPAL.fullmatch(arn), _SESSION.fullmatch(arn)
        if session is not None:
            text = f"is a session: name its role, arn:aws:iam::{session['account']}:role/…"
            yield Problem(path, f"{quoted(arn)} {text}")
        elif found is None:
            text = "is not the ARN of a role, a user or the root of an account, such as arn:aws:iam::…:role/admin"
            yield Problem(path, f"{quoted(arn)} {text}")
        elif "*" in arn and not _SOME_NAME.search(arn.rpartition("/")[2]):
            text = "would mean nearly everybody: give at least four characters in a row after the last /"
            yield Problem(path, f"{quoted(arn)} {text}")


def _alarm_problems(document: _Document) -> _Problems:
    emails = list(_texts(document, "alarm_emails"))
    counted = Counter(email for _, email in emails)
    for index, email in emails:
        if not _EMAIL.fullmatch(email):
            yield Problem(f"$.alarm_emails[{index}]", f'"{printable(email)}" is not an e-mail address')
        elif counted[email] > 1:
            counted[email] = 1
            yield Problem(f"$.alarm_emails[{index}]", f'"{printable(email)}" is there more than once')
    topic = document.get("alarm_topic_arn")
    if isinstance(topic, str) and not _SNS_TOPIC.fullmatch(topic):
        yield Problem("$.alarm_topic_arn", f"{quoted(topic)} is not the ARN of an SNS topic")
    elif topic is not None and emails:
        yield Problem("$.alarm_topic_arn", "alarm_emails are for a topic of the stack's own: give one of the two")


def _notify_problems(document: _Document) -> _Problems:
    topic = _inside(document, "notify").get("topic_arn")
    if isinstance(topic, str) and not _SNS_TOPIC.fullmatch(topic):
        text = "is not the ARN of an SNS topic; mail and chats do not subscribe to one that ends with .fifo"
        yield Problem("$.notify.topic_arn", f"{quoted(topic)} {text}")


def _environment_problems(document: _Document) -> _Problems:
    for part, model, own in (
        ("orchestrator", OrchestratorSettings, _ORCHESTRATOR_OWN),
        ("worker", WorkerSettings, _WORKER_OWN),
    ):
        given, path = _environment(document, part), f"$.{part}.environment"
        known = {str(field.alias) for field in model.model_fields.values()} - own - {"AWS_REGION"}
        for name in given:
            if name not in known:
                reason = "is set by the stack" if name in own else f"is not read by the {part}"
                yield Problem(f"{path}.{problems.OPEN.key(name)}", f"{reason}{did_you_mean(name, known)}")
        size = sum(len(name.encode()) + len(value.encode(errors="replace")) for name, value in given.items())
        if size > limits.OWN_ENVIRONMENT_BYTES:
            yield Problem(path, f"has {size} bytes, more than the {limits.OWN_ENVIRONMENT_BYTES} that Lambda leaves")
        values = {**_PLACEHOLDERS, **{name: value for name, value in given.items() if name in known}}
        yield from problems.attempt(model, values, _WORDING, path)[1]


def _slice_problems(document: _Document) -> _Problems:
    """Yield a problem when a slice would not end before the worker's own time does."""
    timeout = _inside(document, "worker").get("timeout_seconds", WorkerPart().timeout_seconds)
    budget = _number(_environment(document, "orchestrator").get("SLICE_BUDGET_SECONDS"))
    if isinstance(timeout, int) and budget is not None and budget + limits.WORKER_MARGIN_SECONDS > timeout:
        text = f"a slice of {budget:g} s does not fit into the worker's timeout_seconds of {timeout}"
        yield Problem("$.orchestrator.environment.SLICE_BUDGET_SECONDS", text)


def _margin_problems(document: _Document) -> _Problems:
    """Yield a problem when the orchestrator would never have the time to start a customer."""
    timeout = _inside(document, "orchestrator").get("timeout_seconds", OrchestratorPart().timeout_seconds)
    given, needed = _environment(document, "orchestrator"), 0.0
    for field, name in (("start_margin", "START_MARGIN_SECONDS"), ("return_margin", "RETURN_MARGIN_SECONDS")):
        margin = _number(given.get(name, str(OrchestratorSettings.model_fields[field].default)))
        if margin is None:
            return  # _environment_problems says what is wrong with it
        needed += margin
    if isinstance(timeout, int) and not needed < timeout:
        text = f"{timeout} seconds leave no time to start a customer: the margins alone are {needed:g} s"
        yield Problem("$.orchestrator.timeout_seconds", text)


_LOOKS: tuple[Callable[[_Document], _Problems], ...] = (
    _log_problems,
    _bucket_problems,
    _role_problems,
    _secret_problems,
    _admin_problems,
    _alarm_problems,
    _notify_problems,
    _environment_problems,
    _slice_problems,
    _margin_problems,
    schedule_problems,
)


def _texts(document: _Document, part: str) -> Iterator[tuple[int, str]]:
    entries = document.get(part)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, str):
            yield index, entry


def _inside(document: _Document, part: str) -> _Document:
    value = document.get(part)
    return value if isinstance(value, dict) else {}


def _environment(document: _Document, part: str) -> dict[str, str]:
    given = _inside(_inside(document, part), "environment")
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
