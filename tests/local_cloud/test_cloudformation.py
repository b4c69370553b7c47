"""Stacks in a local cloud with nothing in it: what a template says is really there, and really has its effect."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from infra.customer_role import CUSTOMER_ROLE, TEMPLATES
from tests.local_cloud.conftest import HUB, SES_FLEET, Cloud, start, stop

AWS = str(Path(sys.executable).parent / "aws")
NAMED = ["CAPABILITY_NAMED_IAM"]
SERVICE_TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
}


@pytest.fixture(scope="module")
def empty() -> Iterator[Cloud]:
    """A local cloud with nothing in it, which nothing fails in unseen."""
    process, exports = start("--empty", "--port", "0")
    yield Cloud(exports["AWS_ENDPOINT_URL"])
    code, errors = stop(process)
    assert code == 0
    assert "Traceback" not in errors, errors


class Deployed:
    """A stack of an account, named by chance."""

    def __init__(self, cloud: Cloud, account: str = HUB) -> None:
        self.name = f"stack-{uuid.uuid4().hex[:8]}"
        self.api = cloud.client("cloudformation", account)

    def create(self, *, outputs: dict[str, Any] | None = None, **resources: Any) -> dict[str, str]:
        """Make it; its outputs."""
        self.api.create_stack(StackName=self.name, TemplateBody=template(outputs, **resources), Capabilities=NAMED)
        assert self.status() == "CREATE_COMPLETE", self.reasons()
        return self.outputs()

    def update(self, *, outputs: dict[str, Any] | None = None, **resources: Any) -> dict[str, str]:
        """Change it; its outputs."""
        self.api.update_stack(StackName=self.name, TemplateBody=template(outputs, **resources), Capabilities=NAMED)
        assert self.status() == "UPDATE_COMPLETE", self.reasons()
        return self.outputs()

    def delete(self) -> None:
        """Remove it."""
        stack_id = self.api.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        self.api.delete_stack(StackName=self.name)
        (stack,) = self.api.describe_stacks(StackName=stack_id)["Stacks"]
        assert stack["StackStatus"] == "DELETE_COMPLETE"

    def status(self) -> str:
        """As DescribeStacks has it."""
        return str(self.api.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """By their keys."""
        (stack,) = self.api.describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def physical_id(self, logical_id: str) -> str:
        """Of one of its resources."""
        found = self.api.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def reasons(self) -> dict[str, str]:
        """Why, by resource, where there is a reason."""
        events = self.api.describe_stack_events(StackName=self.name)["StackEvents"]
        return {
            one["LogicalResourceId"]: one["ResourceStatusReason"] for one in events if "ResourceStatusReason" in one
        }


def template(outputs: dict[str, Any] | None = None, **resources: Any) -> str:
    """A template's text."""
    shown = {name: {"Value": value} for name, value in (outputs or {}).items()}
    return json.dumps({"Resources": resources, "Outputs": shown})


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    """A resource of a template."""
    return {"Type": f"AWS::{kind}", "Properties": properties}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def refusal(call: Any, **parameters: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


BUCKET_ARN = {"Fn::GetAtt": ["Bucket", "Arn"]}
ONLY_TLS = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "s3:*",
    "Resource": [BUCKET_ARN, {"Fn::Sub": "${Bucket.Arn}/*"}],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
NOBODY_READS = {**ONLY_TLS, "Action": "s3:GetObject", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}


def policy_of_bucket(*statements: dict[str, Any]) -> dict[str, Any]:
    """The policy of the template's bucket."""
    return resource("S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument=document(*statements))


def test_a_buckets_policy_and_versioning_have_their_effect(empty: Cloud) -> None:
    """From the first deploy on, changed by an update, and gone with the resource."""
    stack = Deployed(empty)
    bucket = resource("S3::Bucket", VersioningConfiguration={"Status": "Enabled"})
    name = stack.create(Bucket=bucket, Policy=policy_of_bucket(ONLY_TLS), outputs={"Name": {"Ref": "Bucket"}})["Name"]
    one = {"Bucket": name, "Key": "config.json"}
    assert empty.s3.put_object(**one, Body=b"{}")["VersionId"] not in ("null", "")
    assert empty.s3.get_object(**one)["Body"].read() == b"{}"

    stack.update(Bucket=bucket, Policy=policy_of_bucket(ONLY_TLS, NOBODY_READS))
    assert refusal(empty.s3.get_object, **one) == "AccessDenied"

    stack.update(Bucket=resource("S3::Bucket"))
    assert refusal(empty.s3.get_bucket_policy, Bucket=name) == "NoSuchBucketPolicy"
    assert empty.s3.get_object(**one)["Body"].read() == b"{}"
    assert empty.s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"


FAILS = "def handler(event, context):\n    raise ValueError('no')\n"


def function(code: Any, **properties: Any) -> dict[str, dict[str, Any]]:
    """A function and its role, as resources."""
    role = resource("IAM::Role", AssumeRolePolicyDocument=SERVICE_TRUST)
    code = {"ZipFile": code} if isinstance(code, str) else code
    settings = {"Runtime": "python3.13", "Handler": "index.handler", "Role": {"Fn::GetAtt": ["Role", "Arn"]}}
    return {"Role": role, "Function": resource("Lambda::Function", Code=code, **{**settings, **properties})}


def test_events_are_handled_as_the_template_says(empty: Cloud) -> None:
    """No retry, and the queue gets the record of what failed; after an update and a removal the new settings count."""
    stack, lambda_ = Deployed(empty), empty.lambda_
    resources = {**function(FAILS), "Queue": resource("SQS::Queue")}

    def handling(**settings: Any) -> dict[str, Any]:
        return resource("Lambda::EventInvokeConfig", FunctionName={"Ref": "Function"}, Qualifier="$LATEST", **settings)

    failed = {"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}}
    outputs = {"Queue": {"Ref": "Queue"}, "Function": {"Ref": "Function"}}
    first = handling(MaximumRetryAttempts=0, DestinationConfig=failed)
    made = stack.create(**resources, Handling=first, outputs=outputs)
    lambda_.invoke(FunctionName=made["Function"], InvocationType="Event", Payload=b'{"n": 1}')
    received = empty.client("sqs").receive_message(QueueUrl=made["Queue"], WaitTimeSeconds=20)["Messages"]
    record = json.loads(received[0]["Body"])
    assert (record["requestPayload"], record["requestContext"]["condition"]) == ({"n": 1}, "RetriesExhausted")
    assert record["responsePayload"]["errorType"] == "ValueError"

    stack.update(**resources, Handling=handling(MaximumRetryAttempts="1"), outputs=outputs)
    config = lambda_.get_function_event_invoke_config(FunctionName=made["Function"], Qualifier="$LATEST")
    assert (config["MaximumRetryAttempts"], "DestinationConfig" in config) == (1, False)
    stack.update(**resources, outputs=outputs)
    gone = {"FunctionName": made["Function"], "Qualifier": "$LATEST"}
    assert refusal(lambda_.get_function_event_invoke_config, **gone) == "ResourceNotFoundException"


SHOWS = """
import os
def handler(event, context):
    return [os.environ["SAYS"], context.memory_limit_in_mb, context.get_remaining_time_in_millis() > 100_000]
"""


def test_a_function_runs_from_the_zip_in_s3_as_it_was_deployed(empty: Cloud) -> None:
    """Code, handler, variables, memory and timeout, an update of each; its concurrency and log group are there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("pkg/entry.py", SHOWS)
    empty.s3.create_bucket(Bucket="assets")
    empty.s3.put_object(Bucket="assets", Key="a.zip", Body=buffer.getvalue())
    stack = Deployed(empty)
    name = f"f-{stack.name}"
    fixed = {"FunctionName": name, "Handler": "pkg.entry.handler", "ReservedConcurrentExecutions": "3"}
    code = {"S3Bucket": "assets", "S3Key": "a.zip"}

    def made(says: str, memory: int, timeout: int) -> dict[str, Any]:
        variables = {"Variables": {"SAYS": says}}
        return function(code, **fixed, Environment=variables, MemorySize=memory, Timeout=timeout)

    logs = resource("Logs::LogGroup", LogGroupName=f"/aws/lambda/{name}", RetentionInDays="30")
    stack.create(**made("first", 256, 60), Logs=logs)
    assert empty.invoke({}, name).body == ["first", "256", False]
    stack.update(**made("second", 300, 120), Logs=logs)
    assert empty.invoke({}, name).body == ["second", "300", True]
    assert empty.lambda_.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 3
    (group,) = empty.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert group["retentionInDays"] == 30
    assert any("REPORT" in line for line in empty.log_messages(name))


OURS = {"Effect": "Allow", "Principal": {"AWS": {"Ref": "AWS::AccountId"}}, "Action": "sts:AssumeRole"}


def session(cloud: Cloud, role_arn: str, **more: str) -> dict[str, str]:
    """Keys of a role's session, for our administrator."""
    keys = cloud.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="me", **more)["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def test_every_kind_of_policy_of_a_role_is_asked(empty: Cloud) -> None:
    """Inline in the role, apart, managed by us and managed by AWS; what an update takes away is refused at once."""
    stack = Deployed(empty)
    role = {"AssumeRolePolicyDocument": document(OURS)}

    def allows(action: str) -> dict[str, Any]:
        return document({"Effect": "Allow", "Action": action, "Resource": "*"})

    apart = {"PolicyName": "apart", "Roles": [{"Ref": "Role"}]}
    outputs = {"Arn": {"Fn::GetAtt": ["Role", "Arn"]}}
    arn = stack.create(
        Role=resource(
            "IAM::Role",
            **role,
            Policies=[{"PolicyName": "inside", "PolicyDocument": allows("sqs:ListQueues")}],
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
        ),
        Apart=resource("IAM::Policy", **apart, PolicyDocument=allows("sns:ListTopics")),
        Ours=resource("IAM::ManagedPolicy", Roles=[{"Ref": "Role"}], PolicyDocument=allows("lambda:ListFunctions")),
        outputs=outputs,
    )["Arn"]
    keys = session(empty, arn)
    calls = {"sqs": "list_queues", "s3": "list_buckets", "sns": "list_topics", "lambda": "list_functions"}

    def refused() -> set[str]:
        names = set()
        for service, call in calls.items():
            try:
                getattr(empty.client(service, **keys), call)()
            except ClientError:
                names.add(service)
        return names

    assert refused() == set()
    stack.update(
        Role=resource("IAM::Role", **role),
        Apart=resource("IAM::Policy", **apart, PolicyDocument=allows("sns:GetTopicAttributes")),
        Ours=resource("IAM::ManagedPolicy", Roles=[{"Ref": "Role"}], PolicyDocument=allows("lambda:GetFunction")),
        outputs=outputs,
    )
    assert refused() == set(calls)


def test_a_roles_tags_are_those_of_the_template(empty: Cloud) -> None:
    """Changed, added and taken away with it; those that others gave the role stay."""
    stack, iam = Deployed(empty), empty.client("iam")
    trust = document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})

    def role(**tags: str) -> dict[str, Any]:
        return resource("IAM::Role", AssumeRolePolicyDocument=trust, Tags=[{"Key": k, "Value": tags[k]} for k in tags])

    stack.create(Role=role(version="1", team="mail"))
    name = stack.physical_id("Role")
    iam.tag_role(RoleName=name, Tags=[{"Key": "owner", "Value": "them"}])

    def tags() -> dict[str, str]:
        return {one["Key"]: one["Value"] for one in iam.list_role_tags(RoleName=name)["Tags"]}

    assert tags() == {"version": "1", "team": "mail", "owner": "them"}
    stack.update(Role=role(version="2", cost="7"))
    assert tags() == {"version": "2", "cost": "7", "owner": "them"}
    stack.update(Role=resource("IAM::Role", AssumeRolePolicyDocument=trust))
    assert tags() == {"owner": "them"}


def test_change_sets_belong_to_their_stacks(empty: Cloud) -> None:
    """Of one name in two stacks, as the CDK has it; one that is not there is ChangeSetNotFound."""
    first, second = Deployed(empty), Deployed(empty)
    for stack, topic in ((first, "SNS::Topic"), (second, "SQS::Queue")):
        change = {"StackName": stack.name, "ChangeSetName": "cdk-deploy-change-set"}
        made = stack.api.create_change_set(**change, ChangeSetType="CREATE", TemplateBody=template(One=resource(topic)))
        assert made["StackId"] == stack.api.describe_stacks(StackName=stack.name)["Stacks"][0]["StackId"]
        assert stack.status() == "REVIEW_IN_PROGRESS"
    for stack, topic in ((first, "SNS::Topic"), (second, "SQS::Queue")):
        change = {"StackName": stack.name, "ChangeSetName": "cdk-deploy-change-set"}
        (announced,) = stack.api.describe_change_set(**change)["Changes"]
        assert announced["ResourceChange"]["ResourceType"] == f"AWS::{topic}"
        stack.api.execute_change_set(**change)
        assert stack.status() == "CREATE_COMPLETE"
        assert refusal(stack.api.describe_change_set, **change) == "ChangeSetNotFound"


def test_a_change_set_without_changes_fails_and_says_so(empty: Cloud) -> None:
    """In the words that tools look for."""
    stack = Deployed(empty)
    stack.create(One=resource("SQS::Queue"))
    change = {"StackName": stack.name, "ChangeSetName": "again"}
    stack.api.create_change_set(**change, TemplateBody=template(One=resource("SQS::Queue")))
    with pytest.raises(WaiterError):
        stack.api.get_waiter("change_set_create_complete").wait(**change, WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    described = stack.api.describe_change_set(**change)
    assert described["Status"] == "FAILED"
    assert described["StatusReason"].startswith("The submitted information didn't contain changes.")
    unchanged = template(One=resource("SQS::Queue"))
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        stack.api.update_stack(StackName=stack.name, TemplateBody=unchanged)


BROKEN = resource("SNS::Subscription", TopicArn="arn:aws:sns:us-east-1:123456789012:none", Protocol="sqs", Endpoint="x")


def test_a_stack_that_cannot_be_made_leaves_nothing(empty: Cloud) -> None:
    """ROLLBACK_COMPLETE, with the reason, and what was made before is gone, unless it is to be retained even then."""
    stack = Deployed(empty)
    made = {
        policy: {**resource("SQS::Queue", QueueName=f"{stack.name}-{policy}"), "DeletionPolicy": policy}
        for policy in ("Delete", "Retain", "RetainExceptOnCreate")
    }
    body = template(**made, Bad={**BROKEN, "DependsOn": list(made)})
    stack.api.create_stack(StackName=stack.name, TemplateBody=body)
    assert stack.status() == "ROLLBACK_COMPLETE"
    assert "NotFound" in stack.reasons()["Bad"]
    urls = empty.client("sqs").list_queues(QueueNamePrefix=stack.name)["QueueUrls"]
    assert [url.rsplit("-", 1)[1] for url in urls] == ["Retain"]


def test_an_update_that_fails_is_undone(empty: Cloud) -> None:
    """UPDATE_ROLLBACK_COMPLETE: what was changed is as before, what was replaced is back, what is new is gone."""
    stack = Deployed(empty)

    def resources(seconds: str, suffix: str) -> dict[str, Any]:
        kept = resource("SQS::Queue", QueueName=f"kept-{stack.name}", VisibilityTimeout=seconds)
        return {"Kept": kept, "Replaced": resource("Logs::LogGroup", LogGroupName=f"{stack.name}-{suffix}")}

    made = stack.create(**resources("10", "1"), outputs={"Kept": {"Ref": "Kept"}})
    empty.logs.create_log_stream(logGroupName=f"{stack.name}-1", logStreamName="what it held")
    body = template(**resources("20", "2"), Bad={**BROKEN, "DependsOn": ["Kept", "Replaced"]})
    stack.api.update_stack(StackName=stack.name, TemplateBody=body)
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    settings = {"QueueUrl": made["Kept"], "AttributeNames": ["VisibilityTimeout"]}
    assert empty.client("sqs").get_queue_attributes(**settings)["Attributes"] == {"VisibilityTimeout": "10"}
    assert stack.physical_id("Replaced") == f"{stack.name}-1"
    groups = empty.logs.describe_log_groups(logGroupNamePrefix=stack.name)["logGroups"]
    assert [group["logGroupName"] for group in groups] == [f"{stack.name}-1"]
    assert empty.logs.describe_log_streams(logGroupName=f"{stack.name}-1")["logStreams"] != []


def test_what_is_retained_survives_its_stack(empty: Cloud) -> None:
    """And hinders a second stack that wants to make it, unless that one imports what is there."""
    stack = Deployed(empty)
    bucket = {**resource("S3::Bucket", BucketName=f"b-{stack.name}"), "DeletionPolicy": "Retain"}
    stack.create(Bucket=bucket, Gone=resource("S3::Bucket", BucketName=f"gone-{stack.name}"))
    stack.delete()
    names = {entry["Name"] for entry in empty.s3.list_buckets()["Buckets"]}
    assert names >= {f"b-{stack.name}"}
    assert f"gone-{stack.name}" not in names

    stack.api.create_stack(StackName=stack.name, TemplateBody=template(Bucket=bucket))
    assert (stack.status(), stack.reasons()["Bucket"]) == ("ROLLBACK_COMPLETE", f"b-{stack.name} already exists")
    stack.delete()
    change = {"StackName": stack.name, "ChangeSetName": "importing"}
    body = template(Bucket=bucket)
    stack.api.create_change_set(**change, ChangeSetType="CREATE", TemplateBody=body, ImportExistingResources=True)
    stack.api.execute_change_set(**change)
    assert stack.status() == "CREATE_COMPLETE"


def test_a_role_made_anew_is_trusted_by_its_arn_and_its_old_sessions_are_dead(empty: Cloud) -> None:
    """A trust in the account's root on the condition of aws:PrincipalArn outlives the role; its id does not."""
    customer = "555566667777"
    caller = f"arn:aws:iam::{HUB}:role/caller"
    hub, theirs = Deployed(empty), Deployed(empty, customer)
    allowed = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/contact-*"})
    role = resource(
        "IAM::Role",
        RoleName="caller",
        AssumeRolePolicyDocument=document(OURS),
        Policies=[{"PolicyName": "p", "PolicyDocument": allowed}],
    )
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
    condition = {"ArnEquals": {"aws:PrincipalArn": caller}, "StringEquals": {"sts:ExternalId": "an-external-id"}}
    trust = document({**root, "Condition": condition})
    theirs.create(Role=resource("IAM::Role", RoleName="contact-manager", AssumeRolePolicyDocument=trust))
    asked = {"RoleArn": f"arn:aws:iam::{customer}:role/contact-manager", "RoleSessionName": "run"}

    hub.create(Role=role)
    first, first_id = session(empty, caller), hub_role_id(empty)
    assert empty.client("sts", **first).assume_role(**asked, ExternalId="an-external-id")["Credentials"]
    assert refusal(empty.client("sts", **first).assume_role, **asked, ExternalId="another") == "AccessDenied"
    assert refusal(empty.client("sts").assume_role, **asked, ExternalId="an-external-id") == "AccessDenied"
    hub.delete()
    hub.create(Role=role)
    assert hub_role_id(empty) != first_id
    assert refusal(empty.client("sts", **first).assume_role, **asked, ExternalId="an-external-id") == "AccessDenied"
    assert empty.client("sts", **session(empty, caller)).assume_role(**asked, ExternalId="an-external-id")


def test_a_customers_role_has_the_path_the_boundary_and_the_external_id_of_its_parameters(empty: Cloud) -> None:
    """Nothing of them by default; the same stack takes them, but for a path, and what the boundary lacks is refused."""
    customer = "678967896789"
    stack, iam = Deployed(empty, customer), empty.client("iam", customer)
    only_account = document({"Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"})
    iam.create_policy(PolicyName="bounds", Path="/guard/", PolicyDocument=json.dumps(only_account))
    worker = resource(
        "IAM::Role",
        RoleName="ses-fleet-worker",
        AssumeRolePolicyDocument=document(OURS),
        Policies=[
            {
                "PolicyName": "p",
                "PolicyDocument": document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}),
            }
        ],
    )
    Deployed(empty).create(Worker=worker)
    text = (TEMPLATES / CUSTOMER_ROLE).read_text()

    def deploy(verb: str, **parameters: str) -> str:
        given = {"FleetAccountId": HUB, "ExternalId": "agreed", **parameters}
        values = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
        getattr(stack.api, verb)(StackName=stack.name, TemplateBody=text, Parameters=values, Capabilities=NAMED)
        assert stack.status().endswith("_COMPLETE")
        assert "ROLLBACK" not in stack.status(), stack.reasons()
        return stack.outputs()["SesRoleArn"]

    def assumed(arn: str, external_id: str) -> Any:
        keys = session(empty, f"arn:aws:iam::{HUB}:role/ses-fleet-worker")
        asked = {"RoleArn": arn, "RoleSessionName": "run", "ExternalId": external_id}
        made = empty.client("sts", **keys).assume_role(**asked)["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        mine = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return empty.client("sesv2", **dict(zip(mine, (made[name] for name in names), strict=True)))

    plain = f"arn:aws:iam::{customer}:role/ses-fleet-contact-manager"
    assert deploy("create_stack") == plain
    assert iam.get_role(RoleName="ses-fleet-contact-manager")["Role"]["Path"] == "/"
    assert assumed(plain, "agreed").list_contact_lists().get("ContactLists", []) == []

    assert deploy("update_stack", PermissionsBoundary="guard/bounds", ExternalIdSuffix="AccountId") == plain
    assert refusal(assumed, arn=plain, external_id="agreed") == "AccessDenied"
    assert assumed(plain, f"agreed-{customer}").get_account()["ProductionAccessEnabled"] is True
    assert refusal(assumed(plain, f"agreed-{customer}").list_contact_lists) == "AccessDeniedException"

    stack.delete()
    stack = Deployed(empty, customer)
    pathed = f"arn:aws:iam::{customer}:role/vendors/ses/ses-fleet-contact-manager"
    assert deploy("create_stack", RolePath="/vendors/ses/") == pathed
    assert assumed(pathed, "agreed").list_contact_lists().get("ContactLists", []) == []
    (statement,) = [
        one
        for name in iam.list_role_policies(RoleName="ses-fleet-contact-manager")["PolicyNames"]
        for one in iam.get_role_policy(RoleName="ses-fleet-contact-manager", PolicyName=name)["PolicyDocument"][
            "Statement"
        ]
        if "iam:ListRoleTags" in one["Action"]
    ]
    assert statement["Resource"] == pathed
    stack.delete()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("RolePath", "vendors"),
        ("RolePath", "/vendors"),
        ("PermissionsBoundary", "arn:aws:iam::111122223333:policy/x"),
        ("ExternalIdSuffix", "Region"),
    ],
)
def test_a_customers_template_refuses_values_that_cannot_be_meant(name: str, wrong: str, empty: Cloud) -> None:
    """Before anything is made: a path without its slashes, an ARN where a name stands."""
    given = {"FleetAccountId": HUB, "ExternalId": "agreed", name: wrong}
    values = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    text = (TEMPLATES / CUSTOMER_ROLE).read_text()
    api = empty.client("cloudformation", "678967896789")
    asked = {"StackName": "wrong", "TemplateBody": text, "Parameters": values, "Capabilities": NAMED}
    assert refusal(api.create_stack, **asked) == "ValidationError"


