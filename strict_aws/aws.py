"""The strict AWS as one object: every service, one endpoint for all of them, and the control requests."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from strict_aws.backend import moto_state
from strict_aws.backend.moto_app import MotoApp
from strict_aws.cloudformation.service import CloudFormation
from strict_aws.cloudwatch.api import CloudWatchApi
from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.conditions.conditions import Conditions, CurrentConditions
from strict_aws.conditions.faults import Faults
from strict_aws.conditions.rate import RateLimit
from strict_aws.control.service import DEFAULT_PREFIX, Control
from strict_aws.endpoint import Endpoint, Services
from strict_aws.http.messages import Request, Response
from strict_aws.http.tls import Certificate
from strict_aws.iam.identity import Sessions
from strict_aws.iam.sts import Sts
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.journal import Journal
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_runtime.runtime import LambdaRuntime
from strict_aws.lambda_service.api import LambdaApi
from strict_aws.lambda_service.functions import Functions
from strict_aws.organizations.api import OrganizationsApi
from strict_aws.organizations.service import StrictOrganizations
from strict_aws.organizations.tagging import StrictTagging
from strict_aws.organizations.tree import Organizations
from strict_aws.regions import DisabledRegions
from strict_aws.s3.objects import S3Objects
from strict_aws.scheduler.api import SchedulerApi
from strict_aws.scheduler.service import Scheduler
from strict_aws.scheduler.target import Targets
from strict_aws.secrets.api import SecretsApi
from strict_aws.ses.rate import BURST, REQUESTS_PER_SECOND
from strict_aws.ses.service import StrictSes
from strict_aws.sns.api import SnsApi

# How long the credentials of a function's environment are good: longer than any run of tests takes.
_SESSION_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Options:
    """How a strict AWS is started.

    `port` 0 takes a free one. `ses_rate` is SES requests per second for each account and Region; 0 turns the throttle
    off. `max_environments` is how many processes a function has at most. `tls` makes everything but the functions'
    Runtime API speak HTTPS. `disabled_regions` are the Regions that each account has not enabled, by account.
    Control requests are those whose path begins with `control_prefix`.
    """

    port: int = 0
    ses_rate: float = REQUESTS_PER_SECOND
    max_environments: int = 10
    conditions: Conditions = field(default_factory=Conditions)
    tls: bool = False
    disabled_regions: DisabledRegions = field(default_factory=dict)
    control_prefix: str = DEFAULT_PREFIX


class StrictAws:
    """A strict AWS on loopback. Start it, point AWS clients at `url` (or give them `environment()`), and stop it.

    There can be only one in a process at a time, because moto keeps its state in the process. The attributes are its
    parts, for programs that fill accounts or look into them without a request. `sleep` waits so many seconds where
    conditions or faults delay a call.
    """

    def __init__(self, options: Options | None = None, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._options = options = options or Options()
        self._work_dir = Path(tempfile.mkdtemp(prefix="strict-aws-"))
        self._certificate = Certificate(self._work_dir / "tls") if options.tls else None
        self.conditions = CurrentConditions(options.conditions)
        self.journal, self.sessions = Journal(), Sessions()
        self.moto = MotoApp("https" if options.tls else "http")
        self.functions = Functions(self.conditions)
        self.ses = StrictSes(
            rate=RateLimit(options.ses_rate, BURST) if options.ses_rate > 0 else None,
            objects=S3Objects(),
            failed_records_url=lambda token: self._control.failed_records_url(self.url, token),
            conditions=self.conditions,
        )
        self.cloudwatch = StrictCloudWatch(conditions=self.conditions)
        self.identity_center = StrictIdentityCenter(conditions=self.conditions)
        self.organizations = Organizations()
        self.runtime = LambdaRuntime(
            work_dir=self._work_dir,
            issue_variables=self._issue_variables,
            write_logs=_write_logs,
            max_environments=options.max_environments,
            visible=[] if self._certificate is None else [self._certificate.bundle.parent],
        )
        targets = Targets(lambda request: self._endpoint.handle(request), self.sessions, self.journal)
        self.scheduler = Scheduler(targets, self.conditions)
        faults = Faults()
        self._control = Control(
            journal=self.journal,
            sessions=self.sessions,
            ses=self.ses,
            cloudwatch=self.cloudwatch,
            identity_center=self.identity_center,
            faults=faults,
            conditions=self.conditions,
            scheduler=self.scheduler,
            prefix=options.control_prefix,
        )
        context = None if self._certificate is None else self._certificate.context
        self._endpoint = Endpoint(self._services(faults), self._control, options.port, context, sleep=sleep)

    @property
    def url(self) -> str:
        """The URL of the endpoint, such as http://127.0.0.1:4566. With port 0 it is known once this has started."""
        return self._endpoint.url

    def start(self, fill: Callable[[], object] | None = None) -> None:
        """Bind the port and serve. `fill` is called then, before control requests say that this is ready.

        Raise OSError when the port is taken. After that, and after an exception of `fill`, this is stopped.
        """
        try:
            self._endpoint.start()
            self.scheduler.start()
            if fill is not None:
                fill()
        except BaseException:
            self.stop()
            raise
        self._control.ready.set()

    def stop(self) -> None:
        """Fire no schedule any more, end every process of a function, stop serving, and remove all files."""
        self._control.ready.clear()
        self.scheduler.stop()
        self.runtime.stop()
        self._endpoint.stop()
        shutil.rmtree(self._work_dir, ignore_errors=True)

    def handle(self, request: Request) -> Response:
        """Answer one request as the endpoint would, without a connection. This need not be started."""
        return self._endpoint.handle(request)

    def environment(self, account: str, region: str) -> dict[str, str]:
        """Return the environment variables with which an AWS client is this account's administrator here."""
        return {
            **self._endpoint_variables(),
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }

    def _services(self, faults: Faults) -> Services:
        disabled_regions = self._options.disabled_regions
        return Services(
            sessions=self.sessions,
            journal=self.journal,
            ses=self.ses,
            identity_center=self.identity_center,
            organizations=OrganizationsApi(
                StrictOrganizations(self.organizations, conditions=self.conditions), StrictTagging(self.organizations)
            ),
            sts=Sts(self.sessions, disabled_regions),
            lambda_api=LambdaApi(self.runtime, self.functions, self.moto.handle),
            scheduler_api=SchedulerApi(self.moto.handle, self.scheduler.look),
            secrets_api=SecretsApi(self.moto.handle),
            sns_api=SnsApi(self.moto.handle),
            cloudformation=CloudFormation(lambda request: self._endpoint.perform(request), lambda: self.url),
            cloudwatch_api=CloudWatchApi(self.cloudwatch),
            moto=self.moto,
            faults=faults,
            kill=self.runtime.kill,
            conditions=self.conditions,
            disabled_regions=disabled_regions,
        )

    def _endpoint_variables(self) -> dict[str, str]:
        trusted = {} if self._certificate is None else {"AWS_CA_BUNDLE": str(self._certificate.bundle)}
        return {"AWS_ENDPOINT_URL": self.url, **trusted}

    def _issue_variables(self, spec: FunctionSpec, environment_id: str) -> Mapping[str, str]:
        role = moto_state.find_role(spec.role_arn)
        session = self.sessions.issue(
            role_arn=spec.role_arn,
            role_id=role.role_id if role else "AROAUNKNOWN",
            session_name=environment_id,
            seconds=_SESSION_SECONDS,
        )
        return {
            **self._endpoint_variables(),
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
        }


def _write_logs(spec: FunctionSpec, stream: str, lines: list[tuple[int, str]]) -> None:
    account = spec.arn.split(":")[4]
    moto_state.write_log_events(account, spec.region, spec.log_group, stream, lines)
