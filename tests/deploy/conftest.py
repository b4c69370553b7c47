"""One deployment for all tests of a process: it takes half a minute to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.deployment import Deployment, deployed


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The stack, deployed from this tree into a local cloud of its own."""
    with deployed(tmp_path_factory.mktemp("deploy")) as made:
        yield made
