"""Unpack a function's zip, and find what else belongs on its path."""

from __future__ import annotations

import importlib.metadata
import io
import os
import re
import site
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# AWS's own runtime client, which Lambda's runtime brings with what it needs.
_CLIENT = "awslambdaric"
# Comes before this machine's packages, and hides those that no function has.
_ABSENT = Path(__file__).resolve().parent / "absent"


@dataclass(frozen=True)
class Code:
    """An unpacked function. `root` is its folder, `path` the directories of packages beside it.

    With `bundled` it brings its own packages, and runs as on Lambda: with those alone, and read-only.
    """

    root: Path
    path: tuple[Path, ...]
    bundled: bool


def unpack(archive: bytes, root: Path, client: Path) -> Code:
    """Unpack a function's zip, unless that was done before.

    `client` is where the runtime client is linked, when needed. Packages that pip installed leave a `*.dist-info`
    folder each: a zip with one brings all that it imports.
    """
    if not root.exists():
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            packed.extractall(root)  # zipfile keeps members inside: it drops ".." and absolute parts
    if not any(root.glob("*.dist-info")):
        return Code(root, (_ABSENT, *site_directories()), bundled=False)
    if not client.exists():
        _link_client(client)
    return Code(root, (client,), bundled=True)


def is_bundled(archive: bytes) -> bool:
    """Tell whether a zip brings its own packages."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return any(name.split("/")[0].endswith(".dist-info") for name in packed.namelist())


def site_directories() -> list[Path]:
    """Return the directories in which the packages of this Python's environment are installed."""
    return [Path(path) for path in site.getsitepackages() if Path(path).is_dir()]


def _link_client(client: Path) -> None:
    building = client.with_name(client.name + ".new")
    building.mkdir()
    for entry in dict.fromkeys(_installed(_CLIENT)):
        (building / entry.name).symlink_to(entry)
    building.rename(client)


def _installed(name: str) -> Iterator[Path]:
    """Yield the top-level files and folders of a distribution and of those that it requires."""
    distribution = importlib.metadata.distribution(name)
    for part in dict.fromkeys(file.parts[0] for file in distribution.files or []):
        if part not in ("__pycache__", os.pardir):
            yield Path(str(distribution.locate_file(part))).resolve()
    for requirement in distribution.requires or []:
        if ";" not in requirement:  # extras
            yield from _installed(re.split(r"[^A-Za-z0-9._-]", requirement)[0])
