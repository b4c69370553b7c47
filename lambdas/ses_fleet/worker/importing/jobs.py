"""SES's import jobs: list them, start one, and read how it ended."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ses_fleet import foreign_errors, limits
from ses_fleet.actions.policies import IMPORT_PREFIX
from ses_fleet.errors import AwsCallError, NotStartedError
from ses_fleet.text import printable
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.importing.new_contacts import NewContact
from ses_fleet.worker.paced_client import ReadClient, UnitClient
from ses_fleet.worker.pagination import Paginator
from ses_fleet.worker.responses import required_text, text_of

Destination = Literal["CONTACT_LIST", "SUPPRESSION_LIST"]
CONTACT_LIST: Destination = "CONTACT_LIST"
SUPPRESSION_LIST: Destination = "SUPPRESSION_LIST"
_ACTIVE = ("CREATED", "PROCESSING")


@dataclass(frozen=True)
class Jobs:
    """The account's import jobs of one destination.

    `active` are the ids of those that run; `digest` changes when one is added.
    """

    active: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Ended:
    """How a job ended. `failed` counts records that SES refused; `message` says why, in words of our own."""

    completed: bool
    status: str
    processed: int
    failed: int
    message: str
    failures_url: str | None

    @property
    def how(self) -> str:
        """Return the end and its reason in words, for one that was not completed."""
        return f"ended {self.status}: {self.message or 'SES gave no reason'}"


def look(context: ActionContext, ses: ReadClient | None = None, destination: Destination = CONTACT_LIST) -> Jobs:
    """Return all import jobs of this destination that SES lists, read with one request for each page."""
    found: dict[str, str | None] = {}
    paginator = Paginator("list_import_jobs", "ImportJobs")
    for page in paginator.pages(ses or context.ses, {"ImportDestinationType": destination}, found.clear):
        found |= {required_text(one, "JobId", "an import job"): text_of(one, "JobStatus") for one in page}
    digest = hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()[: limits.SHORT_DIGEST_CHARACTERS]
    return Jobs(tuple(job_id for job_id, status in found.items() if _is_active(status)), digest)


def none_beside(context: ActionContext) -> None:
    """Raise NotStartedError when an import job of contact lists is running in the account: it outlives any lease.

    One request, for the first slice of an action that writes and does not wait for jobs itself. A role that may not
    list jobs is a warning: customers' roles are older than this look. The second pass of a plan goes on in another
    slice when its time ends.
    """
    place = f"account {context.customer.account_id} in {context.customer.region}"
    try:
        found = look(context)
    except SliceTimeoutError:
        if context.is_second_pass:
            raise
        text = f"SES did not say in time whether an import job is running in {place}; nothing was changed"
        raise NotStartedError(f"{text}: run this customer again") from None
    except AwsCallError as failure:
        if failure.status != 403:
            raise
        context.warn(
            f"whether an import job is running in {place} is not known, because the customer's role does not allow "
            "ses:ListImportJobs: deploy the current customer role"
        )
        return
    if found.active:
        text = f"SES's import job {printable(found.active[0])} is running in {place} and may write over what this run "
        raise NotStartedError(f"{text}would change; nothing was changed: run this customer again when it is over")


def upload(context: ActionContext, bucket: str, additions: Iterable[NewContact]) -> str:
    """Write the contacts to the customer's bucket, with the customer's credentials, and return the object's key.

    Raise AwsCallError when the bucket refuses the object or belongs to another account.
    """
    return _upload(context, bucket, context.run_id, (one.record() for one in additions))


def upload_suppressed(context: ActionContext, bucket: str, records: Iterable[dict[str, Any]]) -> str:
    """Write addresses with reasons, as an import job to the suppression list takes them, and return the object's key.

    Raise AwsCallError as `upload` does.
    """
    return _upload(context, bucket, f"{context.run_id}-suppressed", records)


def start(client: UnitClient, bucket: str, key: str, list_name: str) -> str:
    """Start the job, as the last request of a unit, and return its id.

    It is never sent twice: a second job would overwrite what people chose after the first.
    """
    there = {"ContactListName": list_name, "ContactListImportAction": "PUT"}
    return _start(client, bucket, key, {"ContactListDestination": there})


def start_suppressing(client: UnitClient, bucket: str, key: str) -> str:
    """Start a job that puts addresses on the suppression list, as the last request of a unit, and return its id."""
    return _start(client, bucket, key, {"SuppressionListDestination": {"SuppressionListImportAction": "PUT"}})


def start_refused(failure: AwsCallError) -> bool:
    """Return whether SES refused to start the job, rather than one of the requests before it."""
    return failure.kind == "refused" and failure.operation == "create_import_job"


def ended(context: ActionContext, job_id: str, polls: int) -> Ended | None:
    """Return how the job ended, or None while it runs, and while SES does not show it yet right after its start."""
    try:
        answer = context.ses.read("get_import_job", JobId=job_id)
    except AwsCallError as failure:
        if failure.status == 404 and polls < len(limits.READ_BACK_PAUSES_SECONDS):
            return None
        raise
    status = text_of(answer, "JobStatus")
    if status is None or _is_active(status):
        return None
    why = answer.get("FailureInfo") or {}
    return Ended(
        completed=status == "COMPLETED",
        status=status,
        processed=int(answer.get("ProcessedRecordsCount") or 0),
        failed=int(answer.get("FailedRecordsCount") or 0),
        message=foreign_errors.reason(text_of(why, "ErrorMessage")),
        failures_url=text_of(why, "FailedRecordsS3Url"),
    )


def poll_seconds(polls: int) -> float:
    """Return the seconds to wait before the n-th look, from 1. They grow, because each look is one of few requests."""
    first, longest = limits.IMPORT_JOB_POLL_SECONDS
    return min(longest, first * 2.0 ** min(polls - 1, 10))


def clean_up(context: ActionContext, bucket: str, key: str) -> None:
    """Delete the file of a job that is over; warn when the bucket refuses that."""
    try:
        context.open_import_bucket(bucket).delete(key)
    except AwsCallError as failure:
        where = f"s3://{bucket}/{key}"
        context.warn(f"{where} holds addresses and could not be deleted ({failure.code}): delete it")


def failed_records(context: ActionContext, outcome: Ended) -> bytes | None:
    """Return SES's own file of the records that failed, or None when there is none or it cannot be read."""
    if outcome.failures_url is None:
        return None
    try:
        return context.download(outcome.failures_url, limits.MAX_FAILED_RECORDS_BYTES)
    except AwsCallError as failure:
        context.warn(f"SES's list of the records that failed could not be read ({failure.code})")
        return None


