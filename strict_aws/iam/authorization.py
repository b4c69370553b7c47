"""Decide whether a caller may do what a request asks for, as AWS does for every call.

The role's policies, the session's policy and a bucket's policy are all evaluated.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote

from strict_aws.backend import moto_state
from strict_aws.http.messages import AwsError, Request
from strict_aws.http.operations import Operation, form_of, json_body, query_of
from strict_aws.iam import bucket_policies, policy
from strict_aws.iam.identity import Caller
from strict_aws.iam.policy import Decision, Query

# IAM's service prefixes where they differ from botocore's service names (service authorization reference).
_PREFIXES = {"sesv2": "ses", "sso-admin": "sso", "resourcegroupstaggingapi": "tag"}
# Operations that IAM knows by another name.
_ACTIONS = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("s3", "CompleteMultipartUpload"): "PutObject",
    ("s3", "CopyObject"): "PutObject",
    ("s3", "CreateMultipartUpload"): "PutObject",
    ("s3", "DeleteBucketEncryption"): "PutEncryptionConfiguration",
    ("s3", "DeleteBucketLifecycle"): "PutLifecycleConfiguration",
    ("s3", "DeleteBucketOwnershipControls"): "PutBucketOwnershipControls",
    ("s3", "DeleteBucketTagging"): "PutBucketTagging",
    ("s3", "DeleteObjects"): "DeleteObject",
    ("s3", "DeletePublicAccessBlock"): "PutBucketPublicAccessBlock",
    ("s3", "GetBucketEncryption"): "GetEncryptionConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "GetLifecycleConfiguration",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    ("s3", "HeadBucket"): "ListBucket",
    ("s3", "HeadObject"): "GetObject",
    ("s3", "ListBuckets"): "ListAllMyBuckets",
    ("s3", "ListMultipartUploads"): "ListBucketMultipartUploads",
    ("s3", "ListObjects"): "ListBucket",
    ("s3", "ListObjectVersions"): "ListBucketVersions",
    ("s3", "ListObjectsV2"): "ListBucket",
    ("s3", "ListParts"): "ListMultipartUploadParts",
    ("s3", "PutBucketEncryption"): "PutEncryptionConfiguration",
    ("s3", "PutBucketLifecycleConfiguration"): "PutLifecycleConfiguration",
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
    ("s3", "UploadPart"): "PutObject",
    ("s3", "UploadPartCopy"): "PutObject",
}
# IAM knows no resource for these: only a policy with Resource "*" allows them (service authorization reference).
_UNSCOPED = frozenset(
    {
        *("ses:ListContactLists", "ses:GetAccount", "ses:CreateImportJob", "ses:ListImportJobs"),
        *("ses:ListEmailIdentities", "cloudwatch:GetMetricData"),
        "s3:ListAllMyBuckets",
    }
)
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3 user guide, the rules that matter here
_FREE = frozenset({"sts:GetCallerIdentity"})  # IAM user guide: no permission is needed


def check(operation: Operation, caller: Caller, request: Request) -> None:
    """Raise AwsError in the service's own words when the caller may not do what the request asks for.

    Administrators may do everything that no bucket policy denies. Reading in a bucket that does not exist is not
    checked, because S3 tells everybody that it does not exist (observed).
    """
    if _is_in_no_bucket(operation, request):
        return
    for query in queries_for(operation, caller, request):
        decision = decide(caller, query)
        if not decision.allowed:
            raise denial(operation, caller, query, decision.reason)


def _is_in_no_bucket(operation: Operation, request: Request) -> bool:
    if operation.service != "s3" or operation.name not in ("GetObject", "HeadObject"):
        return False
    return _is_no_bucket(_bucket_and_key(request)[0])


def _is_no_bucket(name: str) -> bool:
    """Tell whether this could be the name of a bucket, and there is no such bucket."""
    return _BUCKET_NAME.fullmatch(name) is not None and moto_state.find_bucket(name) is None


def check_bucket_owner(operation: Operation, request: Request) -> None:
    """Raise S3's AccessDenied when the bucket is not that of the account that x-amz-expected-bucket-owner names."""
    expected = request.headers.get("x-amz-expected-bucket-owner")
    if operation.service != "s3" or expected is None:
        return
    bucket = moto_state.find_bucket(_bucket_and_key(request)[0])
    if bucket is not None and bucket.account != expected:
        raise s3_denial("the bucket is another account's than x-amz-expected-bucket-owner says")


def decide(caller: Caller, query: Query) -> Decision:
    """Return whether the caller may do this, and why not.

    The role's policies or the bucket's must allow it, and the session policy too, where the session has one.
    """
    if query.action in _FREE:
        return Decision(True, "allowed")
    decision = _by_role(caller, query)
    bucket = bucket_policies.bucket_of(query)
    if bucket is not None:
        decision = bucket_policies.combined(bucket, caller, query, decision)
    if not decision.allowed or caller.session is None or caller.session.policy is None:
        return decision
    by_session = policy.evaluate([policy.parse(caller.session.policy)], query)
    return by_session if by_session.allowed else replace(by_session, reason=f"session policy: {by_session.reason}")


