"""ses-fleet's local cloud: a strict AWS that is filled with the hub account, the customers and a scenario.

All that answers as AWS does is in `strict_aws`. Here is only what ses-fleet has in AWS: the hub's buckets, roles and
two functions, a role and an import bucket for every customer of config.json, and what a scenario file says of accounts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ses_fleet import json_text, limits
from ses_fleet.errors import JsonError
from ses_fleet_local import accounts, import_buckets, scenario
from strict_aws import aws
from strict_aws.aws import StrictAws
from strict_aws.backend import seeding
from strict_aws.conditions.conditions import Conditions
from strict_aws.lambda_runtime.function import FunctionSpec

CONTROL_PREFIX = "/_ses_fleet/"


@dataclass(frozen=True)
class Options:
    """How a local cloud is started.

    `port` 0 takes a free one. `config`, `ses_config` and `scenario` are files, all optional. `ses_rate` is SES requests
    per second for each account and Region, 0 for no throttle. With `empty` there are no buckets, roles and functions
    of the hub and no customers: a deployment makes them. With `tls` everything but the functions' Runtime API speaks
    HTTPS.
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
    """A strict AWS (`aws`) with ses-fleet in it. Start it, point AWS clients at `url`, and stop it.

    There can be only one in a process at a time. Raise ScenarioError when the scenario file cannot be used.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._scenario = scenario.read(options.scenario) if options.scenario else scenario.Scenario()
        self.aws = StrictAws(
            aws.Options(
                port=options.port,
                ses_rate=options.ses_rate,
                max_environments=options.max_environments,
                conditions=options.conditions,
                tls=options.tls,
                disabled_regions=self._scenario.disabled_regions,
                control_prefix=CONTROL_PREFIX,
            )
        )

    @property
    def url(self) -> str:
        """The URL of the endpoint that AWS clients are pointed at."""
        return self.aws.url

    def start(self) -> list[str]:
        """Serve, make all accounts, and be ready; return a line for everything that could not be made.

        Raise OSError when the port is taken or a file cannot be read, and AwsError when the scenario asks for
        something that AWS would refuse. The local cloud is stopped then.
        """
        notices: list[str] = []
        self.aws.start(lambda: notices.extend(self._fill()))
        return notices

    def stop(self) -> None:
        """End every process of a function, stop serving, and remove all files."""
        self.aws.stop()

    def function(self, name: str) -> FunctionSpec:
        """Return one of the hub's functions as it is now."""
        return self.aws.functions.find(accounts.HUB_ACCOUNT, accounts.HUB_REGION, name)

    def add_customers(self, config: Any) -> list[str]:
        """Make the roles and buckets of a config.json's customers, and put the document into the config bucket.

        Return a line for everything that could not be made.
        """
        self._put("config.json", json.dumps(config).encode())
        return self._make_customers(config)

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which an AWS client is the hub's administrator here."""
        return self.aws.environment(accounts.HUB_ACCOUNT, accounts.HUB_REGION)

    def _fill(self) -> list[str]:
        notices: list[str] = []
        if not self._options.empty:
            accounts.make_hub(self.aws, ses_rate=self._options.ses_rate)
        if self._options.config is not None:
            body = self._options.config.read_bytes()
            self._put("config.json", body)
            try:
                notices += self._make_customers(json_text.parse(body, self._options.config.name))
            except JsonError as error:
                notices.append(f"{error.problems[0]}: no customer accounts made")
        if self._options.ses_config is not None:
            self._put("SESConfig.json", self._options.ses_config.read_bytes())
        if self._scenario.organization is not None:
            self.aws.organizations.put(self._scenario.organization.made())
        accounts.fill_accounts(self.aws.ses, self.aws.cloudwatch, self.aws.identity_center, self._scenario)
        return notices

    def _make_customers(self, config: Any) -> list[str]:
        roles = accounts.make_customer_roles(config, self._scenario)
        return [*roles, *import_buckets.make_import_buckets(config, self._scenario)]

    def _put(self, key: str, body: bytes) -> None:
        seeding.put_object(self.aws.moto, accounts.HUB_ACCOUNT, accounts.CONFIG_BUCKET, key, body)