def hub_role_id(cloud: Cloud) -> str:
    """The unique id of the role."""
    return str(cloud.client("iam").get_role(RoleName="caller")["Role"]["RoleId"])


CUSTOMER_TEMPLATE = """
Parameters:
  AccessLevel: {Type: String, Default: ReadOnly, AllowedValues: [ReadOnly, Manage]}
Conditions:
  Manages: !Equals [!Ref AccessLevel, Manage]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: contact-manager
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub 'arn:${AWS::Partition}:iam::123456789012:root'}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: ses
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - {Effect: Allow, Action: 'ses:ListContactLists', Resource: '*'}
              - !If
                - Manages
                - {Effect: Allow, Action: 's3:PutObject', Resource: !Sub '${Imports.Arn}/*'}
                - !Ref AWS::NoValue
  Imports:
    Type: AWS::S3::Bucket
    Condition: Manages
  ImportsPolicy:
    Type: AWS::S3::BucketPolicy
    Condition: Manages
    Properties:
      Bucket: !Ref Imports
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {Service: ses.amazonaws.com}
            Action: s3:GetObject
            Resource: !Sub '${Imports.Arn}/*'
            Condition: {StringEquals: {'aws:SourceAccount': !Ref AWS::AccountId}}
          - Effect: Deny
            Principal: '*'
            Action: s3:*
            Resource: [!GetAtt Imports.Arn, !Sub '${Imports.Arn}/*']
            Condition: {Bool: {'aws:SecureTransport': 'false'}}
Outputs:
  Bucket: {Condition: Manages, Value: !Ref Imports}
  RoleArn: {Value: !GetAtt Role.Arn}
"""


