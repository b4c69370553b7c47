"""The one endpoint that all clients are pointed at.

For every request it finds out who asks for which operation, asks the policies, applies the conditions and the faults,
lets a service answer, and writes the journal.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from cheroot import wsgi

from strict_aws import regions
from strict_aws.backend.moto_app import MotoApp
from strict_aws.cloudformation.service import CloudFormation
from strict_aws.cloudwatch.api import CloudWatchApi
from strict_aws.cloudwatch.service import METRIC_OPERATIONS
from strict_aws.conditions import faults
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.conditions.faults import DroppedError, Faults
from strict_aws.control.service import Control
from strict_aws.http import aws_chunked, operations, protocols
from strict_aws.http.connections import Connection, drop_current
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation
from strict_aws.http.tls import TlsAdapter
from strict_aws.iam import authorization, identity
from strict_aws.iam.identity import Caller, Sessions
from strict_aws.iam.sts import OPERATIONS as STS_OPERATIONS
from strict_aws.iam.sts import Sts
from strict_aws.identity_center.service import SERVICES as IDENTITY_CENTER
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.journal import Journal
from strict_aws.lambda_service.api import LambdaApi
from strict_aws.organizations.api import OrganizationsApi
from strict_aws.regions import DisabledRegions
from strict_aws.scheduler.api import SchedulerApi
from strict_aws.secrets.api import SecretsApi
from strict_aws.ses.service import StrictSes
from strict_aws.sns.api import SnsApi

_log = logging.getLogger(__name__)

# A function may hold 500 invocations of another one open, and what they run needs threads too.
_THREADS = 640
# moto's state of these services is not ours: its answers to other operations of them would be wrong.
_OWN_SERVICES = frozenset({"sesv2", "sts"})
_QUEUE = 1024
# The HTTP status in the journal of a call that got no answer.
_DROPPED = 0


@dataclass(frozen=True)
class Services:
    """Everything that the endpoint passes requests to.

    `kill` ends the execution environment of this id, if there is one.
    """

    sessions: Sessions
    journal: Journal
    ses: StrictSes
    identity_center: StrictIdentityCenter
    organizations: OrganizationsApi
    sts: Sts
    lambda_api: LambdaApi
    scheduler_api: SchedulerApi
    secrets_api: SecretsApi
    sns_api: SnsApi
    cloudformation: CloudFormation
    cloudwatch_api: CloudWatchApi
    moto: MotoApp
    faults: Faults
    kill: Callable[[str | None], None]
    conditions: CurrentConditions
    disabled_regions: DisabledRegions


class Endpoint:
    """An HTTP server on loopback, which speaks HTTPS with `tls`. Port 0 takes a free one.

    `sleep` waits so many seconds where conditions or faults delay a call.
    """

    def __init__(
        self,
        services: Services,
        control: Control,
        port: int,
        tls: ssl.SSLContext | None = None,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._services = services
        self._apis: dict[str, Callable[[Operation, Caller, Request], Response]] = {
            "lambda": services.lambda_api.handle,
            "organizations": services.organizations.handle,
            "resourcegroupstaggingapi": services.organizations.handle,
            "scheduler": services.scheduler_api.handle,
            "secretsmanager": services.secrets_api.handle,
            "sns": services.sns_api.handle,
            "cloudformation": services.cloudformation.handle,
        }
        self._s3_keys = threading.RLock()
        self._control = control
        self._server = make_server(self._application, port, tls)
        self._scheme = "http" if tls is None else "https"
        self._thread = threading.Thread(target=self._server.serve, name="endpoint", daemon=True)

    @property
    def url(self) -> str:
        """The URL that clients are pointed at; with port 0 it is known after `start`."""
        return f"{self._scheme}://127.0.0.1:{self._server.bind_addr[1]}"

    def start(self) -> None:
        """Bind the port and serve; raise OSError when the port is taken."""
        self._server.prepare()
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close all connections."""
        self._server.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout=2)

    def perform(self, request: Request) -> Response:
        """Answer a request of CloudFormation on behalf of a stack: no policy is asked, and no journal entry is made."""
        caller = self._services.sessions.caller(identity.read_signature(request))
        operation = operations.resolve(caller.signing_name, request)
        try:
            return self._dispatch(operation, caller, request)
        except AwsError as error:
            return protocols.error_answer(error, operation.protocol)

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = _request(environ)
        if len(request.body) < int(environ.get("CONTENT_LENGTH") or 0):
            # The client went away while it sent the request, as a killed function does: AWS does nothing then.
            response = Response(_DROPPED)
        else:
            response = self.handle(request)
        if response.status == _DROPPED:
            drop_current()
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _OWN_HEADERS]
        length = response.headers.get("Content-Length") if environ["REQUEST_METHOD"] == "HEAD" else None
        headers.append(("Content-Length", length or str(len(response.body))))
        start_response(f"{response.status or 200} {_phrase(response.status)}", headers)
        return [response.body]

    def handle(self, request: Request) -> Response:
        """Answer one request, and write it into the journal unless it is a control request."""
        if request.path.startswith(self._control.prefix):
            return self._control.handle(request)
        began = time.time()
        signature = identity.read_signature(request)
        facts: dict[str, Any] = {
            "service": operations.service_of(signature.signing_name or _unsigned_service(request), request.path),
            "operation": request.method,
            "region": signature.region,
            "account": None,
            "principal": None,
            "access_key_id": signature.access_key_id,
            "environment": signature.environment,
            "error_code": None,
            "reason": None,
            "writes": False,
        }
        try:
            response = self._answer(request, signature, facts)
        except DroppedError:
            facts["error_code"] = "ConnectionDropped"
            response = Response(_DROPPED)
        except AwsError as error:
            facts |= {"error_code": error.code, "reason": error.reason or facts["reason"]}
            response = protocols.error_answer(error, operations.protocol_of(facts["service"]))
            if error.status == HTTPStatus.NOT_IMPLEMENTED:
                _log.error("%s %s: %s", facts["service"], facts["operation"], error.message)
        except Exception:  # noqa: BLE001  # a bug here is answered as AWS answers its own, and logged
            _log.exception("%s %s failed in strict_aws", facts["service"], facts["operation"])
            facts["error_code"] = "InternalFailure"
            failure = AwsError("InternalFailure", "strict_aws failed; see its log", 500)
            response = protocols.error_answer(failure, operations.protocol_of(facts["service"]))
        self._services.journal.add(started_at=began, ended_at=time.time(), http_status=response.status, **facts)
        return response

    def _answer(self, request: Request, signature: identity.Signature, facts: dict[str, Any]) -> Response:
        self._check_region(signature, facts)
        caller = self._services.sessions.caller(signature)
        facts |= {"account": caller.account, "principal": caller.principal}
        request = aws_chunked.plain(request)
        operation = operations.resolve(caller.signing_name, request)
        facts |= {"service": operation.service, "operation": operation.name, "writes": operation.writes}
        # Half of a call's time passes before its effect, half after: here, where no lock is held.
        half = self._services.conditions.now.latency_seconds.get(operation.service, 0.0) / 2
        if not half:
            return self._permitted(operation, caller, request, facts)
        self._sleep(half)
        try:
            return self._permitted(operation, caller, request, facts)
        finally:
            self._sleep(half)

    def _check_region(self, signature: identity.Signature, facts: dict[str, Any]) -> None:
        """Drop the request when AWS has no such Region: there it has no such host, so nobody would answer."""
        if signature.region and signature.region not in regions.known():
            facts["reason"] = f"AWS has no Region {ascii(signature.region)[1:-1][:40]}"
            _log.error("%s: %s; the connection was closed", facts["service"], facts["reason"])
            raise DroppedError

    def _permitted(self, operation: Operation, caller: Caller, request: Request, facts: dict[str, Any]) -> Response:
        if caller.region in self._services.disabled_regions.get(caller.account, ()):
            reason = f"account {caller.account} has not enabled {caller.region}"
            raise identity.invalid_token(caller.signing_name, reason)
        authorization.check(operation, caller, request)
        authorization.check_bucket_owner(operation, request)
        response = self._with_faults(operation, caller, request, facts)
        if response.status == HTTPStatus.NOT_FOUND and operation.name in ("GetObject", "HeadObject"):
            self._hide_missing_key(caller, request)
        if response.status >= HTTPStatus.BAD_REQUEST:
            facts["error_code"] = str(response.status)
        return response

    def _with_faults(self, operation: Operation, caller: Caller, request: Request, facts: dict[str, Any]) -> Response:
        hits = self._services.faults.hits(operation, caller.account, request.path)
        if not hits:
            return self._dispatch(operation, caller, request)
        facts["reason"] = faults.described(hits)

        def kill() -> None:
            self._services.kill(caller.environment)

        faults.before(hits, operation, sleep=self._sleep, kill=kill)
        try:
            response = self._dispatch(operation, caller, request)
        except AwsError:
            faults.after(hits, kill=kill)  # a refusal is an answer, too, and may be lost as any other
            raise
        faults.after(hits, kill=kill)
        return response

    @staticmethod
    def _hide_missing_key(caller: Caller, request: Request) -> None:
        if not authorization.may_list_bucket(caller, request):
            raise authorization.s3_denial("the key does not exist, and without s3:ListBucket S3 does not say so")

    def _dispatch(self, operation: Operation, caller: Caller, request: Request) -> Response:
        services = self._services
        if operation.service == "sesv2" and operation.name in services.ses.operations:
            parameters = dict(operation.parameters)
            asked = (caller.account, caller.region, operation.name, parameters)
            return protocols.json_answer(services.ses.call(*asked, caller=caller.access_key_id))
        if operation.service in IDENTITY_CENTER:
            place = (operation.service, caller.account, caller.region, operation.name)
            body, key = operations.json_body(request), caller.access_key_id
            return protocols.json_answer(services.identity_center.call(*place, body, caller=key))
        if operation.service == "sts" and operation.name in STS_OPERATIONS:
            return services.sts.handle(operation, caller, request)
        if operation.service in self._apis:
            return self._apis[operation.service](operation, caller, request)
        if operation.service == "cloudwatch" and operation.name in METRIC_OPERATIONS:
            return services.cloudwatch_api.handle(operation, caller, request)
        if operation.service in _OWN_SERVICES:
            raise AwsError("NotImplemented", f"strict_aws has no {operation.name} of {operation.service}", 501)
        if operation.service == "s3" and operation.writes:
            services.ses.advance_import_jobs()  # they read what they are due to read before it is changed
            with self._s3_keys:  # moto looks at the condition of a write and writes in two steps
                return services.moto.handle(request, caller.account)
        if operation.service == "s3" and operation.name.startswith("List"):
            with self._s3_keys:  # moto takes the names of all objects, and fails at one that is deleted meanwhile
                return services.moto.handle(request, caller.account)
        return services.moto.handle(request, caller.account)


