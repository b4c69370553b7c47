"""The functions' package as it is deployed, for this machine's Python: what a cold start loads."""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from bench import figures
from bench.figures import ROOT


def built() -> Path:
    """Return the folder of the package, with bytecode. It is made anew only when lambdas/ has changed."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in sorted((ROOT / "lambdas").rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    folder = figures.FOLDER / f"package-{digest.hexdigest()[:12]}"
    if not folder.exists():
        _build(folder)
    return folder


def boto3_alone() -> Path:
    """Return a folder with boto3 and what it needs beside the package, compiled as the package is."""
    from infra import bundling

    shutil.rmtree(folder := figures.FOLDER / "boto3", ignore_errors=True)
    for name in ("boto3", "s3transfer"):
        shutil.copytree(Path(sysconfig.get_path("purelib")) / name, folder / name)
    bundling.compile_all(Path(sys.executable), folder)
    return folder


def _build(folder: Path) -> None:
    from infra import bundling  # loads the CDK, in seconds, which a package that is there does not need

    shutil.rmtree(building := folder.with_suffix(".new"), ignore_errors=True)
    building.mkdir(parents=True)
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not bundling.build(bundling.Target(version, architecture), building):
        bundling.compile_all(Path(sys.executable), building)
    building.rename(folder)