def test_a_customers_template_goes_up_and_down_by_the_aws_cli(empty: Cloud, tmp_path: Path) -> None:
    """AccessLevel=Manage makes the bucket, which SES may read and the role may write; ReadOnly takes both away."""
    customer = "666677778888"
    path = tmp_path / "customer.yaml"
    path.write_text(CUSTOMER_TEMPLATE)

    def deploy(level: str) -> dict[str, str]:
        command = [AWS, "cloudformation", "deploy", "--template-file", str(path), "--stack-name", "ses-fleet-access"]
        command += ["--capabilities", "CAPABILITY_NAMED_IAM", "--no-fail-on-empty-changeset"]
        command += ["--parameter-overrides", f"AccessLevel={level}"]
        variables = {**empty.environment(), "AWS_ACCESS_KEY_ID": customer, "HOME": str(tmp_path)}
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        (stack,) = empty.client("cloudformation", customer).describe_stacks(StackName="ses-fleet-access")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    made = deploy("Manage")
    keys = session(empty, made["RoleArn"])
    empty.client("s3", **keys).put_object(Bucket=made["Bucket"], Key="imports/a.json", Body=b"{}")
    policy = empty.client("s3", customer).get_bucket_policy(Bucket=made["Bucket"])["Policy"]
    assert json.loads(policy)["Statement"][0]["Condition"] == {"StringEquals": {"aws:SourceAccount": customer}}
    ses = empty.client("sesv2", customer)
    ses.create_contact_list(ContactListName="main")
    destination = {"ContactListName": "main", "ContactListImportAction": "PUT"}
    assert ses.create_import_job(
        ImportDestination={"ContactListDestination": destination},
        ImportDataSource={"S3Url": f"s3://{made['Bucket']}/imports/a.json", "DataFormat": "JSON"},
    )["JobId"]
    empty.client("s3", customer).delete_object(Bucket=made["Bucket"], Key="imports/a.json")

    assert "Bucket" not in deploy("ReadOnly")
    assert empty.client("s3", customer).list_buckets()["Buckets"] == []
    inline = empty.client("iam", customer).get_role_policy(RoleName="contact-manager", PolicyName="ses")
    assert [statement["Action"] for statement in inline["PolicyDocument"]["Statement"]] == ["ses:ListContactLists"]
    assert deploy("ReadOnly") == {"RoleArn": made["RoleArn"]}


