"""What an operator sets in cdk.json's context, as the constructs get it: checked by context.py, every value usable."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from infra.names import DEFAULT, Names
from ses_fleet import limits
from ses_fleet.settings import NotifyKind

PythonVersion = Literal["3.11", "3.12", "3.13", "3.14"]
ArchitectureName = Literal["arm64", "x86_64"]
Days = Annotated[int, Field(ge=1, le=limits.LIFECYCLE_DAYS)]
# S3 user guide: characters of keys that are safe everywhere, but for the star, which policies read as any text.
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!_.()/-]{1,512}$")]
Memory = Annotated[int, Field(ge=limits.LAMBDA_MEMORY_MB[0], le=limits.LAMBDA_MEMORY_MB[1])]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Schedule(_Part):
    """One schedule. `expression` is cron(...), rate(...) or at(...) of EventBridge Scheduler, `payload` an action's.

    With `alarm_on_difference`, an alarm says when a run of it found that something differs.
    """

    name: Annotated[str, StringConstraints(pattern=f"^{limits.SCHEDULE_NAME}$")]
    expression: str
    time_zone: str = "UTC"
    payload: dict[str, Any]
    enabled: bool = True
    alarm_on_difference: bool = False

    @property
    def event(self) -> dict[str, Any]:
        """Return the payload as the orchestrator gets it, but for `trigger`; a field that is null is left out."""
        given = {field: value for field, value in self.payload.items() if value is not None}
        return {"on_deadline": "continue", **given}


class Notify(_Part):
    """Whom to tell when a run is over: an SNS topic in the deployment's partition, and of which ends."""

    topic_arn: str
    on: Annotated[list[NotifyKind], Field(min_length=1)] = ["failed"]


class OrchestratorPart(_Part):
    """The orchestrator function. `environment` may set those of OrchestratorSettings that the stack does not."""

    memory_mb: Memory = limits.ORCHESTRATOR_MEMORY_MB
    timeout_seconds: Annotated[int, Field(ge=1, le=limits.ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS)] = (
        limits.ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS
    )
    environment: dict[str, str] = Field(default_factory=dict)


class WorkerPart(_Part):
    """The worker function. `environment` may set the variables of WorkerSettings that the stack does not.

    It is invoked synchronously, so it must end before idle connections die.
    """

    memory_mb: Memory = limits.WORKER_MEMORY_MB
    timeout_seconds: Annotated[
        int, Field(ge=limits.WORKER_FUNCTION_SHORTEST_SECONDS, le=limits.WORKER_FUNCTION_TIMEOUT_SECONDS)
    ] = limits.WORKER_FUNCTION_TIMEOUT_SECONDS
    reserved_concurrency: Annotated[int, Field(ge=1, le=limits.RESERVED_CONCURRENCY)] | None = None
    environment: dict[str, str] = Field(default_factory=dict)


class Settings(_Part):
    """All of cdk.json's context "ses-fleet". With `config_bucket` None the stack makes one.

    `name`: what every fixed name of the deployment begins with.

    `old_versions_days`: how many days results that were overwritten, deleted or expired can still be brought back.
    `erasure_secret`: the name or ARN of the secret whose keys erased people are remembered by; None has nobody erased.
    `data_admins`: the ARNs of those who, beside the worker, may write backups/, and delete below data/ and backups/.
    """

    name: Annotated[str, StringConstraints(pattern=f"^{limits.DEPLOYMENT_NAME}$")] = DEFAULT
    python_version: PythonVersion = "3.13"
    architecture: ArchitectureName = "arm64"
    config_bucket: str | None = None
    config_key: Key = "config.json"
    ses_config_key: Key = "SESConfig.json"
    runs_days: Days = limits.RUN_RECORD_DAYS
    data_days: Days = limits.DATA_DAYS
    backups_days: Days = limits.BACKUP_DAYS
    old_versions_days: Days = limits.OLD_VERSION_DAYS
    erasure_secret: str | None = None
    data_admins: Annotated[list[str], Field(max_length=limits.MAX_PATTERNS)] = Field(default_factory=list)
    log_days: int = limits.LOG_DAYS
    delete_data_on_destroy: bool = False
    tracing: bool = False
    role_patterns: Annotated[list[str], Field(min_length=1, max_length=limits.MAX_PATTERNS)] = Field(
        default_factory=lambda: ["*contact-manager", "*contact-importer"]
    )
    orchestrator: OrchestratorPart = OrchestratorPart()
    worker: WorkerPart = WorkerPart()
    alarm_emails: list[str] = Field(default_factory=list)
    alarm_topic_arn: str | None = None
    notify: Notify | None = None
    schedules: list[Schedule] = Field(default_factory=list)

    @property
    def names(self) -> Names:
        """Return the deployment's fixed names."""
        return Names(self.name)

    @property
    def slice_budget(self) -> float:
        """Return SLICE_BUDGET_SECONDS where nobody set it: what fits the worker's timeout, at most the default."""
        return min(limits.SLICE_BUDGET_SECONDS, self.worker.timeout_seconds - 2 * limits.WORKER_MARGIN_SECONDS)