def reasons(body: bytes) -> dict[str, int]:
    """Return {reason in our words: how often} from that file. Its format is not documented."""
    return dict(Counter(_reason(line) for line in body.decode(errors="replace").splitlines() if line.strip()))


def _upload(context: ActionContext, bucket: str, name: str, records: Iterable[dict[str, Any]]) -> str:
    key = f"{IMPORT_PREFIX}{context.code}/{name}.json"
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    context.open_import_bucket(bucket).write(key, "\n".join(lines).encode(), "application/json")
    return key


def _start(client: UnitClient, bucket: str, key: str, destination: dict[str, Any]) -> str:
    answer = client.write(
        "create_import_job",
        ImportDestination=destination,
        ImportDataSource={"S3Url": f"s3://{bucket}/{key}", "DataFormat": "JSON"},
    )
    return required_text(answer, "JobId", "a new import job", outcome_unknown=True)


def _is_active(status: str | None) -> bool:
    """Return whether the job may still run; one without a status is not known to be over."""
    return status is None or status in _ACTIVE


def _reason(line: str) -> str:
    try:
        record: Any = json.loads(line)
    except ValueError:
        record = None
    if isinstance(record, dict):
        for key, value in record.items():
            if isinstance(value, str) and any(word in key.lower() for word in ("reason", "error", "message")):
                return foreign_errors.reason(value)
    return "no reason given"
