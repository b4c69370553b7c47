"""Deployed again, destroyed, and deployed anew: customers' roles go on trusting ours, and data stays where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import names
from tests.deploy import account
from tests.deploy.deployment import CONTEXT, Deployment, deployed, newly_deployed
from tests.local_cloud.conftest import HUB

# Two or three deployments each, on a machine that may be busy.
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(300)]


@pytest.fixture
def own_deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One that this test may take apart."""
    with deployed(tmp_path_factory.mktemp("redeploy")) as made:
        yield made


def worker_role_id(made: Deployment) -> str:
    """IAM's unique id of the worker's role."""
    return str(made.cloud.client("iam").get_role(RoleName=names.Names().worker)["Role"]["RoleId"])


def test_a_life_of_the_stack(own_deployment: Deployment) -> None:
    """An update takes effect; a destroyed stack leaves its buckets; a new one is trusted by who trusted the old.

    Backups are copied over as docs/operating.md says, and the new deployment restores from them.
    """
    made = own_deployment
    account.with_list(made.cloud, "one@corp.example")
    assert made.invoke(action="describe-list-all")["exit_code"] == 0
    assert made.invoke(action="backup-list", customer_code="acme", run_id="before")["exit_code"] == 0

    changed: dict[str, Any] = {**CONTEXT, "worker": {**CONTEXT["worker"], "memory_mb": 352}, "schedules": []}
    made.deploy(changed)
    assert made.cloud.lambda_.get_function_configuration(FunctionName=names.Names().worker)["MemorySize"] == 352
    assert made.invoke(action="describe-list-all")["exit_code"] == 0

    old, before = dict(made.outputs), worker_role_id(made)
    made.cdk("destroy", "--force")
    functions = [one["FunctionName"] for one in made.cloud.lambda_.list_functions()["Functions"]]
    assert not {names.Names().orchestrator, names.Names().worker} & set(functions)
    kept = made.cloud.s3.get_object(Bucket=old["ConfigBucket"], Key="config.json")["Body"].read()
    assert set(json.loads(kept)["customer_mappings"]) == {"acme", "looked-at"}
    assert made.cloud.s3.list_objects_v2(Bucket=old["ResultsBucket"], Prefix="runs/")["KeyCount"] > 0

    made.deploy({**CONTEXT, "config_bucket": old["ConfigBucket"]})
    assert made.outputs["ConfigBucket"] == old["ConfigBucket"]
    assert made.outputs["ResultsBucket"] != old["ResultsBucket"]
    assert worker_role_id(made) != before, "IAM knows the new role by another id"
    answer = made.invoke(action="describe-list-all")
    assert (answer["exit_code"], answer["successful_count"]) == (0, 2), answer

    account.without_list(made.cloud)
    places = [f"s3://{bucket}/backups/" for bucket in (old["ResultsBucket"], made.outputs["ResultsBucket"])]
    made.aws("s3", "sync", *places)
    answer = made.invoke(action="restore-list", customer_code="acme", params={"backup": "before"})
    assert answer["exit_code"] == 0, answer
    assert account.addresses(made.cloud) == {"one@corp.example"}


def test_what_fires_at_the_first_deployment_needs_no_configuration_or_is_refused(tmp_path: Path) -> None:
    """The reaper's first look succeeds. A schedule with rate() starts no run without config.json: one dead letter."""
    with newly_deployed(tmp_path) as made:
        made.waits_until(lambda: len(made.reports()) == 2)
        assert sorted(one["status"] for one in made.reports()) == ["error", "success"]
        (looked,) = [line for line in made.cloud.log_messages(names.Names().orchestrator) if '"reaper"' in line]
        assert json.loads(looked)["reaper"]["failed"] == []
        letter = made.letter()
        assert made.letters() == []
        assert letter["requestPayload"]["action"] == "manage-topic-all"
        assert letter["responsePayload"]["errorType"] == "ConfigurationError"
        assert "config.json does not exist (NoSuchKey)" in letter["responsePayload"]["errorMessage"]
        made.onboard_all()
        made.configure()
        account.with_list(made.cloud)
        assert made.invoke(action="describe-list-all")["exit_code"] == 0


def test_a_deployment_that_is_refused_changes_nothing(own_deployment: Deployment) -> None:
    """A wrong context is one message, and the stack that is there goes on."""
    broken = {**CONTEXT, "role_patterns": ["*"], "log_days": 2}
    with pytest.raises(AssertionError) as error:
        own_deployment.deploy(broken)
    assert 'context "ses-fleet": $.log_days: must be one of' in str(error.value)
    assert 'context "ses-fleet": $.role_patterns[0]: "*" would let the worker assume nearly every role' in str(
        error.value
    )
    account.with_list(own_deployment.cloud)
    assert own_deployment.invoke(action="describe-list-all")["exit_code"] == 0
    assert (
        own_deployment.cloud.client("iam")
        .get_role(RoleName=names.Names().worker)["Role"]["Arn"]
        .startswith(f"arn:aws:iam::{HUB}:role/")
    )
