"""A prune removes topics with everybody's choices; whoever restores an older backup has what was saved since heeded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ses_fleet import clock
from ses_fleet.actions.params import BackupListParams, RestoreListParams, RestoreTopicsParams
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.actions import backup_list, restore_list, restore_topics
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.test_manage_topic import IN, OUT, everybody, manage, wanted
from tests.unit.worker.world import ACCOUNT, REGION, World

PEOPLE = [f"p{n}@x.example" for n in range(4)]
SLOW: dict[str, Any] = {"budget": 7.0, "per_second": 1}


@pytest.fixture(autouse=True)
def _minutes_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups say when they were made: here a minute after the one before."""
    began, looked = datetime(2026, 3, 1, tzinfo=UTC), iter(range(1_000_000))
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(minutes=next(looked)))


def saved(**conditions: Any) -> World:
    """Everybody is opted in to `out`, the list is saved, and then some change their minds, or come."""
    world = World(*(ContactRecord(email, (("out", "OPT_IN"),)) for email in PEOPLE), **conditions)
    world.run(backup_list.run, BackupListParams(), run_id="saved")
    choose(world, PEOPLE[0], "OPT_OUT")
    world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": "new@x.example"})
    choose(world, "new@x.example", "OPT_OUT")
    return world


def choose(world: World, email: str, status: str) -> None:
    """Somebody's own choice about `out`."""
    preference = {"TopicName": "out", "SubscriptionStatus": status}
    request = {"ContactListName": "main", "EmailAddress": email, "TopicPreferences": [preference]}
    world.ses.call(ACCOUNT, REGION, "UpdateContact", {**request, "UnsubscribeAll": False})
    world.time.sleep(10.0)  # long enough for every read to show it


def prune(world: World, run_id: str = "prune") -> None:
    """`out` goes, with everybody's preference for it."""
    manage(world, IN, prune=True, run_id=run_id)
    world.time.sleep(10.0)


def restore(world: World, run_id: str = "back", *, overwrite: bool = False, **options: Any) -> None:
    """The list as it was saved."""
    parameters = RestoreListParams(backup="saved", overwrite_unsubscribes=overwrite)
    world.run(restore_list.run, parameters, run_id=run_id, **options)


def chosen(world: World) -> dict[str, str | None]:
    """What everybody has said about `out`."""
    return {email: state["preferences"].get("out") for email, state in everybody(world).items()}


@pytest.mark.parametrize("options", [{}, SLOW])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_was_refused_before_a_prune_is_refused_after_a_restore(overwrite: bool, options: dict[str, Any]) -> None:
    """Also of who came after the backup; unless undoing that is asked for by name."""
    world = saved()
    prune(world)
    restore(world, overwrite=overwrite, **options)
    assert chosen(world) == {
        PEOPLE[0]: "OPT_IN" if overwrite else "OPT_OUT",
        **dict.fromkeys(PEOPLE[1:], "OPT_IN"),
        "new@x.example": None if overwrite else "OPT_OUT",
    }


@pytest.mark.parametrize("seed", range(5))
def test_reads_that_lag_behind_the_restores_own_writes_change_nothing_of_that(seed: int) -> None:
    """A contact that is refused again and then restored is seen as it was before both."""
    world = saved(read_lag_seconds=2.0, seed=seed)
    prune(world)
    restore(world)
    world.time.sleep(10.0)
    assert chosen(world)[PEOPLE[0]] == "OPT_OUT"
    assert chosen(world)["new@x.example"] == "OPT_OUT"


def test_it_is_heeded_when_the_list_is_gone_too() -> None:
    """Who is made anew is made with it; who is not in the backup stays away."""
    world = saved()
    prune(world)
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    restore(world)
    assert chosen(world) == {PEOPLE[0]: "OPT_OUT", **dict.fromkeys(PEOPLE[1:], "OPT_IN")}


