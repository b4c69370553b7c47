"""SNS refuses the messages that it refuses, and asks policies about the topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from strict_aws.aws import Options, StrictAws
from strict_aws.backend import seeding

ACCOUNT, REGION = "111122223333", "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"


@pytest.fixture(scope="module")
def aws() -> Iterator[StrictAws]:
    """One strict AWS with a topic."""
    made = StrictAws(Options(ses_rate=0))
    made.start()
    client(made).create_topic(Name="told")
    yield made
    made.stop()


def client(aws: StrictAws, service: str = "sns", **keys: str) -> Any:
    """A client of the account's administrator, or with these keys."""
    known = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local", **keys}
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(service, endpoint_url=aws.url, region_name=REGION, config=config, **known)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"Subject": "s" * 100}, "Subject"),
        ({"Subject": "two\nlines"}, "Subject"),
        ({"Subject": "größer"}, "Subject"),
        ({"Message": "ä" * 131_073}, "too long"),
        ({"MessageStructure": "json"}, "failed to parse"),
        ({"MessageStructure": "json", "Message": '{"https": "x"}'}, "No default entry"),
    ],
)
def test_what_sns_refuses_is_refused(aws: StrictAws, message: dict[str, str], words: str) -> None:
    """As InvalidParameter, HTTP 400."""
    with pytest.raises(ClientError, match=words) as error:
        client(aws).publish(**{"TopicArn": TOPIC, "Message": "m", **message})
    assert error.value.response["Error"]["Code"] == "InvalidParameter"


def test_a_message_is_taken(aws: StrictAws) -> None:
    """With a subject, and with a structure."""
    structure = {"MessageStructure": "json", "Message": json.dumps({"default": "d", "https": "h"})}
    assert client(aws).publish(TopicArn=TOPIC, Subject="s" * 99, **structure)["MessageId"]


def test_a_role_may_publish_to_the_topic_that_its_policy_names(aws: StrictAws) -> None:
    """And to no other."""
    allowed = {"Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC}
    document = {"Version": "2012-10-17", "Statement": [allowed]}
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = f"arn:aws:iam::{ACCOUNT}:role/publisher"
    seeding.make_role(role, trust={"Version": "2012-10-17", "Statement": [trust]}, policies={"p": document})
    given = client(aws, "sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    publisher = client(aws, **keys, aws_session_token=given["SessionToken"])
    assert publisher.publish(TopicArn=TOPIC, Message="m")["MessageId"]
    client(aws).create_topic(Name="other")
    with pytest.raises(ClientError, match="not authorized") as error:
        publisher.publish(TopicArn=TOPIC.replace("told", "other"), Message="m")
    assert error.value.response["Error"]["Code"] in ("AccessDenied", "AuthorizationError")
