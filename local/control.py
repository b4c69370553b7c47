"""The local cloud's own controls, under /_ses_fleet/: readiness, the journal, bulk contacts, faults, credentials."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local import faults, journal
from local.faults import Faults
from local.identity import Sessions
from local.journal import Journal
from local.operations import query_of
from local.ses import bulk
from local.ses.service import StrictSes
from local.web import AwsError, Request, Response

PREFIX = "/_ses_fleet/"


class Generated(BaseModel):
    """`{"generate": N, "seed": S, "opt_in": {topic: share}}`: made-up contacts instead of given ones."""

    model_config = ConfigDict(extra="forbid")

    generate: int = Field(ge=0, le=5_000_000)
    seed: int = 0
    opt_in: dict[str, float] = Field(default_factory=dict)


class Control:
    """Answers the control requests."""

    def __init__(self, *, journal: Journal, sessions: Sessions, ses: StrictSes, faults: Faults) -> None:
        self.ready = threading.Event()
        self._journal = journal
        self._sessions = sessions
        self._ses = ses
        self._faults = faults

    def handle(self, request: Request) -> Response:
        """404 for what there is not, 400 with a line for what is wrong."""
        name, _, rest = request.path.removeprefix(PREFIX).partition("/")
        routes: dict[tuple[str, str], Callable[[Request, str], Response]] = {
            ("GET", "ready"): self._ready,
            ("GET", "journal"): self._read_journal,
            ("GET", "credentials"): self._credentials,
            ("PUT", "contacts"): self._put_contacts,
            ("PUT", "faults"): self._put_faults,
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

    def _put_contacts(self, request: Request, rest: str) -> Response:
        parts = rest.split("/")
        if len(parts) != 3:
            return _text(400, f"PUT {PREFIX}contacts/ACCOUNT/REGION/LIST")
        count = put_contacts(self._ses, (parts[0], parts[1]), parts[2], request.body)
        return Response(200, json.dumps({"contacts": count}).encode(), {"Content-Type": "application/json"})


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
        detail = error.errors()[0]
        raise AwsError("BadRequest", f"$.{'.'.join(map(str, detail['loc']))}: {detail['msg']}") from None


def _text(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})
