"""What `pip install` gives: a command that works in any folder, with and without the local cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"ses_fleet", "ses_fleet_cli", "ses_fleet_local", "strict_aws"}
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built of what the sdist holds."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (path,) = built.glob("*.whl")
    return path


def test_a_wheel_of_the_clone_is_that_of_the_sdist(wheel: Path, tmp_path: Path) -> None:
    """`pip install .` builds it there, where the packaged examples are a link that must be put in once."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    ended = subprocess.run(build, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (here,) = tmp_path.glob("*.whl")
    assert sorted(zipfile.ZipFile(here).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def installed(wheel: Path, extra: str, folder: Path) -> Path:
    """Install the wheel into an empty venv; return the venv's folder of commands."""
    venv.create(folder, with_pip=True)
    commands = folder / "bin"
    install = [
        *(str(commands / "pip"), "install", "--quiet", "--disable-pip-version-check"),
        *("--constraint", str(ROOT / "requirements-dev.txt"), f"{wheel}{extra}"),
    ]
    ended = subprocess.run(install, capture_output=True, text=True, check=False, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return commands


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a venv that has ses-fleet alone."""
    return installed(wheel, "", tmp_path_factory.mktemp("plain") / "venv")


@pytest.fixture(scope="module")
def local(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a venv that has ses-fleet with its extra `local`."""
    return installed(wheel, "[local]", tmp_path_factory.mktemp("local") / "venv")


def run(commands: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the venv's commands in a folder outside the clone, which no variable leads to either."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_"))}
    command = [str(commands / arguments[0]), *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)


def test_the_wheel_has_our_packages_and_nothing_else(wheel: Path) -> None:
    """Each with its py.typed; no tests, no deployment, no measurements."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == PACKAGES
    assert {name for name in names if name.endswith("py.typed")} == {f"{package}/py.typed" for package in PACKAGES}


def test_the_wheel_has_the_examples_themselves(wheel: Path) -> None:
    """The same bytes as in the repository, where the package has a link to them."""
    examples = ROOT / "examples"
    expected = {str(path.relative_to(examples)): path.read_bytes() for path in examples.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        prefix = "ses_fleet_local/examples/"
        packed = {name.removeprefix(prefix): archive.read(name) for name in archive.namelist() if prefix in name}
    assert expected
    assert packed == expected


def test_the_wheel_has_the_page_of_the_report(wheel: Path) -> None:
    """Template and style sheet, which are no modules."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"ses_fleet_cli/report/report.{kind}" for kind in ("html.jinja", "css")} <= names


def test_the_metadata_says_what_it_is(wheel: Path) -> None:
    """Licence with its text, readme, the oldest Python, and the extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
        licence = archive.read(name.replace("METADATA", "licenses/LICENSE"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_payload() == (ROOT / "README.md").read_text()
    assert set(metadata.get_all("Provides-Extra", [])) == {"strict-aws", "local", "infra", "dev", "bench"}
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_the_sdist_has_what_a_wheel_is_built_of(built: Path) -> None:
    """And the texts that belong to it."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "examples/config.json", "lambdas/requirements.txt"} <= names
    assert not {name for name in names if name.startswith(("tests/", "infra/", "bench/", ".venv/"))}


@pytest.mark.parametrize("extra", ["plain", "local"])
def test_the_command_works_in_any_folder(extra: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Version, help, and a check of a file, also as a module."""
    commands = request.getfixturevalue(extra)
    (tmp_path / "SESConfig.json").write_bytes((ROOT / "examples" / "SESConfig.json").read_bytes())
    version = run(commands, "ses-fleet", "--version", cwd=tmp_path)
    assert (version.returncode, version.stdout, version.stderr) == (0, "ses-fleet 0.1.0\n", "")
    as_module = run(commands, "python", "-m", "ses_fleet_cli", "--version", cwd=tmp_path)
    assert (as_module.returncode, as_module.stdout) == (0, version.stdout)
    help_ = run(commands, "ses-fleet", "--help", cwd=tmp_path)
    assert help_.returncode == 0
    assert "Usage: ses-fleet [OPTIONS] COMMAND" in help_.stdout
    checked = run(commands, "ses-fleet", "config", "check", "SESConfig.json", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("SESConfig.json: 9 topics, as manage-topic gives them to every list:\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["ses-fleet", "invoke", "help", "--local"],
        ["ses-fleet", "local", "up", "--port", "0"],
        ["python", "-m", "ses_fleet_local", "--port", "0"],
    ],
)
def test_without_the_extra_it_is_said_what_to_install(arguments: list[str], plain: Path, tmp_path: Path) -> None:
    """One line, and the exit code of a command line that cannot be followed."""
    ended = run(plain, *arguments, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("ses-fleet: the local cloud is not installed")
    assert "pip install '.[local]'" in line


def test_the_local_cloud_runs_on_the_packaged_examples(local: Path, tmp_path: Path) -> None:
    """Help, and a run over every customer of the example."""
    help_ = run(local, "ses-fleet", "invoke", "help", "--local", cwd=tmp_path)
    assert help_.returncode == 0
    assert "describe-list" in help_.stdout
    ended = run(local, "ses-fleet", "invoke", "describe-list-all", "--local", "--output", "json", cwd=tmp_path)
    assert ended.returncode == 1  # two customers of the example do not let ses-fleet in
    summary = json.loads(ended.stdout)
    codes = set(json.loads((ROOT / "examples" / "config.json").read_text())["customer_mappings"])
    assert {result["customer_code"] for result in summary["results"]} == codes
    assert summary["successful_count"] > 0
    assert list(tmp_path.iterdir()) == []


def test_the_local_cloud_starts_as_a_module(local: Path, tmp_path: Path) -> None:
    """`python -m ses_fleet_local` has the options of `ses-fleet local up`."""
    ended = run(
        local, "python", "-m", "ses_fleet_local", "--empty", "--config", str(ROOT / "pyproject.toml"), cwd=tmp_path
    )
    assert ended.returncode == 2
    assert "--empty makes no customers" in ended.stderr
