"""Least privilege, both ways: every action succeeds with the roles as deployed, and each single grant is needed.

Each grant is taken out of a warm deployment, and the one action that shows it is run; before that, with the grant, it
succeeds. Where SES or S3 refuse an import job's parts, people are created one by one and a warning says why: that
warning is the proof then. So is that of a customer who is not started for want of a lease, and that of a role whose
version cannot be read.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from infra import names
from ses_fleet.actions.catalogue import ACTIONS
from tests.deploy import account
from tests.deploy.account import CALENDAR, OLD
from tests.deploy.deployment import CUSTOMER, ERASURE_SECRET, PEOPLE, Deployment
from tests.deploy.grants import Grant, Role
from tests.local_cloud.conftest import HUB

# The first test waits for the deployment, on a machine that may be busy.
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(300)]

ACME = {"customer_code": "acme"}
_numbers = itertools.count()
Prepare = Callable[[Deployment], dict[str, Any]]


def fresh_id() -> str:
    """A run's id that nobody had."""
    return f"least-{time.time_ns()}-{next(_numbers)}"


def action(name: str, **more: Any) -> dict[str, Any]:
    """A payload for the one customer."""
    return {"action": name, **ACME, **more}


def on_a_list(name: str, **more: Any) -> Prepare:
    """An action on a list with one contact."""

    def prepare(made: Deployment) -> dict[str, Any]:
        account.with_list(made.cloud, "one@corp.example")
        return action(name, **more)

    return prepare


def making_a_list(made: Deployment) -> dict[str, Any]:
    """manage-topic where there is none."""
    account.without_list(made.cloud)
    return action("manage-topic")


def changing_topics(made: Deployment) -> dict[str, Any]:
    """manage-topic where a topic is missing."""
    account.with_list(made.cloud, topics=(OLD,))
    return action("manage-topic")


def restoring_a_tagged_list(made: Deployment) -> dict[str, Any]:
    """restore-list into an account that has none any more."""
    account.with_list(made.cloud, "one@corp.example", topics=(CALENDAR,), tagged=True)
    backup = fresh_id()
    assert made.invoke(**action("backup-list", run_id=backup))["exit_code"] == 0
    account.without_list(made.cloud)
    return action("restore-list", params={"backup": backup})


def importing(people: int, *there: str, **more: Any) -> Prepare:
    """An import of so many people into a list with these contacts."""

    def prepare(made: Deployment) -> dict[str, Any]:
        account.with_list(made.cloud, *there)
        account.with_people(made.cloud, people)
        account.forget_imports(made)
        return action("import-aws-contact", **more)

    return prepare


def pruning(made: Deployment) -> dict[str, Any]:
    """An import after somebody left."""
    assert made.invoke(**importing(3)(made))["exit_code"] == 0
    account.with_people(made.cloud, 2)
    return action("import-aws-contact", prune=True)


def finding(people: int) -> Prepare:
    """A search for so many people: few are asked for one by one, more by pages of the suppression list."""

    def prepare(made: Deployment) -> dict[str, Any]:
        account.with_list(made.cloud, "p0@corp.example")
        return action("find-contact", people=account.people_file(made, *(f"p{n}@corp.example" for n in range(people))))

    return prepare


def suppressing(*, present: bool) -> Prepare:
    """One address is put on the suppression list, or taken off it."""

    def prepare(made: Deployment) -> dict[str, Any]:
        email, wanted = "p0@corp.example", {"reason": "BOUNCE"} if present else {"state": "absent"}
        account.with_suppressed(made.cloud, *([] if present else [email]))
        return action("set-suppressed", people=account.people_file(made, {"email": email, **wanted}))

    return prepare


def checking_health(made: Deployment) -> dict[str, Any]:
    """check-health of an account that is well."""
    account.with_identity(made.cloud)
    return action("check-health")


def importing_who_was_erased(made: Deployment) -> dict[str, Any]:
    """An import of ten people, of whom the last was erased; no other import here has so many."""
    account.with_tombstone(made, "p9@corp.example")
    return importing(10)(made)


