"""`config push`: checks files as the orchestrator would, then puts them where it reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config import documents
from ses_fleet.errors import ConfigurationError
from ses_fleet_cli import check
from ses_fleet_cli.errors import no_summary, usage
from ses_fleet_cli.invoke import Target

_KEYS: dict[check.Kind, tuple[str, str]] = {
    "config": ("CONFIG_KEY", "config.json"),
    "ses_config": ("SES_CONFIG_KEY", "SESConfig.json"),
}


@dataclass(frozen=True)
class File:
    """A file, the findings of its check, and where it goes. `usable`: whether a run could start on it."""

    path: Path
    body: bytes
    findings: tuple[tuple[str, str], ...]
    kind: check.Kind
    usable: bool
    bucket: Bucket
    key: str

    @property
    def location(self) -> str:
        """Return the URI of where the file goes."""
        return self.bucket.location(self.key)

    def is_blocked(self, *, force: bool) -> bool:
        """Return whether the file must not be put: no run could start on it, or it has errors and nobody forces it."""
        has_errors = any(level == "error" for level, _ in self.findings)
        return not self.usable or (has_errors and not force)


def checked(path: Path, body: bytes, target: Target) -> File:
    """Check one file's content against the deployment that will read it; CommandError where none is deployed."""
    partition = target.function_arn.split(":")[1]
    findings = tuple(check.findings(body, path.name, partition))
    if len(body) > limits.MAX_CONFIG_BYTES:
        findings += (("error", f"$: has {len(body)} bytes, more than the {limits.MAX_CONFIG_BYTES} allowed"),)
    kind, usable = _understood(body, path)
    name, default = _KEYS[kind]
    bucket = target.variables.get("CONFIG_BUCKET")
    if not bucket:
        raise no_summary(f"{target.function_name} has no CONFIG_BUCKET: is it ses-fleet's orchestrator?")
    usable = usable and _is_whole(findings)
    return File(path, body, findings, kind, usable, Bucket(target.s3, bucket), target.variables.get(name, default))


def one_of_each(files: Sequence[File]) -> None:
    """Raise CommandError when two files would go to the same place."""
    twice = [kind for kind, count in Counter(file.kind for file in files).items() if count > 1]
    if twice:
        names = " and ".join(str(file.path) for file in files if file.kind == twice[0])
        raise usage(f"{names} are of the same kind: give one of them only")


def why_not(files: Sequence[File]) -> str:
    """Return why files were not put, and what the person can do about it."""
    if all(file.usable for file in files):
        return "has errors (--force puts it anyway: the customers with errors fail or are skipped, the others run)"
    return "cannot be used: no run could start on it"


def put(file: File) -> str:
    """Put the file; return a line that names where, and as which version."""
    version = file.bucket.write(file.key, file.body)
    return f"{file.path} → {file.location}, version {version}"


def _understood(body: bytes, path: Path) -> tuple[check.Kind, bool]:
    try:
        return check.kind(documents.parse(body, path.name)), True
    except ConfigurationError:
        return "config", False


def _is_whole(findings: Sequence[tuple[str, str]]) -> bool:
    """Return whether every error is one customer's own."""
    return all(level != "error" or text.startswith("$.customer_mappings.") for level, text in findings)
