"""Which versions of config.json and SESConfig.json there are, and the text of one."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError
from ses_fleet.text import printable, quoted
from ses_fleet_cli import push
from ses_fleet_cli.check import Kind
from ses_fleet_cli.errors import no_summary, usage
from ses_fleet_cli.invoke import Target
from ses_fleet_cli.tables import plain

NAMES: dict[str, Kind] = {"config.json": "config", "SESConfig.json": "ses_config"}
_SHORTEST = 6  # characters of a version's id by which it may be named


@dataclass(frozen=True)
class Version:
    """One version of a file: its name, S3's id of it, when it was written (UTC), its bytes, whether it counts now."""

    file: str
    version: str
    written_at: str
    size: int
    present: bool


def history(target: Target, count: int) -> list[Version]:
    """Return the newest `count` versions of each of the two files, newest first.

    Raise CommandError with exit code 3 when S3 does not list them.
    """
    found = [one for name in NAMES for one in _of(target, name)[:count]]
    return sorted(found, key=lambda one: one.written_at, reverse=True)


def named(target: Target, text: str) -> Version:
    """Return the version with this id, or the only one whose id begins so.

    Raise CommandError with exit code 2 when there is none, or several.
    """
    listed = [one for name in NAMES for one in _of(target, name)]
    whole = [one for one in listed if one.version == text]
    found = whole or [one for one in listed if len(text) >= _SHORTEST and one.version.startswith(text)]
    if not found:
        raise usage(f"there is no version {quoted(text)} of either file; `ses-fleet config history` shows the versions")
    if len(found) > 1:
        raise usage(f"{quoted(text)} begins the ids of {len(found)} versions: give more of it")
    return found[0]


def earlier(target: Target, text: str) -> Version:
    """Return the same; raise CommandError with exit code 2 also when it is the present version of its file."""
    found = named(target, text)
    if found.present:
        raise usage(f"version {found.version} is the present one of {found.file}: there is nothing to roll back")
    return found


def chosen(target: Target, file: str | None, text: str) -> Version:
    """Return the version that `text` names, of this file if one is given; raise as `named` does, also for another."""
    found = named(target, text)
    if file not in (None, found.file):
        raise usage(f"version {found.version} is one of {found.file}, not of {file}")
    return found


def text_of(target: Target, name: str, version: str | None) -> tuple[bytes, str | None]:
    """Return the text of a file as it is now, or of one version of it, and the id of its version.

    Raise CommandError with exit code 2 when there is none, with exit code 3 when S3 does not give it.
    """
    bucket, key = push.place_of(NAMES[name], target)
    where = bucket.location(key) + (f", version {printable(version)}" if version else "")
    try:
        stored = bucket.read(key, limit=limits.MAX_CONFIG_BYTES, version_id=version)
    except TooLargeError as error:
        raise no_summary(f"{where} has {error.size} bytes, more than the {limits.MAX_CONFIG_BYTES} allowed") from None
    except AwsCallError as failure:
        if failure.status in (400, 404):  # 400: what can be no version's id
            raise usage(f"{where} does not exist ({failure.code})") from None
        raise no_summary(f"{where} cannot be read ({failure.code}: {failure.text})") from None
    return stored.body, stored.version


def show(body: bytes) -> None:
    """Write a file to standard output: as it is, or on a terminal without anything that a terminal would obey."""
    if sys.stdout.isatty():
        text = body.decode("utf-8", "backslashreplace")
        sys.stdout.write("".join(f"{printable(line, 10 * len(line) + 1)}\n" for line in text.splitlines()))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(body)


def as_json(found: Sequence[Version]) -> str:
    """Return the versions as `config history --output json` prints them."""
    return json.dumps([vars(one) for one in found], indent=2)


def table(found: Sequence[Version]) -> Table:
    """Return the table of these versions."""
    rows = [[printable(one.version), one.file, _when(one), "now" if one.present else ""] for one in found]
    made = plain("Versions", ["version", "file", "written (UTC)", ""], rows, texts=4)
    for column in made.columns:
        column.no_wrap = True
    return made


def _when(one: Version) -> str:
    return one.written_at[:16].replace("T", " ")


def _of(target: Target, name: str) -> list[Version]:
    bucket, key = push.place_of(NAMES[name], target)
    try:
        versions = [one for one in bucket.versions(key) if one.key == key]
    except AwsCallError as failure:
        raise no_summary(_unlisted(bucket, failure)) from None
    found = [
        Version(name, one.version_id, f"{one.written:%Y-%m-%dT%H:%M:%SZ}", one.size, one.is_latest) for one in versions
    ]
    return sorted(found, key=lambda one: (one.present, one.written_at), reverse=True)


def _unlisted(bucket: Bucket, failure: AwsCallError) -> str:
    where = f"the versions in s3://{bucket.name}"
    if failure.status == 403:
        return f"{where} may not be listed ({failure.code}): that takes s3:ListBucketVersions"
    return f"{where} cannot be listed ({failure.code}: {failure.text})"
