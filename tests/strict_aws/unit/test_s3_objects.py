"""Which objects SES may read for an account: the bucket's Region and its policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strict_aws.backend import moto_state
from strict_aws.backend.moto_state import Bucket
from strict_aws.s3.objects import S3Objects
from strict_aws.ses.objects import S3Object

ACCOUNT, OTHER = "111122223333", "444455556666"
SES = {"Service": "ses.amazonaws.com"}
OBJECT = S3Object(ACCOUNT, "us-east-1", "imports", "a/people.json")


def allow(**changes: Any) -> dict[str, Any]:
    """A statement that lets SES read, with changes."""
    statement = {"Effect": "Allow", "Principal": SES, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::imports/*"}
    return {key: value for key, value in {**statement, **changes}.items() if value is not None}


def when(operator: str = "StringEquals", **conditions: str) -> dict[str, Any]:
    """A condition on keys of aws:."""
    return {"Condition": {operator: {f"aws:{key}": value for key, value in conditions.items()}}}


def refusal(monkeypatch: pytest.MonkeyPatch, bucket: Bucket | None) -> str | None:
    """What is said of the object when the bucket is this."""
    monkeypatch.setattr(moto_state, "find_bucket", lambda _: bucket)
    return S3Objects().refusal(OBJECT)


@pytest.mark.parametrize(
    ("statements", "readable"),
    [
        ([allow()], True),
        ([allow(Principal="*")], True),
        ([allow(Principal={"Service": ["sqs.amazonaws.com", "ses.amazonaws.com"]})], True),
        ([allow(**when(SourceAccount=ACCOUNT))], True),
        ([allow(**when(Referer=ACCOUNT))], True),
        ([allow(**when("Bool", PrincipalIsAWSService="true"))], True),
        ([allow(Resource="arn:aws:s3:::imports/a/people.json")], True),
        ([allow(Resource="arn:aws:s3:::imports/b/*"), allow(Action="s3:*")], True),
        ([], False),
        ([allow(Principal={"Service": "ses.us-east-1.amazonaws.com"})], False),
        ([allow(Principal={"AWS": "ses.amazonaws.com.other"})], False),
        ([allow(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})], False),
        ([allow(Action="s3:PutObject")], False),
        ([allow(Resource="arn:aws:s3:::imports")], False),
        ([allow(Resource="arn:aws:s3:::imports/b/*")], False),
        ([allow(**when(SourceAccount=OTHER))], False),
        ([allow(**when(Referer=OTHER))], False),
        ([allow(**when("ArnLike", SourceArn=f"arn:aws:ses:us-east-1:{ACCOUNT}:*"))], False),
        ([allow(), allow(Effect="Deny", Principal="*", **when("Bool", SecureTransport="false"))], True),
        ([allow(), allow(Effect="Deny", **when("StringNotEquals", SourceAccount=OTHER))], False),
        ([allow(), allow(Effect="Deny", Principal=None, NotPrincipal=SES)], True),
        ([allow(), allow(Effect="Deny", Principal=None, NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})], False),
    ],
)
def test_the_bucket_policy_decides(
    statements: list[dict[str, Any]], readable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the service's principal, this object and the account that asks."""
    bucket = Bucket(ACCOUNT, "us-east-1", json.dumps({"Version": "2012-10-17", "Statement": statements}))
    assert (refusal(monkeypatch, bucket) is None) is readable


@pytest.mark.parametrize(
    ("bucket", "why"),
    [
        (None, "there is no such bucket"),
        (Bucket(ACCOUNT, "eu-west-1", json.dumps({"Statement": [allow()]})), "the bucket is in eu-west-1"),
        (Bucket(ACCOUNT, "us-east-1", None), "bucket policy: there is none"),
        (Bucket(ACCOUNT, "us-east-1", "{}"), "it is no policy document"),
        (Bucket(ACCOUNT, "us-east-1", "nonsense"), "it is no policy document"),
    ],
)
def test_a_refusal_says_why(bucket: Bucket | None, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It also names the object that SES wanted to read."""
    message = refusal(monkeypatch, bucket) or ""
    assert why in message
    assert "s3://imports/a/people.json" in message


def test_another_accounts_bucket_can_be_read_if_its_policy_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose the bucket is does not matter to SES."""
    policy = {"Statement": [allow(**when(SourceAccount=ACCOUNT))]}
    assert refusal(monkeypatch, Bucket(OTHER, "us-east-1", json.dumps(policy))) is None
