"""What a failed call of `config discover` means, in words for who called it. Nothing has been written then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ses_fleet import limits
from ses_fleet.errors import AwsCallError
from ses_fleet.foreign_errors import ACCESS_DENIED_CODES
from ses_fleet_cli import aws_failures
from ses_fleet_cli.discover.organization import Selection
from ses_fleet_cli.errors import CommandError, no_summary, out_of_reach, usage

_GUIDE = 'docs/operating.md, "Onboard many accounts", has the policy'
_TEXTS = {
    "AWSOrganizationsNotInUseException": (
        "the account of these credentials is in no AWS organization: set AWS_PROFILE to a profile of the management "
        "account, or of a delegated administrator"
    ),
    "PaginationTokenExpiredException": "the listing took longer than AWS keeps it. Nothing was written; run it again",
}


@contextmanager
def explained(selection: Selection) -> Iterator[None]:
    """Turn AWS calls that fail inside the block into CommandErrors: exit code 2 for a wrong unit, else 3."""
    try:
        yield
    except AwsCallError as failure:
        raise _explained(failure, selection) from None


def _explained(failure: AwsCallError, selection: Selection) -> CommandError:
    if failure.code == "ParentNotFoundException":
        units = ", ".join(selection.units)
        return usage(f"--ou {units}: the organization has no such unit or root, or no more ({failure.code})")
    if failure.code in _TEXTS:
        return no_summary(_TEXTS[failure.code])
    name = "".join(part.capitalize() for part in failure.operation.split("_"))
    if failure.code in ACCESS_DENIED_CODES:
        prefix = "tag" if failure.service == "resourcegroupstaggingapi" else failure.service
        return no_summary(
            f"these credentials may not call {prefix}:{name} ({failure.code}). It takes a policy that allows it, in "
            f"the organization's management account or in a delegated administrator's: {_GUIDE}"
        )
    if failure.kind == "throttled":
        return no_summary(
            f"AWS takes no more {name} now ({failure.code}, {limits.ORGANIZATIONS_ATTEMPTS} tries): others ask at the "
            "same time. Nothing was written; run it again in a minute"
        )
    error = out_of_reach if failure.kind == "unreachable" else no_summary
    return error(f"the organization cannot be read: {aws_failures.reason(failure)}")
