"""The local cloud itself, over HTTP, by boto3: it refuses what AWS refuses."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local_cloud.conftest import (
    HUB,
    ORCHESTRATOR,
    ROOT,
    SES_FLEET,
    TLS,
    WORKER,
    Cloud,
    Contact,
    exports_in,
    handler_zip,
    local_up,
    running,
    stop,
)

ACME = "arn:aws:iam::444455556666:role/acme-contact-manager"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """AWS's error code."""
    return str(error.value.response["Error"]["Code"])


def test_an_administrator_is_not_the_worker(cloud: Cloud) -> None:
    """The customers' roles trust the worker's role and nobody else, not even our own account's root."""
    with pytest.raises(ClientError) as error:
        cloud.client("sts").assume_role(RoleArn=ACME, RoleSessionName="me")
    assert code_of(error) == "AccessDenied"


def test_a_role_that_does_not_exist_cannot_be_assumed(cloud: Cloud) -> None:
    """The same refusal as for one that does not trust; the journal knows why."""
    mark = cloud.mark()
    with pytest.raises(ClientError) as error:
        cloud.client("sts").assume_role(RoleArn=f"{ACME}-2", RoleSessionName="me")
    assert code_of(error) == "AccessDenied"
    assert cloud.journal(mark)[0]["reason"] == "the role does not exist"


def test_a_role_with_a_path_needs_its_path(cloud: Cloud) -> None:
    """globex's role is known by its whole ARN only."""
    mark = cloud.mark()
    for arn in ("role/contact-manager", "role/teams/email/contact-manager"):
        with pytest.raises(ClientError):
            cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::777788889999:{arn}", RoleSessionName="me")
    reasons = [entry["reason"] for entry in cloud.journal(mark)]
    assert reasons[0] == "the role does not exist"
    assert reasons[1].startswith("nothing allows sts:AssumeRole")