def test_roles_need_to_be_acknowledged(empty: Cloud) -> None:
    """As CloudFormation wants it, and more so for roles with a name."""
    stack = Deployed(empty)
    role = {"AssumeRolePolicyDocument": SERVICE_TRUST}
    made = {"StackName": stack.name, "TemplateBody": template(Role=resource("IAM::Role", **role, RoleName="named"))}
    code = refusal(stack.api.create_stack, **made, Capabilities=["CAPABILITY_IAM"])
    assert code == "InsufficientCapabilitiesException"
    made["TemplateBody"] = template(Role=resource("IAM::Role", **role))
    assert refusal(stack.api.create_stack, **made) == "InsufficientCapabilitiesException"
    stack.api.create_stack(**made, Capabilities=["CAPABILITY_IAM"])
    assert stack.status() == "CREATE_COMPLETE"


def test_what_is_ignored_is_said() -> None:
    """A type or property that the local cloud does not make is a line of its log; a type is a reason of its event."""
    process, exports = start("--empty", "--port", "0")
    stack = Deployed(Cloud(exports["AWS_ENDPOINT_URL"]))
    stack.create(Table=resource("DynamoDB::Table"), Queue=resource("SQS::Queue", FifoQueue=True))
    assert stack.reasons()["Table"] == "strict_aws does not make any AWS::DynamoDB::Table"
    errors = stop(process)[1].splitlines()
    assert errors == [
        f"CloudFormation: stack {stack.name}, Table: strict_aws does not make any AWS::DynamoDB::Table",
        f"CloudFormation: stack {stack.name}, Queue: strict_aws ignores FifoQueue of AWS::SQS::Queue",
    ]


