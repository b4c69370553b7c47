"""What the runtime is told about a function, for every invocation anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field


@dataclass(frozen=True)
class Logging:
    """A function's LoggingConfig. Levels are heeded in JSON only; `group` None = `/aws/lambda/` and its name."""

    json: bool = False
    application_level: str = "INFO"
    system_level: str = "INFO"
    group: str | None = None


@dataclass(frozen=True)
class FunctionSpec:
    """A deployed function as it is now. `code` is the zip; `reserved_concurrency` None = not reserved."""

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
        """Where it logs to."""
        return self.logging.group or f"/aws/lambda/{self.name}"

    @property
    def generation(self) -> str:
        """Environments are reused only while nothing that they were started with has changed."""
        parts = [self.arn, self.version, self.handler, self.code_sha256, self.timeout_seconds, self.memory_mb]
        text = json.dumps([*parts, sorted(self.variables.items()), self.role_arn, *astuple(self.logging)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]
