"""No test sees the developer's own AWS settings."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import HealthCheck, settings

from ses_fleet import limits
from ses_fleet.aws import kept_clients

# Where the long files are. pytest-randomly shuffles files; one that is begun last would be run alone at the end.
_BEGUN_FIRST = ("tests/deploy/", "tests/local_cloud/", "tests/infra/", "tests/strict_aws/component/")
# How fast the machine is decides no test.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders with long files first, and leave the order as it was otherwise."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, folder in enumerate(_BEGUN_FIRST) if item.nodeid.startswith(folder)), len(_BEGUN_FIRST))


@pytest.fixture(autouse=True)
def no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear every AWS variable; nothing may look for credentials elsewhere."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(autouse=True)
def no_kept_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the clients that an earlier test's functions have kept: they are made from the settings of their time.

    Made-up clients have no connections that could be too old.
    """
    kept_clients.forget()
    monkeypatch.setattr(limits, "KEPT_CONNECTION_SECONDS", math.inf)
