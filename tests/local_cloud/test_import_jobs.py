"""Import jobs over HTTP: buckets and their policies, the owner that S3 is told to expect, permissions, the controls."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import Cloud, Contact, running
from tests.local_cloud.test_policies import ANYTHING, Session, document, refusal

ACCOUNT, OTHER, SANDBOXED = "310000000001", "310000000002", "310000000003"
BUCKET = "imports-of-own"
TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_OUT"}
LISTS = {"us-east-1": {"name": "main", "topics": [TOPIC]}}
SCENARIO = {
    "accounts": {
        ACCOUNT: {
            "lists": LISTS,
            "buckets": {
                "imports-elsewhere": {"region": "eu-west-1"},
                "imports-closed": {"readable_by_ses": False},
                "imports-missing": {"missing": True},
            },
            "ses": {"us-east-1": {"import_jobs": {"created_seconds": 0, "processing_seconds": 0}}},
        },
        OTHER: {"lists": LISTS},
        SANDBOXED: {"lists": LISTS, "ses": {"us-east-1": {"production_access": False}}},
    }
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud of three customers, each with a bucket for imports."""
    folder = tmp_path_factory.mktemp("imports")
    roles = {"own": ACCOUNT, "other": OTHER, "sandboxed": SANDBOXED}
    mappings = {
        code: {"ses_role_arn": f"arn:aws:iam::{account}:role/r", "import_bucket": f"imports-of-{code}"}
        for code, account in roles.items()
    }
    (folder / "config.json").write_text(json.dumps({"aws_region": "us-east-1", "customer_mappings": mappings}))
    (folder / "scenario.json").write_text(json.dumps(SCENARIO))
    files = ("--config", str(folder / "config.json"), "--scenario", str(folder / "scenario.json"))
    with running("--port", "0", *files, "--ses-rate", "0") as (_, cloud):
        yield cloud


@pytest.fixture
def cloud(own: Cloud) -> Iterator[Cloud]:
    """The same with its import jobs as the scenario says: over at once, and read as they are."""
    set_jobs(own, created_seconds=0, processing_seconds=0)
    with own.conditions(read_lag_seconds=0, unset_share=0):
        yield own


def set_jobs(cloud: Cloud, account: str = ACCOUNT, **settings: Any) -> None:
    """How the next jobs go."""
    cloud.control("PUT", f"import-jobs/{account}/us-east-1", json.dumps(settings).encode())


def control_refusal(cloud: Cloud, method: str, path: str, body: bytes | None = None) -> int:
    """The status with which a control is refused."""
    with pytest.raises(urllib.error.HTTPError) as error:
        cloud.control(method, path, body)
    error.value.close()
    return error.value.code


def asked(bucket: str = BUCKET, key: str = "people.json", action: str = "PUT") -> dict[str, Any]:
    """CreateImportJob's parameters."""
    destination = {"ContactListName": "main", "ContactListImportAction": action}
    return {
        "ImportDestination": {"ContactListDestination": destination},
        "ImportDataSource": {"S3Url": f"s3://{bucket}/{key}", "DataFormat": "JSON"},
    }


def put(cloud: Cloud, *records: dict[str, Any], bucket: str = BUCKET, key: str = "people.json") -> None:
    """Write a file of records."""
    body = "".join(json.dumps(record) + "\n" for record in records).encode()
    cloud.client("s3", ACCOUNT).put_object(Bucket=bucket, Key=key, Body=body)


