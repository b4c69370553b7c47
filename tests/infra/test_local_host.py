"""A deployment into a local cloud is packed for this machine, by itself."""

from __future__ import annotations

import platform
import sys

import pytest

from infra import context, local_host

HERE = f"3.{sys.version_info.minor}"


@pytest.mark.parametrize("machine", [("x86_64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")])
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4566", "https://localhost:1", "http://[::1]:4566", "http://127.1.2.3"]
)
def test_an_endpoint_on_loopback_means_this_machine(
    url: str, machine: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its Python and its architecture."""
    monkeypatch.setattr(platform, "machine", lambda: machine[0])
    assert local_host.defaults({"AWS_ENDPOINT_URL": url}) == {"python_version": HERE, "architecture": machine[1]}


@pytest.mark.parametrize("url", ["", "https://vpce-1.lambda.amazonaws.com", "http://10.0.0.1", "http://[", "127.0.0.1"])
def test_anywhere_else_the_settings_stand(url: str) -> None:
    """As they are documented."""
    assert local_host.defaults({"AWS_ENDPOINT_URL": url}) == {}
    assert local_host.defaults({}) == {}


def test_a_machine_that_lambda_has_not_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local cloud says that the package does not fit."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert local_host.defaults({"AWS_ENDPOINT_URL": "http://127.0.0.1"}) == {}


def test_what_the_context_says_comes_first() -> None:
    """The machine's values are for what it leaves out."""
    here = {"python_version": HERE, "architecture": "x86_64"}
    settings = context.read({"python_version": "3.14"}, here)
    assert (settings.python_version, settings.architecture) == ("3.14", "x86_64")
