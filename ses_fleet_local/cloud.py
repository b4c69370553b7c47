"""The local cloud as one thing: everything made, started, seeded and stopped."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ses_fleet import json_text, limits
from ses_fleet.errors import JsonError
from ses_fleet_local import accounts, import_buckets, scenario
from strict_aws import moto_state
from strict_aws.cloudformation.service import CloudFormation
from strict_aws.conditions.faults import Faults
from strict_aws.conditions.rate import RateLimit
from strict_aws.conditions.settings import Conditions, CurrentConditions
from strict_aws.control import Control, failed_records_url
from strict_aws.endpoint import Endpoint, Services
from strict_aws.http.tls import Certificate
from strict_aws.iam.identity import Sessions
from strict_aws.iam.sts import Sts
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.journal import Journal
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_runtime.runtime import LambdaRuntime
from strict_aws.lambda_service.api import LambdaApi
from strict_aws.lambda_service.functions import Functions
from strict_aws.s3.objects import S3Objects
from strict_aws.ses.service import StrictSes

_SESSION_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Options:
    """How a local cloud is started. `ses_rate` is requests per second and account, 0 = no throttle.

    `empty` = without the hub's buckets, roles and functions and without customers: a deployment makes them. `tls` =
    everything but the functions' Runtime API speaks HTTPS.
    """

    port: int = 0
    config: Path | None = None
    ses_config: Path | None = None
    scenario: Path | None = None
    ses_rate: float = limits.SES_REQUESTS_PER_SECOND
    max_environments: int = 10
    empty: bool = False
    conditions: Conditions = field(default_factory=Conditions)
    tls: bool = False


class LocalCloud:
    """Start it, point AWS clients at `url`, stop it. One a process: moto's state is the process's."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._scenario = scenario.read(options.scenario) if options.scenario else scenario.Scenario()
        self._work_dir = Path(tempfile.mkdtemp(prefix="ses-fleet-"))
        self._certificate = Certificate(self._work_dir / "tls") if options.tls else None
        self.conditions = CurrentConditions(options.conditions)
        self._functions = Functions(self.conditions)
        rate = RateLimit(options.ses_rate, limits.SES_BURST) if options.ses_rate > 0 else None
        self.journal, self.sessions = Journal(), Sessions()
        self.ses = StrictSes(
            rate=rate,
            objects=S3Objects(),
            failed_records_url=lambda token: failed_records_url(self.url, token),
            conditions=self.conditions,
        )
        self.identity_center = StrictIdentityCenter(conditions=self.conditions)
        self.runtime = LambdaRuntime(
            work_dir=self._work_dir,
            issue_variables=self._issue_variables,
            write_logs=_write_logs,
            max_environments=options.max_environments,
            visible=[] if self._certificate is None else [self._certificate.bundle.parent],
        )
        faults = Faults()
        self._control = Control(
            journal=self.journal,
            sessions=self.sessions,
            ses=self.ses,
            identity_center=self.identity_center,
            faults=faults,
            conditions=self.conditions,
        )
        self._moto = moto_state.MotoApp("https" if options.tls else "http")
        disabled_regions = self._scenario.disabled_regions
        services = Services(
            sessions=self.sessions,
            journal=self.journal,
            ses=self.ses,
            identity_center=self.identity_center,
            sts=Sts(self.sessions, disabled_regions),
            lambda_api=LambdaApi(self.runtime, self._functions, self._moto.handle),
            cloudformation=CloudFormation(lambda request: self._endpoint.perform(request), lambda: self.url),
            moto=self._moto,
            faults=faults,
            kill=self.runtime.kill,
            conditions=self.conditions,
            disabled_regions=disabled_regions,
        )
        context = None if self._certificate is None else self._certificate.context
        self._endpoint = Endpoint(services, self._control, options.port, context)

    @property
    def url(self) -> str:
        """The endpoint."""
        return self._endpoint.url

    def start(self) -> list[str]:
        """Bind, make the accounts, be ready; returns a line for everything that could not be made.

        OSError when the port is taken, ScenarioError or OSError when a file cannot be used.
        """
        try:
            self._endpoint.start()
            notices = self._seed()
        except BaseException:
            self.stop()
            raise
        self._control.ready.set()
        return notices

    def stop(self) -> None:
        """End every process, stop serving, remove all files."""
        self._control.ready.clear()
        self.runtime.stop()
        self._endpoint.stop()
        shutil.rmtree(self._work_dir, ignore_errors=True)

    def function(self, name: str) -> FunctionSpec:
        """One of the hub's functions as it is now."""
        return self._functions.find(accounts.HUB_ACCOUNT, accounts.HUB_REGION, name)

    def add_customers(self, config: Any) -> list[str]:
        """Make the roles and buckets of a config.json's customers, and put the file into the config bucket."""
        self._put("config.json", json.dumps(config).encode())
        return self._make_customers(config)

    def environment(self) -> dict[str, str]:
        """What a client needs to be the hub's administrator here."""
        return {
            **self._endpoint_variables(),
            "AWS_ACCESS_KEY_ID": accounts.HUB_ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": accounts.HUB_REGION,
            "AWS_DEFAULT_REGION": accounts.HUB_REGION,
        }

    def _seed(self) -> list[str]:
        notices: list[str] = []
        if not self._options.empty:
            accounts.make_hub(self._moto, self._functions, ses_rate=self._options.ses_rate)
        if self._options.config is not None:
            body = self._options.config.read_bytes()
            self._put("config.json", body)
            try:
                notices += self._make_customers(json_text.parse(body, self._options.config.name))
            except JsonError as error:
                notices.append(f"{error.problems[0]}: no customer accounts made")
        if self._options.ses_config is not None:
            self._put("SESConfig.json", self._options.ses_config.read_bytes())
        accounts.fill_accounts(self.ses, self.identity_center, self._scenario)
        return notices

    def _make_customers(self, config: Any) -> list[str]:
        roles = accounts.make_customer_roles(config, self._scenario)
        return [*roles, *import_buckets.make_import_buckets(config, self._scenario)]

    def _put(self, key: str, body: bytes) -> None:
        moto_state.put_object(self._moto, accounts.HUB_ACCOUNT, accounts.CONFIG_BUCKET, key, body)

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
