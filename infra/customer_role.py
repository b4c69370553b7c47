"""Write the templates that customers deploy, from what the actions declare: `make customer-role`.

They are plain CloudFormation without anything of the CDK, so that a customer or a StackSet can deploy them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.names import DEFAULT, WORKER_SUFFIX
from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.policies import IMPORT_PREFIX, identity_center_statements, policy_statements
from ses_fleet.actions.role_version import ROLE_VERSION, TAG_KEY

TEMPLATES = Path(__file__).resolve().parent / "templates"
CUSTOMER_ROLE = "customer-role.template.json"
IDENTITY_CENTER_ROLE = "identity-center-role.template.json"

# Resources of the statements; CloudFormation fills the account in.
_PARTITION, _ACCOUNT = "${AWS::Partition}", "${AWS::AccountId}"
_BUCKET_NAME = f"${{FleetName}}-import-{_ACCOUNT}-${{AWS::Region}}"
# By its name: a role whose own policies refer to it by Fn::GetAtt would wait for itself. A path begins and ends with /.
_ROLE_ARN = f"arn:{_PARTITION}:iam::{_ACCOUNT}:role${{RolePath}}${{RoleName}}"
_MANAGE = {"Fn::Equals": [{"Ref": "AccessLevel"}, "Manage"]}
_NO_PATH, _NO_BOUNDARY, _SAME, _PER_ACCOUNT = "/", "", "None", "AccountId"
# STS API: ExternalId.
_EXTERNAL_ID = "[A-Za-z0-9_+=,.@:/-]{2,1224}"
# IAM API: a path, and the name of a policy with its path.
_PATH_PATTERN = "/([!-~]{1,510}/)?"
_POLICY_PATTERN = "([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}|"


def main() -> None:
    """Write both templates into infra/templates/."""
    TEMPLATES.mkdir(exist_ok=True)
    for name, template in templates().items():
        (TEMPLATES / name).write_text(as_text(template), encoding="utf-8")


def templates() -> dict[str, dict[str, Any]]:
    """Return both templates by their file names."""
    return {CUSTOMER_ROLE: customer_role(), IDENTITY_CENTER_ROLE: identity_center_role()}


def as_text(template: dict[str, Any]) -> str:
    """Return the template as the text of its file."""
    return json.dumps(template, indent=2) + "\n"


def customer_role() -> dict[str, Any]:
    """Return the template of the role that workers assume in a customer's account.

    With AccessLevel Manage it also makes the bucket that import jobs are read from.
    """
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role by which ses-fleet works on this account's SES contact list",
        "Parameters": {
            **_trust_parameters("ses-fleet-contact-manager"),
            "AccessLevel": {
                "Type": "String",
                "AllowedValues": ["ReadOnly", "Manage"],
                "Default": "ReadOnly",
                "Description": "ReadOnly: look and export. Manage: also change topics, import and remove contacts",
            },
        },
        "Conditions": {"Manages": _MANAGE, **_trust_conditions()},
        "Resources": {
            "Role": _role(
                "Lets ses-fleet work on the SES contact list",
                [
                    {"PolicyName": "read", "PolicyDocument": _document(_statements(mutating=False))},
                    {
                        "Fn::If": [
                            "Manages",
                            {"PolicyName": "manage", "PolicyDocument": _document(_statements(mutating=True))},
                            {"Ref": "AWS::NoValue"},
                        ]
                    },
                ],
            ),
            "ImportBucket": {
                "Type": "AWS::S3::Bucket",
                "Condition": "Manages",
                "Properties": _bucket_properties(),
            },
            "ImportBucketPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                "Condition": "Manages",
                "Properties": {
                    "Bucket": {"Ref": "ImportBucket"},
                    "PolicyDocument": _document(_bucket_statements()),
                },
            },
        },
        "Outputs": {
            "SesRoleArn": {"Description": "ses_role_arn of config.json", "Value": {"Fn::GetAtt": ["Role", "Arn"]}},
            "RoleVersion": _version_output(),
            "ImportBucketName": {
                "Condition": "Manages",
                "Description": "import_bucket of config.json",
                "Value": {"Ref": "ImportBucket"},
            },
        },
    }


def identity_center_role() -> dict[str, Any]:
    """Return the template of the role through which workers read users, groups and memberships."""
    permissions = sorted({name for action in ACTIONS.values() for name in action.identity_center_permissions})
    statements = identity_center_statements(permissions, partition=_PARTITION, store_id="${IdentityStoreId}")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role by which ses-fleet reads the users and groups of IAM Identity Center",
        "Parameters": {
            **_trust_parameters("ses-fleet-contact-importer"),
            "IdentityStoreId": {
                "Type": "String",
                "Default": "*",
                "Description": "d-... to let it read one identity store only; * for whichever this account sees",
            },
        },
        "Conditions": _trust_conditions(),
        "Resources": {
            "Role": _role(
                "Lets ses-fleet read Identity Center's users and groups",
                [{"PolicyName": "read", "PolicyDocument": _document(_substituted(statements))}],
            )
        },
        "Outputs": {
            "IdentityCenterRoleArn": {
                "Description": "identity_center_role_arn of config.json",
                "Value": {"Fn::GetAtt": ["Role", "Arn"]},
            },
            "RoleVersion": _version_output(),
        },
    }


def _version_output() -> dict[str, Any]:
    return {"Description": "The version of the template that the role is made from", "Value": str(ROLE_VERSION)}


def _trust_parameters(role_name: str) -> dict[str, Any]:
    return {
        "FleetAccountId": {
            "Type": "String",
            "AllowedPattern": "[0-9]{12}",
            "Description": "The account in which ses-fleet runs",
        },
        "FleetName": {
            "Type": "String",
            "Default": DEFAULT,
            "AllowedPattern": limits.DEPLOYMENT_NAME,
            "Description": "The name of the deployment there, which the name of its worker's role begins with",
        },
        "ExternalId": {
            "Type": "String",
            "AllowedPattern": _EXTERNAL_ID,
            "Description": "Agreed with those who run ses-fleet, for this account alone; the same as in config.json",
        },
        "ExternalIdSuffix": {
            "Type": "String",
            "AllowedValues": [_SAME, _PER_ACCOUNT],
            "Default": _SAME,
            "Description": "AccountId: the ExternalId is ExternalId-<id of this account>, as a StackSet needs it: "
            "its accounts all get the same parameters",
        },
        "RoleName": {
            "Type": "String",
            "Default": role_name,
            "AllowedPattern": "[A-Za-z0-9_+=,.@-]{1,64}",
            "Description": "Must match a pattern that ses-fleet's worker may assume (role_patterns)",
        },
        "RolePath": {
            "Type": "String",
            "Default": _NO_PATH,
            "AllowedPattern": _PATH_PATTERN,
            "ConstraintDescription": "must begin and end with /",
            "Description": "The role's path, such as /vendors/; ses_role_arn has it, too. A role keeps the one it has",
        },
        "PermissionsBoundary": {
            "Type": "String",
            "Default": _NO_BOUNDARY,
            "AllowedPattern": _POLICY_PATTERN,
            "ConstraintDescription": "must be the name of a policy of this account, with its path and without its ARN",
            "Description": "The name of the policy of this account that is the role's permissions boundary, if roles "
            "must have one",
        },
    }


def _trust_conditions() -> dict[str, Any]:
    return {
        "SuffixesExternalId": {"Fn::Equals": [{"Ref": "ExternalIdSuffix"}, _PER_ACCOUNT]},
        "HasPath": {"Fn::Not": [{"Fn::Equals": [{"Ref": "RolePath"}, _NO_PATH]}]},
        "HasBoundary": {"Fn::Not": [{"Fn::Equals": [{"Ref": "PermissionsBoundary"}, _NO_BOUNDARY]}]},
    }


def _unless_left_out(condition: str, value: dict[str, Any]) -> dict[str, Any]:
    """The property's value, or no property: to a role that is there, `Path: /` is a change, and would replace it."""
    return {"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]}


def _role(description: str, policies: list[Any]) -> dict[str, Any]:
    worker = f"arn:{_PARTITION}:iam::${{FleetAccountId}}:role/${{FleetName}}{WORKER_SUFFIX}"
    external_id = {"Fn::If": ["SuffixesExternalId", {"Fn::Sub": f"${{ExternalId}}-{_ACCOUNT}"}, {"Ref": "ExternalId"}]}
    # Not the role itself as principal: IAM stores that by its unique id, and a role of the same name that was made
    # anew would not be trusted any more.
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": f"arn:{_PARTITION}:iam::${{FleetAccountId}}:root"}},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": {"Fn::Sub": worker}},
            "StringEquals": {"sts:ExternalId": external_id},
        },
    }
    boundary = {"Fn::Sub": f"arn:{_PARTITION}:iam::{_ACCOUNT}:policy/${{PermissionsBoundary}}"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "RoleName"},
            "Path": _unless_left_out("HasPath", {"Ref": "RolePath"}),
            "PermissionsBoundary": _unless_left_out("HasBoundary", boundary),
            "Description": description,
            "AssumeRolePolicyDocument": _document([trust]),
            "Policies": policies,
            "Tags": [{"Key": TAG_KEY, "Value": str(ROLE_VERSION)}],
        },
    }


