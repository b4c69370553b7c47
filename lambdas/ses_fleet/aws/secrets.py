"""Secrets of Secrets Manager, read with the function's own credentials."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet.aws import kept_clients
from ses_fleet.errors import AwsCallError

# What is wrong with a secret, by the code of Secrets Manager's refusal. A role that may read this secret alone is
# refused, and not told so, as long as it does not exist.
_REASONS = {
    "AccessDeniedException": "it does not exist, or the function's role may not read it: deploy with erasure_secret",
    "InvalidRequestException": "it is marked for deletion: bring it back with `aws secretsmanager restore-secret`",
    "ResourceNotFoundException": "it does not exist, or has no value",
}


def why_unread(failure: AwsCallError) -> str:
    """Return why a secret could not be read, in words that say what to check."""
    return _REASONS.get(failure.code, failure.text)


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
