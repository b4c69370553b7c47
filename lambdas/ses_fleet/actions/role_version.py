"""The version of the roles that customers' templates make, and since which version they have which permission.

A customer's role is as old as the template that its stack was last deployed from, and the role's tag says which version
that was. Version 1 had no tag yet. A new permission of any action makes a new version: CONTRIBUTING.md says how.
"""

from __future__ import annotations

# The version of the templates as they are made now. What each one allows is in tests/infra/role_versions.json.
ROLE_VERSION = 3
TAG_KEY = "ses-fleet:role-version"

_FIRST_VERSION = 1
# Permissions that version 1 did not have, and the first version that has them.
_ADDED_IN = {
    "cloudwatch:GetMetricData": 3,
    "iam:ListRoleTags": 2,
    "ses:DeleteSuppressedDestination": 2,
    "ses:GetEmailIdentity": 3,
    "ses:GetSuppressedDestination": 2,
    "ses:ListEmailIdentities": 3,
    "ses:ListSuppressedDestinations": 2,
    "ses:PutSuppressedDestination": 2,
}


def since(*permissions: str) -> int:
    """Return the first version of the templates whose roles have all of these permissions."""
    return max((_ADDED_IN.get(name, _FIRST_VERSION) for name in permissions), default=_FIRST_VERSION)
