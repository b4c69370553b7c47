"""The control requests under a path of the endpoint that AWS does not have: readiness, journal, faults and so on.

README.md lists them. They need no credentials, and the journal does not have them.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from strict_aws import journal, regions
from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.conditions import faults
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.conditions.faults import Faults
from strict_aws.control import conditions as conditions_control
from strict_aws.control.contacts import put_contacts
from strict_aws.control.identity_centers import IdentityCenterDocument, put_identity_center
from strict_aws.control.import_jobs import ImportJobControl
from strict_aws.control.problems import first_problem
from strict_aws.control.scheduler_clock import SchedulerClockControl, described
from strict_aws.control.ses_account import SesAccountDocument, put_ses_account
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import query_of
from strict_aws.iam.identity import Sessions
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.journal import Journal
from strict_aws.scheduler.service import Scheduler
from strict_aws.ses.service import StrictSes

DEFAULT_PREFIX = "/_strict_aws/"
_ACCOUNT = re.compile(r"[0-9]{12}")
_Document = TypeVar("_Document", bound=BaseModel)


class Control:
    """Answers every request whose path begins with `prefix`, which begins and ends with a slash.

    `ready` is set when everything is served: until then `GET ready` is 503.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        sessions: Sessions,
        ses: StrictSes,
        cloudwatch: StrictCloudWatch,
        identity_center: StrictIdentityCenter,
        faults: Faults,
        conditions: CurrentConditions,
        scheduler: Scheduler,
        prefix: str = DEFAULT_PREFIX,
    ) -> None:
        self.prefix = prefix
        self.ready = threading.Event()
        self._journal = journal
        self._sessions = sessions
        self._ses = ses
        self._cloudwatch = cloudwatch
        self._identity_center = identity_center
        self._faults = faults
        self._conditions = conditions
        self._scheduler = scheduler

    def handle(self, request: Request) -> Response:
        """Return the answer to a control request: 404 for an unknown one, 400 with a line for what is wrong with it."""
        name, _, rest = request.path.removeprefix(self.prefix).partition("/")
        routes: dict[tuple[str, str], Callable[[Request, str], Response]] = {
            ("GET", "ready"): self._ready,
            ("GET", "journal"): self._read_journal,
            ("GET", "credentials"): self._credentials,
            ("GET", "conditions"): self._get_conditions,
            ("PUT", "conditions"): self._put_conditions,
            ("GET", "contacts"): self._get_contacts,
            ("PUT", "contacts"): self._put_contacts,
            ("PUT", "people"): self._put_people,
            ("PUT", "faults"): self._put_faults,
            ("PUT", "import-jobs"): self._put_import_jobs,
            ("PUT", "ses-account"): self._put_ses_account,
            ("GET", "failed-records"): self._failed_records,
            ("GET", "scheduler-clock"): self._get_scheduler_clock,
            ("PUT", "scheduler-clock"): self._put_scheduler_clock,
        }
        route = routes.get((request.method, name))
        if route is None:
            return _text(404, f"there is no control {request.method} {self.prefix}{name}")
        try:
            return route(request, rest)
        except AwsError as error:
            return _text(error.status, error.message)

    def failed_records_url(self, endpoint: str, token: str) -> str:
        """Return the URL where anybody can read an import job's failed records, as with a pre-signed URL of S3."""
        # The name of the parameter lets a search for leaked signatures find this URL, too.
        return f"{endpoint}{self.prefix}failed-records/{token}?X-Amz-Signature=local"

    def _ready(self, _request: Request, _rest: str) -> Response:
        return _text(200, "ready") if self.ready.is_set() else _text(503, "starting")

    def _read_journal(self, request: Request, _rest: str) -> Response:
        since = query_of(request).get("since", ["0"])[0]
        if not since.isdigit():
            return _text(400, "since must be a sequence number")
        return _json_lines(journal.as_json_lines(self._journal.since(int(since))))

    def _credentials(self, _request: Request, _rest: str) -> Response:
        handed_out = [
            {
                "access_key_id": session.access_key_id,
                "secret_access_key": session.secret_access_key,
                "session_token": session.session_token,
            }
            for session in self._sessions.everything()
        ]
        return _json(handed_out)

    def _put_faults(self, request: Request, _rest: str) -> Response:
        rules = faults.parse(request.body)
        self._faults.replace(rules)
        return _json({"faults": len(rules)})

    def _get_conditions(self, _request: Request, _rest: str) -> Response:
        return _json(self._conditions.now.model_dump())

    def _put_conditions(self, request: Request, rest: str) -> Response:
        self._conditions.replace(conditions_control.changed(self._conditions.now, request.body))
        return self._get_conditions(request, rest)

    def _get_contacts(self, _request: Request, rest: str) -> Response:
        parts = rest.split("/")
        if len(parts) not in (2, 3):
            return _text(400, f"GET {self.prefix}contacts/ACCOUNT/REGION/LIST, or without LIST for the account's lists")
        return _json_lines(self._ses.truth(*parts))

    def _put_contacts(self, request: Request, rest: str) -> Response:
        parts = rest.split("/")
        if len(parts) != 3:
            return _text(400, f"PUT {self.prefix}contacts/ACCOUNT/REGION/LIST")
        regions.check(parts[1])
        return _json({"contacts": put_contacts(self._ses, (parts[0], parts[1]), parts[2], request.body)})

    def _place(self, control: str, rest: str) -> tuple[str, str]:
        """Return the (account, Region) at the end of a path; raise AwsError 400 for another one."""
        parts = rest.split("/")
        if len(parts) != 2:
            raise AwsError("BadRequest", f"PUT {self.prefix}{control}/ACCOUNT/REGION", 400)
        account, region = parts
        if not _ACCOUNT.fullmatch(account):
            raise AwsError("BadRequest", f"{account} is not the 12 digits of an account", 400)
        regions.check(region)
        return account, region

    def _put_people(self, request: Request, rest: str) -> Response:
        account, region = self._place("people", rest)
        wanted = _parsed(IdentityCenterDocument, request)
        if wanted.region not in (None, region):
            return _text(400, f"$.region: is {wanted.region}, not the {region} of the path")
        put_identity_center(self._identity_center, account, region, wanted)
        return _json({"users": len(wanted.new_users), "groups": len(wanted.new_groups)})

    def _put_import_jobs(self, request: Request, rest: str) -> Response:
        account, region = self._place("import-jobs", rest)
        wanted = _parsed(ImportJobControl, request)
        self._ses.set_import_jobs(account, region, wanted.settings)
        return _json(wanted.model_dump())

    def _put_ses_account(self, request: Request, rest: str) -> Response:
        account, region = self._place("ses-account", rest)
        wanted = _parsed(SesAccountDocument, request)
        put_ses_account(self._ses, self._cloudwatch, account, region, wanted)
        return _json({"identities": len(wanted.identities), "metrics": len(wanted.metrics)})

    def _get_scheduler_clock(self, _request: Request, _rest: str) -> Response:
        return _json(described(self._scheduler))

    def _put_scheduler_clock(self, request: Request, _rest: str) -> Response:
        wanted = _parsed(SchedulerClockControl, request)
        fired = self._scheduler.advance(wanted.advance_seconds)
        return _json({"fired": fired, **described(self._scheduler)})

    def _failed_records(self, _request: Request, rest: str) -> Response:
        lines = self._ses.failed_records(rest)
        return _text(404, "no failed records here") if lines is None else _json_lines(lines)


def _parsed(model: type[_Document], request: Request) -> _Document:
    """Return the body as this model; raise AwsError 400 that names the first problem."""
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        raise first_problem(error) from None


def _text(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _json(document: Mapping[str, Any] | list[Any]) -> Response:
    return Response(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def _json_lines(lines: bytes) -> Response:
    return Response(200, lines, {"Content-Type": "application/x-ndjson"})
