"""What an operator sets in cdk.json, checked before anything is synthesised: one error names every fault."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from infra.schedule_times import longest_gap
from orchestrator import request
from shared import limits
from shared.actions import HELP
from shared.clock import now
from shared.errors import ConfigurationError, Fault, RequestError
from shared.settings import OrchestratorSettings, WorkerSettings
from shared.text import did_you_mean, printable, quoted

CONTEXT_KEY = "ses-fleet"

# IAM: a role's path and name; a pattern may have "*" in it.
_ROLE_PATTERN = re.compile(r"[A-Za-z0-9_+=,.@*-]+(?:/[A-Za-z0-9_+=,.@*-]+)*")
_LITERALS = re.compile(r"[A-Za-z0-9]")
_SNS_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# What the stack itself puts into a function's environment.
_ORCHESTRATOR_OWN = frozenset(
    {"CONFIG_BUCKET", "CONFIG_KEY", "SES_CONFIG_KEY", "RESULTS_BUCKET", "WORKER_FUNCTION_NAME"}
)
_WORKER_OWN = frozenset({"RESULTS_BUCKET"})
_PLACEHOLDERS = {"AWS_REGION": "us-east-1", **dict.fromkeys(_ORCHESTRATOR_OWN | _WORKER_OWN, "given-by-the-stack")}

PythonVersion = Literal["3.11", "3.12", "3.13", "3.14"]
ArchitectureName = Literal["arm64", "x86_64"]
Days = Annotated[int, Field(ge=1)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Memory = Annotated[int, Field(ge=limits.LAMBDA_MEMORY_MB[0], le=limits.LAMBDA_MEMORY_MB[1])]


class SettingsError(Exception):
    """The context is wrong; the message has a line for every fault."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(f"cdk.json: {fault}" for fault in faults))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Schedule(_Part):
    """One schedule: `expression` is cron(...), rate(...) or at(...) of EventBridge Scheduler, `payload` an action's."""

    name: Annotated[str, StringConstraints(pattern=f"^{limits.SCHEDULE_NAME}$")]
    expression: str
    time_zone: str = "UTC"
    payload: dict[str, Any]
    enabled: bool = True

    @model_validator(mode="after")
    def _has_times(self) -> Schedule:
        longest_gap(self.expression, self.time_zone)  # ValueError says what is wrong
        return self

    @property
    def event(self) -> dict[str, Any]:
        """The payload as the orchestrator gets it, but for `trigger`."""
        return {"on_deadline": "continue", **self.payload}


class OrchestratorPart(_Part):
    """The orchestrator function. `environment` may set what shared/settings.py reads and the stack does not set."""

    memory_mb: Memory = 512
    timeout_seconds: Annotated[int, Field(ge=60, le=limits.ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS)] = 900
    environment: dict[str, str] = Field(default_factory=dict)


class WorkerPart(_Part):
    """The worker function. It is invoked synchronously, so it must end before idle connections die."""

    memory_mb: Memory = 256
    timeout_seconds: Annotated[int, Field(ge=30, le=limits.WORKER_FUNCTION_TIMEOUT_SECONDS)] = 290
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    environment: dict[str, str] = Field(default_factory=dict)


class Settings(_Part):
    """All of cdk.json's context "ses-fleet". `config_bucket` None = the stack makes one."""

    python_version: PythonVersion = "3.13"
    architecture: ArchitectureName = "arm64"
    config_bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    config_key: Key = "config.json"
    ses_config_key: Key = "SESConfig.json"
    runs_days: Days = 90
    data_days: Days = 90
    backups_days: Days = 400
    log_days: int = 90
    delete_data_on_destroy: bool = False
    tracing: bool = False
    role_patterns: Annotated[list[str], Field(min_length=1)] = Field(
        default_factory=lambda: ["*contact-manager", "*contact-importer"]
    )
    orchestrator: OrchestratorPart = OrchestratorPart()
    worker: WorkerPart = WorkerPart()
    alarm_emails: list[str] = Field(default_factory=list)
    alarm_topic_arn: str | None = None
    schedules: list[Schedule] = Field(default_factory=list)

    @field_validator("log_days")
    @classmethod
    def _known_to_cloudwatch(cls, days: int) -> int:
        if days not in limits.LOG_RETENTION_DAYS:
            raise ValueError(f"must be one of {', '.join(map(str, limits.LOG_RETENTION_DAYS))}")
        return days

    @field_validator("alarm_topic_arn")
    @classmethod
    def _topic(cls, arn: str | None) -> str | None:
        if arn is not None and not _SNS_TOPIC.fullmatch(arn):
            raise ValueError("must be the ARN of an SNS topic")
        return arn


def read(context: Any) -> Settings:
    """Settings of the context's value, an object or its JSON text; SettingsError names every fault."""
    document = _document(context)
    faults = list(_shape_faults(document))
    faults += _meaning_faults(document)
    if faults:
        raise SettingsError(faults)
    return Settings.model_validate(document)


def _document(context: Any) -> dict[str, Any]:
    if isinstance(context, str):
        try:
            context = json.loads(context)
        except ValueError as error:
            raise SettingsError([Fault(f"$.context.{CONTEXT_KEY}", f"is not JSON: {error}")]) from None
    if context is None:
        raise SettingsError(
            [Fault(f"$.context.{CONTEXT_KEY}", "missing: see docs/operating.md; {} takes every default")]
        )
    if not isinstance(context, dict):
        raise SettingsError([Fault(f"$.context.{CONTEXT_KEY}", "must be a JSON object")])
    return context


