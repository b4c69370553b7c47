"""People change their minds at every possible moment of every action that writes: their last word holds.

The one exception is the named window, between SES answering the last read and taking the write that follows it at once:
SES's updates take no precondition. It is counted here, and nothing else may overwrite anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ses_fleet.actions.params import BackupListParams, RestoreListParams, RestoreTopicsParams
from ses_fleet.worker.actions import backup_list, restore_list, restore_topics
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, importing, known_before, with_people
from tests.unit.worker.moments import Moment, Moments, since, windows
from tests.unit.worker.people_rows import removing, setting
from tests.unit.worker.test_manage_topic import IN, OUT, manage, topics
from tests.unit.worker.world import ACCOUNT, REGION, Fault, World

PEOPLE = [f"p{n}@x.example" for n in range(4)]
NEW = [f"new{n:02d}@x.example" for n in range(30)]
WRITES = {"update_contact", "delete_contact"}
# At SES's own rate, in slices that end on the way.
SLOW: dict[str, Any] = {"budget": 7.0, "per_second": 1}


@dataclass(frozen=True)
class Story:
    """An action that writes: the world it begins in, and the run. `who` may change their minds meanwhile."""

    prepare: Callable[..., World]
    run: Callable[[World], object]
    who: tuple[str, ...]


def opting_in(**conditions: Any) -> World:
    """People whom an import opts in to a topic of their role; and whom it removes."""
    others = (ContactRecord(f"o{n}@x.example") for n in range(20))
    world = World(*map(ContactRecord, PEOPLE), *others, **conditions)
    known_before(world, *PEOPLE)
    return world


def opt_in_and_prune(world: World) -> None:
    """The first two stay and are opted in, the others have left."""
    people = with_people(world, *PEOPLE[:2], roles={"dba": ["u0", "u1"]})
    importing(world, people, sync_topics=True, prune=True, run_id="import", **SLOW)


def empty(**conditions: Any) -> World:
    """A list with nobody in it."""
    world = World(**conditions)
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=1, processing_seconds=1))
    return world


def one_by_one(world: World) -> None:
    """New people, made one by one."""
    importing(world, with_people(world, *NEW[:3], roles={"dba": ["u0"]}), run_id="import", **SLOW)


def by_job(world: World) -> None:
    """New people, by an import job."""
    importing(world, with_people(world, *NEW, roles={"dba": ["u0"]}), run_id="import", budget=20.0, per_second=1)


def setting_those_there(world: World) -> None:
    """People who are in the list are opted in, and their attributes merged."""
    rows = [{"email": email, "opt_in": ["out"], "attributes": {"n": 1}} for email in (PEOPLE[0], PEOPLE[3])]
    setting(world, *rows, run_id="set", **SLOW)


def setting_one_by_one(world: World) -> None:
    """New people, made one by one."""
    setting(world, *({"email": email, "opt_in": ["out"]} for email in NEW[:3]), run_id="set", **SLOW)


def setting_by_job(world: World) -> None:
    """New people, by an import job."""
    rows = [{"email": email, "opt_in": ["out"]} for email in NEW]
    setting(world, *rows, run_id="set", budget=20.0, per_second=1)


def pruned(**conditions: Any) -> World:
    """A list that lost a topic to a prune that saved it."""
    world = World(*(ContactRecord(email, (("in", "OPT_IN"), ("out", "OPT_IN"))) for email in PEOPLE), **conditions)
    manage(world, IN, prune=True, run_id="saved")
    return world


def changed_since_backup(**conditions: Any) -> World:
    """A list that was saved, and of which everybody was changed since."""
    world = World(*(ContactRecord(email, (("in", "OPT_OUT"), ("out", "OPT_IN"))) for email in PEOPLE), **conditions)
    world.run(backup_list.run, BackupListParams(with_attributes=True), run_id="saved")
    world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord(email, (("out", "OPT_IN"),)) for email in PEOPLE])
    world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": PEOPLE[-1]})
    return world


STORIES = {
    "import: opt in and prune": Story(opting_in, opt_in_and_prune, (PEOPLE[0], PEOPLE[3])),
    "import: one by one": Story(empty, one_by_one, (NEW[0], NEW[2])),
    "import: by job": Story(empty, by_job, (NEW[0],)),
    "set-contacts": Story(opting_in, setting_those_there, (PEOPLE[0], PEOPLE[3])),
    "set-contacts: one by one": Story(empty, setting_one_by_one, (NEW[0], NEW[2])),
    "set-contacts: by job": Story(empty, setting_by_job, (NEW[0],)),
    "remove-contacts": Story(
        opting_in,
        lambda world: removing(world, PEOPLE[0], PEOPLE[3], run_id="remove", **SLOW),
        (PEOPLE[0], PEOPLE[3]),
    ),
    "restore-topics": Story(
        pruned,
        lambda world: world.run(restore_topics.run, RestoreTopicsParams(backup="saved"), run_id="back", **SLOW),
        (PEOPLE[0], PEOPLE[3]),
    ),
    "restore-list": Story(
        changed_since_backup,
        lambda world: world.run(restore_list.run, RestoreListParams(backup="saved"), run_id="back", **SLOW),
        (PEOPLE[0], PEOPLE[3]),
    ),
}


def unsubscribe(world: World, email: str) -> None:
    """The person unsubscribes from everything; somebody who is not in the list comes and does."""
    request = {"ContactListName": "main", "EmailAddress": email, "UnsubscribeAll": True}
    if email not in contacts(world):
        world.ses.call(ACCOUNT, REGION, "CreateContact", request)
    else:
        world.ses.call(ACCOUNT, REGION, "UpdateContact", request)


def job_window(passed: list[Moment], lag: float) -> set[int]:
    """From the last look at the list before an import job's start until it is over, SES shows nothing of its effect."""
    starts = [n for n, one in enumerate(passed) if (one.what, one.name) == ("before", "create_import_job")]
    if not starts:
        return set()
    look = max(n for n in range(starts[-1]) if (passed[n].what, passed[n].name) == ("after", "list_contacts"))
    over = max(n for n, one in enumerate(passed) if one.name == "get_import_job")
    return since(passed, look, lag) | set(range(look, over + 1))


