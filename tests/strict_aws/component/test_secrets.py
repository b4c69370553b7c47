"""Secrets Manager keeps secrets in versions, refuses what AWS refuses, and asks policies about the secret's own ARN."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from strict_aws.aws import Options, StrictAws

ACCOUNT, REGION = "111122223333", "eu-west-1"
NAME = "ses-fleet/tombstones"
TOKENS = ["first-0123456789-0123456789-0123456", "second-0123456789-0123456789-012345"]


@pytest.fixture(scope="module")
def aws() -> Iterator[StrictAws]:
    """One strict AWS for all of these tests; each has a secret of its own."""
    made = StrictAws(Options(ses_rate=0))
    made.start()
    yield made
    made.stop()


def client(aws: StrictAws, service: str = "secretsmanager", **keys: str) -> Any:
    """A client of the account's administrator, or with these keys; it checks nothing itself."""
    known = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local", **keys}
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client(service, endpoint_url=aws.url, region_name=REGION, config=config, **known)  # type: ignore[call-overload]


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    """(code, message) of a refusal, which is always 400."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response: Any = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return response["Error"]["Code"], response["Error"]["Message"]


def test_a_secret_has_versions_and_the_last_two_have_stages(aws: StrictAws) -> None:
    """It is found by its name, its ARN, and its ARN without the last six characters."""
    secrets = client(aws)
    made = secrets.create_secret(Name=NAME, SecretString="one", ClientRequestToken=TOKENS[0])
    arn = made["ARN"]
    assert arn.startswith(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{NAME}-")
    assert len(arn) == len(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{NAME}-") + 6
    for secret_id in (NAME, arn, arn[:-7]):
        assert secrets.get_secret_value(SecretId=secret_id)["SecretString"] == "one"
    secrets.put_secret_value(SecretId=NAME, SecretString="two", ClientRequestToken=TOKENS[1])

    def value(**which: str) -> tuple[str, list[str]]:
        found = secrets.get_secret_value(SecretId=NAME, **which)
        return found["SecretString"], found["VersionStages"]

    assert value() == value(VersionStage="AWSCURRENT") == value(VersionId=TOKENS[1]) == ("two", ["AWSCURRENT"])
    assert value(VersionStage="AWSPREVIOUS") == value(VersionId=TOKENS[0]) == ("one", ["AWSPREVIOUS"])
    assert secrets.describe_secret(SecretId=NAME)["VersionIdsToStages"] == {
        TOKENS[0]: ["AWSPREVIOUS"],
        TOKENS[1]: ["AWSCURRENT"],
    }
    assert refused(secrets.get_secret_value, SecretId=NAME, VersionId=TOKENS[1], VersionStage="AWSPREVIOUS")[0] == (
        "InvalidRequestException"
    )
    assert refused(secrets.put_secret_value, SecretId=NAME, SecretString="three", ClientRequestToken=TOKENS[1])[0] == (
        "ResourceExistsException"
    )
    assert refused(secrets.create_secret, Name=NAME, SecretString="x")[0] == "ResourceExistsException"


def test_what_is_not_there_is_not_found(aws: StrictAws) -> None:
    """A secret, a version, a stage, and a secret that has no value yet."""
    secrets = client(aws)
    secrets.create_secret(Name="found", SecretString="x")
    secrets.create_secret(Name="empty")
    nobody = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    assert refused(secrets.get_secret_value, SecretId="nobody") == nobody
    assert refused(secrets.describe_secret, SecretId="nobody") == nobody
    assert refused(secrets.put_secret_value, SecretId="nobody", SecretString="x") == nobody
    value = "Secrets Manager can't find the specified secret value for "
    for which, told in (
        ({"SecretId": "found", "VersionStage": "AWSPREVIOUS"}, "staging label: AWSPREVIOUS"),
        ({"SecretId": "found", "VersionId": TOKENS[0]}, f"VersionId: {TOKENS[0]}"),
        ({"SecretId": "empty"}, "staging label: AWSCURRENT"),
    ):
        assert refused(secrets.get_secret_value, **which) == ("ResourceNotFoundException", value + told)


def test_names_and_sizes_are_those_of_the_api(aws: StrictAws) -> None:
    """512 characters of its grammar, 65,536 bytes."""
    secrets = client(aws)
    for name in ("with a blank", "", "n" * 513, "ü"):
        assert refused(secrets.create_secret, Name=name, SecretString="x")[0] == "ValidationException"
    secrets.create_secret(Name="a-Z_0/+=.@" + "n" * 502, SecretString="x" * 65_536)
    for value in ("x" * 65_537, "ü" * 32_769):
        assert refused(secrets.create_secret, Name="large", SecretString=value)[0] == "ValidationException"


def test_a_secret_that_is_being_deleted_has_no_value(aws: StrictAws) -> None:
    """Nor is it given another one; it is described until it is gone."""
    secrets = client(aws)
    secrets.create_secret(Name="leaving", SecretString="x")
    secrets.delete_secret(SecretId="leaving", RecoveryWindowInDays=7)
    for call, more in ((secrets.get_secret_value, {}), (secrets.put_secret_value, {"SecretString": "y"})):
        assert refused(call, SecretId="leaving", **more) == (
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    assert secrets.describe_secret(SecretId="leaving")["DeletedDate"]


def session(aws: StrictAws, *actions: str, resource: str) -> Any:
    """A client of a role that may do this on this secret, in its Region."""
    iam, name = client(aws, "iam"), f"role-{len(client(aws, 'iam').list_roles()['Roles'])}"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    allowed = {
        "Effect": "Allow",
        "Action": actions,
        "Resource": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:{resource}",
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_document(allowed))
    keys = client(aws, "sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    given = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
    return client(aws, aws_session_token=keys["SessionToken"], **given)


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_policy_is_asked_about_the_secrets_own_arn(aws: StrictAws) -> None:
    """By whichever id the request has it; a name without the six characters behind it allows nothing."""
    arn = client(aws).create_secret(Name="keys/one", SecretString="x")["ARN"]
    get = "secretsmanager:GetSecretValue"
    for resource in ("secret:keys/one-??????", "secret:keys/*", arn.partition(f"{ACCOUNT}:")[2]):
        reader = session(aws, get, resource=resource)
        for secret_id in ("keys/one", arn, arn[:-7]):
            assert reader.get_secret_value(SecretId=secret_id)["SecretString"] == "x"
    for resource in ("secret:keys/one", "secret:keys/two-??????"):
        code, message = refused(session(aws, get, resource=resource).get_secret_value, SecretId="keys/one")
        assert (code, message.partition(": ")[0]) == ("AccessDeniedException", "User")
        assert message.endswith(f"is not authorized to perform: {get} on resource: {arn}")
    reader = session(aws, get, resource="secret:keys/*")
    assert refused(reader.put_secret_value, SecretId="keys/one", SecretString="y")[0] == "AccessDeniedException"
    assert refused(reader.get_secret_value, SecretId="other")[0] == "AccessDeniedException"
    assert refused(reader.get_secret_value, SecretId="keys/none")[0] == "ResourceNotFoundException"


def test_a_secret_is_created_under_the_name_that_a_policy_allows(aws: StrictAws) -> None:
    """The six characters are not known before."""
    maker = session(aws, "secretsmanager:CreateSecret", resource="secret:made/by-us-??????")
    assert maker.create_secret(Name="made/by-us", SecretString="x")["Name"] == "made/by-us"
    assert refused(maker.create_secret, Name="made/by-others", SecretString="x")[0] == "AccessDeniedException"
