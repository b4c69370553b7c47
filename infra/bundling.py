"""Make the functions' package without Docker: our code, what lambdas/requirements.txt pins, and bytecode."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

LAMBDAS = Path(__file__).resolve().parent.parent / "lambdas"
_REQUIREMENTS = LAMBDAS / "requirements.txt"
_CODE = "ses_fleet"
# botocore describes four hundred services; these are the ones that ses_fleet.aws.clients.client is asked for.
SERVICES = frozenset(
    {"cloudwatch", "iam", "identitystore", "lambda", "s3", "secretsmanager", "sesv2", "sns", "sso-admin", "sts"}
)
_PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
# What pip leaves that differs from machine to machine, or that nobody imports.
_NOT_SHIPPED = ("bin", "**/__pycache__", "*.dist-info/RECORD", "*.dist-info/direct_url.json")


class BundlingError(Exception):
    """The package could not be made. The message says why, with what pip or the compiler printed."""


@dataclass(frozen=True)
class Target:
    """What the package will run on: `python` is a minor version such as 3.13, `architecture` arm64 or x86_64."""

    python: str
    architecture: str


def code(target: Target) -> lambda_.Code:
    """Return the one asset of both functions. Its hash is of its content, so equal content is not deployed again."""
    options = cdk.BundlingOptions(image=cdk.DockerImage.from_registry("none"), local=_LocalBundling(target))
    return lambda_.Code.from_asset(
        str(LAMBDAS), bundling=options, asset_hash_type=cdk.AssetHashType.OUTPUT, exclude=["**/__pycache__"]
    )


def build(target: Target, directory: Path) -> bool:
    """Make the package in an empty directory. Return whether it has bytecode; raise BundlingError if it fails."""
    _install(target, directory)
    shutil.copytree(LAMBDAS / _CODE, directory / _CODE, ignore=shutil.ignore_patterns("__pycache__"))
    for pattern in _NOT_SHIPPED:
        for path in list(directory.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in _unused_data(directory):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    drop_unused_endpoints(directory / "botocore" / "data")
    python = interpreter(target.python)
    if python is not None:
        compile_all(python, directory)
    # Whatever this machine's umask: Lambda reads the files as another user.
    for path in [directory, *directory.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return python is not None


def interpreter(version: str) -> Path | None:
    """Return a Python of that minor version, on PATH or under pyenv, or None: Lambda ignores others' bytecode."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(name)
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted((pyenv / "versions").glob(f"{version}.*/bin/{name}"), reverse=True)
    return next((path for path in candidates if _answers(path, version)), None)


@jsii.implements(cdk.ILocalBundling)
class _LocalBundling:
    def __init__(self, target: Target) -> None:
        self._target = target

    def try_bundle(self, output_dir: str, *, image: cdk.DockerImage, **_: Any) -> bool:  # noqa: ARG002  # jsii's form
        """Make the package and return True: the CDK then does without Docker. Exit with a message if it fails."""
        try:
            has_bytecode = build(self._target, Path(output_dir))
        except BundlingError as error:
            sys.exit(str(error))  # as an exception it would come back from the CDK in forty lines of its own
        if not has_bytecode:
            sys.stderr.write(
                f"no python{self._target.python} on this machine: the functions are packed without bytecode, "
                "and Lambda compiles them at every cold start\n"
            )
        return True


def _install(target: Target, directory: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
        *("--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", target.python),
        *("--platform", _PLATFORMS[target.architecture], "--target", str(directory), "-r", str(_REQUIREMENTS)),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BundlingError(f"pip could not install lambdas/requirements.txt for {target}:\n{ended.stderr.strip()}")


def _unused_data(directory: Path) -> Iterator[Path]:
    for path in (directory / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in SERVICES:
            yield path


def drop_unused_endpoints(data: Path) -> None:
    """Rewrite botocore's endpoints without those of services that no function calls.

    botocore parses the whole file at every cold start.
    """
    models = [json.loads(gzip.decompress(path.read_bytes())) for path in data.glob("*/*/service-2.json.gz")]
    names = {model["metadata"]["endpointPrefix"] for model in models}
    endpoints = json.loads((data / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: one for name, one in partition["services"].items() if name in names}
    (data / "endpoints.json").write_text(json.dumps(endpoints, separators=(",", ":")))


def compile_all(python: Path, directory: Path) -> None:
    """Compile all modules to bytecode that is not checked against them: a package's files never change.

    Raise BundlingError when one cannot be compiled.
    """
    command = [
        *(str(python), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(directory), "-p", "/var/task", str(directory)),
    ]
    # Without a fixed seed the order of sets, and with it the bytecode, would differ from build to build.
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
    )
    if ended.returncode:
        raise BundlingError(f"{python} could not compile the package:\n{ended.stdout}{ended.stderr}".strip())


def _answers(python: Path, version: str) -> bool:
    """Whether it runs and is of that version: pyenv has shims on PATH for versions that are not active, too."""
    asked = [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        ended = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0 and ended.stdout.strip() == version