def _by_role(caller: Caller, query: Query) -> Decision:
    if caller.session is None:
        return Decision(True, "allowed")
    role = moto_state.find_role(caller.session.role_arn)
    if role is None or role.role_id != caller.session.role_id:
        return Decision(False, "the session's role does not exist any more", explicit_deny=True)
    decision = policy.evaluate(role.policies, query)
    if decision.allowed and role.boundary is not None:
        bounded = policy.evaluate([role.boundary], query)
        decision = bounded if bounded.allowed else replace(bounded, reason=f"permissions boundary: {bounded.reason}")
    return decision if decision.allowed else replace(decision, reason=f"role policy: {decision.reason}")


def queries_for(operation: Operation, caller: Caller, request: Request) -> list[Query]:
    """Return the IAM action and context of a request, once for each resource that must be allowed."""
    if (operation.service, operation.name) == ("s3", "DeleteObjects"):
        return list(_deletions(caller, request))
    prefix = _PREFIXES.get(operation.service, operation.service)
    name = _ACTIONS.get((operation.service, operation.name), operation.name)
    if operation.service == "s3" and name in ("GetObject", "DeleteObject") and "versionId" in query_of(request):
        name += "Version"
    action = f"{prefix}:{name}"
    resources = ["*"] if action in _UNSCOPED else _resources(operation, caller, request)
    context = _context(operation, caller, request)
    asked = [Query(action, resource, context) for resource in resources]
    if action == "ses:CreateContactList" and operation.parameters.get("Tags"):
        asked += [Query("ses:TagResource", query.resource, context) for query in asked]
    if action == "s3:PutObject" and "if-match" in request.headers:
        # To compare is to read (user guide, conditional writes).
        asked += [Query("s3:GetObject", query.resource, context) for query in asked]
    return [*asked, *_copied(caller, request)] if operation.name in ("CopyObject", "UploadPartCopy") else asked


def _deletions(caller: Caller, request: Request) -> Iterator[Query]:
    """Yield a query for each object of a DeleteObjects.

    S3 refuses the objects one by one; here one refusal refuses the whole request.
    """
    bucket, _ = _bucket_and_key(request)
    for entry in re.findall(r"<Object>(.*?)</Object>", request.body.decode(errors="replace"), re.DOTALL):
        action = "s3:DeleteObjectVersion" if "<VersionId>" in entry else "s3:DeleteObject"
        for key in re.findall(r"<Key>(.*?)</Key>", entry, re.DOTALL):
            yield Query(action, f"arn:aws:s3:::{bucket}/{html.unescape(key)}", _common(caller, bucket))


def _copied(caller: Caller, request: Request) -> Iterator[Query]:
    """Yield the query for reading what is copied: bucket/key, percent-encoded, with ?versionId= for an old version."""
    source, _, version = request.headers["x-amz-copy-source"].partition("?versionId=")
    place = unquote(source.lstrip("/"))
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    yield Query(action, f"arn:aws:s3:::{place}", _common(caller, place.partition("/")[0]))


def may_list_bucket(caller: Caller, request: Request) -> bool:
    """Tell whether the caller may list the bucket of a request.

    Without that, S3 does not tell a missing key from a forbidden one. That a bucket is missing it tells everybody.
    """
    bucket, key = _bucket_and_key(request)
    if _is_no_bucket(bucket):
        return True
    # S3 asks as if for a listing of the key (observed): a policy may allow that below a prefix only.
    context = {**_common(caller, bucket), "s3:prefix": key}
    return decide(caller, Query("s3:ListBucket", f"arn:aws:s3:::{bucket}", context)).allowed


def s3_denial(reason: str) -> AwsError:
    """Return S3's AccessDenied; the reason is for the journal."""
    return AwsError("AccessDenied", "Access Denied", 403, reason=reason)


def denial(operation: Operation, caller: Caller, query: Query, reason: str) -> AwsError:
    """Return the refusal in the code and status of the operation's protocol; the reason is for the journal."""
    if operation.service == "s3":
        return s3_denial(reason)
    on = "" if query.resource == "*" else f" on resource: {query.resource}"
    message = f"User: {caller.principal} is not authorized to perform: {query.action}{on}"
    if operation.protocol in ("query", "ec2"):
        return AwsError("AccessDenied", message, 403, reason=reason)
    # JSON services answer 400, REST services 403.
    status = 403 if operation.protocol.startswith("rest") else 400
    return AwsError("AccessDeniedException", message, status, reason=reason)