def erasing(made: Deployment) -> dict[str, Any]:
    """An erasure of somebody whose address is suppressed, too: somebody new each time, as who was erased stays so."""
    email = f"erased{next(_numbers)}@corp.example"
    account.with_list(made.cloud, email)
    account.with_secret(made)
    suppressed = {"EmailAddress": email, "Reason": "BOUNCE"}
    made.cloud.client("sesv2", account=CUSTOMER).put_suppressed_destination(**suppressed)
    params = {"confirm_people": 1, "suppression": "erase"}
    return action("erase-contact", people=account.people_file(made, email), params=params)


@dataclass(frozen=True)
class Proof:
    """The run that shows that a grant is needed, and the customer's `status` without: only "failed" has an error."""

    prepare: Prepare
    status: str = "failed"


BY_JOB = importing(6)
CUSTOMERS_GRANTS = {
    "cloudwatch:GetMetricData": Proof(checking_health),
    "iam:ListRoleTags": Proof(on_a_list("validate-access"), "successful"),
    "s3:DeleteObject": Proof(BY_JOB, "successful"),
    "s3:PutObject": Proof(BY_JOB, "successful"),
    "ses:CreateContact": Proof(importing(2)),
    "ses:CreateContactList": Proof(making_a_list),
    "ses:CreateImportJob": Proof(BY_JOB, "successful"),
    "ses:DeleteContact": Proof(pruning),
    "ses:DeleteSuppressedDestination": Proof(suppressing(present=False)),
    "ses:GetAccount": Proof(on_a_list("validate-access")),
    "ses:GetContact": Proof(on_a_list("backup-list", params={"with_attributes": True})),
    "ses:GetContactList": Proof(on_a_list("describe-list")),
    "ses:GetEmailIdentity": Proof(checking_health),
    "ses:GetImportJob": Proof(BY_JOB),
    "ses:GetSuppressedDestination": Proof(finding(1)),
    "ses:ListContactLists": Proof(on_a_list("describe-list")),
    "ses:ListContacts": Proof(on_a_list("describe-list")),
    "ses:ListEmailIdentities": Proof(checking_health),
    "ses:ListImportJobs": Proof(BY_JOB),
    "ses:ListSuppressedDestinations": Proof(finding(4)),
    "ses:PutSuppressedDestination": Proof(suppressing(present=True)),
    "ses:TagResource": Proof(restoring_a_tagged_list),
    "ses:UpdateContact": Proof(importing(1, "p0@corp.example", params={"sync_topics": True})),
    "ses:UpdateContactList": Proof(changing_topics),
}
PEOPLES_GRANTS = (
    "identitystore:ListGroupMemberships",
    "identitystore:ListGroups",
    "identitystore:ListUsers",
    "sso:ListInstances",
)
SECRET = f"{ERASURE_SECRET}-??????"
WORKERS_GRANTS: dict[Grant, Proof] = {
    ("s3:GetObject", "results/backups/*"): Proof(restoring_a_tagged_list),
    ("s3:GetObject", "results/data/*"): Proof(importing(2)),
    ("s3:GetObject", "results/erased/*"): Proof(importing_who_was_erased),
    ("s3:GetObject", "results/leases/*"): Proof(changing_topics, "not_started"),
    ("s3:GetObjectVersion", "results/data/requests/*"): Proof(finding(1)),
    ("s3:ListBucket", "results"): Proof(importing(2)),  # without it, a record that is not there looks forbidden
    ("s3:PutObject", "results/backups/*"): Proof(on_a_list("backup-list")),
    ("s3:PutObject", "results/data/*"): Proof(on_a_list("list-contacts")),
    ("s3:PutObject", "results/erased/*"): Proof(erasing),
    ("s3:PutObject", "results/leases/*"): Proof(changing_topics, "not_started"),
    ("secretsmanager:GetSecretValue", SECRET): Proof(importing_who_was_erased),
    ("sts:AssumeRole", "*contact-importer"): Proof(importing(2)),
    ("sts:AssumeRole", "*contact-manager"): Proof(on_a_list("describe-list")),
}
# What Lambda does on a function's behalf; the template's tests assert it.
ON_BEHALF = {
    *("logs:CreateLogStream", "logs:PutLogEvents"),
    *("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"),
}


