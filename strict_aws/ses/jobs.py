"""What the strict SES remembers of import jobs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Literal

from strict_aws.ses.objects import S3Object

Action = Literal["PUT", "DELETE"]
DataFormat = Literal["CSV", "JSON"]
Status = Literal["CREATED", "PROCESSING", "COMPLETED", "FAILED"]


@dataclass(frozen=True)
class ImportJobSettings:
    """How the next jobs of an account in a Region go: seconds in CREATED, then seconds in PROCESSING.

    With `fail` they end FAILED with that ErrorMessage and without any effect, and say that they processed
    `processed_records`.
    """

    created_seconds: float = 0.5
    processing_seconds: float = 1.0
    fail: str | None = None
    processed_records: int = 0


@dataclass(frozen=True)
class Request:
    """What a job was asked to do. `list_name` None means an import into the suppression list."""

    list_name: str | None
    action: Action
    s3_url: str
    source: S3Object
    data_format: DataFormat


@dataclass(frozen=True)
class Result:
    """How a job ended. `error` None means COMPLETED; `processed` also counts the records that failed.

    `failed_token` leads to the records that failed, where there are any.
    """

    error: str | None = None
    processed: int = 0
    failed: int = 0
    failed_token: str | None = None


@dataclass
class ImportJob:
    """One job. Times are epoch seconds: of its creation, of the beginning of PROCESSING, of its end.

    `number` counts the place's jobs. While it is PROCESSING, `body` is what was read, or `problem` why nothing was.
    """

    number: int
    job_id: str
    request: Request
    settings: ImportJobSettings
    created_at: float
    status: Status = "CREATED"
    body: bytes | None = None
    problem: str | None = None
    result: Result = field(default_factory=Result)

    @property
    def processing_at(self) -> float:
        """When the job begins to be PROCESSING, in epoch seconds."""
        return self.created_at + self.settings.created_seconds

    @property
    def due_at(self) -> float:
        """When the job is over, in epoch seconds."""
        return self.processing_at + self.settings.processing_seconds

    def as_of(self, at: float) -> ImportJob:
        """Return the job as it was at that time. The copy must not be changed."""
        if at >= self.due_at:
            return self
        return replace(self, status="PROCESSING" if at >= self.processing_at else "CREATED", result=Result())


@dataclass
class ImportJobs:
    """The jobs of an account in a Region by id, the oldest first; `active` are those that are not over."""

    settings: ImportJobSettings = field(default_factory=ImportJobSettings)
    known: dict[str, ImportJob] = field(default_factory=dict)
    active: list[ImportJob] = field(default_factory=list)
    token_key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def as_of(self, at: float) -> ImportJobs:
        """Return the jobs that there were at that time, as they were. The copy must not be changed."""
        known = {job_id: job.as_of(at) for job_id, job in self.known.items() if job.created_at <= at}
        return replace(self, known=known)

    def add(self, job: ImportJob) -> None:
        """Add a new job, which is active."""
        self.known[job.job_id] = job
        self.active.append(job)
