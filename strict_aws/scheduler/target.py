"""Deliver to a schedule's target: the role is assumed, and the target's API is asked as by any other caller."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from strict_aws.backend.moto_state import Schedule
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.iam import service_roles
from strict_aws.iam.identity import Session, Sessions
from strict_aws.journal import Journal
from strict_aws.scheduler.firing import Firing

PRINCIPAL = "scheduler.amazonaws.com"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why a delivery failed, and the id of the execution that did. What is not `retried` will never succeed."""

    code: str
    message: str
    execution_id: str
    retried: bool = True


class Targets:
    """Calls targets with `send`, which answers a signed request, and writes the journal."""

    def __init__(self, send: Callable[[Request], Response], sessions: Sessions, journal: Journal) -> None:
        self._send = send
        self._sessions = sessions
        self._journal = journal

    def deliver(self, firing: Firing) -> Failure | None:
        """Make one attempt, and return why it failed, or None when the target took it."""
        execution_id = secrets.token_hex(8)
        schedule, began = firing.schedule, time.time()
        try:
            request = _request(schedule, firing.message(execution_id))
            status, error = self._call(schedule, execution_id, request), None
        except AwsError as refused:
            status, error = refused.status, refused
        self._note(firing, began, status, error)
        if error is None:
            return None
        can_succeed = error.status != HTTPStatus.NOT_IMPLEMENTED
        if not can_succeed:
            _log.error("schedule %s: %s", schedule.arn, error.message)
        return Failure(error.code, error.message, execution_id, can_succeed)

    def bury(self, firing: Firing, failure: Failure, exhausted: str | None) -> None:
        """Send a delivery that failed for good to the schedule's dead-letter queue.

        `exhausted` is the part of the retry policy that ended it. Without a queue, or when the queue cannot be
        reached, the delivery is lost with a line on stderr.
        """
        schedule = firing.schedule
        queue = (schedule.target.get("DeadLetterConfig") or {}).get("Arn")
        what = f"schedule {schedule.arn}: the firing of {firing.scheduled_time} failed"
        if queue is None:
            _log.error("%s and is lost: %s: %s", what, failure.code, failure.message)
            return
        attributes = {
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "EXECUTION_ID": failure.execution_id,
            **({} if exhausted is None else {"EXHAUSTED_RETRY_CONDITION": exhausted}),
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(firing.attempt - 1),
            "SCHEDULED_TIME": firing.scheduled_time,
            "SCHEDULE_ARN": schedule.arn,
            "TARGET_ARN": str(schedule.target["Arn"]),
        }
        request = _message(str(queue), firing.message(failure.execution_id), attributes)
        try:
            self._call(schedule, failure.execution_id, request)
        except AwsError as error:
            _log.error("%s, and so did its dead letter: %s: %s", what, error.code, error.message)

    def _call(self, schedule: Schedule, session_name: str, request: _Unsigned) -> int:
        """Ask as the schedule's role and return the HTTP status; raise AwsError when the answer is an error."""
        session = service_roles.assume(
            self._sessions,
            str(schedule.target["RoleArn"]),
            service=PRINCIPAL,
            account=schedule.account,
            source_arn=schedule.group_arn,
            session_name=session_name,
        )
        answer = self._send(request.signed(session))
        if not HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST:
            raise _error(answer)
        return answer.status

    def _note(self, firing: Firing, began: float, status: int, error: AwsError | None) -> None:
        schedule = firing.schedule
        said = f"{schedule.arn} of {firing.scheduled_time}, attempt {firing.attempt}"
        why = "" if error is None else f": {error.reason or error.message}"
        self._journal.add(
            started_at=began,
            ended_at=time.time(),
            service="scheduler",
            operation="Fire",
            region=schedule.region,
            account=schedule.account,
            principal=PRINCIPAL,
            access_key_id=None,
            environment=None,
            http_status=status,
            error_code=None if error is None else error.code,
            reason=said + why,
            writes=False,
        )


@dataclass(frozen=True)
class _Unsigned:
    """A request to a service in a Region that nobody has signed yet."""

    service: str
    region: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def signed(self, session: Session) -> Request:
        scope = f"{session.access_key_id}/20260101/{self.region}/{self.service}/aws4_request"
        headers = {
            **self.headers,
            "host": f"{self.service}.{self.region}.amazonaws.com",
            "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=local",
            "x-amz-security-token": session.session_token,
        }
        return Request("POST", self.path, "", headers, self.body)


def _request(schedule: Schedule, message: str) -> _Unsigned:
    """Return the call of the target; raise AwsError 501 for a kind of target that is not emulated."""
    arn = str(schedule.target["Arn"])
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service == "lambda":
        path = f"/2015-03-31/functions/{quote(arn, safe='')}/invocations"
        return _Unsigned("lambda", arn.split(":")[3], path, {"x-amz-invocation-type": "Event"}, message.encode())
    if service == "sqs":
        group = (schedule.target.get("SqsParameters") or {}).get("MessageGroupId")
        return _message(arn, message, {}, group)
    raise AwsError("NotImplemented", f"strict_aws does not call the target {arn}: only Lambda functions and SQS", 501)


def _message(queue_arn: str, body: str, attributes: Mapping[str, str], group: str | None = None) -> _Unsigned:
    _, _, _, region, account, name = queue_arn.split(":", 5)
    document = {
        "QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{name}",
        "MessageBody": body,
        "MessageAttributes": {key: {"DataType": "String", "StringValue": text} for key, text in attributes.items()},
        **({} if group is None else {"MessageGroupId": group}),
    }
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}
    return _Unsigned("sqs", region, "/", headers, json.dumps(document).encode())


def _error(answer: Response) -> AwsError:
    """Return the error that an answer of a JSON protocol tells; without an answer, that there was none."""
    if not answer.status:
        return AwsError("ConnectionDropped", "the target gave no answer", 0)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    code = str(headers.get("x-amzn-errortype") or body.get("__type") or answer.status)
    message = str(body.get("message") or body.get("Message") or "no message")
    return AwsError(code.rpartition("#")[2], message, answer.status)
