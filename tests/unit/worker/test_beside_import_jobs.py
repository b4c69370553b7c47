"""Actions that write beside an import job: it goes on when its run's lease is over, so it is looked for first."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.actions.params import BackupListParams, Params, RestoreListParams, RestoreTopicsParams
from ses_fleet.errors import AwsCallError, NotStartedError
from ses_fleet.worker.actions import backup_list, manage_topic, restore_list, restore_topics
from strict_aws.ses.jobs import ImportJobSettings
from tests.unit.worker.test_manage_topic import IN, OUT
from tests.unit.worker.world import ACCOUNT, REGION, Fault, World, contact

WRITES = {"CreateContactList", "UpdateContactList", "CreateContact", "UpdateContact", "DeleteContact"}
ACTIONS: dict[str, Any] = {
    "restore-list": lambda world, **item: world.run(
        restore_list.run, RestoreListParams(backup="saved"), run_id="now", **item
    ),
    "restore-topics": lambda world, **item: world.run(
        restore_topics.run, RestoreTopicsParams(backup="pruned"), run_id="now", **item
    ),
    "manage-topic": lambda world, **item: world.run(
        manage_topic.run, Params(), topics=(IN,), prune=True, run_id="now", **item
    ),
}


@pytest.fixture
def world() -> World:
    """A list that was saved and lost a topic and got another one."""
    made = World(contact(1, {"out": "OPT_IN"}), contact(2))
    made.run(backup_list.run, BackupListParams(), run_id="saved")
    made.run(manage_topic.run, Params(), topics=(IN,), prune=True, run_id="pruned")
    other = OUT.model_copy(update={"name": "other"})
    made.run(manage_topic.run, Params(), topics=(IN, other), run_id="more")
    made.asked.clear()
    return made


def start_job(world: World, **settings: Any) -> None:
    """Another program's."""
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(**settings))
    world.customer_objects.written["k"] = b'{"emailAddress": "z@x.example"}'
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    source = {"S3Url": "s3://b/k", "DataFormat": "JSON"}
    request = {"ImportDestination": destination, "ImportDataSource": source}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", request)


@pytest.mark.parametrize("name", ACTIONS)
def test_beside_a_running_job_nothing_is_begun(name: str, world: World) -> None:
    """It is named; no request but the look is sent."""
    start_job(world, processing_seconds=1000.0)
    (job,) = world.ses.call(ACCOUNT, REGION, "ListImportJobs", {})["ImportJobs"]
    with pytest.raises(NotStartedError, match=job["JobId"]):
        ACTIONS[name](world)
    assert world.asked == ["ListImportJobs"]


@pytest.mark.parametrize("name", ACTIONS)
def test_a_job_that_is_over_is_no_obstacle_and_looked_for_once(name: str, world: World) -> None:
    """In the first of many slices, at the price of one request."""
    start_job(world, created_seconds=0, processing_seconds=0)
    world.ses.advance_import_jobs()
    ACTIONS[name](world, budget=9.0, per_second=1.0)
    assert world.slices > 3
    assert world.asked.count("ListImportJobs") == 1
    assert WRITES & set(world.asked)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_role_from_before_is_a_warning(name: str, world: World) -> None:
    """Customers deploy their roles when they like: what worked before works."""
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "list_import_jobs":
            raise AwsCallError("sesv2", operation, "refused", "AccessDeniedException", "no", 403)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    ACTIONS[name](world)
    assert any("does not allow ses:ListImportJobs" in warning for warning in world.warnings)
    assert WRITES & set(world.asked)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_look_that_fails_otherwise_is_a_failure(name: str, world: World) -> None:
    """SES that does not answer may be about to write."""
    world.client.faults.update({number: Fault("lost") for number in range(1, 10)})
    with pytest.raises(AwsCallError):
        ACTIONS[name](world)
    assert not WRITES & set(world.asked)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_slice_that_is_too_short_for_the_look_begins_nothing(name: str, world: World) -> None:
    """Nothing ran, so it says so."""
    with pytest.raises(NotStartedError, match="did not say in time"):
        ACTIONS[name](world, budget=0.001)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_dry_run_does_not_look(name: str, world: World) -> None:
    """It writes nothing."""
    start_job(world, processing_seconds=1000.0)
    ACTIONS[name](world, dry_run=True)
    assert "ListImportJobs" not in world.asked


def test_topics_that_are_only_added_or_changed_do_not_meet_a_job(world: World) -> None:
    """Without prune nothing that a job writes can be lost."""
    start_job(world, processing_seconds=1000.0)
    world.run(manage_topic.run, Params(), topics=(IN, OUT), run_id="now")
    assert "ListImportJobs" not in world.asked
