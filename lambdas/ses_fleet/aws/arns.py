"""ARNs of IAM roles, and the only place that parses them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ses_fleet import limits
from ses_fleet.text import quoted

# IAM API: a path is / or /…/ of printable ASCII without spaces, slashes included; names are [\w+=,.@-]{1,64}.
_ROLE_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):iam::(?P<account>[0-9]{12}):role/"
    r"(?P<path>(?:[\x21-\x7e]+/)?)(?P<name>[A-Za-z0-9_+=,.@-]+)",
)


@dataclass(frozen=True)
class RoleArn:
    """The parts of an IAM role's ARN. `path` begins and ends with a slash, as in IAM."""

    text: str
    partition: str
    account_id: str
    path: str
    name: str


def parse_role_arn(text: str) -> RoleArn:
    """Return the parts of a role's ARN. Raise ValueError, which says what is wrong with it."""
    if text != text.strip():
        raise ValueError(f"{quoted(text)} has spaces around it")
    match = _ROLE_ARN.fullmatch(text)
    if match is None:
        raise ValueError(_why_no_role(text))
    path, name = "/" + match["path"], match["name"]
    if len(name) > limits.ROLE_NAME_CHARACTERS or len(path) > limits.ROLE_PATH_CHARACTERS:
        raise ValueError(f"{quoted(text)} has a role name or path longer than IAM allows")
    return RoleArn(text, match["partition"], match["account"], path, name)


def _why_no_role(text: str) -> str:
    parts = text.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn" and not (parts[2] == "iam" and parts[5].startswith("role/")):
        return f"{quoted(text)} is not the ARN of an IAM role"
    return f"{quoted(text)} is not a role ARN (arn:aws:iam::<12 digits>:role/<name>)"
