"""Secrets of Secrets Manager, read with the function's own credentials."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.aws import kept_clients
from ses_fleet.errors import AwsCallError


def read(region: str, secret_id: str) -> str:
    """Return the present text of a secret, which `secret_id` names by its name or ARN.

    Raise AwsCallError when it cannot be read, and when it holds bytes instead of a text.
    """
    client = kept_clients.of_function("secretsmanager", region, attempts=limits.SECRET_ATTEMPTS)
    answer = client.call("get_secret_value", SecretId=secret_id)
    text = answer.get("SecretString")
    if not isinstance(text, str):
        raise AwsCallError("secretsmanager", "get_secret_value", "refused", "NoSecretString", "the secret has no text")
    return text