def failing_once(world: World, kind: str | None) -> World:
    """Every kind of write has no effect the first time."""
    original, left = world.client.call, {*WRITES, "create_contact", "create_import_job", "update_contact_list"}

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation in left:
            left.discard(operation)
            raise Fault(str(kind)).error("sesv2", operation)
        return original(operation, **parameters)

    if kind is not None:
        world.client.call = call  # type: ignore[method-assign]
    return world


def moments_of(story: Story, kind: str | None = None, **conditions: Any) -> list[Moment]:
    """Every moment of a run in which nobody changes their mind."""
    world = failing_once(story.prepare(**conditions), kind)
    moments = Moments(world, None, lambda: None)
    story.run(world)
    return moments.passed


LAG = 2.0
# Reads that lag, optional members that are missing: SES as it is.
AWS: dict[str, Any] = {"read_lag_seconds": LAG, "unset_share": 0.5}
EVERY_TIME = {(None, "kind"), (None, "aws"), ("throttled", "kind")}


@pytest.mark.parametrize(
    ("kind", "conditions"),
    [
        pytest.param(
            kind, conditions, id=f"{kind}-{name}", marks=[] if (kind, name) in EVERY_TIME else pytest.mark.matrix
        )
        for kind in (None, "throttled", "conflict", "unreachable")
        for name, conditions in (("kind", {}), ("aws", AWS))
    ],
)
@pytest.mark.parametrize("name", list(STORIES))
def test_whoever_unsubscribes_at_any_moment_stays_so(name: str, kind: str | None, conditions: dict[str, Any]) -> None:
    """Between any two calls and during any wait, also when writes have no effect at first; the named window apart."""
    story = STORIES[name]
    lag = conditions.get("read_lag_seconds", 0.0)
    overwritten = 0
    for email in story.who:
        for number in range(len(moments_of(story, kind, **conditions))):
            world = failing_once(story.prepare(**conditions), kind)
            moments = Moments(world, number, lambda world=world, email=email: unsubscribe(world, email))  # type: ignore[misc]
            story.run(world)
            if not contacts(world).get(email, ({}, False))[1] and number < len(moments.passed):
                overwritten += 1
                inside = windows(moments.passed, "get_contact", WRITES, email, lag) | job_window(moments.passed, lag)
                assert number in inside, (name, email, number, moments.passed[number - 3 : number + 3])
    # A creation takes no contact's place; whatever updates or replaces one has its window, and here it is seen.
    assert bool(overwritten) == (not name.endswith(": one by one"))


