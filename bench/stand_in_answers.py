"""What the stand-in answers: just enough of STS, Organizations, SES and Lambda to time a tool against a known floor.

It is lenient where strict_aws is strict, and cheap, so that a call costs the time it is told to cost and little else.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MANAGEMENT_ACCOUNT = "999999999999"
FIRST_ACCOUNT = 100_000_000_000
LIST = "main-contact-list"
TOPICS = 6

_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_ORGANIZATIONS = "AWSOrganizationsV20161128."
_LIST_OF_LISTS = re.compile(r"/v2/email/contact-lists/?")
_ONE_LIST = re.compile(r"/v2/email/contact-lists/[^/]+")
_CONTACTS = re.compile(r"/v2/email/contact-lists/[^/]+/contacts(/list)?")


@dataclass(frozen=True)
class Call:
    """One request as the stand-in reads it. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def is_invoke(self) -> bool:
        """Tell whether it is Lambda's Invoke, which takes as long as the worker does."""
        return self.path.endswith("/invocations")


@dataclass(frozen=True)
class Answer:
    """The operation that was asked for, and its answer: a JSON document, or STS's XML."""

    operation: str
    body: Any

    @property
    def content_type(self) -> str:
        """Return the media type of the body."""
        return "text/xml" if isinstance(self.body, str) else "application/json"

    def encoded(self) -> bytes:
        """Return the body as it is sent."""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class World:
    """What exists: so many accounts of an organization, each with one contact list of so many contacts."""

    accounts: int = 200
    contacts: int = 0

    def answer(self, call: Call) -> Answer:
        """Answer a call; one that is not known is answered with an empty document, under its method and path."""
        target = call.headers.get("x-amz-target", "")
        if target.startswith(_ORGANIZATIONS):
            operation = target.removeprefix(_ORGANIZATIONS)
            return Answer(operation, self._organization(operation, call.body))
        if call.is_invoke:
            return Answer("Invoke", work_result(json.loads(call.body)))
        if call.path.startswith("/v2/email/"):
            return self._ses(call)
        return _sts(call)

    def _organization(self, operation: str, body: str) -> dict[str, Any]:
        if operation == "ListAccounts":
            return {"Accounts": [_account(str(FIRST_ACCOUNT + number)) for number in range(self.accounts)]}
        if operation == "DescribeAccount":
            return {"Account": _account(json.loads(body)["AccountId"])}
        if operation == "DescribeOrganization":
            return {"Organization": {"Id": "o-abcdefghij", "MasterAccountId": MANAGEMENT_ACCOUNT}}
        return {}

    def _ses(self, call: Call) -> Answer:
        if _CONTACTS.fullmatch(call.path):
            return Answer("ListContacts", self._page(json.loads(call.body or "{}")))
        if _LIST_OF_LISTS.fullmatch(call.path):
            return Answer("ListContactLists", {"ContactLists": [{"ContactListName": LIST, "LastUpdatedTimestamp": 1}]})
        if _ONE_LIST.fullmatch(call.path):
            return Answer("GetContactList", _contact_list())
        return Answer(f"{call.method} {call.path}", {})

    def _page(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        start = int(asked.get("NextToken") or 0)
        end = min(start + min(int(asked.get("PageSize") or 1000), 1000), self.contacts)
        more = {"NextToken": str(end)} if end < self.contacts else {}
        return {"Contacts": [_contact(number) for number in range(start, end)], **more}


def work_result(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the WorkResult of a worker that did this WorkItem and found an account without a contact list."""
    customer = item["customer"]
    return {
        "run_id": item["run_id"],
        "customer_code": customer["customer_code"],
        "account_id": customer["account_id"],
        "data": {"contact_list": None, "topics": [], "contacts": None},
        "api_calls": 3,
        "logs": ["one", "two", "three", "four"],
    }


def _sts(call: Call) -> Answer:
    form = urllib.parse.parse_qs(call.body)
    operation = form.get("Action", [f"{call.method} {call.path}"])[0]
    if operation == "AssumeRole":
        return Answer(operation, _assumed(form["RoleArn"][0].split(":")[4]))
    if operation == "GetCallerIdentity":
        arn = f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:user/bench"
        result = f"<Arn>{arn}</Arn><UserId>AIDABENCH</UserId><Account>{MANAGEMENT_ACCOUNT}</Account>"
        return Answer(operation, _envelope(operation, result))
    return Answer(operation, {})


def _assumed(account: str) -> str:
    credentials = (
        f"<AccessKeyId>ASIA{account}0000</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
        "<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    )
    user = f"<AssumedRoleId>AROABENCH:s</AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/r/s</Arn>"
    return _envelope("AssumeRole", f"<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>")


def _envelope(operation: str, result: str) -> str:
    inner = f"<{operation}Result>{result}</{operation}Result>"
    return f'<{operation}Response xmlns="{_STS}">{inner}</{operation}Response>'


def _account(number: str) -> dict[str, str]:
    return {
        "Id": number,
        "Name": f"account-{number}",
        "Email": f"{number}@example.com",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Arn": f"arn:aws:organizations::{MANAGEMENT_ACCOUNT}:account/o-abcdefghij/{number}",
    }


def _contact_list() -> dict[str, Any]:
    topics = [
        {"TopicName": f"t{n}", "DisplayName": f"T {n}", "Description": "d", "DefaultSubscriptionStatus": "OPT_IN"}
        for n in range(TOPICS)
    ]
    times = {"CreatedTimestamp": 1, "LastUpdatedTimestamp": 1}
    return {"ContactListName": LIST, "Description": "d", "Topics": topics, **times}


def _contact(number: int) -> dict[str, Any]:
    return {
        "EmailAddress": f"user{number}@example.com",
        "TopicPreferences": [{"TopicName": "t0", "SubscriptionStatus": "OPT_IN"}],
        "UnsubscribeAll": False,
        "LastUpdatedTimestamp": 1,
    }
