"""The local cloud's own controls, under /_ses_fleet/: readiness, the journal, bulk contacts, people, faults,
credentials, how import jobs go, and how unkind everything is. What SES's pre-signed URLs lead to is here, too."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from strict_aws import journal, regions
from strict_aws.conditions import control, faults
from strict_aws.conditions.faults import Faults
from strict_aws.conditions.settings import CurrentConditions
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import query_of
from strict_aws.iam.identity import Sessions
from strict_aws.identity_center.identity_scenario import People, fault_path, put_people
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.journal import Journal
from strict_aws.ses import bulk
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.service import StrictSes

PREFIX = "/_ses_fleet/"
_ACCOUNT = re.compile(r"[0-9]{12}")


class Generated(BaseModel):
    """`{"generate": N, "seed": S, "opt_in": {topic: share}}`: made-up contacts instead of given ones."""

    model_config = ConfigDict(extra="forbid")

    generate: int = Field(ge=0, le=5_000_000)
    seed: int = 0
    opt_in: dict[str, float] = Field(default_factory=dict)


class ImportJobControl(BaseModel):
    """How the next import jobs of an account in a Region go; absent = the default, whatever was set before."""

    model_config = ConfigDict(extra="forbid")

    created_seconds: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    processing_seconds: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    fail: str | None = Field(default=None, min_length=1)
    processed_records: int = Field(default=0, ge=0)

    @property
    def settings(self) -> ImportJobSettings:
        """As the strict SES takes it."""
        return ImportJobSettings(**self.model_dump())


class Control:
    """Answers the control requests."""

    def __init__(
        self,
        *,
        journal: Journal,
        sessions: Sessions,
        ses: StrictSes,
        identity_center: StrictIdentityCenter,
        faults: Faults,
        conditions: CurrentConditions,
    ) -> None:
        self.ready = threading.Event()
        self._journal = journal
        self._sessions = sessions
        self._ses = ses
        self._identity_center = identity_center
        self._faults = faults
        self._conditions = conditions

    def handle(self, request: Request) -> Response:
        """404 for what there is not, 400 with a line for what is wrong."""
        name, _, rest = request.path.removeprefix(PREFIX).partition("/")
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
            ("GET", "failed-records"): self._failed_records,
        }
        route = routes.get((request.method, name))
        if route is None:
            return _text(404, f"the local cloud has no control {request.method} {PREFIX}{name}")
        try:
            return route(request, rest)
        except AwsError as error:
            return _text(error.status, error.message)

    def _ready(self, _request: Request, _rest: str) -> Response:
        return _text(200, "ready") if self.ready.is_set() else _text(503, "starting")

    def _read_journal(self, request: Request, _rest: str) -> Response:
        since = query_of(request).get("since", ["0"])[0]
        if not since.isdigit():
            return _text(400, "since must be a sequence number")
        entries = self._journal.since(int(since))
        return Response(200, journal.as_json_lines(entries), {"Content-Type": "application/x-ndjson"})

    def _credentials(self, _request: Request, _rest: str) -> Response:
        handed_out = [
            {
                "access_key_id": session.access_key_id,
                "secret_access_key": session.secret_access_key,
                "session_token": session.session_token,
            }
            for session in self._sessions.everything()
        ]
        return Response(200, json.dumps(handed_out).encode(), {"Content-Type": "application/json"})

    def _put_faults(self, request: Request, _rest: str) -> Response:
        rules = faults.parse(request.body)
        self._faults.replace(rules)
        return Response(200, json.dumps({"faults": len(rules)}).encode(), {"Content-Type": "application/json"})

    def _get_conditions(self, _request: Request, _rest: str) -> Response:
        return Response(200, self._conditions.now.model_dump_json().encode(), {"Content-Type": "application/json"})

    def _put_conditions(self, request: Request, rest: str) -> Response:
        self._conditions.replace(control.changed(self._conditions.now, request.body))
        return self._get_conditions(request, rest)

    def _get_contacts(self, _request: Request, rest: str) -> Response:
        parts = rest.split("/")
        if len(parts) not in (2, 3):
            return _text(400, f"GET {PREFIX}contacts/ACCOUNT/REGION/LIST, or without LIST for the account's lists")
        return Response(200, self._ses.truth(*parts), {"Content-Type": "application/x-ndjson"})

    def _put_contacts(self, request: Request, rest: str) -> Response:
        parts = rest.split("/")
        if len(parts) != 3:
            return _text(400, f"PUT {PREFIX}contacts/ACCOUNT/REGION/LIST")
        regions.check(parts[1])
        count = put_contacts(self._ses, (parts[0], parts[1]), parts[2], request.body)
        return Response(200, json.dumps({"contacts": count}).encode(), {"Content-Type": "application/json"})

    def _put_people(self, request: Request, rest: str) -> Response:
        parts = rest.split("/")
        if len(parts) != 2:
            return _text(400, f"PUT {PREFIX}people/ACCOUNT/REGION")
        account, region = parts
        if not _ACCOUNT.fullmatch(account):
            return _text(400, f"{account} is not the 12 digits of an account")
        regions.check(region)
        try:
            people = People.model_validate_json(request.body)
        except ValidationError as error:
            raise _wrong(error) from None
        if people.region not in (None, region):
            return _text(400, f"$.region: is {people.region}, not the {region} of the path")
        put_people(self._identity_center, account, region, people)
        counts = {"users": len(people.new_users), "groups": len(people.new_groups)}
        return Response(200, json.dumps(counts).encode(), {"Content-Type": "application/json"})

    def _put_import_jobs(self, request: Request, rest: str) -> Response:
        parts = rest.split("/")
        if len(parts) != 2:
            return _text(400, f"PUT {PREFIX}import-jobs/ACCOUNT/REGION")
        regions.check(parts[1])
        try:
            wanted = ImportJobControl.model_validate_json(request.body)
        except ValidationError as error:
            raise _wrong(error) from None
        self._ses.set_import_jobs(parts[0], parts[1], wanted.settings)
        return Response(200, wanted.model_dump_json().encode(), {"Content-Type": "application/json"})

    def _failed_records(self, _request: Request, rest: str) -> Response:
        lines = self._ses.failed_records(rest)
        if lines is None:
            return _text(404, "no failed records here")
        return Response(200, lines, {"Content-Type": "application/x-ndjson"})


def failed_records_url(endpoint: str, token: str) -> str:
    """Where the control answers an import job's failed records: to whoever has the URL, as a pre-signed one's S3."""
    # The name lets whatever searches for leaked signatures find this URL, too.
    return f"{endpoint}{PREFIX}failed-records/{token}?X-Amz-Signature=local"


def put_contacts(ses: StrictSes, place: tuple[str, str], list_name: str, body: bytes) -> int:
    """Fill a list from import-job NDJSON or from a `generate` document; AwsError 400 says what is wrong."""
    generated = _generated(body)
    if generated is None:
        return ses.fill(*place, list_name, bulk.parse_import_lines(body))
    topics = ses.topics(*place, list_name)
    contacts = bulk.generate(count=generated.generate, seed=generated.seed, opt_in=generated.opt_in, topics=topics)
    return ses.fill(*place, list_name, contacts)


def _generated(body: bytes) -> Generated | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict) or "emailAddress" in document:
        return None
    try:
        return Generated.model_validate(document)
    except ValidationError as error:
        raise _wrong(error) from None


def _wrong(error: ValidationError) -> AwsError:
    detail = error.errors()[0]
    return AwsError("BadRequest", f"{fault_path(detail['loc'])}: {detail['msg']}")


def _text(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})
