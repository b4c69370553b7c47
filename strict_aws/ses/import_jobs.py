"""The operations on import jobs, and what becomes of the jobs as time passes.

The developer guide (list management) has the quotas and the formats, and says that the account must be out of the
sandbox and the bucket readable and in the same Region. When AWS checks which of them is not documented: here
CreateImportJob checks everything but the object itself, which is read when the job begins to be PROCESSING.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from strict_aws.http.messages import AwsError
from strict_aws.paging import page_tokens
from strict_aws.ses import paging, shapes, suppression_import
from strict_aws.ses.contact_lists import Answer, Params
from strict_aws.ses.errors import bad_request, missing_member, no_import_job, no_list_to_import
from strict_aws.ses.importing import Imported, failed_lines, import_file
from strict_aws.ses.jobs import Action, DataFormat, ImportJob, Request, Result
from strict_aws.ses.objects import ObjectSource, S3Object
from strict_aws.ses.records import UnreadableFileError
from strict_aws.ses.store import ContactList, Place

MAX_ACTIVE = 20  # developer guide, list management
_S3_URL = re.compile(r"s3://([^/]+)/(.*?([^/]+)/?)")  # the API model's pattern
_ACTIONS = ("DELETE", "PUT")
_FORMATS = ("CSV", "JSON")
_DESTINATIONS = ("SUPPRESSION_LIST", "CONTACT_LIST")


@dataclass(frozen=True)
class ImportJobOperations:
    """The operations on import jobs.

    Each takes botocore's input and returns botocore's output, with the place's lock held and its jobs advanced.
    `url_of` returns the FailedRecordsS3Url of a token; `failed` has the files behind those URLs, by token.
    """

    clock: Callable[[], float]
    objects: ObjectSource
    url_of: Callable[[str], str]
    failed: dict[str, bytes] = field(default_factory=dict)

    def create_import_job(self, place: Place, params: Params) -> Answer:
        """Make a job that is CREATED, unless the account, the list, the quota or the bucket forbids it."""
        request, jobs = _request(place, params), place.import_jobs
        if not place.settings.production_access:
            raise bad_request("Import jobs are not available in the Amazon SES sandbox")  # code and text are ours
        if request.list_name is not None:
            _list(place, request.list_name)
        if len(jobs.active) >= MAX_ACTIVE:
            raise AwsError("LimitExceededException", f"A maximum of {MAX_ACTIVE} import jobs at a time is allowed.")
        refusal = self.objects.refusal(request.source)
        if refusal is not None:
            raise bad_request(refusal)
        job = ImportJob(len(jobs.known), str(uuid.uuid4()), request, jobs.settings, created_at=self.clock())
        jobs.add(job)
        return {"JobId": job.job_id}

    def get_import_job(self, place: Place, params: Params) -> Answer:
        """Return a job as the API shows it.

        It has FailureInfo only when records or the job failed, and CompletedTimestamp only when it is over.
        """
        job_id = shapes.text(params.get("JobId"), "jobId")
        job = place.import_jobs.known.get(job_id)
        if job is None:
            raise no_import_job(job_id)
        answer = {
            **_summary(job),
            "ImportDataSource": {"S3Url": job.request.s3_url, "DataFormat": job.request.data_format},
        }
        failure = self._failure(job.result)
        if failure:
            answer["FailureInfo"] = failure
        if job.status in ("COMPLETED", "FAILED"):
            answer["CompletedTimestamp"] = job.due_at
        return answer

    def list_import_jobs(self, place: Place, params: Params) -> Answer:
        """Return a page of jobs, the newest first (our choice); a job that is made between two pages is on neither."""
        jobs, wanted = place.import_jobs, shapes.optional_text(params.get("ImportDestinationType"))
        if wanted is not None:
            shapes.choice(wanted, "importDestinationType", _DESTINATIONS)
        size = paging.page_size(params.get("PageSize"))
        token = shapes.optional_text(params.get("NextToken"))
        before = len(jobs.known) if token is None else paging.read_token(token, jobs.token_key, wanted, place.asked)
        found = [job for job in jobs.known.values() if job.number < before and wanted in (None, _kind(job.request))]
        page = found[::-1][:size]
        answer: Answer = {"ImportJobs": [_summary(job) for job in page]}
        if len(page) == len(found):
            return answer
        return {**answer, "NextToken": page_tokens.make_token(page[-1].number, jobs.token_key, wanted, place.asked)}

    def advance(self, place: Place) -> None:
        """Let the jobs of a place do what they were due to do by now, in the order in which it was due."""
        jobs = place.import_jobs
        if not jobs.active:
            return
        now = self.clock()
        for job in jobs.active:
            if job.status == "CREATED" and job.processing_at <= now:
                self._begin(job)
        due = [job for job in jobs.active if job.due_at <= now]
        for job in sorted(due, key=lambda job: (job.due_at, job.number)):
            self._end(place, job)
        jobs.active = [job for job in jobs.active if job.due_at > now]

    def _begin(self, job: ImportJob) -> None:
        job.status, job.problem = "PROCESSING", job.settings.fail
        if job.problem is None:
            job.problem = self.objects.refusal(job.request.source)
        if job.problem is None:
            job.body = self.objects.read(job.request.source)
            job.problem = f"There is no object {job.request.s3_url}" if job.body is None else None

    def _end(self, place: Place, job: ImportJob) -> None:
        """End a job. All of its records take effect at this moment, which is our choice."""
        job.result = self._result(place, job)
        job.status = "COMPLETED" if job.result.error is None else "FAILED"
        job.body = None

    def _result(self, place: Place, job: ImportJob) -> Result:
        if job.problem is not None or job.body is None:
            return Result(job.problem, processed=0 if job.settings.fail is None else job.settings.processed_records)
        try:
            imported = _imported(place, job.request, job.body, job.due_at)
        except AwsError as error:
            return Result(error.message)
        except UnreadableFileError as error:
            return Result(str(error))
        if not imported.failed:
            return Result(processed=imported.processed)
        token = secrets.token_urlsafe(24)
        self.failed[token] = failed_lines(imported.failed)
        return Result(processed=imported.processed, failed=len(imported.failed), failed_token=token)

    def _failure(self, result: Result) -> dict[str, str]:
        failure = {} if result.error is None else {"ErrorMessage": result.error}
        if result.failed_token is not None:
            failure["FailedRecordsS3Url"] = self.url_of(result.failed_token)
        return failure


def _imported(place: Place, request: Request, body: bytes, now: float) -> Imported:
    if request.list_name is None:
        return suppression_import.import_file(place.suppression, request.action, body, request.data_format, now)
    return import_file(_list(place, request.list_name), request.action, body, request.data_format, now)


def _kind(request: Request) -> str:
    return "SUPPRESSION_LIST" if request.list_name is None else "CONTACT_LIST"


def _request(place: Place, params: Params) -> Request:
    list_name, action = _destination(params)
    source = _required(params, "ImportDataSource", "importDataSource")
    url = shapes.text(source.get("S3Url"), "importDataSource.s3Url")
    data_format = shapes.choice(source.get("DataFormat"), "importDataSource.dataFormat", _FORMATS)
    match = _S3_URL.fullmatch(url)
    if match is None:
        raise bad_request(
            "1 validation error detected: Value at 'importDataSource.s3Url' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: ^{_S3_URL.pattern}$"
        )
    wanted = S3Object(place.account, place.region, match[1], match[2])
    return Request(list_name, cast(Action, action), url, wanted, cast(DataFormat, data_format))


def _destination(params: Params) -> tuple[str | None, str]:
    """Return the list's name, or None for the suppression list, and the action.

    That a request with both destinations is refused is our choice.
    """
    given = _required(params, "ImportDestination", "importDestination")
    if given.get("SuppressionListDestination") is not None:
        if given.get("ContactListDestination") is not None:
            raise bad_request("Only one ImportDestination can be specified.")
        path = "importDestination.suppressionListDestination.suppressionListImportAction"
        action = shapes.structure(given["SuppressionListDestination"]).get("SuppressionListImportAction")
        return None, shapes.choice(action, path, _ACTIONS)
    path = "importDestination.contactListDestination"
    wanted = _required(given, "ContactListDestination", path)
    name = shapes.text(wanted.get("ContactListName"), f"{path}.contactListName")
    return name, shapes.choice(wanted.get("ContactListImportAction"), f"{path}.contactListImportAction", _ACTIONS)


def _required(params: Params, member: str, path: str) -> dict[str, Any]:
    if params.get(member) is None:
        raise missing_member(path)
    return shapes.structure(params[member])


def _list(place: Place, name: str) -> ContactList:
    if place.contact_list is None or place.contact_list.name != name:
        raise no_list_to_import(name)
    return place.contact_list


def _summary(job: ImportJob) -> Answer:
    return {
        "JobId": job.job_id,
        "ImportDestination": _shown_destination(job.request),
        "JobStatus": job.status,
        "CreatedTimestamp": job.created_at,
        "ProcessedRecordsCount": job.result.processed,
        "FailedRecordsCount": job.result.failed,
    }


def _shown_destination(request: Request) -> dict[str, dict[str, str]]:
    if request.list_name is None:
        return {"SuppressionListDestination": {"SuppressionListImportAction": request.action}}
    destination = {"ContactListName": request.list_name, "ContactListImportAction": request.action}
    return {"ContactListDestination": destination}
