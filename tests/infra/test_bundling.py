"""The functions' package: same input, same bytes; bytecode that Lambda uses, or a word that there is none."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import marshal
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader

from infra import bundling
from infra.bundling import Target

ROOT = Path(__file__).resolve().parents[2]
HOST = Target(f"3.{sys.version_info.minor}", "x86_64")


def digest(package: Path) -> str:
    """Of every file's path, mode and content."""
    found = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.is_file()):
        found.update(
            f"{path.relative_to(package)} {stat.S_IMODE(path.stat().st_mode):o}\n".encode() + path.read_bytes()
        )
    return found.hexdigest()


@pytest.mark.matrix
def test_the_same_input_makes_the_same_bytes(tmp_path: Path) -> None:
    """In whatever folder: an unchanged deployment is no deployment."""
    for name in ("one", "another-and-longer"):
        assert bundling.build(HOST, tmp_path / name)
    assert digest(tmp_path / "one") == digest(tmp_path / "another-and-longer")


def test_bytecode_is_used_unchecked_and_knows_where_it_runs(tmp_path: Path) -> None:
    """/var/task is read-only and has times of its own: checked bytecode would be made anew at each cold start."""
    (tmp_path / "module.py").write_text("def name() -> str:\n    return __file__\n")
    python = bundling.interpreter(HOST.python)
    assert python is not None
    bundling.compile_all(python, tmp_path)
    (compiled,) = tmp_path.rglob("*.pyc")
    content = compiled.read_bytes()
    assert content[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(content[4:8], "little") == 0b01, "by hash, and not compared (PEP 552)"
    code = marshal.loads(content[16:])  # noqa: S302  # written a moment ago
    assert isinstance(code, CodeType)
    assert code.co_filename == "/var/task/module.py"


def test_the_packages_endpoints_are_botocores_for_the_services_that_are_called(tmp_path: Path) -> None:
    """In every partition, whole; and a client of each is made as with all of them."""
    whole = Path(botocore.__file__).parent / "data"
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True, ignore=lambda place, names: unshipped(whole, place, names))
    bundling.drop_unused_endpoints(tmp_path)
    kept = json.loads((tmp_path / "endpoints.json").read_text())["partitions"]
    for ours, botocores in zip(kept, json.loads((whole / "endpoints.json").read_text())["partitions"], strict=True):
        assert {**botocores, "services": None} == {**ours, "services": None}
        assert ours["services"].items() <= botocores["services"].items()
        assert ours["services"].keys() <= {
            *("email", "iam", "identitystore", "lambda", "monitoring", "s3", "secretsmanager", "sns", "sso", "sts")
        }
    assert len(kept[0]["services"]) == len(bundling.SERVICES)
    light, heavy = session(tmp_path), session(whole)
    for service in sorted(bundling.SERVICES):
        for region in ("us-east-1", "cn-north-1", "us-gov-west-1"):
            assert facts(light, service, region) == facts(heavy, service, region), (service, region)


def test_the_package_knows_every_service_that_the_functions_make_a_client_of() -> None:
    """Without its data botocore makes none, and only the deployed functions would show that; and it knows no other."""
    assert set(services_of_clients()) == bundling.SERVICES


def services_of_clients() -> Iterator[str]:
    """The services that our code names where it makes clients."""
    makers = {"client", "of_customers", "of_function", "open_identity_center", "prepare_for_customers"}
    known = set(botocore.session.Session().get_available_services())
    for path in sorted((bundling.LAMBDAS / "ses_fleet").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in makers:
                values = [one.value for one in node.args if isinstance(one, ast.Constant)]
                yield from (one for one in values if isinstance(one, str) and one in known)


def unshipped(whole: Path, place: str, names: list[str]) -> list[str]:
    """The folders of services that are not in the package."""
    return [name for name in names if Path(place) == whole and "." not in name and name not in bundling.SERVICES]


def session(data: Path) -> botocore.session.Session:
    """A session that knows this data alone."""
    made = botocore.session.Session()
    made.register_component("data_loader", Loader(extra_search_paths=[str(data)], include_default_search_paths=False))
    return made


def facts(factory: Any, service: str, region: str) -> list[object]:
    """What a client calls and where, and how it signs."""
    client = factory.create_client(service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b")
    meta = client.meta
    return [meta.endpoint_url, meta.config.signature_version, meta.config.region_name, meta.partition]


def fake_python(folder: Path, name: str, says: str) -> None:
    """A program that answers as that version of Python does."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)


def test_only_the_targets_own_version_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PATH, else under pyenv; a shim that fails is passed over, and so is one that is another version."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert bundling.interpreter("3.99") is None
    fake_python(tmp_path / "bin", "python3.99", "exit 127")
    assert bundling.interpreter("3.99") is None
    fake_python(tmp_path / "pyenv" / "versions" / "3.99.1" / "bin", "python3.99", "echo 3.98")
    assert bundling.interpreter("3.99") is None
    fake_python(tmp_path / "pyenv" / "versions" / "3.99.0" / "bin", "python3.99", "echo 3.99")
    assert bundling.interpreter("3.99") == tmp_path / "pyenv" / "versions" / "3.99.0" / "bin" / "python3.99"
    fake_python(tmp_path / "bin", "python3.99", "echo 3.99")
    assert bundling.interpreter("3.99") == tmp_path / "bin" / "python3.99"


def synthesise(out: Path, context: dict[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    """The app with its package, as `make synth` makes it."""
    known = {"CDK_CONTEXT_JSON": json.dumps({"ses-fleet": context}), "CDK_OUTDIR": str(out)}
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **known, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.matrix
def test_without_the_targets_python_the_synth_goes_on_and_says_so(tmp_path: Path) -> None:
    """In a line; the package then has no bytecode, since another version's would be passed over."""
    fake_python(tmp_path / "bin", "python3.14", "exit 127")
    without = {"PYENV_ROOT": str(tmp_path), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    ended = synthesise(tmp_path / "out", {"python_version": "3.14"}, **without)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("no python3.14 on this machine: the functions are packed without bytecode") == 1
    (handler,) = (tmp_path / "out").glob("asset.*/ses_fleet/worker/handler.py")
    assert not list(handler.parents[2].rglob("*.pyc"))


def test_a_package_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    """What pip says, and nothing of Python's or the CDK's."""
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    ended = synthesise(tmp_path / "out", {}, **nowhere)
    assert ended.returncode == 1
    assert "pip could not install lambdas/requirements.txt" in ended.stderr
    assert "No matching distribution found for" in ended.stderr
    assert "Traceback" not in ended.stderr
