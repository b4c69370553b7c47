"""What a worker may do in a customer's account and in Identity Center, as IAM statements and session policies."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from ses_fleet.actions.catalogue import Action
from ses_fleet.config.customer import Customer, IdentityCenter

# IAM knows no resource for these, so they need "*" (service authorization reference, SES v2).
_UNSCOPED_ACTIONS = frozenset(
    {
        *("ses:ListContactLists", "ses:GetAccount", "ses:CreateImportJob", "ses:ListImportJobs"),
        *("ses:GetSuppressedDestination", "ses:ListSuppressedDestinations"),
        *("ses:DeleteSuppressedDestination", "ses:PutSuppressedDestination"),
    }
)
_IMPORT_JOB_ACTIONS = frozenset({"ses:GetImportJob"})
# Where import files lie in a customer's bucket.
IMPORT_PREFIX = "ses-fleet/"


def policy_statements(
    action: Action, *, partition: str, region: str, account_id: str, import_bucket: str | None
) -> list[dict[str, Any]]:
    """Return IAM statements that allow exactly what the action declares. `region` may be "*".

    Without `import_bucket` nothing is allowed in S3.
    """
    ses = f"arn:{partition}:ses:{region}:{account_id}"
    by_resource: dict[str, list[str]] = {}
    for name in action.permissions:
        if name.startswith("s3:"):
            resource = f"arn:{partition}:s3:::{import_bucket}/{IMPORT_PREFIX}*" if import_bucket else None
        elif name in _UNSCOPED_ACTIONS:
            resource = "*"
        else:
            resource = f"{ses}:import-job/*" if name in _IMPORT_JOB_ACTIONS else f"{ses}:contact-list/*"
        if resource is not None:
            by_resource.setdefault(resource, []).append(name)
    return [{"Effect": "Allow", "Action": names, "Resource": resource} for resource, names in by_resource.items()]


def session_policy(action: Action, customer: Customer, partition: str) -> str:
    """Return the session policy, JSON, that limits an assumed session to this action on this customer's list."""
    statements = policy_statements(
        action,
        partition=partition,
        region=customer.region,
        account_id=customer.account_id,
        import_bucket=customer.import_bucket,
    )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def identity_center_statements(
    permissions: Collection[str], *, partition: str, store_id: str | None
) -> list[dict[str, Any]]:
    """Return IAM statements for the role that reads Identity Center: on one identity store, or on any when it is None.

    The store may belong to another account. Users, groups and memberships have no store in their ARNs, and
    sso:ListInstances has no resource (service authorization reference).
    """
    identity_store = f"arn:{partition}:identitystore"
    inside = [f"{identity_store}:::{kind}/*" for kind in ("group", "membership", "user")]
    reading = [name for name in permissions if name.startswith("identitystore:")]
    others = [name for name in permissions if name not in reading]
    statements: list[dict[str, Any]] = []
    if reading:
        store = f"{identity_store}::*:identitystore/{store_id or '*'}"
        statements.append({"Effect": "Allow", "Action": reading, "Resource": [store, *inside]})
    if others:
        statements.append({"Effect": "Allow", "Action": others, "Resource": "*"})
    return statements


def identity_center_policy(action: Action, source: IdentityCenter, partition: str) -> str:
    """Return the session policy, JSON, that limits a session of that role to this action on this identity store."""
    statements = identity_center_statements(
        action.identity_center_permissions, partition=partition, store_id=source.store_id
    )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