def denied(answer: dict[str, Any], status: str) -> bool:
    """Whether the one customer ended so, and says that it was for want of a permission."""
    (result,) = answer["results"]
    told = result["error"] if status == "failed" else result["warnings"]
    return result["status"] == status and "AccessDenied" in json.dumps(told)


def show(made: Deployment, role: Role, proof: Proof, grant: tuple[str, str | None]) -> None:
    """With the grant it succeeds without a word; without it, it is denied."""
    payload = proof.prepare(made)
    answer = made.invoke(**payload)
    assert answer.get("exit_code") == 0, json.dumps(answer.get("results", answer))
    assert "AccessDenied" not in json.dumps(answer)
    payload = proof.prepare(made)
    with role.without(*grant):
        answer = made.invoke(**payload)
    account.wait_for_lease(made)  # so that the next run, whichever it is, may change the list
    assert denied(answer, proof.status), answer


def test_every_grant_of_a_customers_role_has_its_proof(deployment: Deployment) -> None:
    """Of both templates, as CloudFormation made them; and each is what some action declares."""
    manager = Role(deployment, CUSTOMER, "ses-fleet-contact-manager").actions()
    importer = Role(deployment, PEOPLE, "ses-fleet-contact-importer").actions()
    assert manager == set(CUSTOMERS_GRANTS)
    assert importer == set(PEOPLES_GRANTS)
    declared = {
        one for action in ACTIONS.values() for one in (*action.permissions, *action.identity_center_permissions)
    }
    assert manager | importer == declared


@pytest.mark.parametrize("permission", CUSTOMERS_GRANTS)
def test_a_customers_role_needs_each_permission(permission: str, deployment: Deployment) -> None:
    """The action that declares it is denied without it."""
    role, proof = Role(deployment, CUSTOMER, "ses-fleet-contact-manager"), CUSTOMERS_GRANTS[permission]
    name = proof.prepare(deployment)["action"]
    assert permission in ACTIONS[name].permissions
    show(deployment, role, proof, (permission, None))


@pytest.mark.parametrize("permission", PEOPLES_GRANTS)
def test_the_role_of_identity_center_needs_each_permission(permission: str, deployment: Deployment) -> None:
    """No import without it."""
    role = Role(deployment, PEOPLE, "ses-fleet-contact-importer")
    show(deployment, role, Proof(importing(2)), (permission, None))


@pytest.mark.parametrize("grant", WORKERS_GRANTS, ids=" ".join)
def test_the_worker_needs_each_grant(grant: Grant, deployment: Deployment) -> None:
    """On each resource by itself."""
    show(deployment, Role(deployment, HUB, names.Names().worker), WORKERS_GRANTS[grant], grant)


def test_every_grant_of_the_functions_has_its_proof(deployment: Deployment) -> None:
    """As deployed; but for what Lambda does on their behalf."""

    def own(name: str) -> set[Grant]:
        return {grant for grant in Role(deployment, HUB, name).grants() if grant[0] not in ON_BEHALF}

    assert own(names.Names().worker) == set(WORKERS_GRANTS)
    assert own(names.Names().orchestrator) == set(ORCHESTRATORS_GRANTS)


# Brings the deployment into a state, and gives the question to ask then: what the orchestrator says.
Ask = Callable[[Deployment], Callable[[], str]]


def running(**payload: Any) -> Ask:
    """A run that is refused, or whose customers fail, says why."""
    return lambda made: lambda: said(made.invoke(**payload))


