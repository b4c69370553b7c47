"""What holds of every test of the local cloud's services."""

from __future__ import annotations

import pytest

from tests.strict_aws.conformance import hooks


@pytest.fixture(autouse=True)
def answers_in_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer that a service gives in a test has the shape of botocore's model."""
    hooks.check_every_answer(monkeypatch)
