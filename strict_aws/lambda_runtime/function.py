"""A function as the runtime is told about it, anew for every invocation."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field


@dataclass(frozen=True)
class Logging:
    """A function's LoggingConfig. Levels only apply to JSON logs; `group` None means `/aws/lambda/<name>`."""

    json: bool = False
    application_level: str = "INFO"
    system_level: str = "INFO"
    group: str | None = None


# Lambda developer guide, asynchronous invocation: an event is kept for six hours at most.
_DEFAULT_MAX_AGE_SECONDS = 21_600


@dataclass(frozen=True)
class EventSettings:
    """A function's asynchronous configuration. `on_failure` and `dead_letters` are the ARNs of SQS queues, or None."""

    max_retries: int = 2
    max_age_seconds: int = _DEFAULT_MAX_AGE_SECONDS
    on_failure: str | None = None
    dead_letters: str | None = None


@dataclass(frozen=True)
class FunctionSpec:
    """A deployed function as it is now. `code` is its zip; `reserved_concurrency` None means that none is reserved."""

    name: str
    arn: str
    version: str
    handler: str
    code: bytes = field(repr=False)
    code_sha256: str
    timeout_seconds: int
    memory_mb: int
    variables: Mapping[str, str] = field(repr=False)
    role_arn: str
    region: str
    reserved_concurrency: int | None
    logging: Logging = Logging()

    @property
    def log_group(self) -> str:
        """The name of the CloudWatch Logs group that the function logs to."""
        return self.logging.group or f"/aws/lambda/{self.name}"

    @functools.cached_property
    def generation(self) -> str:
        """A digest of everything that an environment is started with: environments of another one are not reused."""
        parts = [self.arn, self.version, self.handler, self.code_sha256, self.timeout_seconds, self.memory_mb]
        text = json.dumps([*parts, sorted(self.variables.items()), self.role_arn, *astuple(self.logging)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]