def said(answer: dict[str, Any]) -> str:
    """The refusal, or the customers' errors."""
    return str(answer.get("errorMessage")) + json.dumps([one["error"] for one in answer.get("results", [])])


def naming_a_new_run(made: Deployment) -> Callable[[], str]:
    """It is looked up first."""
    return lambda: said(made.invoke(action="describe-list-all", run_id=fresh_id()))


def naming_an_old_run(made: Deployment) -> Callable[[], str]:
    """Its state is the answer."""
    request = {"action": "describe-list-all", "run_id": fresh_id()}
    assert made.invoke(**request)["exit_code"] == 0
    return lambda: said(made.invoke(**request))


def naming_an_old_persons_run(made: Deployment) -> Callable[[], str]:
    """Whose run it is, is read from where names lie."""
    account.with_list(made.cloud)
    account.with_people(made.cloud, 1)
    request = action("import-aws-contact", params={"username": "p0"}, run_id=fresh_id())
    assert made.invoke(**request)["exit_code"] == 0
    return lambda: said(made.invoke(**request))


def missing_ses_config(made: Deployment) -> Callable[[], str]:
    """It is said to be missing; without s3:ListBucket it looks forbidden."""
    place = {"Bucket": made.outputs["ConfigBucket"], "Key": "SESConfig.json"}

    def ask() -> str:
        body = made.cloud.s3.get_object(**place)["Body"].read()
        made.cloud.s3.delete_object(**place)
        try:
            return said(made.invoke(action="manage-topic-all", dry_run=True))
        finally:
            made.cloud.s3.put_object(**place, Body=body)

    return ask


# An invocation with these has no time to start anybody.
NO_TIME = {"START_MARGIN_SECONDS": "31", "RETURN_MARGIN_SECONDS": "0.5"}


def going_on(made: Deployment) -> Callable[[], str]:
    """An invocation that has no time to start anybody hands the run to another one, or says why it cannot."""

    def ask() -> str:
        with made.cloud.variables(names.Names().orchestrator, timeout=30, **NO_TIME):
            answer = made.invoke(action="describe-list-all", on_deadline="continue", include=["acme"])
        return json.dumps(answer["warnings"])

    return ask


def ending_later(**payload: Any) -> Ask:
    """A run that went on in another invocation says in its Summary what that one could not read again."""

    def prepare(made: Deployment) -> Callable[[], str]:
        def ask() -> str:
            with made.cloud.variables(names.Names().orchestrator, timeout=30, **NO_TIME):
                answer = made.invoke(on_deadline="continue", include=["acme"], **payload)
            return json.dumps(made.waits_for(f"runs/{answer['run_id']}/summary.json"))

        return ask

    return prepare


def reaped(made: Deployment, run_id: str) -> str:
    """What the reaper says of a run that it could not end or take from the index of open runs."""
    said: list[str] = []

    def is_done() -> bool:
        answer = made.invoke(reap=True)
        said.extend(one for one in answer["failed"] if run_id in one)
        return bool(said) or not made.cloud.keys(f"open/{run_id}/")

    made.waits_until(is_done)
    return "".join(said)


def losing_a_run(made: Deployment) -> Callable[[], str]:
    """A run whose orchestrator is killed before anybody is sent is closed by what its signs of life say."""
    kill = {"operation": "PutObject", "path": "plan.json", "fault": "kill_after", "times": 1}

    def ask() -> str:
        run_id = fresh_id()
        with made.cloud.variables(names.Names().orchestrator, DEAD_AFTER_SECONDS="3"):
            with made.cloud.faults(kill):
                killed = made.invoke(action="describe-list-all", run_id=run_id, include=["acme"])
            assert killed["errorType"] == "Runtime.ExitError", killed
            return reaped(made, run_id)

    return ask


def ending_a_run(made: Deployment) -> Callable[[], str]:
    """A run that is over leaves the index of open runs, by its own hand or by the reaper's."""

    def ask() -> str:
        with made.cloud.variables(names.Names().orchestrator, DEAD_AFTER_SECONDS="3"):
            answer = made.invoke(action="describe-list-all", include=["acme"])
            assert answer["exit_code"] == 0, answer
            return reaped(made, answer["run_id"])

    return ask


