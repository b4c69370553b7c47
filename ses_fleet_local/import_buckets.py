"""Make the buckets that config.json names for import jobs, in the customers' accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.text import printable
from ses_fleet_local.scenario import Scenario, ScenarioBucket
from strict_aws import regions
from strict_aws.backend import moto_state, seeding
from strict_aws.s3.objects import SES_PRINCIPAL

_DEFAULT_REGION = "us-east-1"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3 user guide, the rules that matter here


@dataclass(frozen=True)
class _Wanted:
    """A bucket to make, in `region` unless the scenario says another Region."""

    account: str
    name: str
    region: str


def make_import_buckets(config: Any, scenario: Scenario) -> Iterator[str]:
    """Make every customer's `import_bucket` and the other buckets that a scenario names.

    Their policies let SES read them for their own account, unless the scenario says otherwise. Yield a line for each
    bucket that cannot be made.
    """
    for wanted in dict.fromkeys([*_configured(config), *_in_scenario(scenario)]):
        account = scenario.accounts.get(wanted.account)
        own = (account.buckets.get(wanted.name) if account else None) or ScenarioBucket()
        if own.missing:
            continue
        known, region = moto_state.find_bucket(wanted.name), own.region or wanted.region
        if not _NAME.fullmatch(wanted.name):
            yield f"{printable(wanted.name)} is not the name of a bucket: no bucket made"
        elif known is None and region not in regions.known():
            yield f"bucket {wanted.name}: AWS has no Region {printable(region)}: no bucket made"
        elif known is None:
            document = _policy(wanted) if own.readable_by_ses else None
            seeding.make_regional_bucket(wanted.account, region, wanted.name, document)
        elif known.account != wanted.account:
            yield f"bucket {wanted.name} is not account {wanted.account}'s but {known.account}'s: none made"


def _configured(config: Any) -> Iterator[_Wanted]:
    mappings = config.get("customer_mappings") if isinstance(config, Mapping) else None
    for customer in mappings.values() if isinstance(mappings, Mapping) else ():
        if not isinstance(customer, Mapping):
            continue
        name = customer.get("import_bucket")
        if not isinstance(name, str) or not name:
            continue
        try:
            role = parse_role_arn(str(customer.get("ses_role_arn")))
        except ValueError:
            continue
        regions = (customer.get("region"), config.get("aws_region"), _DEFAULT_REGION)
        region = next(region for region in regions if isinstance(region, str) and region)
        if role.partition == "aws":
            yield _Wanted(role.account_id, name, region)


def _in_scenario(scenario: Scenario) -> Iterator[_Wanted]:
    for account_id, account in scenario.accounts.items():
        for name in account.buckets:
            yield _Wanted(account_id, name, _DEFAULT_REGION)


def _policy(wanted: _Wanted) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SES_PRINCIPAL},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{wanted.name}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": wanted.account}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
