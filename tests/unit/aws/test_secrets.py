"""A secret is read as the function itself, from whatever its name or ARN leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ses_fleet.aws import clients, kept_clients, secrets
from ses_fleet.errors import AwsCallError
from strict_aws.aws import Options, StrictAws

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictAws]:
    """A strict AWS, which the function calls as the account's administrator."""
    made = StrictAws(Options())
    made.start()
    for name, value in made.environment(ACCOUNT, REGION).items():
        monkeypatch.setenv(name, value)
    clients._warm_session.cache_clear()
    kept_clients.forget()
    yield made
    clients._warm_session.cache_clear()
    kept_clients.forget()
    made.stop()


def ask(operation: str, **parameters: Any) -> dict[str, Any]:
    """As the administrator."""
    return kept_clients.of_function("secretsmanager", REGION).call(operation, **parameters)


@pytest.mark.usefixtures("aws")
def test_the_present_text_is_read_by_name_and_by_arn() -> None:
    """The newest version's."""
    arn = ask("create_secret", Name="reading/one", SecretString="first")["ARN"]
    ask("put_secret_value", SecretId=arn, SecretString="second")
    assert secrets.read(REGION, "reading/one") == secrets.read(REGION, arn) == "second"


@pytest.mark.usefixtures("aws")
def test_what_cannot_be_read_is_a_refusal() -> None:
    """It is not there, it is about to be deleted, or it holds bytes."""
    ask("create_secret", Name="reading/bytes", SecretBinary=b"x")
    ask("create_secret", Name="reading/leaving", SecretString="x")
    ask("delete_secret", SecretId="reading/leaving")
    found = {}
    for name in ("reading/nobody", "reading/leaving", "reading/bytes"):
        with pytest.raises(AwsCallError) as error:
            secrets.read(REGION, name)
        assert error.value.kind == "refused"
        found[name] = error.value.code
    assert list(found.values()) == ["ResourceNotFoundException", "InvalidRequestException", "NoSecretString"]
