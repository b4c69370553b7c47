"""What is installed where: the command's needs are its own, and nothing more is shipped to Lambda."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def lines(name: str) -> list[str]:
    """The lines of a requirements file, without comments."""
    return [line for line in (ROOT / name).read_text().splitlines() if re.match(r"[a-z0-9]", line)]


def pinned(name: str) -> dict[str, str]:
    """The packages of a pinned requirements file and their versions."""
    return dict(line.split("==") for line in lines(name))


def needed_by(requirements: list[str]) -> set[str]:
    """Every package that these need as it is installed here, themselves included."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        for extra in {"", *wanted.extras} - {extra for name, extra in found if name == wanted.name}:
            found.add((wanted.name, extra))
            needs = [Requirement(text) for text in importlib.metadata.requires(wanted.name) or ()]
            waiting += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return {canonicalize_name(name) for name, _ in found}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_profile_of_aws_login_can_be_used_by_the_command(name: str) -> None:
    """botocore signs for one with awscrt, of just the version that its extra names."""
    wanted = [text for text in importlib.metadata.requires("botocore") or () if text.startswith("awscrt")]
    (version,) = re.findall(r"==([0-9.]+)", " ".join(wanted))
    assert pinned(name)["awscrt"] == version
    assert f"awscrt=={version}" in PROJECT["dependencies"]
    assert importlib.metadata.version("awscrt") == version


def test_it_is_not_shipped_to_lambda() -> None:
    """The functions have roles and need none of it: megabytes of a cold start."""
    assert "awscrt" not in pinned("lambdas/requirements.txt")


def test_lambda_gets_what_the_functions_need_and_nothing_else() -> None:
    """The three packages that they import and what these need: nothing of the command's or of the local cloud's."""
    wanted = lines("lambdas/requirements.in")
    shipped = pinned("lambdas/requirements.txt")
    assert {Requirement(line).name for line in wanted} == {"botocore", "pydantic", "aws-lambda-powertools"}
    assert shipped.keys() == needed_by(wanted)


def test_the_command_needs_more_than_that() -> None:
    """So that the test above compares something: what it writes with is a dependency, and stays on this side."""
    needed = needed_by(PROJECT["dependencies"])
    own = {"typer", "rich", "awscrt", "jinja2", "markupsafe"}
    assert own <= needed
    assert not (own | {"moto", "awslambdaric"}) & pinned("lambdas/requirements.txt").keys()


def test_all_requirements_have_one_version_of_a_package() -> None:
    """What is shipped, and what the command has, is what the tests ran with."""
    whole = pinned("requirements-dev.txt")
    for name in ("requirements.txt", "lambdas/requirements.txt"):
        assert pinned(name).items() <= whole.items(), name


def test_every_direct_dependency_is_named_once_and_pinned() -> None:
    """In pyproject.toml, to the version of requirements-dev.txt.

    What strict_aws and the deployment both need is named in both extras: pip-compile locks one that refers to another
    extra of ours with this machine's path.
    """
    extras = PROJECT["optional-dependencies"]
    direct = [
        Requirement(text) for text in (*PROJECT["dependencies"], *(text for one in extras.values() for text in one))
    ]
    others = [one for one in direct if one.name != "ses-fleet"]
    names = [canonicalize_name(one.name) for one in others]
    twice = {Requirement(text).name for text in extras["strict-aws"]} & {
        Requirement(text).name for text in extras["infra"]
    }
    assert twice == {"aws-croniter"}
    assert len(names) == len(set(names)) + len(twice)
    whole = pinned("requirements-dev.txt")
    assert [str(one.specifier) for one in others] == [f"=={whole[name]}" for name in names]


def test_the_local_cloud_needs_what_strict_aws_needs() -> None:
    """Its extra is a name for the other one."""
    assert PROJECT["optional-dependencies"]["local"] == ["ses-fleet[strict-aws]"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "lambdas/requirements.txt"])
def test_requirements_name_packages_and_no_place(name: str) -> None:
    """Where packages come from is the machine's business."""
    assert "://" not in (ROOT / name).read_text()
    assert all(re.fullmatch(r"[a-z0-9._-]+==[a-z0-9.]+", line) for line in lines(name))
