"""What the tests of the strict SES have in common."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strict_aws.conditions.conditions import Conditions, CurrentConditions
from strict_aws.conditions.rate import RateLimit
from strict_aws.http.messages import AwsError
from strict_aws.ses.objects import S3Object
from strict_aws.ses.service import StrictSes

ACCOUNT, REGION = "111122223333", "us-east-1"
ADA = "ada@x.example"
URL = "s3://imports/people.json"
_WITHOUT_LIST = (
    *("CreateContactList", "ListContactLists", "GetAccount"),
    *("CreateImportJob", "GetImportJob", "ListImportJobs", "PutAccountSuppressionAttributes"),
    *(f"{verb}SuppressedDestination" for verb in ("Put", "Get", "Delete")),
    *("ListSuppressedDestinations", "ListEmailIdentities", "GetEmailIdentity"),
)


def topic(name: Any, status: Any = "OPT_OUT", **more: Any) -> dict[str, Any]:
    """A topic as the API takes it."""
    return {"TopicName": name, "DisplayName": "shown", "DefaultSubscriptionStatus": status, **more}


def preferences(**chosen: str) -> list[dict[str, str]]:
    """Topic preferences as the API takes and shows them."""
    return [{"TopicName": name, "SubscriptionStatus": status} for name, status in chosen.items()]


class HeldObjects:
    """An S3 that is a dict: `held` by bucket and key, `refusals` by bucket; `asked` is what SES wanted to read."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], bytes] = {}
        self.refusals: dict[str, str] = {}
        self.asked: list[S3Object] = []

    def refusal(self, wanted: S3Object) -> str | None:
        """What the test says of the bucket."""
        self.asked.append(wanted)
        return self.refusals.get(wanted.bucket)

    def read(self, wanted: S3Object) -> bytes | None:
        """What the test put there."""
        return self.held.get((wanted.bucket, wanted.key))


def import_job(action: str = "PUT", url: str = URL, data_format: str = "JSON", name: str = "main") -> dict[str, Any]:
    """The parameters of a CreateImportJob."""
    return {
        "ImportDestination": {"ContactListDestination": {"ContactListName": name, "ContactListImportAction": action}},
        "ImportDataSource": {"S3Url": url, "DataFormat": data_format},
    }


class Emulated:
    """A strict SES seen from one account, with a clock that the test sets.

    Unless `empty`, it has the list `main` with the topics `news` (default OPT_IN) and `ads` (default OPT_OUT).
    """

    def __init__(
        self, *, empty: bool = False, rate: RateLimit | None = None, conditions: Conditions | None = None
    ) -> None:
        self.now = 1_000.0
        self.objects = HeldObjects()
        self.conditions = CurrentConditions(conditions)
        self.ses = StrictSes(rate=rate, clock=lambda: self.now, objects=self.objects, conditions=self.conditions)
        if not empty:
            self.make_list(ACCOUNT, REGION)

    def make_list(self, account: str, region: str) -> None:
        """Make the list `main` in any account and Region."""
        self.ses.create_list(account, region, "main", description="d", topics=[topic("news", "OPT_IN"), topic("ads")])

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """An operation, on the list `main` unless another is named."""
        if operation not in _WITHOUT_LIST:
            params.setdefault("ContactListName", "main")
        return self.ses.call(ACCOUNT, REGION, operation, params)

    def refused(self, operation: str, **params: Any) -> tuple[str, int, str]:
        """Code, HTTP status and message of a refusal."""
        with pytest.raises(AwsError) as error:
            self.call(operation, **params)
        return error.value.code, error.value.status, error.value.message

    def add(self, *names: str, **params: Any) -> None:
        """Make a contact `<name>@x.example` for each name."""
        for name in names:
            self.call("CreateContact", EmailAddress=f"{name}@x.example", **params)

    def start_import(self, body: str | bytes | None, **options: Any) -> str:
        """The id of a job that reads `body`, unless that is None; options are those of `import_job`."""
        params = import_job(**options)
        bucket, _, key = params["ImportDataSource"]["S3Url"].removeprefix("s3://").partition("/")
        if body is not None:
            self.objects.held[bucket, key] = body.encode() if isinstance(body, str) else body
        return str(self.call("CreateImportJob", **params)["JobId"])

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job ten seconds later."""
        self.now += 10
        return self.call("GetImportJob", JobId=job_id)

    def failed_records(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """What is behind a job's FailedRecordsS3Url."""
        token = job["FailureInfo"]["FailedRecordsS3Url"].rpartition("/")[2]
        return [json.loads(line) for line in (self.ses.failed_records(token) or b"").splitlines()]

    def contact(self, email: str = ADA) -> dict[str, Any]:
        """One contact as GetContact shows it."""
        return self.call("GetContact", EmailAddress=email)

    def pages(self, size: int, **params: Any) -> list[list[str]]:
        """The addresses of every page, without their domain."""
        pages: list[list[str]] = []
        token: dict[str, str] = {}
        while True:
            page = self.call("ListContacts", PageSize=size, **params, **token)
            pages.append([contact["EmailAddress"].partition("@")[0] for contact in page["Contacts"]])
            if "NextToken" not in page:
                return pages
            token = {"NextToken": page["NextToken"]}
