"""What a worker may do in a customer's account and in Identity Center, as IAM statements and session policies."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from ses_fleet.actions.catalogue import Action
from ses_fleet.config.customer import Customer, IdentityCenter

# IAM knows no resource for these, so they need "*" (service authorization reference, SES v2 and CloudWatch).
_UNSCOPED_ACTIONS = frozenset(
    {
        *("ses:ListContactLists", "ses:GetAccount", "ses:CreateImportJob", "ses:ListImportJobs"),
        *("ses:GetSuppressedDestination", "ses:ListSuppressedDestinations"),
        *("ses:DeleteSuppressedDestination", "ses:PutSuppressedDestination"),
        *("ses:ListEmailIdentities", "cloudwatch:GetMetricData"),
    }
)
# What others act on is a contact list.
_ON = {"ses:GetEmailIdentity": "identity/*", "ses:GetImportJob": "import-job/*"}
_ROLE_ACTIONS = frozenset({"iam:ListRoleTags"})
# IAM's service prefixes where they differ from botocore's service names.
_PREFIXES = {"sesv2": "ses", "sso-admin": "sso"}
# What a call may need beside the permission of its own name: a list can be created with tags.
_NEEDED_BESIDE = {"ses:CreateContactList": "ses:TagResource"}
# Where import files lie in a customer's bucket.
IMPORT_PREFIX = "ses-fleet/"


def policy_statements(
    action: Action, *, partition: str, region: str, account_id: str, role_arn: str, import_bucket: str | None
) -> list[dict[str, Any]]:
    """Return IAM statements that allow exactly what the action declares. `region` may be "*".

    `role_arn` is the role that they are for: it may read its own tags. Without `import_bucket` nothing is allowed in
    S3.
    """
    ses = f"arn:{partition}:ses:{region}:{account_id}"
    files = f"arn:{partition}:s3:::{import_bucket}/{IMPORT_PREFIX}*" if import_bucket else None

    def resource_of(name: str) -> str | None:
        if name.startswith("s3:"):
            return files
        if name in _ROLE_ACTIONS:
            return role_arn
        if name in _UNSCOPED_ACTIONS:
            return "*"
        return f"{ses}:{_ON.get(name, 'contact-list/*')}"

    by_resource: dict[str, list[str]] = {}
    for name in action.permissions:
        resource = resource_of(name)
        if resource is not None:
            by_resource.setdefault(resource, []).append(name)
    return [{"Effect": "Allow", "Action": names, "Resource": resource} for resource, names in by_resource.items()]


def permissions_of_call(action: Action, service: str, operation: str) -> list[str]:
    """Return the permissions that the action declares for a call, which is named as botocore does.

    `sesv2` and `get_contact` give `ses:GetContact`. The list is empty for a call that is not made with the customer's
    role.
    """
    name = "".join(part.capitalize() for part in operation.split("_"))
    called = f"{_PREFIXES.get(service, service)}:{name}"
    declared = (*action.permissions, *action.identity_center_permissions)
    return [one for one in (called, _NEEDED_BESIDE.get(called)) if one in declared]


def session_policy(action: Action, customer: Customer, partition: str) -> str:
    """Return the session policy, JSON, that limits an assumed session to this action on this customer's list."""
    statements = policy_statements(
        action,
        partition=partition,
        region=customer.region,
        account_id=customer.account_id,
        role_arn=customer.ses_role_arn,
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