def _shape_faults(document: dict[str, Any]) -> Iterator[Fault]:
    try:
        Settings.model_validate(document)
    except ValidationError as error:
        seen = set()
        for detail in error.errors():
            path = _path(detail["loc"])
            if path not in seen:
                seen.add(path)
                yield Fault(path, _text(detail))


def _meaning_faults(document: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with values of the right shape; each looks at its own part, whatever else is wrong."""
    yield from _role_faults(document.get("role_patterns"))
    yield from _email_faults(document.get("alarm_emails"))
    yield from _environment_faults(document)
    yield from _slice_faults(document)
    yield from _schedule_faults(document.get("schedules"))


def _role_faults(patterns: Any) -> Iterator[Fault]:
    for index, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        path = f"$.role_patterns[{index}]"
        if not isinstance(pattern, str):
            continue
        if not _ROLE_PATTERN.fullmatch(pattern):
            text = 'is no pattern of role names such as "*contact-manager" or "teams/email/*", without arn: and spaces'
            yield Fault(path, f"{quoted(pattern)} {text}")
        elif not _LITERALS.search(pattern):
            yield Fault(path, f"{quoted(pattern)} would let the worker assume every role")


def _email_faults(emails: Any) -> Iterator[Fault]:
    for index, email in enumerate(emails if isinstance(emails, list) else ()):
        if isinstance(email, str) and not _EMAIL.fullmatch(email):
            yield Fault(f"$.alarm_emails[{index}]", f"{quoted(email)} is no e-mail address")


def _environment_faults(document: dict[str, Any]) -> Iterator[Fault]:
    for part, model, own in (
        ("orchestrator", OrchestratorSettings, _ORCHESTRATOR_OWN),
        ("worker", WorkerSettings, _WORKER_OWN),
    ):
        given = _inside(document, part).get("environment")
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            continue
        path = f"$.{part}.environment"
        known = {str(field.alias) for field in model.model_fields.values()} - own - {"AWS_REGION"}
        for name in given:
            if name not in known:
                reason = "is set by the stack" if name in own else f"is not read by the {part}"
                yield Fault(f"{path}.{printable(name, 64)}", f"{reason}{did_you_mean(name, known)}")
        try:
            model.from_env({**_PLACEHOLDERS, **{name: value for name, value in given.items() if name in known}})
        except ConfigurationError as error:
            for fault in error.faults:
                yield Fault(fault.path.replace("$.environment_variables", path), fault.text)


def _slice_faults(document: dict[str, Any]) -> Iterator[Fault]:
    """A slice must end before the worker does."""
    timeout = _inside(document, "worker").get("timeout_seconds", WorkerPart().timeout_seconds)
    given = _inside(_inside(document, "orchestrator"), "environment").get("SLICE_BUDGET_SECONDS")
    if not isinstance(timeout, int):
        return
    try:
        budget = float(given) if isinstance(given, str) else slice_budget(timeout)
    except ValueError:
        return
    if budget + limits.WORKER_MARGIN_SECONDS > timeout:
        text = f"a slice of {budget:g} s does not fit into the worker's timeout_seconds of {timeout}"
        yield Fault("$.orchestrator.environment.SLICE_BUDGET_SECONDS", text)


def slice_budget(worker_timeout: int) -> float:
    """The slice that fits a worker's timeout, where nobody set one; at most the function's own default."""
    default: float = OrchestratorSettings.model_fields["slice_budget"].default
    return min(default, worker_timeout - 2 * limits.WORKER_MARGIN_SECONDS)


def _schedule_faults(schedules: Any) -> Iterator[Fault]:
    names: set[str] = set()
    for index, schedule in enumerate(schedules if isinstance(schedules, list) else ()):
        if not isinstance(schedule, dict):
            continue
        path, name = f"$.schedules[{index}]", schedule.get("name")
        if isinstance(name, str):
            if name in names:
                yield Fault(f"{path}.name", f"{quoted(name)} is another schedule's name, too")
            names.add(name)
        if isinstance(schedule.get("payload"), dict):
            yield from _payload_faults(f"{path}.payload", schedule["payload"])


def _payload_faults(path: str, payload: dict[str, Any]) -> Iterator[Fault]:
    """What the orchestrator itself would say of it."""
    for field in ("run_id", "trigger"):
        if field in payload:
            yield Fault(f"{path}.{field}", "is filled in for each run; leave it out")
    if payload.get("action") == HELP:
        yield Fault(f"{path}.action", "help is no run")
        return
    asked = {field: value for field, value in payload.items() if field not in ("run_id", "trigger")}
    trigger = {"schedule_arn": "arn:aws:scheduler:us-east-1:123456789012:schedule/g/s", "scheduled_time": "2026-01-01"}
    try:
        request.parse({"on_deadline": "continue", **asked, "trigger": trigger}, now())
    except RequestError as error:
        for fault in error.faults:
            yield Fault(path + fault.path.removeprefix("$"), fault.text)


def _inside(document: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    value = document.get(part)
    return value if isinstance(value, dict) else {}


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{printable(part, 64)}" for part in location)


def _text(detail: Any) -> str:
    """pydantic's finding in our words."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "missing":
        return "missing"
    if detail["type"] == "extra_forbidden":
        return f"unknown setting{did_you_mean(str(detail['loc'][-1]), _names_beside(detail['loc']))}"
    message = str(detail["msg"])
    return f"{message[:1].lower()}{message[1:]}, not {quoted(json.dumps(detail['input'], default=str))}"


def _names_beside(location: tuple[int | str, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"orchestrator": OrchestratorPart, "worker": WorkerPart, "schedules": Schedule}
    model = Settings if len(location) == 1 else models.get(str(location[0]), Settings)
    return list(model.model_fields)


PYTHON_VERSIONS: tuple[str, ...] = get_args(PythonVersion)