def test_the_last_word_before_the_last_prune_counts() -> None:
    """Refused before one prune and wanted again before the next one is wanted."""
    world = saved()
    prune(world, "first")
    world.run(restore_topics.run, RestoreTopicsParams(backup="first"), run_id="back-1")
    choose(world, PEOPLE[0], "OPT_IN")
    choose(world, PEOPLE[1], "OPT_OUT")
    prune(world, "second")
    restore(world, "back-2")
    assert (chosen(world)[PEOPLE[0]], chosen(world)[PEOPLE[1]]) == ("OPT_IN", "OPT_OUT")


def test_an_older_prunes_topics_come_back_with_what_was_refused_since() -> None:
    """restore-topics of the first of two prunes."""
    world = saved()
    prune(world, "first")
    world.run(restore_topics.run, RestoreTopicsParams(backup="first"), run_id="back-1")
    choose(world, PEOPLE[2], "OPT_OUT")
    prune(world, "second")
    world.run(restore_topics.run, RestoreTopicsParams(backup="first"), run_id="back-2")
    assert chosen(world) == {
        PEOPLE[0]: "OPT_OUT",
        PEOPLE[1]: "OPT_IN",
        PEOPLE[2]: "OPT_OUT",
        PEOPLE[3]: "OPT_IN",
        "new@x.example": "OPT_OUT",
    }


def test_a_choice_that_the_list_has_is_newer_than_any_prune() -> None:
    """The topic came back by itself, and somebody opted in to it."""
    world = saved()
    prune(world)
    manage(world, IN, OUT, run_id="again")
    choose(world, PEOPLE[0], "OPT_IN")
    restore(world)
    assert chosen(world)[PEOPLE[0]] == "OPT_IN"


def test_an_older_prune_than_the_backup_says_nothing() -> None:
    """What was wanted when the list was saved comes back as it was."""
    world = World(ContactRecord(PEOPLE[0], (("out", "OPT_OUT"),)))
    prune(world)
    world.run(restore_topics.run, RestoreTopicsParams(backup="prune"), run_id="back-1")
    choose(world, PEOPLE[0], "OPT_IN")
    world.run(backup_list.run, BackupListParams(), run_id="saved")
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    restore(world)
    assert chosen(world) == {PEOPLE[0]: "OPT_IN"}


def test_a_manifest_that_cannot_be_understood_is_a_warning() -> None:
    """Nobody knows what it says; another account's, after a move, says nothing of this list."""
    world = saved()
    prune(world)
    key = "backups/acme/prune/backup.json"
    world.objects.written["backups/acme/broken/backup.json"] = b"{}"
    other = world.objects.written[key].replace(ACCOUNT.encode(), b"999999999999")
    world.objects.written["backups/acme/moved/backup.json"] = other
    restore(world)
    assert chosen(world)[PEOPLE[0]] == "OPT_OUT"
    told = [text for text in world.warnings if "cannot be understood" in text]
    assert [text.partition(" ")[0] for text in told] == ["s3://results/backups/acme/broken/backup.json"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_who_adds_a_topic_that_a_prune_removed_is_told_where_its_refusals_are(dry_run: bool) -> None:
    """The topic comes with its default for everybody, also for who had refused it."""
    world = saved()
    prune(world, "first")
    world.run(restore_topics.run, RestoreTopicsParams(backup="first"), run_id="back")
    prune(world, "second")
    world.warnings.clear()
    manage(world, IN, OUT, wanted("other"), run_id="again", dry_run=dry_run)
    (told,) = world.warnings
    assert told.startswith(f"out {'would come' if dry_run else 'came'} back without the preferences that people had")
    assert told.endswith("restore-topics with backup second brings them back")
    world.warnings.clear()
    manage(world, IN, OUT, wanted("other"), wanted("more"), run_id="more", dry_run=dry_run)
    assert [text.partition(" ")[0] for text in world.warnings] == (["out"] if dry_run else [])


def test_a_warning_that_cannot_be_made_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The topics are as they should be."""
    world = saved()
    prune(world)

    def failing(*_: Any) -> list[str]:
        raise AwsCallError("s3", "list_objects_v2", "refused", "AccessDenied", "no", 403)

    monkeypatch.setattr(Bucket, "folders", failing)
    assert manage(world, IN, OUT, run_id="again").data["added"] == ["out"]
    assert any("could not be listed (AccessDenied)" in text for text in world.warnings)
