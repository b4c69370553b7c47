"""Every call of an assumed role is allowed by role policy and session policy, or refused in AWS's own words."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import CONFIG_BUCKET, HUB, ORCHESTRATOR, RESULTS_BUCKET, WORKER, Cloud

ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    """A policy's text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Session:
    """A session of a new role in an account, which trusts our administrator."""

    def __init__(self, cloud: Cloud, account: str, *statements: dict[str, Any], policy: str | None = None) -> None:
        self._cloud = cloud
        name = f"role-{uuid.uuid4().hex[:8]}"
        iam = cloud.client("iam", account)
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
        more = {} if policy is None else {"Policy": policy}
        answer = cloud.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/{name}", RoleSessionName="me", **more
        )
        self.name, self.iam, self._keys = name, iam, answer["Credentials"]

    def client(self, service: str, region: str = "us-east-1", **changes: str) -> Any:
        """A client with the session's credentials."""
        keys = {
            "aws_access_key_id": self._keys["AccessKeyId"],
            "aws_secret_access_key": self._keys["SecretAccessKey"],
            "aws_session_token": self._keys["SessionToken"],
            **changes,
        }
        return self._cloud.client(service, region=region, **keys)

    def environment(self) -> dict[str, str]:
        """The session's credentials for a command."""
        return {
            "AWS_ACCESS_KEY_ID": self._keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self._keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": self._keys["SessionToken"],
        }


