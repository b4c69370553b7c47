"""SES's reads may lag behind its writes: nothing is written, undone or claimed because of an older state."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.actions.params import BackupListParams, Params, RestoreListParams, RestoreTopicsParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import backup_list, manage_topic, restore_list, restore_topics
from ses_fleet.worker.context import More, State
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, everybody, importing, with_people
from tests.unit.worker.test_manage_topic import IN, OUT, manage, topics, wanted, written
from tests.unit.worker.world import ACCOUNT, REGION, Finished, World, dumped

SEEDS = range(8)


@pytest.mark.parametrize("seconds", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_write_is_shown_late_and_believed_then(seconds: float, seed: int) -> None:
    """One write, patiently looked for."""
    world = World(ContactRecord("a@x.example"), read_lag_seconds=seconds, seed=seed)
    data = manage(world, IN, OUT, wanted("new")).data
    assert data["added"] == ["new"]
    assert written(world) == ["UpdateContactList"]


def test_what_is_never_shown_is_not_claimed() -> None:
    """Nobody waits for ever."""
    world = World(ContactRecord("a@x.example"))
    original = world.client.call
    before = original("get_contact_list", ContactListName="main")

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        return before if operation == "get_contact_list" else original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    with pytest.raises(CustomerError, match="does not show the topics") as error:
        manage(world, IN, OUT, wanted("new"))
    assert (error.value.outcome_unknown, error.value.retryable) == (True, True)
    assert written(world) == ["UpdateContactList"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_list_that_was_made_is_not_made_twice(seed: int) -> None:
    """Its making is shown late; the next read must not find that there is none."""
    world = World(made=False, read_lag_seconds=3.0, seed=seed)
    data = manage(world, IN, OUT).data
    assert (data["list_created"], data["added"]) == (True, ["in", "out"])
    assert written(world) == ["CreateContactList"]
    # A run right after it may not see the list at first, and SES takes no second one.
    assert manage(world, IN, OUT, run_id="run-2").data["list_created"] is False
    assert list(topics(world, "main-contact-list")) == ["in", "out"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restore_of_topics_never_takes_them_away_again(seed: int) -> None:
    """Its second write of topics is decided by a list that shows the first."""
    world = World(ContactRecord("a@x.example", (("in", "OPT_OUT"),)), read_lag_seconds=5.0, seed=seed)
    manage(world, OUT, prune=True)
    world.time.sleep(10)
    done = world.run(restore_topics.run, RestoreTopicsParams(backup="run-1"), run_id="run-2", per_second=1)
    assert done.data["topics_added"] == ["in"]
    assert topics(world)["in"] == ("In", "d", "OPT_IN")
    assert contacts(world) == {"a@x.example": ({"in": "OPT_OUT"}, False)}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_list_that_was_just_made_is_imported_into(seed: int) -> None:
    """Right after manage-topic SES may say that there is none: that is asked again before it is believed."""
    world = World(made=False, read_lag_seconds=3.0, seed=seed)
    manage(world, IN, OUT)
    done = importing(world, with_people(world, "a@x.example"), run_id="run-2")
    assert (done.failure, done.data["created"]) == (None, 1)


def test_looking_for_a_list_ends_also_in_slices_that_are_shorter_than_the_pauses() -> None:
    """How often was looked is handed on: an account without a list is told as such, not looked at for ever."""
    world = World(made=False)
    with pytest.raises(CustomerError, match="run manage-topic-all first"):
        importing(world, with_people(world, "a@x.example"), budget=3.0)
    assert world.slices > 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_list_that_a_restore_made_is_found_afterwards(seed: int) -> None:
    """The look at its end does not take the list for gone because a read shows what was before it was made."""
    world = World(ContactRecord("a@x.example", (("in", "OPT_OUT"),)), read_lag_seconds=10.0, seed=seed)
    world.run(backup_list.run, BackupListParams())
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    world.time.sleep(10)
    done = world.run(restore_list.run, RestoreListParams(backup="run-1"), run_id="run-2")
    assert (done.failure, done.data["list_created"]) == (None, True)
    assert contacts(world) == {"a@x.example": ({"in": "OPT_OUT"}, False)}


@pytest.mark.parametrize("seed", SEEDS)
def test_topics_are_restored_into_a_list_that_was_just_made(seed: int) -> None:
    """As into any other: that SES does not show it yet is no failure."""
    world = World(ContactRecord("a@x.example", (("in", "OPT_OUT"),)), read_lag_seconds=3.0, seed=seed)
    manage(world, OUT, prune=True)
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    world.time.sleep(3)
    manage(world, OUT, run_id="run-2")
    done = world.run(restore_topics.run, RestoreTopicsParams(backup="run-1"), run_id="run-3")
    assert (done.data["topics_added"], done.data["contacts"]["missing"]) == (["in"], 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_shown_late_after_an_import_job_is_not_called_missing(seed: int) -> None:
    """The list is read again over a while before anybody is said to have failed."""
    world = World(read_lag_seconds=2.0, seed=seed)
    done = importing(world, with_people(world, *everybody(60)))
    assert (done.data["created"], done.data["failed"]) == (60, 0)


def test_an_import_job_that_is_not_shown_yet_is_asked_for_again() -> None:
    """Right after its start SES may say that there is none."""
    world = World()
    original, left = world.client.call, [2]

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "get_import_job" and left[0]:
            left[0] -= 1
            raise AwsCallError("sesv2", operation, "refused", "NotFoundException", "x", 404)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    assert importing(world, with_people(world, *everybody(60))).data["created"] == 60


def slice_by_slice(world: World, stop_after: str, **item: Any) -> Finished:
    """Run manage-topic in slices; the first one ends right after the first such call."""
    original, stopped = world.client.call, [False]
    state: State = {}
    budget = [1_000.0]

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == stop_after and not stopped[0]:
            stopped[0] = True
            world.time.now += budget[0]
        return answer

    world.client.call = call  # type: ignore[method-assign]
    while True:
        outcome = manage_topic.run(world.context(budget=budget[0], **item), Params(), state)
        if not isinstance(outcome, More):
            return Finished(dumped(outcome), outcome.data_location, outcome.failure)
        state = outcome.state


def test_a_slice_that_ends_right_after_a_write_says_what_was_written() -> None:
    """The next slice finds everything done, and the result says who did it."""
    world = World(made=False)
    done = slice_by_slice(world, "create_contact_list", topics=(IN, OUT))
    assert (done.data["list_created"], done.data["added"], done.data["unchanged"]) == (True, ["in", "out"], [])
    world = World(ContactRecord("a@x.example", (("out", "OPT_IN"),)))
    changed = IN.model_copy(update={"display_name": "Inside"})
    done = slice_by_slice(world, "update_contact_list", topics=(changed, wanted("new")), prune=True)
    assert (done.data["added"], done.data["removed"], done.data["unchanged"]) == (["new"], ["out"], [])
    assert done.data["updated"] == [{"topic": "in", "field": "display_name", "from": "In", "to": "Inside"}]
    assert done.data_location == "s3://results/backups/acme/run-1/"
