"""The stand-in that everybody is measured against answers what the AWS SDKs and the orchestrator can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3.session
import pytest
from botocore.stub import Stubber

from bench.stand_in_answers import FIRST_ACCOUNT, LIST, Call, World
from ses_fleet.runs.work import WorkResult

ACCOUNT = str(FIRST_ACCOUNT)


def call(path: str, body: Any = "", headers: Mapping[str, str] | None = None) -> Call:
    """A POST request with this body, a document or a text."""
    return Call("POST", path, headers or {}, body if isinstance(body, str) else json.dumps(body))


def test_assume_role_gives_credentials_of_the_role_s_account() -> None:
    """So that no two customers share them."""
    answer = World().answer(call("/", f"Action=AssumeRole&RoleArn=arn:aws:iam::{ACCOUNT}:role/r"))
    assert answer.operation == "AssumeRole"
    assert answer.content_type == "text/xml"
    assert f"<AccessKeyId>ASIA{ACCOUNT}0000</AccessKeyId>" in answer.body


@pytest.mark.parametrize(
    ("path", "operation", "method"),
    [
        ("/v2/email/contact-lists", "ListContactLists", "list_contact_lists"),
        (f"/v2/email/contact-lists/{LIST}", "GetContactList", "get_contact_list"),
        (f"/v2/email/contact-lists/{LIST}/contacts/list", "ListContacts", "list_contacts"),
    ],
)
def test_an_answer_of_ses_has_what_its_model_says(path: str, operation: str, method: str) -> None:
    """botocore's Stubber refuses a document with a field that the operation does not return."""
    answer = World(contacts=3).answer(call(path))
    client = boto3.session.Session().client(
        "sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    assert answer.operation == operation
    with Stubber(client) as stub:
        stub.add_response(method, answer.body)


def test_contacts_come_in_pages_until_the_last() -> None:
    """Of a thousand, as SES gives them, each contact once."""
    world, addresses, token = World(contacts=2_500), [], ""
    while True:
        page = world.answer(call(f"/v2/email/contact-lists/{LIST}/contacts/list", {"NextToken": token})).body
        addresses += [contact["EmailAddress"] for contact in page["Contacts"]]
        token = page.get("NextToken", "")
        if not token:
            break
    assert len(addresses) == len(set(addresses)) == 2_500


def test_an_invoke_is_answered_with_a_result_of_its_own_customer() -> None:
    """The orchestrator checks it, and refuses another customer's."""
    item = {"run_id": "r1", "customer": {"customer_code": "acme", "account_id": ACCOUNT}}
    answer = World().answer(call("/2015-03-31/functions/ses-fleet-worker/invocations", item))
    result = WorkResult.model_validate_json(answer.encoded())
    assert answer.operation == "Invoke"
    assert (result.run_id, result.customer_code, result.account_id) == ("r1", "acme", ACCOUNT)


def test_the_organization_has_every_account_once() -> None:
    """Tools that ask Organizations which accounts there are get those that everybody else is given."""
    headers = {"x-amz-target": "AWSOrganizationsV20161128.ListAccounts"}
    answer = World(accounts=3).answer(call("/", {}, headers))
    assert [account["Id"] for account in answer.body["Accounts"]] == [str(FIRST_ACCOUNT + n) for n in range(3)]


def test_an_operation_that_is_not_known_is_told_by_its_method_and_path() -> None:
    """So that a tool which calls more than it says shows in the statistics."""
    assert World().answer(call("/v2/email/identities")).operation == "POST /v2/email/identities"