def ended(ses: Any, job_id: str) -> dict[str, Any]:
    """The job when it is over."""
    for _ in range(100):
        job: dict[str, Any] = ses.get_import_job(JobId=job_id)
        if job["JobStatus"] in ("COMPLETED", "FAILED"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def person(name: str, **more: Any) -> dict[str, Any]:
    """A record."""
    return {"emailAddress": f"{name}@x.example", **more}


def test_a_file_in_the_customers_bucket_becomes_contacts(cloud: Cloud) -> None:
    """From PutObject to GetContact; CreateImportJob writes, the others do not, and the journal has no address."""
    ses = cloud.client("sesv2", ACCOUNT)
    put(cloud, person("ada", topicPreferences=[{"topicName": "news", "subscriptionStatus": "OPT_IN"}]), person("bob"))
    mark = cloud.mark()
    job_id = ses.create_import_job(**asked())["JobId"]
    job = ended(ses, job_id)
    assert (job["JobStatus"], job["ProcessedRecordsCount"], job["FailedRecordsCount"]) == ("COMPLETED", 2, 0)
    assert job["CompletedTimestamp"] >= job["CreatedTimestamp"]
    assert Contact("ada@x.example", {"news": "OPT_IN"}, False) in cloud.contacts_now(ACCOUNT)
    listed = ses.list_import_jobs(PageSize=1)["ImportJobs"]
    assert [found["JobId"] for found in listed] == [job_id]
    entries = [entry for entry in cloud.journal(mark) if "ImportJob" in entry["operation"]]
    assert {(entry["operation"], entry["writes"]) for entry in entries} == {
        ("CreateImportJob", True),
        ("GetImportJob", False),
        ("ListImportJobs", False),
    }


def test_failed_records_can_be_fetched_without_credentials(cloud: Cloud) -> None:
    """By whoever has the URL, as it is; the format is ours."""
    ses = cloud.client("sesv2", ACCOUNT)
    put(cloud, person("eve"), {"emailAddress": "nobody"}, key="bad.json")
    job = ended(ses, ses.create_import_job(**asked(key="bad.json"))["JobId"])
    assert (job["JobStatus"], job["ProcessedRecordsCount"], job["FailedRecordsCount"]) == ("COMPLETED", 2, 1)
    url = job["FailureInfo"]["FailedRecordsS3Url"]
    assert url.startswith(f"{cloud.url}/_ses_fleet/failed-records/")
    assert [json.loads(line) for line in cloud.fetch(url).splitlines()] == [
        {"emailAddress": "nobody", "reason": "EmailAddress is invalid"}
    ]
    assert control_refusal(cloud, "GET", "failed-records/guess") == 404


@pytest.mark.parametrize(
    ("bucket", "why"),
    [
        ("imports-elsewhere", "the bucket is in eu-west-1"),
        ("imports-closed", "bucket policy: there is none"),
        ("imports-missing", "there is no such bucket"),
        ("imports-of-other", "nothing allows s3:GetObject"),
    ],
)
def test_a_bucket_that_ses_cannot_read_refuses_the_job(bucket: str, why: str, cloud: Cloud) -> None:
    """Another Region's, one without a policy, none at all, one that is another account's and readable for that."""
    ses = cloud.client("sesv2", ACCOUNT)
    with pytest.raises(ses.exceptions.BadRequestException, match=why):
        ses.create_import_job(**asked(bucket=bucket))


def test_the_policy_that_is_put_counts(cloud: Cloud) -> None:
    """The one from the developer guide, with aws:Referer; another account's number; none."""
    s3, ses = cloud.client("s3", ACCOUNT), cloud.client("sesv2", ACCOUNT)
    s3.create_bucket(Bucket="imports-made")
    put(cloud, person("joe"), bucket="imports-made")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::imports-made/*",
    }
    for account, allowed in ((ACCOUNT, True), (OTHER, False)):
        policy = document({**statement, "Condition": {"StringEquals": {"aws:Referer": account}}})
        s3.put_bucket_policy(Bucket="imports-made", Policy=policy)
        if allowed:
            assert ses.create_import_job(**asked(bucket="imports-made"))
        else:
            assert refusal(ses.create_import_job, **asked(bucket="imports-made")) == ("BadRequestException", 400)
    s3.put_bucket_policy(Bucket="imports-made", Policy=document(statement))
    assert ses.create_import_job(**asked(bucket="imports-made"))
    s3.delete_bucket_policy(Bucket="imports-made")
    assert refusal(ses.create_import_job, **asked(bucket="imports-made")) == ("BadRequestException", 400)


def test_an_object_is_read_when_processing_begins(cloud: Cloud) -> None:
    """Deleted before, the job fails; deleted after, it does not matter, though nobody asked in between."""
    s3, ses = cloud.client("s3", ACCOUNT), cloud.client("sesv2", ACCOUNT)
    jobs = []
    for created_seconds in (0.5, 0):
        set_jobs(cloud, created_seconds=created_seconds, processing_seconds=0.5 - created_seconds)
        put(cloud, person("max"), key="gone.json")
        jobs.append(ses.create_import_job(**asked(key="gone.json"))["JobId"])
        s3.delete_object(Bucket=BUCKET, Key="gone.json")
    ends = [ended(ses, job_id) for job_id in jobs]
    assert [job["JobStatus"] for job in ends] == ["FAILED", "COMPLETED"]
    assert ends[0]["FailureInfo"] == {"ErrorMessage": f"There is no object s3://{BUCKET}/gone.json"}


def test_the_controls_slow_jobs_down_and_fail_them(cloud: Cloud) -> None:
    """For one account and Region; what is not understood is a 400."""
    ses = cloud.client("sesv2", ACCOUNT)
    put(cloud, person("kim"))
    set_jobs(cloud, created_seconds=60)
    assert ses.get_import_job(JobId=ses.create_import_job(**asked())["JobId"])["JobStatus"] == "CREATED"
    set_jobs(cloud, created_seconds=0, processing_seconds=60)
    assert ses.get_import_job(JobId=ses.create_import_job(**asked())["JobId"])["JobStatus"] == "PROCESSING"
    set_jobs(cloud, created_seconds=0, processing_seconds=0, fail="no luck", processed_records=3)
    job = ended(ses, ses.create_import_job(**asked())["JobId"])
    assert (job["JobStatus"], job["ProcessedRecordsCount"]) == ("FAILED", 3)
    assert job["FailureInfo"] == {"ErrorMessage": "no luck"}
    assert "kim@x.example" not in [contact.email for contact in cloud.contacts_now(ACCOUNT)]
    for body in (b"[]", b"nonsense", b'{"created_seconds": -1}', b'{"fail": ""}', b'{"slow": true}'):
        assert control_refusal(cloud, "PUT", f"import-jobs/{ACCOUNT}/us-east-1", body) == 400
    assert control_refusal(cloud, "PUT", f"import-jobs/{ACCOUNT}", b"{}") == 400


def test_the_sandbox_has_no_import_jobs(cloud: Cloud) -> None:
    """As the scenario says of the account."""
    ses = cloud.client("sesv2", SANDBOXED)
    assert refusal(ses.create_import_job, **asked("imports-of-sandboxed")) == ("BadRequestException", 400)


def test_permissions_are_asked_for_on_the_right_resource(cloud: Cloud) -> None:
    """GetImportJob on the job; the other two know no resource, so only "*" allows them."""
    put(cloud, person("ada"))
    jobs = f"arn:aws:ses:us-east-1:{ACCOUNT}:import-job"
    every = ["ses:CreateImportJob", "ses:GetImportJob", "ses:ListImportJobs"]
    widest = Session(cloud, ACCOUNT, {"Effect": "Allow", "Action": every, "Resource": "*"}).client("sesv2")
    first, second = (widest.create_import_job(**asked())["JobId"] for _ in range(2))
    assert widest.list_import_jobs()["ImportJobs"]
    on_all = Session(cloud, ACCOUNT, {"Effect": "Allow", "Action": every, "Resource": f"{jobs}/*"}).client("sesv2")
    assert on_all.get_import_job(JobId=first)["JobId"] == first
    assert refusal(on_all.create_import_job, **asked()) == ("AccessDeniedException", 403)
    assert refusal(on_all.list_import_jobs) == ("AccessDeniedException", 403)
    on_one = Session(cloud, ACCOUNT, {"Effect": "Allow", "Action": every, "Resource": f"{jobs}/{first}"})
    assert on_one.client("sesv2").get_import_job(JobId=first)["JobId"] == first
    assert refusal(on_one.client("sesv2").get_import_job, JobId=second) == ("AccessDeniedException", 403)


def test_s3_refuses_a_bucket_that_is_not_the_expected_owners(cloud: Cloud) -> None:
    """Objects and buckets alike, administrators too; nothing is written, and a missing bucket is missing."""
    s3 = cloud.client("s3", ACCOUNT)
    role = Session(cloud, ACCOUNT, ANYTHING).client("s3")
    theirs = {"Bucket": "imports-of-other", "ExpectedBucketOwner": ACCOUNT}
    for client in (s3, role):
        assert refusal(client.put_object, **theirs, Key="k", Body=b"x") == ("AccessDenied", 403)
        assert refusal(client.get_object, **theirs, Key="k") == ("AccessDenied", 403)
        assert refusal(client.delete_object, **theirs, Key="k") == ("AccessDenied", 403)
        assert refusal(client.list_objects_v2, **theirs) == ("AccessDenied", 403)
    assert "Contents" not in cloud.client("s3", OTHER).list_objects_v2(Bucket="imports-of-other")
    ours = {"Bucket": BUCKET, "Key": "mine", "ExpectedBucketOwner": ACCOUNT}
    role.put_object(**ours, Body=b"x")
    assert role.get_object(**ours)["Body"].read() == b"x"
    missing = {"Bucket": "imports-missing", "Key": "k", "ExpectedBucketOwner": ACCOUNT}
    assert refusal(s3.get_object, **missing) == ("NoSuchBucket", 404)