def refusal(call: Any, **parameters: Any) -> tuple[str, int]:
    """How a call is refused: code and status."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


ACME = "444455556666"
MAIN = f"arn:aws:ses:us-east-1:{ACME}:contact-list/main-contact-list"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("sesv2", "get_contact_list", {"ContactListName": "main-contact-list"}, ("AccessDeniedException", 403)),
        ("sesv2", "list_contact_lists", {}, ("AccessDeniedException", 403)),
        ("sesv2", "delete_contact_list", {"ContactListName": "main-contact-list"}, ("AccessDeniedException", 403)),
        ("lambda", "list_functions", {}, ("AccessDeniedException", 403)),
        ("lambda", "invoke", {"FunctionName": WORKER}, ("AccessDeniedException", 403)),
        ("logs", "describe_log_groups", {}, ("AccessDeniedException", 400)),
        ("identitystore", "list_users", {"IdentityStoreId": "d-1234567890"}, ("AccessDeniedException", 400)),
        ("s3", "list_buckets", {}, ("AccessDenied", 403)),
        ("s3", "get_object", {"Bucket": "b", "Key": "k"}, ("AccessDenied", 403)),
        ("s3", "get_object", {"Bucket": "nobodys-bucket", "Key": "k"}, ("NoSuchBucket", 404)),  # that is told anybody
        ("s3", "get_object", {"Bucket": CONFIG_BUCKET, "Key": "k"}, ("AccessDenied", 403)),
        ("s3", "put_object", {"Bucket": "nobodys-bucket", "Key": "k"}, ("AccessDenied", 403)),
        ("iam", "list_roles", {}, ("AccessDenied", 403)),
        (
            "sts",
            "assume_role",
            {"RoleArn": f"arn:aws:iam::{ACME}:role/x", "RoleSessionName": "xx"},
            ("AccessDenied", 403),
        ),
    ],
)
def test_nothing_is_allowed_by_itself(
    service: str, operation: str, parameters: dict[str, Any], expected: tuple[str, int], cloud: Cloud
) -> None:
    """Reads and writes, with the code and status of the service's protocol."""
    session = Session(cloud, ACME, {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"})
    assert refusal(getattr(session.client(service), operation), **parameters) == expected


def test_who_one_is_may_always_be_asked(cloud: Cloud) -> None:
    """GetCallerIdentity needs no permission."""
    session = Session(cloud, ACME, {"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert session.client("sts").get_caller_identity()["Account"] == ACME


def test_a_contact_list_is_a_resource(cloud: Cloud) -> None:
    """This list and no other; ListContactLists knows no resource at all."""
    allowed = {"Effect": "Allow", "Action": ["ses:GetContactList", "ses:ListContactLists"], "Resource": MAIN}
    ses = Session(cloud, ACME, allowed).client("sesv2")
    assert ses.get_contact_list(ContactListName="main-contact-list")["ContactListName"] == "main-contact-list"
    assert refusal(ses.get_contact_list, ContactListName="other")[0] == "AccessDeniedException"
    assert refusal(ses.list_contact_lists)[0] == "AccessDeniedException"


def test_tagging_a_new_list_is_a_permission_of_its_own(cloud: Cloud) -> None:
    """CreateContactList alone makes a list without tags only."""
    account = "400000000077"
    creating = {"Effect": "Allow", "Action": "ses:CreateContactList", "Resource": "*"}
    tagging = {"Effect": "Allow", "Action": "ses:TagResource", "Resource": "*"}
    tags = [{"Key": "team", "Value": "mail"}]
    ses = Session(cloud, account, creating).client("sesv2")
    assert refusal(ses.create_contact_list, ContactListName="main", Tags=tags)[0] == "AccessDeniedException"
    Session(cloud, account, creating, tagging).client("sesv2").create_contact_list(ContactListName="main", Tags=tags)


def test_a_role_is_a_resource(cloud: Cloud) -> None:
    """By its ARN, with its path: who may read the tags of one role reads those of no other."""
    iam, name = cloud.client("iam", ACME), f"with-path-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
    made = {"Path": "/mail/", "AssumeRolePolicyDocument": document(trust), "Tags": [{"Key": "a", "Value": "b"}]}
    iam.create_role(RoleName=name, **made)
    allowed = {"Effect": "Allow", "Action": "iam:ListRoleTags", "Resource": f"arn:aws:iam::{ACME}:role/mail/{name}"}
    session = Session(cloud, ACME, allowed)
    assert session.client("iam").list_role_tags(RoleName=name)["Tags"] == made["Tags"]
    assert refusal(session.client("iam").list_role_tags, RoleName=session.name) == ("AccessDenied", 403)
    assert refusal(session.client("iam").list_role_tags, RoleName="not-there") == ("AccessDenied", 403)


@pytest.mark.parametrize("missing", ["identitystore/*", "group/*", "membership/*"])
def test_an_identity_store_and_what_is_read_in_it_are_resources(missing: str, cloud: Cloud) -> None:
    """Each of them must be allowed; only the ARN of the store has an account."""
    (instance,) = cloud.client("sso-admin", ACME).list_instances()["Instances"]
    store = {"IdentityStoreId": instance["IdentityStoreId"]}
    group = cloud.client("identitystore", ACME).create_group(**store, DisplayName=f"without-{missing}")["GroupId"]
    arns = {f"{kind}/*": f"arn:aws:identitystore:::{kind}/*" for kind in ("group", "membership")}
    arns["identitystore/*"] = f"arn:aws:identitystore::{ACME}:identitystore/*"

    def client(resources: list[str]) -> Any:
        allowed = {"Effect": "Allow", "Action": "identitystore:ListGroupMemberships", "Resource": resources}
        return Session(cloud, ACME, allowed).client("identitystore")

    assert client(list(arns.values())).list_group_memberships(**store, GroupId=group)["GroupMemberships"] == []
    left = [arn for name, arn in arns.items() if name != missing]
    assert refusal(client(left).list_group_memberships, **store, GroupId=group) == ("AccessDeniedException", 400)


def test_a_session_policy_narrows_and_never_widens(cloud: Cloud) -> None:
    """Role ∩ session policy; the journal says which of the two said no."""
    reading = document({"Effect": "Allow", "Action": "ses:ListContactLists", "Resource": "*"})
    ses = Session(cloud, ACME, ANYTHING, policy=reading).client("sesv2")
    ses.list_contact_lists()
    mark = cloud.mark()
    assert refusal(ses.get_contact_list, ContactListName="main-contact-list")[0] == "AccessDeniedException"
    assert cloud.journal(mark)[0]["reason"].startswith("session policy: nothing allows ses:GetContactList")
    ses = Session(cloud, ACME, json.loads(reading)["Statement"][0], policy=document(ANYTHING)).client("sesv2")
    assert refusal(ses.get_contact_list, ContactListName="main-contact-list")[0] == "AccessDeniedException"


def test_changes_count_from_the_next_call(cloud: Cloud) -> None:
    """PutRolePolicy and DeleteRole, on sessions that are under way."""
    session = Session(cloud, ACME, ANYTHING)
    ses = session.client("sesv2")
    ses.list_contact_lists()
    session.iam.put_role_policy(
        RoleName=session.name,
        PolicyName="p",
        PolicyDocument=document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    )
    assert refusal(ses.list_contact_lists)[0] == "AccessDeniedException"
    session.iam.delete_role_policy(RoleName=session.name, PolicyName="p")
    session.iam.delete_role(RoleName=session.name)
    assert refusal(ses.list_contact_lists)[0] == "AccessDeniedException"


def test_a_token_must_be_the_keys_own(cloud: Cloud) -> None:
    """Neither missing nor another's."""
    session, other = Session(cloud, ACME, ANYTHING), Session(cloud, ACME, ANYTHING)
    stolen = other.client("sts")._request_signer._credentials.token
    assert refusal(session.client("sesv2", aws_session_token=stolen).list_contact_lists) == (
        "UnrecognizedClientException",
        403,
    )
    assert refusal(session.client("s3", aws_session_token="x").list_buckets)[0] == "InvalidAccessKeyId"


@pytest.mark.parametrize(("may_list", "expected"), [(True, ("NoSuchKey", 404)), (False, ("AccessDenied", 403))])
def test_a_missing_key_is_404_only_for_who_may_list(may_list: bool, expected: tuple[str, int], cloud: Cloud) -> None:
    """As S3 answers it."""
    statements = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{CONFIG_BUCKET}/*"}]
    if may_list:
        statements.append({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{CONFIG_BUCKET}"})
    s3 = Session(cloud, HUB, *statements).client("s3")
    assert s3.get_object(Bucket=CONFIG_BUCKET, Key="config.json")["ContentLength"] > 0
    assert refusal(s3.get_object, Bucket=CONFIG_BUCKET, Key="not-there") == expected


def test_a_customer_role_without_a_permission_is_an_operation_failure(cloud: Cloud) -> None:
    """The customer's own policy is asked, and the message says which role lacks which permission."""
    iam = cloud.client("iam", "300000000003")
    policy = {"RoleName": "contact-manager", "PolicyName": "ses-fleet"}
    before = iam.get_role_policy(**policy)["PolicyDocument"]
    try:
        iam.put_role_policy(
            **policy, PolicyDocument=document({"Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"})
        )
        cloud.put_config(
            {"customer_mappings": {"f03": {"ses_role_arn": "arn:aws:iam::300000000003:role/contact-manager"}}}
        )
        (result,) = cloud.run()["results"]
    finally:
        iam.put_role_policy(**policy, PolicyDocument=json.dumps(before))
    assert (result["error"]["category"], result["error"]["type"]) == ("operation", "AccessDeniedException")
    role = "arn:aws:iam::300000000003:role/contact-manager"
    assert f"Check that {role} allows ses:ListContactLists" in result["error"]["message"]


@pytest.mark.parametrize("function", [ORCHESTRATOR, WORKER])
def test_the_functions_have_only_what_they_need(function: str, cloud: Cloud) -> None:
    """No star but where AWS forces one; nobody deletes, but for the orchestrator its open runs."""
    policy = cloud.client("iam").get_role_policy(RoleName=function, PolicyName="ses-fleet")["PolicyDocument"]
    for statement in policy["Statement"]:
        assert statement["Resource"] != "*"
        assert not any("*" in action for action in statement["Action"])
    deleting = [one for one in policy["Statement"] if any("Delete" in action for action in one["Action"])]
    open_runs = {
        "Effect": "Allow",
        "Action": ["s3:DeleteObject"],
        "Resource": [f"arn:aws:s3:::{RESULTS_BUCKET}/open/*"],
    }
    assert deleting == ([open_runs] if function == ORCHESTRATOR else [])


def test_versions_of_a_managed_policy_count_from_the_next_call(cloud: Cloud) -> None:
    """What the default version says, whichever that is."""
    session = Session(cloud, ACME, {"Effect": "Allow", "Action": "ses:ListContactLists", "Resource": "*"})
    iam, sts = session.iam, session.client("sts")
    allowed = document({"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"})
    arn = iam.create_policy(PolicyName=f"m-{session.name}", PolicyDocument=allowed)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=session.name, PolicyArn=arn)
    sqs = session.client("sqs")
    sqs.list_queues()
    other = document({"Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": "*"})
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=other, SetAsDefault=True)
    assert refusal(sqs.list_queues)[0].startswith("AccessDenied")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    sqs.list_queues()
    iam.detach_role_policy(RoleName=session.name, PolicyArn=arn)
    assert refusal(sqs.list_queues)[0].startswith("AccessDenied")
    assert sts.get_caller_identity()["Account"] == ACME


def test_a_warm_functions_permissions_are_taken_one_by_one(cloud: Cloud) -> None:
    """PutRolePolicy on the worker's role counts for environments that run already."""
    iam, policy = cloud.client("iam"), {"RoleName": WORKER, "PolicyName": "ses-fleet"}
    before = iam.get_role_policy(**policy)["PolicyDocument"]
    assert cloud.run(include=["acme"])["successful_count"] == 1
    without = [one for one in before["Statement"] if one["Action"] != ["sts:AssumeRole"]]
    try:
        iam.put_role_policy(**policy, PolicyDocument=document(*without))
        (result,) = cloud.run(include=["acme"])["results"]
    finally:
        iam.put_role_policy(**policy, PolicyDocument=json.dumps(before))
    assert result["error"]["category"] == "authentication"
    assert cloud.run(include=["acme"])["successful_count"] == 1


class PolicedBucket:
    """A bucket of an account with one object, and with a policy."""

    def __init__(self, cloud: Cloud, account: str) -> None:
        self.name = f"bucket-{uuid.uuid4().hex[:8]}"
        self.s3 = cloud.client("s3", account)
        self.s3.create_bucket(Bucket=self.name)
        self.s3.put_object(Bucket=self.name, Key="a", Body=b"content")
        self.object = {"Bucket": self.name, "Key": "a"}

    def police(self, effect: str, principal: Any, action: Any = "s3:GetObject", **more: Any) -> None:
        """Give it a policy of one statement about its objects."""
        said = {"Effect": effect, "Principal": principal, "Action": action, "Resource": f"arn:aws:s3:::{self.name}/*"}
        self.s3.put_bucket_policy(Bucket=self.name, Policy=document({**said, **more}))


def test_a_buckets_deny_binds_everybody_and_root_can_take_it_away(cloud: Cloud) -> None:
    """The administrator too; but who is root may always put or delete the policy."""
    bucket = PolicedBucket(cloud, ACME)
    everything = Session(cloud, ACME, ANYTHING).client("s3")
    bucket.police("Deny", "*", "s3:*", Resource=[f"arn:aws:s3:::{bucket.name}", f"arn:aws:s3:::{bucket.name}/*"])
    for s3 in (bucket.s3, everything):
        assert refusal(s3.get_object, **bucket.object) == ("AccessDenied", 403)
    assert refusal(everything.delete_bucket_policy, Bucket=bucket.name) == ("AccessDenied", 403)
    assert json.loads(bucket.s3.get_bucket_policy(Bucket=bucket.name)["Policy"])["Statement"][0]["Effect"] == "Deny"
    bucket.s3.delete_bucket_policy(Bucket=bucket.name)
    assert everything.get_object(**bucket.object)["Body"].read() == b"content"


def test_insisting_on_tls_hinders_nobody_here(cloud: Cloud) -> None:
    """As the CDK's enforce_ssl and minimum_tls_version write it: loopback counts as TLS."""
    bucket = PolicedBucket(cloud, ACME)
    for condition in ({"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}}):
        bucket.police("Deny", {"AWS": "*"}, "s3:*", Condition=condition)
        assert bucket.s3.get_object(**bucket.object)["Body"].read() == b"content"


def test_in_its_own_account_a_bucket_may_allow_what_a_role_does_not(cloud: Cloud) -> None:
    """A role that is named needs nothing of its own; its account's root in a Principal only leaves it to the role."""
    bucket = PolicedBucket(cloud, ACME)
    session = Session(cloud, ACME, {"Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"})
    s3 = session.client("s3")
    assert refusal(s3.get_object, **bucket.object) == ("AccessDenied", 403)
    bucket.police("Allow", {"AWS": f"arn:aws:iam::{ACME}:role/{session.name}"})
    assert s3.get_object(**bucket.object)["Body"].read() == b"content"
    assert refusal(s3.put_object, **bucket.object) == ("AccessDenied", 403)
    bucket.police("Allow", {"AWS": f"arn:aws:iam::{ACME}:root"})
    assert refusal(s3.get_object, **bucket.object) == ("AccessDenied", 403)


def test_another_accounts_bucket_needs_both_sides(cloud: Cloud) -> None:
    """The bucket's policy and the caller's own; the journal says which of the two is missing."""
    bucket = PolicedBucket(cloud, ACME)
    may, may_not = (Session(cloud, HUB, said) for said in (ANYTHING, {**ANYTHING, "Action": "sqs:*"}))
    mark = cloud.mark()
    assert refusal(may.client("s3").get_object, **bucket.object) == ("AccessDenied", 403)
    assert cloud.journal(mark)[0]["reason"] == "bucket policy: there is none, for another account"
    bucket.police("Allow", {"AWS": HUB})
    assert may.client("s3").get_object(**bucket.object)["Body"].read() == b"content"
    assert cloud.client("s3").get_object(**bucket.object)["Body"].read() == b"content"
    mark = cloud.mark()
    assert refusal(may_not.client("s3").get_object, **bucket.object) == ("AccessDenied", 403)
    assert cloud.journal(mark)[0]["reason"].startswith("role policy: nothing allows s3:GetObject")


def test_a_bucket_says_who_may_write_and_delete_where(cloud: Cloud) -> None:
    """Whatever else they may do, the administrator included: one by one, several at once, and as a copy."""
    bucket = PolicedBucket(cloud, HUB)
    writer, other = (Session(cloud, HUB, ANYTHING) for _ in range(2))
    but_one = {"ArnNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::{HUB}:role/{writer.name}"]}}
    runs = f"arn:aws:s3:::{bucket.name}/runs/*"
    bucket.police("Deny", {"AWS": "*"}, ["s3:PutObject", "s3:DeleteObject"], Resource=runs, Condition=but_one)
    record = {"Bucket": bucket.name, "Key": "runs/r/plan.json"}
    writer.client("s3").put_object(**record, Body=b"claimed")
    for s3 in (bucket.s3, other.client("s3")):
        assert refusal(s3.put_object, **record, Body=b"forged") == ("AccessDenied", 403)
        assert refusal(s3.copy_object, **record, CopySource=bucket.object) == ("AccessDenied", 403)
        assert refusal(s3.delete_object, **record) == ("AccessDenied", 403)
        several = {"Objects": [{"Key": "a"}, {"Key": record["Key"]}]}
        assert refusal(s3.delete_objects, Bucket=bucket.name, Delete=several) == ("AccessDenied", 403)
        assert s3.get_object(**record)["Body"].read() == b"claimed"
        s3.put_object(Bucket=bucket.name, Key="elsewhere", Body=b"theirs")
    writer.client("s3").delete_object(**record)