def finding_somebody(made: Deployment) -> Callable[[], str]:
    """A run for people reads whom it is for; it is refused when it cannot."""
    payload = finding(1)(made)
    return lambda: said(made.invoke(**payload))


def finding_somebody_later(made: Deployment) -> Callable[[], str]:
    """Its next invocation reads the same file again."""
    payload = finding(1)(made)

    def ask() -> str:
        with made.cloud.variables(names.Names().orchestrator, timeout=30, **NO_TIME):
            answer = made.invoke(on_deadline="continue", **payload)
        return json.dumps(made.waits_for(f"runs/{answer['run_id']}/summary.json")["warnings"])

    return ask


def erasing_somebody(made: Deployment) -> Callable[[], str]:
    """Without the key it is refused; a receipt that cannot be written, or count the copies, is a warning."""

    def ask() -> str:
        answer = made.invoke(**erasing(made))
        return said(answer) + json.dumps(answer.get("warnings"))

    return ask


def erasing_unheard(made: Deployment) -> Callable[[], str]:
    """A receipt whose answer was lost is read back."""

    def ask() -> str:
        with made.cloud.faults({"operation": "PutObject", "path": "receipts/", "fault": "drop_after", "times": 1}):
            return json.dumps(made.invoke(**erasing(made)).get("warnings"))

    return ask


READS_TOPICS = {"action": "manage-topic-all", "dry_run": True}
ORCHESTRATORS_GRANTS: dict[Grant, Ask] = {
    ("lambda:InvokeFunction", names.Names().orchestrator): going_on,
    ("lambda:InvokeFunction", names.Names().worker): running(action="describe-list-all", include=["acme"]),
    ("s3:DeleteObject", "results/open/*"): ending_a_run,
    ("s3:GetObject", "config/SESConfig.json"): running(**READS_TOPICS),
    ("s3:GetObject", "config/config.json"): running(action="describe-list-all"),
    ("s3:GetObject", "results/data/*/_personal/*"): naming_an_old_persons_run,
    ("s3:GetObject", "results/data/requests/*"): finding_somebody,
    ("s3:GetObject", "results/open/*"): losing_a_run,
    ("s3:GetObject", "results/runs/*"): naming_an_old_run,
    ("s3:GetObjectVersion", "config/SESConfig.json"): ending_later(**READS_TOPICS),
    ("s3:GetObjectVersion", "config/config.json"): ending_later(action="describe-list-all"),
    ("s3:GetObjectVersion", "results/data/requests/*"): finding_somebody_later,
    ("s3:ListBucket", "config"): missing_ses_config,
    ("s3:ListBucket", "results"): naming_a_new_run,
    ("s3:PutObject", "results/data/*/_personal/*"): running(**action("import-aws-contact", params={"username": "p0"})),
    ("s3:ListBucketVersions", "results"): erasing_somebody,
    ("s3:PutObject", "results/receipts/*"): erasing_somebody,
    ("s3:GetObject", "results/receipts/*"): erasing_unheard,
    ("secretsmanager:GetSecretValue", SECRET): erasing_somebody,
    ("s3:PutObject", "results/open/*"): running(action="describe-list-all"),
    ("s3:PutObject", "results/runs/*"): running(action="describe-list-all"),
}


@pytest.mark.parametrize("grant", ORCHESTRATORS_GRANTS, ids=" ".join)
def test_the_orchestrator_needs_each_grant(grant: Grant, deployment: Deployment) -> None:
    """What it answers speaks of a denial without the grant, and only then."""
    ask = ORCHESTRATORS_GRANTS[grant](deployment)
    assert "AccessDenied" not in ask()
    with Role(deployment, HUB, names.Names().orchestrator).without(*grant):
        assert "AccessDenied" in ask()