def _statements(*, mutating: bool) -> list[dict[str, Any]]:
    """Statements for what reading actions need, or for what mutating ones need beyond that, one for each resource."""
    read = _by_resource(mutating=False)
    if not mutating:
        found = read
    else:
        found = {
            resource: [name for name in names if name not in read.get(resource, ())]
            for resource, names in _by_resource(mutating=True).items()
        }
    return _substituted(
        {"Effect": "Allow", "Action": sorted(names), "Resource": resource} for resource, names in found.items() if names
    )


def _by_resource(*, mutating: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for action in ACTIONS.values():
        if action.mutates is not mutating:
            continue
        for statement in policy_statements(
            action,
            partition=_PARTITION,
            region="*",
            account_id=_ACCOUNT,
            role_arn=_ROLE_ARN,
            import_bucket=_BUCKET_NAME,
        ):
            names = found.setdefault(statement["Resource"], [])
            names += [name for name in statement["Action"] if name not in names]
    return found


def _bucket_properties() -> dict[str, Any]:
    return {
        "BucketName": {"Fn::Sub": _BUCKET_NAME},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "import-files",
                    "Status": "Enabled",
                    "ExpirationInDays": limits.IMPORT_FILE_DAYS,
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": limits.IMPORT_FILE_DAYS},
                }
            ]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    }


def _bucket_statements() -> list[dict[str, Any]]:
    bucket = f"arn:{_PARTITION}:s3:::{_BUCKET_NAME}"
    own = {"Ref": "AWS::AccountId"}
    return [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [{"Fn::Sub": bucket}, {"Fn::Sub": f"{bucket}/*"}],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        # SES names the account for which it reads by the one key in its older documentation, by the other in the newer.
        *(
            {
                "Sid": f"SesReads{number}",
                "Effect": "Allow",
                "Principal": {"Service": "ses.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": {"Fn::Sub": f"{bucket}/{IMPORT_PREFIX}*"},
                "Condition": {"StringEquals": {key: own}},
            }
            for number, key in enumerate(("aws:SourceAccount", "aws:Referer"), start=1)
        ),
    ]


def _substituted(statements: Any) -> list[dict[str, Any]]:
    """The same statements, with Fn::Sub around each resource that CloudFormation has to fill in."""
    return [{**statement, "Resource": _resource(statement["Resource"])} for statement in statements]


def _resource(resource: Any) -> Any:
    if isinstance(resource, list):
        return [_resource(one) for one in resource]
    return {"Fn::Sub": resource} if "${" in resource else resource


def _document(statements: list[Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


if __name__ == "__main__":
    main()
