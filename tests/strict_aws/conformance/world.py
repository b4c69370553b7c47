"""A strict AWS with something of everything in it, and how to name it in a request."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from strict_aws.aws import Options, StrictAws
from strict_aws.backend import moto_state, seeding
from strict_aws.conditions.conditions import Conditions
from strict_aws.http.messages import Request, Response
from strict_aws.http.operations import json_body
from strict_aws.identity_center.filling import NewGroup, NewUser
from strict_aws.organizations.tree import Account, Organization
from strict_aws.ses.identities import Identity, MailFrom
from tests.strict_aws.conformance.wire import Wire

ACCOUNT, REGION, STORE = "111122223333", "us-east-1", "d-0123456789"
ADA = "ada@x.example"
_TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/conformance"
_TEMPLATE = json.dumps({"Resources": {"Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
_CHANGED = json.dumps({"Resources": {"Other": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
_BUCKET = "conformance-imports"

# What SES, Identity Center, STS, CloudFormation, Organizations and Secrets Manager serve.
SERVED: dict[str, tuple[str, ...]] = {
    "sesv2": (
        *("CreateContactList", "GetContactList", "ListContactLists", "UpdateContactList", "DeleteContactList"),
        *("CreateContact", "GetContact", "UpdateContact", "DeleteContact", "ListContacts"),
        *("CreateImportJob", "GetImportJob", "ListImportJobs", "GetAccount", "PutAccountSuppressionAttributes"),
        *("PutSuppressedDestination", "GetSuppressedDestination", "DeleteSuppressedDestination"),
        *("ListSuppressedDestinations", "ListEmailIdentities", "GetEmailIdentity"),
    ),
    "identitystore": (
        *("ListUsers", "DescribeUser", "CreateUser", "DeleteUser", "ListGroups", "DescribeGroup", "CreateGroup"),
        *("ListGroupMemberships", "CreateGroupMembership", "DeleteGroupMembership"),
    ),
    "sso-admin": ("ListInstances",),
    "sts": ("AssumeRole", "GetCallerIdentity"),
    "cloudformation": (
        *("CreateChangeSet", "CreateStack", "DeleteChangeSet", "DeleteStack", "DescribeChangeSet"),
        *("DescribeStackEvents", "DescribeStackResource", "DescribeStackResources", "DescribeStacks"),
        *("ExecuteChangeSet", "GetTemplate", "GetTemplateSummary", "ListChangeSets", "ListExports"),
        *("ListStackResources", "ListStacks", "UpdateStack", "UpdateTerminationProtection", "ValidateTemplate"),
    ),
    "organizations": (
        *("DescribeOrganization", "ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"),
        *("ListRoots", "ListTagsForResource"),
    ),
    "secretsmanager": (
        *("CreateSecret", "DeleteSecret", "DescribeSecret", "GetSecretValue", "PutSecretValue", "RestoreSecret"),
    ),
}


class World:
    """An account in which everything that a request can name is there. Close it at the end."""

    def __init__(self, conditions: Conditions | None = None) -> None:
        self._aws = StrictAws(Options(ses_rate=0))
        self.wire = Wire(self._handle, ACCOUNT, REGION)
        self.known: dict[str, Any] = {}
        self.known |= (
            self._organization() | self._ses() | self._people() | self._stacks() | self._secrets() | self._rest()
        )
        self.be(conditions or Conditions())

    def close(self) -> None:
        """Stop it, so that it leaves no files behind."""
        self._aws.stop()

    def be(self, conditions: Conditions) -> None:
        """Put these conditions in force from now on."""
        for service in (self._aws.ses, self._aws.identity_center):
            service._conditions.replace(conditions)

    def served(self, service: str, operation: str) -> dict[str, Any]:
        """What else a request needs so that it is answered, beyond what the model requires."""
        named = {"StackName": "made"}
        more: dict[str, dict[str, Any]] = {
            "CreateUser": {
                "UserName": "new",
                "DisplayName": "New",
                "Name": {"GivenName": "N", "FamilyName": "W"},
            },
            "CreateChangeSet": {"ChangeSetName": "more", "TemplateBody": _CHANGED},
            "CreateContact": {"EmailAddress": "new@x.example"},
            "CreateSecret": {"Name": "another", "SecretString": "s"},
            "PutSecretValue": {"SecretString": "s"},
            "CreateGroupMembership": {"MemberId": {"UserId": self.known["bob"]}},
            "CreateStack": {"StackName": "another", "TemplateBody": _TEMPLATE},
            "DescribeChangeSet": named,
            "DeleteChangeSet": named,
            "DescribeStackEvents": named,
            "DescribeStackResources": named,
            "ExecuteChangeSet": named,
            "GetTemplate": named,
            "GetTemplateSummary": {"TemplateBody": _TEMPLATE},
            "UpdateStack": {"TemplateBody": _CHANGED},
            "ValidateTemplate": {"TemplateBody": _TEMPLATE},
        }
        if operation == "CreateContactList":
            self.ask(service, "DeleteContactList", ContactListName="main")
        return more.get(operation, {})

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """An answer that must be one."""
        answered = self.wire.ask(service, operation, parameters)
        assert answered is not None
        assert answered.status == 200, answered
        if service in ("sts", "cloudformation"):
            return {}
        return json_body(Request("", "", "", {}, answered.body))

    def form(self, service: str, body: bytes) -> Response:
        """What a query service answers to this form, as the account's administrator."""
        signed = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/{service}/aws4_request"
        return self._handle(Request("POST", "/", "", {"authorization": signed}, body))

    def _handle(self, request: Request) -> Response:
        return self._aws.handle(request)

    def _ses(self) -> dict[str, Any]:
        topic = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}
        self.ask("sesv2", "CreateContactList", ContactListName="main", Topics=[topic])
        self.ask("sesv2", "CreateContact", ContactListName="main", EmailAddress=ADA)
        self.ask("sesv2", "PutSuppressedDestination", EmailAddress=ADA, Reason="BOUNCE")
        url = self._imports()
        self._aws.ses.set_identities(ACCOUNT, REGION, [Identity("x.example", mail_from=MailFrom("mail.x.example"))])
        source = {"S3Url": url, "DataFormat": "JSON"}
        destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
        job = self.ask("sesv2", "CreateImportJob", ImportDestination=destination, ImportDataSource=source)
        return {
            "ContactListName": "main",
            "EmailAddress": ADA,
            "EmailIdentity": "x.example",
            "TopicName": "news",
            "Topics": [topic],
            "JobId": job["JobId"],
            "ImportDestination": destination,
            "ImportDataSource": source,
            "AttributesData": "{}",
        }

    def _imports(self) -> str:
        if moto_state.find_bucket(_BUCKET) is None:
            allowed = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "s3:GetObject"}
            document = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": f"arn:aws:s3:::{_BUCKET}/*"}]}
            seeding.make_regional_bucket(ACCOUNT, REGION, _BUCKET, document)
            body = b'{"emailAddress": "bob@x.example"}\nnonsense\n'
            seeding.put_object(self._aws.moto, ACCOUNT, _BUCKET, "people.json", body)
        return f"s3://{_BUCKET}/people.json"

    def _people(self) -> dict[str, Any]:
        center = self._aws.identity_center
        users = [NewUser("ada", ADA, "Ada"), NewUser("bob")]
        center.put(ACCOUNT, REGION, store_id=STORE, visible_to=(), users=users, groups=[NewGroup("staff", ["ada"])])
        here = {"IdentityStoreId": STORE}
        ada, bob = self.ask("identitystore", "ListUsers", **here)["Users"]
        (group,) = self.ask("identitystore", "ListGroups", **here)["Groups"]
        members = self.ask("identitystore", "ListGroupMemberships", **here, GroupId=group["GroupId"])
        (membership,) = members["GroupMemberships"]
        return {
            **here,
            "UserId": ada["UserId"],
            "bob": bob["UserId"],
            "GroupId": group["GroupId"],
            "MembershipId": membership["MembershipId"],
        }

    def _organization(self) -> dict[str, Any]:
        made = Organization("o-conformance", ACCOUNT, [Account("444455556666", "Acme", unit="Prod", tags={"a": "b"})])
        self._aws.organizations.put(made)
        return {"ParentId": made.parent_id("Prod"), "ResourceId": "444455556666"}

    def _stacks(self) -> dict[str, Any]:
        self.ask("cloudformation", "CreateStack", StackName="made", TemplateBody=_TEMPLATE)
        changes = {"StackName": "made", "ChangeSetName": "changes", "TemplateBody": _CHANGED}
        self.ask("cloudformation", "CreateChangeSet", **changes)
        return {"StackName": "made", "ChangeSetName": "changes", "LogicalResourceId": "Wait"}

    def _secrets(self) -> dict[str, Any]:
        with contextlib.suppress(AssertionError):  # it is there: moto keeps it from world to world
            self.ask("secretsmanager", "CreateSecret", Name="known", SecretString="s")
        self.ask("secretsmanager", "RestoreSecret", SecretId="known")
        return {"SecretId": "known"}

    def _rest(self) -> dict[str, Any]:
        if moto_state.find_role(_ROLE) is None:
            trust = {"Version": "2012-10-17", "Statement": [_TRUST]}
            seeding.make_role(_ROLE, trust=trust, policies={"p": {**trust, "Statement": []}})
        return {"RoleArn": _ROLE, "RoleSessionName": "conformance", "DurationSeconds": 900}
