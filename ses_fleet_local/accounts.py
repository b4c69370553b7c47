"""What the accounts of the local cloud hold: the hub its functions, the customers' accounts their roles and lists."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import ses_fleet
from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.policies import identity_center_statements, policy_statements
from ses_fleet.actions.role_version import ROLE_VERSION, TAG_KEY
from ses_fleet.aws.arns import RoleArn, parse_role_arn
from ses_fleet.runs import events, hub_policies
from ses_fleet.text import printable
from ses_fleet_local.scenario import Scenario, ScenarioList, ScenarioRole
from strict_aws.aws import StrictAws
from strict_aws.backend import seeding
from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.control.contacts import GeneratedContacts, generate_contacts
from strict_aws.control.identity_centers import put_identity_center
from strict_aws.control.ses_account import put_ses_account
from strict_aws.identity_center.service import StrictIdentityCenter
from strict_aws.ses import bulk
from strict_aws.ses.service import StrictSes

HUB_ACCOUNT = "123456789012"
HUB_REGION = "us-east-1"
CONFIG_BUCKET = f"ses-fleet-config-{HUB_ACCOUNT}"
RESULTS_BUCKET = f"ses-fleet-results-{HUB_ACCOUNT}"
ORCHESTRATOR = "ses-fleet-orchestrator"
WORKER = "ses-fleet-worker"
WORKER_ROLE_ARN = f"arn:aws:iam::{HUB_ACCOUNT}:role/{WORKER}"
REAPER = "ses-fleet-reaper"
SCHEDULE_GROUP = "ses-fleet"

_SHIPPED = Path(ses_fleet.__file__).parent
# The name of every role's inline policy.
_POLICY = "ses-fleet"
_MEMORY_MB = {ORCHESTRATOR: limits.ORCHESTRATOR_MEMORY_MB, WORKER: limits.WORKER_MEMORY_MB}
_FUNCTIONS = f"arn:aws:lambda:{HUB_REGION}:{HUB_ACCOUNT}:function"
_LOGGING = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
# The secret with the keys of erased people: whoever wants to erase somebody here makes it.
ERASURE_SECRET = "ses-fleet/erasure"
_ERASURE_ARN = f"arn:aws:secretsmanager:{HUB_REGION}:{HUB_ACCOUNT}:secret:{ERASURE_SECRET}-??????"
# The topic that may be told when a run is over: whoever wants that here makes it, and sets NOTIFY_TOPIC_ARN.
NOTIFY_TOPIC = f"arn:aws:sns:{HUB_REGION}:{HUB_ACCOUNT}:ses-fleet-runs"
_SERVICE_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@dataclass
class _WantedRole:
    """A role that config.json names, under which keys it does so, and from which buckets its imports are read."""

    role: RoleArn
    external_id: str | None
    keys: set[str] = field(default_factory=set)
    import_buckets: set[str] = field(default_factory=set)


def make_hub(aws: StrictAws, *, ses_rate: float) -> None:
    """Make the hub's buckets, roles, two functions and the reaper's schedule, as the deployed stack would have them.

    `ses_rate` is the rate that the worker keeps to, in SES requests per second; 0 means that it keeps to none.
    """
    seeding.make_bucket(aws.moto, HUB_ACCOUNT, CONFIG_BUCKET, versioned=True)
    seeding.make_bucket(aws.moto, HUB_ACCOUNT, RESULTS_BUCKET, versioned=False)
    for name, statements in _hub_policies().items():
        seeding.make_role(
            f"arn:aws:iam::{HUB_ACCOUNT}:role/{name}",
            trust=_document([_SERVICE_TRUST]),
            policies={_POLICY: _document(statements)},
        )
    code = package(_SHIPPED)
    for name, variables in _variables(ses_rate).items():
        seconds = limits.WORKER_FUNCTION_TIMEOUT_SECONDS
        seeding.make_function(
            HUB_ACCOUNT,
            HUB_REGION,
            name=name,
            handler=f"ses_fleet.{name.removeprefix('ses-fleet-')}.handler.handler",
            role_arn=f"arn:aws:iam::{HUB_ACCOUNT}:role/{name}",
            code=code,
            timeout=seconds if name == WORKER else limits.ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS,
            memory_mb=_MEMORY_MB[name],
            variables=variables,
        )
        aws.functions.keep((HUB_ACCOUNT, HUB_REGION, name), {"LoggingConfig": _LOGGING})
    _make_reaper(aws)


def _make_reaper(aws: StrictAws) -> None:
    """Make the schedule that ends runs which nobody ends, with the role that only its group may use."""
    orchestrator = f"{_FUNCTIONS}:{ORCHESTRATOR}"
    group = f"arn:aws:scheduler:{HUB_REGION}:{HUB_ACCOUNT}:schedule-group/{SCHEDULE_GROUP}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:SourceArn": group}},
    }
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": orchestrator}
    role = f"arn:aws:iam::{HUB_ACCOUNT}:role/{REAPER}"
    seeding.make_role(role, trust=_document([trust]), policies={_POLICY: _document([invoke])})
    seeding.make_schedule(
        HUB_ACCOUNT,
        HUB_REGION,
        group=SCHEDULE_GROUP,
        name=REAPER,
        expression=f"rate({limits.REAPER_MINUTES} minutes)",
        # Without a StartDate it would fire at once, in every local cloud that is started for a single call.
        start=aws.scheduler.now() + timedelta(minutes=limits.REAPER_MINUTES),
        target={
            "Arn": orchestrator,
            "RoleArn": role,
            "Input": json.dumps(events.REAP),
            "RetryPolicy": {"MaximumRetryAttempts": 0},
        },
    )
    aws.scheduler.look()


def make_customer_roles(config: Any, scenario: Scenario) -> Iterator[str]:
    """Make one role for every well-formed role ARN of config.json; yield a line for each that cannot be made."""
    wanted: dict[str, _WantedRole] = {}
    for code, key, text, external_id in _role_arns(config):
        try:
            role = parse_role_arn(text)
        except ValueError as error:
            yield f"{printable(code)}: {key} {error}: no role made"
            continue
        if role.partition != "aws":
            yield f"{printable(code)}: {key} {printable(text)} is of partition {role.partition}: no role made"
        else:
            one = wanted.setdefault(role.text, _WantedRole(role, external_id))
            one.keys.add(key)
            bucket = config["customer_mappings"][code].get("import_bucket")
            if key == "ses_role_arn" and isinstance(bucket, str) and bucket:
                one.import_buckets.add(bucket)
    for one in wanted.values():
        account = scenario.accounts.get(one.role.account_id)
        own = account.roles.get(one.role.name) if account else None
        seeding.make_role(
            one.role.text,
            trust=_customer_trust(own, one.external_id),
            policies={_POLICY: _customer_policy(one)},
            tags={TAG_KEY: str(ROLE_VERSION)},
        )


def fill_accounts(
    ses: StrictSes, cloudwatch: StrictCloudWatch, identity_center: StrictIdentityCenter, scenario: Scenario
) -> None:
    """Make the scenario's lists with their contacts and its Identity Centers, and set the accounts' standing with SES.

    Raise AwsError when the scenario asks for a list or an Identity Center that AWS would refuse.
    """
    for account_id, account in scenario.accounts.items():
        for region, standing in account.ses.items():
            put_ses_account(ses, cloudwatch, account_id, region, standing)
            ses.set_import_jobs(account_id, region, standing.import_jobs.settings)
        for region, contact_list in account.lists.items():
            _make_list(ses, account_id, region, contact_list)
        if account.identity_centers is not None:
            identity_center.declare(account_id)
        for wanted in account.identity_centers or ():
            put_identity_center(identity_center, account_id, wanted.region, wanted)


def package(source: Path) -> bytes:
    """Return a zip with a package's Python files, in a folder of its name; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*.py")):
            name = str(path.relative_to(source.parent))
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), path.read_bytes())
    return buffer.getvalue()