def make_server(application: Callable[..., Any], port: int, tls: ssl.SSLContext | None) -> wsgi.Server:
    """Return a WSGI server on loopback that is not bound yet and serves nothing; with `tls` it speaks HTTPS."""
    made = wsgi.Server(
        ("127.0.0.1", port), application, numthreads=_THREADS, request_queue_size=_QUEUE, shutdown_timeout=1
    )
    made.keep_alive_conn_limit = _QUEUE
    made.ConnectionClass = Connection
    made.ssl_adapter = None if tls is None else TlsAdapter(tls)
    made.error_log = _report  # type: ignore[method-assign]  # cheroot's documented hook
    return made


def _unsigned_service(request: Request) -> str:
    """Return the service of an unsigned request: only STS has operations that need no signature."""
    action = operations.form_of(request).get("Action", "") if request.method == "POST" else ""
    return "sts" if action.startswith("AssumeRole") else "unsigned"


_OWN_HEADERS = frozenset({"content-length", "connection", "transfer-encoding", "server", "date"})


def _request(environ: dict[str, Any]) -> Request:
    path, _, query = environ["REQUEST_URI"].partition("?")
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    chunked = headers.pop("transfer-encoding", "").lower() == "chunked"
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read() if chunked else environ["wsgi.input"].read(length) if length else b""
    return Request(environ["REQUEST_METHOD"], path, query, headers, body)


def _phrase(status: int) -> str:
    if status == _DROPPED:
        return "OK"  # nobody will see it
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _report(msg: str = "", level: int = 20, traceback: bool = False) -> None:
    """Log cheroot's errors, but not its reports of clients that went away, as killed functions do."""
    if level >= logging.ERROR:
        _log.log(level, "%s", msg, exc_info=traceback)
