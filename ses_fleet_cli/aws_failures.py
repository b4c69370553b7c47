"""A call to AWS that failed, in one line: what happened, which address was tried, and what to do about it."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from ses_fleet.aws.regions import partition_of
from ses_fleet.errors import AwsCallError
from ses_fleet.text import printable

_REGION = "set AWS_REGION, or a region in the profile that AWS_PROFILE names"
_CREDENTIALS = "set AWS_PROFILE to a profile that has some, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_SIGN_IN = "sign in again, such as with `aws sso login`"
_ADVICE = {
    "NoRegionError": _REGION,
    "InvalidRegionError": _REGION,
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "CredentialRetrievalError": "check the profile that AWS_PROFILE names, or set another one",
    **dict.fromkeys(("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"), _SIGN_IN),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException"), _SIGN_IN),
    "ProfileNotFound": "`aws configure list-profiles` shows the names of those that are",
    "ValueError": "check AWS_ENDPOINT_URL and AWS_REGION",
}
# The orchestrator that the command works with.
_NO_SUCH = ("get_function_configuration", "ResourceNotFoundException")
_WHICH = (
    "check the account and the Region of your credentials; --function-name, or SES_FLEET_FUNCTION_NAME, names the "
    "orchestrator of a deployment with another name"
)
# Organizations, and the tags of its accounts, are in one Region; those of partition aws are named.
_HOSTS = {
    "organizations": "organizations.us-east-1.amazonaws.com",
    "resourcegroupstaggingapi": "tagging.us-east-1.amazonaws.com",
}
# In these partitions a service's address is its name, the Region and this.
_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com"}


def reason(failure: AwsCallError) -> str:
    """Return why a call failed and, where that is known, what to do about it, without a full stop at the end."""
    operation = "" if failure.operation == "client" else f"{failure.operation}: "
    said = f"{operation}{failure.code}: {failure.text}"
    advice = _WHICH if (failure.operation, failure.code) == _NO_SUCH else _ADVICE.get(failure.code)
    if advice is None and failure.kind in ("unreachable", "lost"):
        advice = _tried(failure.service)
    return said if advice is None else f"{said}; {advice}"


def _tried(service: str) -> str:
    names = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
    name = next((name for name in names if os.environ.get(name)), None)
    if name is not None:
        return f"tried {_without_user(os.environ[name])}, as {name} says: check it, or unset it"
    if service in _HOSTS:
        return f"tried https://{_HOSTS[service]}: check the network and its proxy"
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    suffix = _SUFFIXES.get(partition_of(region) or "")
    address = f"https://{service}.{region}.{suffix}" if suffix else f"{service} in the configured Region"
    return f"tried {address}: check the Region, the network and its proxy"


def _without_user(url: str) -> str:
    """Return the URL without a name and a password, which it may have."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "something that is no URL"
    return printable(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