def _variables(ses_rate: float) -> dict[str, dict[str, str]]:
    return {
        ORCHESTRATOR: {
            "CONFIG_BUCKET": CONFIG_BUCKET,
            "RESULTS_BUCKET": RESULTS_BUCKET,
            "WORKER_FUNCTION_NAME": WORKER,
            "ERASURE_SECRET": ERASURE_SECRET,
        },
        WORKER: {
            "RESULTS_BUCKET": RESULTS_BUCKET,
            "SES_REQUESTS_PER_SECOND": f"{ses_rate:g}",
            "SES_BURST": str(limits.SES_BURST),
            "ERASURE_SECRET": ERASURE_SECRET,
        },
    }


def _hub_policies() -> dict[str, list[dict[str, Any]]]:
    """Return the statements of the two functions' roles: as deployed, for any role and any object of the config."""
    results_bucket = f"arn:aws:s3:::{RESULTS_BUCKET}"
    return {
        ORCHESTRATOR: hub_policies.orchestrator_statements(
            config_bucket=f"arn:aws:s3:::{CONFIG_BUCKET}",
            config_keys=["*"],
            results_bucket=results_bucket,
            functions=[f"{_FUNCTIONS}:{WORKER}", f"{_FUNCTIONS}:{ORCHESTRATOR}"],
            erasure_secret=_ERASURE_ARN,
            notify_topic=NOTIFY_TOPIC,
        ),
        WORKER: hub_policies.worker_statements(
            partition="aws", role_patterns=["*"], results_bucket=results_bucket, erasure_secret=_ERASURE_ARN
        ),
    }


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _role_arns(config: Any) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield (customer code, key, ARN, ExternalId) for everything in config.json that names a role."""
    mappings = config.get("customer_mappings") if isinstance(config, Mapping) else None
    for code, customer in (mappings if isinstance(mappings, Mapping) else {}).items():
        if not isinstance(customer, Mapping):
            continue
        for key, external_key in (
            ("ses_role_arn", "external_id"),
            ("identity_center_role_arn", "identity_center_external_id"),
        ):
            text, external_id = customer.get(key), customer.get(external_key)
            if isinstance(text, str) and text:
                yield code, key, text, external_id if isinstance(external_id, str) else None


def _customer_trust(own: ScenarioRole | None, external_id: str | None) -> dict[str, Any]:
    trusted = [WORKER_ROLE_ARN] if own is None or own.trust is None else own.trust
    wanted_id = external_id if own is None else own.external_id
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    if wanted_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": wanted_id}}
    return _document([statement])


def _customer_policy(wanted: _WantedRole) -> dict[str, Any]:
    statements: list[dict[str, Any]] = []
    account_id = wanted.role.account_id
    for action in ACTIONS.values():
        if "ses_role_arn" in wanted.keys:
            buckets: list[str | None] = [*sorted(wanted.import_buckets)]
            for bucket in buckets or [None]:
                statements += policy_statements(
                    action,
                    partition="aws",
                    region="*",
                    account_id=account_id,
                    role_arn=wanted.role.text,
                    import_bucket=bucket,
                )
        if "identity_center_role_arn" in wanted.keys:
            statements += identity_center_statements(action.identity_center_permissions, partition="aws", store_id=None)
    return _document(statements)


def _make_list(ses: StrictSes, account_id: str, region: str, wanted: ScenarioList) -> None:
    ses.create_list(account_id, region, wanted.name, description=wanted.description, topics=wanted.topics)
    if isinstance(wanted.contacts, GeneratedContacts):
        generate_contacts(ses, (account_id, region), wanted.name, wanted.contacts)
        return
    lines = "\n".join(json.dumps(record) for record in wanted.contacts)
    ses.fill(account_id, region, wanted.name, bulk.parse_import_lines(lines.encode()))