@pytest.mark.parametrize("service", ["sts", "sesv2", "lambda", "s3", "logs"])
def test_an_unknown_key_is_refused(service: str, cloud: Cloud) -> None:
    """Only 12-digit keys and keys that were handed out are anybody."""
    client = cloud.client(service, aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
    calls = {
        "sts": "get_caller_identity",
        "sesv2": "list_contact_lists",
        "lambda": "list_functions",
        "s3": "list_buckets",
        "logs": "describe_log_groups",
    }
    with pytest.raises(ClientError) as error:
        getattr(client, calls[service])()
    expected = {"sts": "InvalidClientTokenId", "s3": "InvalidAccessKeyId"}
    assert code_of(error) == expected.get(service, "UnrecognizedClientException")


def test_accounts_and_regions_are_apart(cloud: Cloud) -> None:
    """A list of one is not seen in another."""
    lists = cloud.client("sesv2", "444455556666").list_contact_lists()["ContactLists"]
    assert [entry["ContactListName"] for entry in lists] == ["main-contact-list"]
    for account, region in (("444455556666", "eu-west-1"), ("111122223333", "us-east-1")):
        assert not cloud.client("sesv2", account, region).list_contact_lists().get("ContactLists")
    assert cloud.client("sts", "444455556666").get_caller_identity()["Account"] == "444455556666"


def test_ses_over_http_pages_and_refuses(cloud: Cloud) -> None:
    """A second list, an unknown list and a foreign token are refused with AWS's codes and statuses."""
    ses = cloud.client("sesv2", "444455556666")
    with pytest.raises(ClientError) as error:
        ses.create_contact_list(ContactListName="second")
    assert code_of(error) == "BadRequestException"
    with pytest.raises(ClientError) as error:
        ses.get_contact_list(ContactListName="other")
    assert code_of(error) == "NotFoundException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    page = ses.list_contacts(ContactListName="main-contact-list", PageSize=999)
    sizes = [len(page["Contacts"])]
    while page.get("NextToken"):
        page = ses.list_contacts(ContactListName="main-contact-list", PageSize=999, NextToken=page["NextToken"])
        sizes.append(len(page["Contacts"]))
    assert sizes == [999, 999, 502]


def test_an_older_sdks_list_contacts_works(cloud: Cloud) -> None:
    """GET …/contacts with the page size in the query, as SDKs sent it before."""
    request = AWSRequest("GET", f"{cloud.url}/v2/email/contact-lists/main-contact-list/contacts?PageSize=7")
    SigV4Auth(Credentials("444455556666", "local"), "ses", "us-east-1").add_auth(request)
    sent = urllib.request.Request(str(request.url), headers=dict(request.headers))  # noqa: S310  # loopback
    assert len(json.loads(cloud.fetch(sent))["Contacts"]) == 7


def test_contacts_can_be_filled_in_bulk(cloud: Cloud) -> None:
    """Made up by the thousand, or given as an import job's lines."""
    ses = cloud.client("sesv2", "300000000025")
    topics = [{"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_OUT"}]
    ses.create_contact_list(ContactListName="bulk", Topics=topics)
    path = "contacts/300000000025/us-east-1/bulk"
    made = cloud.control("PUT", path, b'{"generate": 1500, "seed": 3, "opt_in": {"news": 0.5}}')
    assert json.loads(made) == {"contacts": 1500}
    lines = b'{"emailAddress": "ada@acme.example", "unsubscribeAll": true}\n'
    assert json.loads(cloud.control("PUT", path, lines)) == {"contacts": 1}
    assert cloud.contacts_now("300000000025")[-1] == Contact("ada@acme.example", {}, True)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        cloud.control("PUT", "contacts/300000000025/us-east-1/other", lines)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        cloud.control("PUT", path, b'{"generate": -1}')
    ses.delete_contact_list(ContactListName="bulk")


def test_the_journal_says_who_did_what(cloud: Cloud) -> None:
    """Account, session, environment, operation, outcome: and no secret."""
    mark = cloud.mark()
    cloud.run(include=["acme"])
    entries = cloud.journal(mark)
    read = next(e for e in entries if e["operation"] == "GetContactList")
    assert read["account"] == "444455556666"
    assert read["principal"].startswith("arn:aws:sts::444455556666:assumed-role/acme-contact-manager/ses-fleet-acme-")
    assert read["environment"].startswith(f"{WORKER}-")
    assert (read["service"], read["http_status"], read["writes"]) == ("sesv2", 200, False)
    assert read["access_key_id"].startswith("ASIA")
    assert [e["seq"] for e in entries] == sorted({e["seq"] for e in entries})
    text = json.dumps(entries)
    for handed_out in json.loads(cloud.control("GET", "credentials")):
        assert handed_out["secret_access_key"] not in text
        assert handed_out["session_token"] not in text


def test_an_operation_that_is_not_there_is_501(cloud: Cloud) -> None:
    """Nobody should take a missing emulation for an answer, nor moto's for that of the same SES and STS."""
    for missing in (cloud.client("sesv2").list_dedicated_ip_pools, cloud.client("sts").get_session_token):
        with pytest.raises(ClientError) as error:
            missing()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_suppression_list_is_asked_over_http(cloud: Cloud) -> None:
    """Addresses in the path, reasons and times in the query string, as botocore sends them."""
    with cloud.conditions(read_lag_seconds=0, unset_share=0):
        _ask_the_suppression_list(cloud)


def _ask_the_suppression_list(cloud: Cloud) -> None:
    ses = cloud.client("sesv2", account="300000000099")
    address, day = "ada+news@x.example", timedelta(days=1)
    ses.put_suppressed_destination(EmailAddress=address, Reason="COMPLAINT")
    found = ses.get_suppressed_destination(EmailAddress=address)["SuppressedDestination"]
    assert (found["EmailAddress"], found["Reason"]) == (address, "COMPLAINT")
    now, both = found["LastUpdateTime"], ["BOUNCE", "COMPLAINT"]
    pages = [
        ses.list_suppressed_destinations(**asked)["SuppressedDestinationSummaries"]
        for asked in (
            {"Reasons": both, "StartDate": now - day, "EndDate": now + day, "PageSize": 5},
            {"Reasons": ["BOUNCE"]},
            {"StartDate": now + day},
        )
    ]
    assert [[one["EmailAddress"] for one in page] for page in pages] == [[address], [], []]
    ses.delete_suppressed_destination(EmailAddress=address)
    with pytest.raises(ses.exceptions.NotFoundException, match=r"ada\+news@x.example does not exist"):
        ses.get_suppressed_destination(EmailAddress=address)


@pytest.mark.parametrize(
    ("payload", "kind", "code", "status"),
    [
        (b"not json", "RequestResponse", "InvalidRequestContentException", 400),
        (b'"' + b"x" * 6_291_456 + b'"', "RequestResponse", "RequestTooLargeException", 413),
        (b'"' + b"x" * 1_048_576 + b'"', "Event", "RequestTooLargeException", 413),
    ],
)
def test_invoke_refuses_what_lambda_refuses(payload: bytes, kind: str, code: str, status: int, cloud: Cloud) -> None:
    """Nothing runs."""
    with pytest.raises(ClientError) as error:
        cloud.lambda_.invoke(FunctionName=WORKER, Payload=payload, InvocationType=kind)
    assert code_of(error) == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_function_that_is_not_there_is_404(cloud: Cloud) -> None:
    """As Lambda answers it."""
    with pytest.raises(ClientError) as error:
        cloud.lambda_.invoke(FunctionName="nothing")
    assert code_of(error) == "ResourceNotFoundException"


def test_a_dry_run_of_invoke_is_204(cloud: Cloud) -> None:
    """And runs nothing."""
    answer = cloud.lambda_.invoke(FunctionName=ORCHESTRATOR, InvocationType="DryRun", Payload=b"{}")
    assert answer["StatusCode"] == 204


def test_reserved_concurrency_says_its_reason(cloud: Cloud) -> None:
    """429, nothing ran."""
    cloud.lambda_.put_function_concurrency(FunctionName=WORKER, ReservedConcurrentExecutions=0)
    try:
        with pytest.raises(ClientError) as error:
            cloud.lambda_.invoke(FunctionName=WORKER, Payload=b"{}")
    finally:
        cloud.lambda_.delete_function_concurrency(FunctionName=WORKER)
    assert code_of(error) == "TooManyRequestsException"
    assert dict(error.value.response)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


@pytest.fixture
def own_cloud(tmp_path: Path) -> Any:
    """Arguments of a local cloud of one's own."""
    config = tmp_path / "config.json"
    config.write_text((ROOT / "examples" / "config.json").read_text())
    return ["--port", "0", "--config", str(config)]


def environments_of(cloud: Cloud) -> set[int]:
    """The processes of this local cloud's execution environments: they know its endpoint."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                ours = f"AWS_ENDPOINT_URL={cloud.url}".encode() in (entry / "environ").read_bytes().split(b"\0")
                if ours and b"awslambdaric" in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_leaves_nothing(how: signal.Signals, own_cloud: list[str]) -> None:
    """Exit 0, no child left, while a function runs that has minutes to go, and when a signal comes twice."""
    endless = "import time\ndef handler(event, context):\n    time.sleep(600)\n"
    with running(*own_cloud) as (process, own):
        assert own.control("GET", "ready") == b"ready\n"
        own.update_code(ORCHESTRATOR, handler_zip(ORCHESTRATOR, endless))
        own.lambda_.invoke(FunctionName=ORCHESTRATOR, InvocationType="Event", Payload=b"{}")
        _wait_until(lambda: bool(environments_of(own)))
        os.kill(process.pid, how)
        os.kill(process.pid, how)
        code, errors = stop(process)
    assert (code, errors.count("Traceback")) == (0, 0), errors
    assert environments_of(own) == set()


def test_a_killed_local_cloud_takes_its_functions_along(own_cloud: list[str]) -> None:
    """Even SIGKILL leaves no process behind."""
    with running(*own_cloud) as (process, own):
        own.invoke({"action": "help"})
        assert environments_of(own)
        process.kill()
        process.communicate()
        _wait_until(lambda: environments_of(own) == set())


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_local_up_prints_is_what_a_shell_needs(own_cloud: list[str]) -> None:
    """Exports for stdout; on stderr a line for each ARN that it cannot make, and that no scenario filled the lists."""
    command = [SES_FLEET, *local_up(*own_cloud)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = list(itertools.takewhile(lambda line: line != "# ready\n", process.stdout))
    process.terminate()
    errors = process.communicate(timeout=30)[1]
    exports = exports_in("".join(printed))
    assert exports == {
        "AWS_ENDPOINT_URL": exports["AWS_ENDPOINT_URL"],
        **({"AWS_CA_BUNDLE": exports["AWS_CA_BUNDLE"]} if TLS else {}),
        "AWS_ACCESS_KEY_ID": HUB,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    assert errors.splitlines() == [
        (
            "umbrella: ses_role_arn arn:aws-us-gov:iam::123412341234:role/contact-manager is of partition aws-us-gov: "
            "no role made"
        ),
        "no --scenario was given: no customer's account has a contact list or contacts (docs/local-cloud.md)",
    ]


def received(sqs: Any, queue: str) -> dict[str, Any]:
    """The first message that comes."""
    found: list[dict[str, Any]] = []

    def came() -> bool:
        found.extend(sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"]).get("Messages", []))
        return bool(found)

    _wait_until(came)
    return found[0]


def test_a_refused_event_reaches_the_dead_letter_queue(cloud: Cloud) -> None:
    """As it came; the configuration is answered as it was given."""
    sqs = cloud.client("sqs")
    queue = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    target = {"TargetArn": f"arn:aws:sqs:us-east-1:{HUB}:dead-letters"}
    with cloud.function_changed(ORCHESTRATOR, DeadLetterConfig=target):
        assert cloud.lambda_.get_function_configuration(FunctionName=ORCHESTRATOR)["DeadLetterConfig"] == target
        cloud.lambda_.invoke(FunctionName=ORCHESTRATOR, InvocationType="Event", Payload=b'{"action": "nonsense"}')
        message = received(sqs, queue)
        cloud.update_configuration(ORCHESTRATOR, DeadLetterConfig={"TargetArn": ""})
    assert message["Body"] == '{"action": "nonsense"}'
    assert 'unknown action "nonsense"' in message["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert "DeadLetterConfig" not in cloud.lambda_.get_function(FunctionName=ORCHESTRATOR)["Configuration"]


def test_a_refused_event_reaches_the_on_failure_queue(cloud: Cloud) -> None:
    """With no retries, as the stack configures it: a schedule's mistake is not lost."""
    sqs = cloud.client("sqs")
    queue = sqs.create_queue(QueueName="failures")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{HUB}:failures"
    cloud.lambda_.put_function_event_invoke_config(
        FunctionName=ORCHESTRATOR,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    mark = cloud.mark()
    cloud.lambda_.invoke(FunctionName=ORCHESTRATOR, InvocationType="Event", Payload=b'{"action": "nonsense"}')
    message = received(sqs, queue)
    cloud.lambda_.put_function_event_invoke_config(FunctionName=ORCHESTRATOR, MaximumRetryAttempts=0)
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"action": "nonsense"}
    assert record["responsePayload"]["errorType"] == "RequestError"
    assert len([e for e in cloud.journal(mark) if e["operation"] == "Invoke"]) == 1