def _resources(operation: Operation, caller: Caller, request: Request) -> list[str]:
    if operation.service == "identitystore":
        return _identity_store_arns(operation, caller, request)
    return [_resource(operation, caller, request)]


def _resource(operation: Operation, caller: Caller, request: Request) -> str:
    if operation.service == "s3":
        bucket, key = _bucket_and_key(request)
        return f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
    if operation.service == "lambda" and "FunctionName" in operation.parameters:
        return _function_arn(str(operation.parameters["FunctionName"]), caller)
    if operation.service == "sqs":
        return _queue_arn(caller, request)
    if operation.service == "sesv2":
        return _ses_arn(operation, caller)
    if operation.service == "secretsmanager":
        return _secret_arn(operation, caller, request)
    if operation.service == "sns":
        return form_of(request).get("TopicArn", "*")
    if operation.service == "ssm" and operation.name == "GetParameter":
        name = str(json.loads(request.body)["Name"])
        return f"arn:aws:ssm:{caller.region}:{caller.account}:parameter/{name.removeprefix('/')}"
    if operation.service == "sts" and operation.name == "AssumeRole":
        return form_of(request).get("RoleArn", "*")
    if operation.service == "iam" and "RoleName" in form_of(request):
        return moto_state.role_arn(caller.account, form_of(request)["RoleName"])
    return "*"


def _ses_arn(operation: Operation, caller: Caller) -> str:
    place, parameters = f"arn:aws:ses:{caller.region}:{caller.account}", operation.parameters
    if operation.name == "GetImportJob":
        return f"{place}:import-job/{parameters['JobId']}"
    if operation.name == "GetEmailIdentity":
        return f"{place}:identity/{parameters['EmailIdentity']}"
    return f"{place}:contact-list/{parameters['ContactListName']}" if "ContactListName" in parameters else "*"


def _secret_arn(operation: Operation, caller: Caller, request: Request) -> str:
    """Return a secret's whole ARN, with the six characters that AWS puts behind its name."""
    given, place = json_body(request), f"arn:aws:secretsmanager:{caller.region}:{caller.account}:secret"
    if operation.name == "CreateSecret":
        return f"{place}:{given.get('Name')}-??????"  # not known yet; a policy's ? and * match these
    if "SecretId" not in given:
        return "*"
    name = str(given["SecretId"])
    secret = moto_state.find_secret(caller.account, caller.region, name)
    if secret is not None:
        return secret.arn
    return name if name.startswith("arn:") else f"{place}:{name}"


def _queue_arn(caller: Caller, request: Request) -> str:
    given = json_body(request) if "x-amz-target" in request.headers else form_of(request)
    url = str(given.get("QueueUrl") or f"/{caller.account}/{given.get('QueueName') or '*'}")
    account, _, name = url.rpartition("/")
    return f"arn:aws:sqs:{caller.region}:{account.rpartition('/')[2]}:{name}"


def _identity_store_arns(operation: Operation, caller: Caller, request: Request) -> list[str]:
    """Return the ARNs of the store and of what is read in it (service authorization reference)."""
    body = json_body(request)
    inside = {
        "ListGroupMemberships": [f"group/{body.get('GroupId')}", "membership/*"],
        "ListGroups": ["group/*"],
        "ListUsers": ["user/*"],
    }.get(operation.name, [])
    store = f"arn:aws:identitystore::{caller.account}:identitystore/{body.get('IdentityStoreId')}"
    return [store, *(f"arn:aws:identitystore:::{one}" for one in inside)]


def _function_arn(name: str, caller: Caller) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:aws:lambda:{caller.region}:{caller.account}:function:{name}"


def _bucket_and_key(request: Request) -> tuple[str, str]:
    bucket, _, key = unquote(request.path.lstrip("/")).partition("/")
    return bucket, key


def _context(operation: Operation, caller: Caller, request: Request) -> Mapping[str, str]:
    if operation.service != "s3":
        return _common(caller, None)
    context = _common(caller, _bucket_and_key(request)[0])
    prefix = query_of(request).get("prefix")
    return context if prefix is None else {**context, "s3:prefix": prefix[0]}


def _common(caller: Caller, bucket_name: str | None) -> dict[str, str]:
    context = {
        "aws:PrincipalArn": caller.role_arn,
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalIsAWSService": "false",
        "aws:RequestedRegion": caller.region,
        "aws:ResourceAccount": caller.account,
        "aws:SecureTransport": "true",  # loopback stands for TLS: policies that insist on it must not fail here
    }
    if bucket_name is None:
        return context
    bucket = moto_state.find_bucket(bucket_name)
    owner = caller.account if bucket is None else bucket.account
    return {**context, "aws:ResourceAccount": owner, "s3:ResourceAccount": owner, "s3:TlsVersion": "1.3"}