def test_an_opt_out_of_a_topic_that_comes_meanwhile_is_kept_whatever_the_moment() -> None:
    """Somebody adds a topic, and a person opts out of it: neither is lost to a change of topics or a restore."""
    stories: dict[str, Story] = {
        **{name: story for name, story in STORIES.items() if name.startswith("restore")},
        "manage-topic": Story(pruned, lambda world: manage(world, IN, OUT, run_id="m", **SLOW), ()),
    }
    for name, story in stories.items():
        for number in range(len(moments_of(story))):
            world = story.prepare()
            moments = Moments(world, number, lambda world=world: add_topic_and_opt_out(world))  # type: ignore[misc]
            story.run(world)
            inside = windows(moments.passed, "get_contact_list", {"update_contact_list"}, None)
            inside |= windows(moments.passed, "get_contact", WRITES, PEOPLE[0])
            if number not in inside and number < len(moments.passed):
                assert "legal" in topics(world), (name, number, moments.passed[number])
                assert contacts(world)[PEOPLE[0]][0].get("legal") == "OPT_OUT", (name, number)


def test_a_prune_removes_no_opt_out_that_it_has_not_saved() -> None:
    """A topic that comes before the prune looks is one that goes, saved; one that comes later stays."""
    story = Story(pruned, lambda world: manage(world, OUT, prune=True, run_id="m", **SLOW), ())
    for number in range(len(moments_of(story))):
        world = story.prepare()
        moments = Moments(world, number, lambda world=world: add_topic_and_opt_out(world))  # type: ignore[misc]
        story.run(world)
        inside = windows(moments.passed, "get_contact_list", {"update_contact_list"}, None)
        if number not in inside and number < len(moments.passed):
            saved = '"legal":"OPT_OUT"' in world.written_below("backups/acme/m/")
            assert saved or contacts(world)[PEOPLE[0]][0].get("legal") == "OPT_OUT", (number, moments.passed[number])


def add_topic_and_opt_out(world: World) -> None:
    """An administrator adds a topic that everybody gets, and one person opts out of it."""
    answer = world.ses.call(ACCOUNT, REGION, "GetContactList", {"ContactListName": "main"})
    legal = {"TopicName": "legal", "DisplayName": "Legal", "DefaultSubscriptionStatus": "OPT_IN"}
    both = {"ContactListName": "main", "Topics": [*answer["Topics"], legal]}
    world.ses.call(ACCOUNT, REGION, "UpdateContactList", both)
    said = [
        {"TopicName": topic, "SubscriptionStatus": status} for topic, status in contacts(world)[PEOPLE[0]][0].items()
    ]
    said.append({"TopicName": "legal", "SubscriptionStatus": "OPT_OUT"})
    request = {"ContactListName": "main", "EmailAddress": PEOPLE[0], "TopicPreferences": said}
    world.ses.call(ACCOUNT, REGION, "UpdateContact", request)


@pytest.mark.parametrize("kind", [None, "throttled"])
def test_an_opt_out_of_a_topic_that_goes_is_in_the_backup_whatever_the_moment(kind: str | None) -> None:
    """Somebody opts out while a prune saves and removes: a restore leaves them out."""

    def opt_out(world: World) -> None:
        if "out" in topics(world):
            said = [{"TopicName": "out", "SubscriptionStatus": "OPT_OUT"}]
            request = {"ContactListName": "main", "EmailAddress": PEOPLE[0], "TopicPreferences": said}
            world.ses.call(ACCOUNT, REGION, "UpdateContact", request)
            chose.append(world)

    def prepare() -> World:
        return World(*(ContactRecord(email, (("out", "OPT_IN"),)) for email in PEOPLE))

    story = Story(prepare, lambda world: manage(world, IN, prune=True, run_id="m", **SLOW), ())
    inside_seen = 0
    for number in range(len(moments_of(story, kind))):
        world, chose = failing_once(story.prepare(), kind), list[World]()
        moments = Moments(world, number, lambda world=world: opt_out(world))  # type: ignore[misc]
        story.run(world)
        assert "out" not in topics(world)
        passed = list(moments.passed)
        world.run(restore_topics.run, RestoreTopicsParams(backup="m"), run_id="back")
        if chose and contacts(world)[PEOPLE[0]][0]["out"] != "OPT_OUT":
            inside_seen += 1
            write = max(n for n, one in enumerate(passed) if one.name == "update_contact_list")
            look = max(n for n, one in enumerate(passed[:write]) if one.name == "list_contacts")
            assert look <= number <= write, (number, passed[number])
            between = {one.name or one.what for one in passed[look : write + 1]}
            assert between == {"list_contacts", "get_contact_list", "update_contact_list"}
    assert inside_seen
