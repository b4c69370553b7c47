"""`config push`: checks files as the orchestrator would, then puts them where it reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.config import documents
from ses_fleet.errors import ConfigurationError
from ses_fleet_cli import check, config_changes
from ses_fleet_cli.errors import no_summary, usage
from ses_fleet_cli.invoke import Target

_KEYS: dict[check.Kind, tuple[str, str]] = {
    "config": ("CONFIG_KEY", "config.json"),
    "ses_config": ("SES_CONFIG_KEY", "SESConfig.json"),
}


@dataclass(frozen=True)
class File:
    """A file by its name, the findings of its check, and where it goes. `usable`: whether a run could start on it."""

    name: str
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


def checked(name: str, body: bytes, target: Target) -> File:
    """Check one file's content against the deployment that will read it; CommandError where none is deployed."""
    partition = target.function_arn.split(":")[1]
    findings = tuple(check.findings(body, Path(name).name, partition))
    if len(body) > limits.MAX_CONFIG_BYTES:
        findings += (("error", f"$: has {len(body)} bytes, more than the {limits.MAX_CONFIG_BYTES} allowed"),)
    kind, usable = _understood(body, Path(name).name)
    bucket, key = place_of(kind, target)
    return File(name, body, findings, kind, usable and _is_whole(findings), bucket, key)


def place_of(kind: check.Kind, target: Target) -> tuple[Bucket, str]:
    """Return the bucket and the key of a file of the deployment; CommandError where none is deployed."""
    name, default = _KEYS[kind]
    bucket = target.variables.get("CONFIG_BUCKET")
    if not bucket:
        raise no_summary(f"{target.function_name} has no CONFIG_BUCKET: is it ses-fleet's orchestrator?")
    return Bucket(target.s3, bucket), target.variables.get(name, default)


def one_of_each(files: Sequence[File]) -> None:
    """Raise CommandError when two files would go to the same place."""
    twice = [kind for kind, count in Counter(file.kind for file in files).items() if count > 1]
    if twice:
        names = " and ".join(file.name for file in files if file.kind == twice[0])
        raise usage(f"{names} are of the same kind: give one of them only")


def why_not(files: Sequence[File]) -> str:
    """Return why files were not put, and what the person can do about it."""
    if all(file.usable for file in files):
        return "has errors (--force puts it anyway: the customers with errors fail or are skipped, the others run)"
    return "cannot be used: no run could start on it"


@dataclass(frozen=True)
class Change:
    """A file that is to be put, and what it changes of what is there: `etag` is that of what was compared with."""

    file: File
    lines: tuple[str, ...]
    etag: str | None
    is_same: bool


def change(file: File) -> Change:
    """Return what putting the file changes; raise AwsCallError when what is there cannot be read."""
    try:
        there = file.bucket.find(file.key, limit=limits.MAX_CONFIG_BYTES)
    except TooLargeError as error:
        raise no_summary(f"{file.location} has {error.size} bytes, and cannot be compared with: delete it") from None
    if there is None:
        return Change(file, tuple(config_changes.lines(file.kind, None, file.body)), None, is_same=False)
    found = tuple(config_changes.lines(file.kind, there.body, file.body))
    return Change(file, found, there.etag, is_same=there.body == file.body)


def told(one: Change) -> list[str]:
    """Return the lines that say what putting a file changes."""
    if one.is_same:
        return [f"{one.file.location} is as {one.file.name} already"]
    head = f"{one.file.location} would be replaced by {one.file.name}:"
    nothing = ["  its text changes, and nothing of what it says"]
    return [head, *([f"  {text}" for text in one.lines] or nothing)]


def put(one: Change) -> str | None:
    """Put the file over what it was compared with; return a line that names where, and as which version.

    Return None, with nothing written, when another file is there by now. Raise AwsCallError when S3 does not answer.
    """
    written = one.file.bucket.write_over(one.file.key, one.file.body, one.etag)
    return None if written is None else f"{one.file.name} → {one.file.location}, version {written.version}"


def _understood(body: bytes, name: str) -> tuple[check.Kind, bool]:
    try:
        return check.kind(documents.parse(body, name)), True
    except ConfigurationError:
        return "config", False


def _is_whole(findings: Sequence[tuple[str, str]]) -> bool:
    """Return whether every error is one customer's own."""
    return all(level != "error" or text.startswith("$.customer_mappings.") for level, text in findings)
