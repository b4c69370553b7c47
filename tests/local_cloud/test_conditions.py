"""What AWS does on an ordinary day, and a test double usually does not."""

from __future__ import annotations

import json
import urllib.error
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.local_cloud.conftest import (
    HUB,
    NOT_ENABLED,
    NOT_EVERYWHERE,
    ORCHESTRATOR,
    Cloud,
    handler_zip,
    running,
    ses_fleet,
    stop,
)


def refusal(call: Any, **parameters: Any) -> tuple[str, int]:
    """The code and the HTTP status of what it raises."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    response: Any = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_conditions_change_while_it_runs(cloud: Cloud) -> None:
    """By preset or one by one; what is wrong is said, and changes nothing."""
    before = json.loads(cloud.control("GET", "conditions"))
    with cloud.conditions(preset="aws", read_lag_seconds=0, pending_seconds=0.5):
        now = json.loads(cloud.control("GET", "conditions"))
        assert now["latency_seconds"]["sts"] == 0.06
        assert (now["read_lag_seconds"], now["pending_seconds"]) == (0, 0.5)
        with pytest.raises(urllib.error.HTTPError) as refused:
            cloud.control("PUT", "conditions", b'{"preset": "cruel"}')
        with refused.value as answer:
            assert (answer.code, answer.read()) == (400, b'$.preset: is aws or kind, not "cruel"\n')
        assert json.loads(cloud.control("GET", "conditions")) == now
    assert json.loads(cloud.control("GET", "conditions")) == before


def test_a_function_is_pending_before_it_runs_and_runs_as_before_while_it_is_updated(cloud: Cloud) -> None:
    """Nothing ran of what is refused; the waiters of boto3 know when it is over."""
    name, functions = "pending", cloud.lambda_
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]

    def answer() -> Any:
        return json.loads(functions.invoke(FunctionName=name, Payload=b"{}")["Payload"].read())

    def code(number: int) -> bytes:
        return handler_zip(name, f"def handler(event, context):\n    return {number}\n")

    with cloud.conditions(pending_seconds=1.0):
        made = functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="ses_fleet.pending.handler.handler",
            Role=role,
            Code={"ZipFile": code(1)},
        )
        assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
        for kind in ("RequestResponse", "Event"):
            asked = {"FunctionName": name, "InvocationType": kind, "Payload": b"{}"}
            assert refusal(functions.invoke, **asked) == ("ResourceConflictException", 409)
        cloud.settled(name)
        assert answer() == 1
        updated = functions.update_function_code(FunctionName=name, ZipFile=code(2))
        assert updated["LastUpdateStatus"] == "InProgress"
        assert refusal(functions.update_function_configuration, FunctionName=name, Timeout=9) == (
            "ResourceConflictException",
            409,
        )
        assert answer() == 1
        cloud.settled(name)
        assert answer() == 2
    functions.delete_function(FunctionName=name)


def test_there_are_aws_regions_only(cloud: Cloud) -> None:
    """In another one nobody answers, and nothing is made."""
    mark = cloud.mark()
    with pytest.raises(ConnectionClosedError):
        cloud.client("sesv2", NOT_EVERYWHERE, "us-east-3").create_contact_list(ContactListName="nowhere")
    (entry,) = [entry for entry in cloud.journal(mark) if entry["region"] == "us-east-3"]
    assert (entry["error_code"], entry["reason"]) == ("ConnectionDropped", "AWS has no Region us-east-3")
    with pytest.raises(urllib.error.HTTPError) as refused:
        cloud.control("PUT", f"contacts/{NOT_EVERYWHERE}/us-east-3/main", b"")
    with refused.value as answer:
        assert answer.code == 400


def test_a_region_that_an_account_has_not_enabled_does_not_know_it(cloud: Cloud) -> None:
    """No service of it, nor STS for that account; others know theirs there."""
    ses = cloud.client("sesv2", NOT_EVERYWHERE, NOT_ENABLED)
    assert refusal(ses.list_contact_lists) == ("UnrecognizedClientException", 403)
    s3 = cloud.client("s3", NOT_EVERYWHERE, NOT_ENABLED)
    assert refusal(s3.list_buckets) == ("InvalidAccessKeyId", 403)
    role = {"RoleArn": f"arn:aws:iam::{NOT_EVERYWHERE}:role/contact-manager", "RoleSessionName": "me"}
    assert refusal(cloud.client("sts", HUB, NOT_ENABLED).assume_role, **role) == ("RegionDisabledException", 403)
    assert not cloud.client("sesv2", "300000000023", NOT_ENABLED).list_contact_lists().get("ContactLists")


@pytest.mark.matrix
def test_over_tls_everything_is(cloud: Cloud) -> None:
    """The commands, the functions' own calls and the controls; who does not trust its certificate gets nothing."""
    with running("--port", "0", "--tls", "--ses-rate", "0") as (process, secure):
        assert secure.url.startswith("https://127.0.0.1:")
        ended = ses_fleet(secure, "invoke", "describe-list", "--customer-code", "acmenonprod", "--output", "json")
        assert (ended.returncode, json.loads(ended.stdout)["successful_count"]) == (0, 1), ended.stderr
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            cloud.fetch(f"{secure.url}/_ses_fleet/ready")
        code, errors = stop(process)
    assert (code, "Traceback" in errors) == (0, False)


@pytest.mark.matrix
def test_a_run_whose_orchestrator_does_not_start_is_over_in_seconds(cloud: Cloud) -> None:
    """The command says why, as the function does: an import that fails, a package of another machine."""
    with cloud.function_changed(ORCHESTRATOR, code="import nothing_of_that_name\n"):
        ended = ses_fleet(cloud, "invoke", "describe-list-all")
    assert ended.returncode == 3
    assert "did not begin: ses-fleet-orchestrator does not start (Runtime.ImportModuleError: " in ended.stderr
    assert "nothing_of_that_name" in ended.stderr