def test_schedules_alarms_and_dashboards_are_there(empty: Cloud) -> None:
    """Made by their services' own APIs, changed by an update, gone with the stack."""
    stack = Deployed(empty)
    principal = {"Service": "scheduler.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trusting_scheduler = {"Version": "2012-10-17", "Statement": [trust]}

    def resources(minutes: int) -> dict[str, Any]:
        function = f"arn:aws:lambda:us-east-1:{HUB}:function:f"
        target = {"Arn": function, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}
        alarm: dict[str, Any] = {
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
            "Statistic": "Sum",
            "Period": "60",
            "Threshold": 1,
        }
        alarm |= {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "EvaluationPeriods": "1"}
        return {
            "Role": resource("IAM::Role", AssumeRolePolicyDocument=trusting_scheduler),
            "Group": resource("Scheduler::ScheduleGroup", Name=f"g-{stack.name}"),
            "Schedule": resource(
                "Scheduler::Schedule",
                Name="daily",
                GroupName={"Ref": "Group"},
                ScheduleExpression=f"rate({minutes} minutes)",
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={**target, "Input": '{"action": "describe-list-all"}'},
            ),
            "Topic": resource("SNS::Topic"),
            "Alarm": resource("CloudWatch::Alarm", **alarm, AlarmActions=[{"Ref": "Topic"}]),
            "Board": resource("CloudWatch::Dashboard", DashboardName=stack.name, DashboardBody='{"widgets": []}'),
        }

    outputs = {"Alarm": {"Ref": "Alarm"}, "Topic": {"Ref": "Topic"}}
    made = stack.create(**resources(5), outputs=outputs)
    scheduler, watch = empty.client("scheduler"), empty.client("cloudwatch")
    schedule = {"Name": "daily", "GroupName": f"g-{stack.name}"}
    (alarm,) = watch.describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"]
    assert alarm["AlarmActions"] == [made["Topic"]]
    stack.update(**resources(7), outputs=outputs)
    assert scheduler.get_schedule(**schedule)["ScheduleExpression"] == "rate(7 minutes)"
    stack.delete()
    assert refusal(scheduler.get_schedule, **schedule) == "ResourceNotFoundException"
    assert watch.describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"] == []
    assert watch.list_dashboards()["DashboardEntries"] == []


def test_an_empty_local_cloud_is_empty(empty: Cloud) -> None:
    """No role and no function is there before a deployment makes it, and SES is as strict as ever."""
    assert empty.client("iam", "444455556666").list_roles()["Roles"] == []
    assert refusal(empty.invoke, payload={}) == "ResourceNotFoundException"
    ses = empty.client("sesv2", "444455556666")
    assert not ses.list_contact_lists().get("ContactLists")
    assert refusal(ses.get_contact_list, ContactListName="none") == "NotFoundException"


@pytest.mark.parametrize("flag", ["--config", "--ses-config"])
def test_an_empty_local_cloud_takes_no_files_of_customers(flag: str, tmp_path: Path) -> None:
    """One line, exit code 2."""
    path = tmp_path / "file.json"
    path.write_text("{}")
    command = [SES_FLEET, "local", "up", "--empty", flag, str(path)]
    ended = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("ses-fleet: --empty makes no customers")
    assert ended.stderr.count("\n") == 1


def test_an_empty_local_cloud_may_have_a_scenario(tmp_path: Path) -> None:
    """Lists and contacts in accounts that a deployment will let us into."""
    topics = [{"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_OUT"}]
    path = tmp_path / "scenario.json"
    lists = {"us-east-1": {"name": "main", "topics": topics, "contacts": {"generate": 3}}}
    path.write_text(json.dumps({"accounts": {"444455556666": {"lists": lists}}}))
    process, exports = start("--empty", "--port", "0", "--scenario", str(path))
    try:
        assert len(Cloud(exports["AWS_ENDPOINT_URL"]).contacts_now("444455556666")) == 3
    finally:
        stop(process)
