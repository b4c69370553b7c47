"""A customer's block: what each action writes of itself, line by line, as people read it in the log and the record."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.config.topics import WantedTopic
from strict_aws.ses.jobs import ImportJobSettings
from tests.unit.worker.by_name import act
from tests.unit.worker.imports import everybody, importing, leave, with_people
from tests.unit.worker.world import ACCOUNT, REGION, World, contact

TOPICS = (
    WantedTopic(name="in", display_name="In 2", description="d", default_status="OPT_OUT"),
    WantedTopic(name="new", display_name="New", description="", default_status="OPT_IN"),
)
NO_LIST = "📋 Customer acme: no contact list in this account and Region"


def back(action: str) -> str:
    """The line with the command that restores what was saved."""
    return f"   ses-fleet invoke {action} --customer-code acme --param backup=run-1"


def people(count: int) -> World:
    """A list of so many contacts: the first unsubscribed, every second one without `in`."""
    return World(*(contact(n, {"in": "OPT_OUT"} if n % 2 else {}, unsubscribed=n == 0) for n in range(count)))


def block(world: World, action: str, params: dict[str, Any] | None = None, **options: Any) -> list[str]:
    """The lines of one run."""
    world.lines.clear()
    act(world, action, params, **options)
    return world.lines


COUNTS = [
    "   in (default OPT_IN): 1 opted in, 2 opted out",
    "   out (default OPT_OUT): 0 opted in, 3 opted out",
    "👥 Customer acme: 3 contacts, 1 unsubscribed from everything",
]


@pytest.mark.parametrize(
    ("action", "lines"),
    [
        ("describe-list", ["📋 Customer acme: contact list main, 2 topics", *COUNTS]),
        ("describe-topics", COUNTS),
        ("list-contacts", ["👥 Customer acme: 3 contacts of main written in 1 parts"]),
        (
            "backup-list",
            ["💾 Customer acme: 3 contacts and 2 topics of main saved; to bring them back:", back("restore-list")],
        ),
    ],
)
def test_reading_actions_say_what_they_read(action: str, lines: list[str]) -> None:
    """The list and its numbers; an account without a list is said to be one."""
    assert block(people(3), action) == lines
    assert block(World(made=False), action) == [NO_LIST]


@pytest.mark.parametrize(
    ("action", "done"),
    [
        ("describe-list", "counted"),
        ("describe-topics", "counted"),
        ("list-contacts", "written"),
        ("backup-list", "saved"),
    ],
)
def test_a_slice_that_is_not_the_last_says_how_far_it_came(action: str, done: str) -> None:
    """So many contacts so far."""
    lines = block(people(3_500), action, budget=1.5, per_second=1.0)
    assert lines[0].startswith(f"⏳ Customer acme: 3500 contacts {done} so far; ")
    assert sum(line.startswith("⏳") for line in lines) == 1


def test_without_counting_no_number_is_said() -> None:
    """Only the topics and their defaults."""
    assert block(people(3), "describe-list", {"count_contacts": False}) == [
        "📋 Customer acme: contact list main, 2 topics",
        "   in (default OPT_IN)",
        "   out (default OPT_OUT)",
    ]


def test_what_is_done_with_each_topic_is_said() -> None:
    """Added, changed with what and how, kept or removed; in a dry run, what would be."""
    changed = 'display_name: "In" → "In 2"; default_status: "OPT_IN" → "OPT_OUT")'
    assert block(people(3), "manage-topic", topics=TOPICS) == [
        "   Topics:",
        "   - new (added)",
        f"   - in (changed; {changed}",
        "   - out (not in SESConfig.json, kept)",
    ]
    assert block(people(3), "manage-topic", topics=TOPICS, dry_run=True) == [
        "🔄 Customer acme:",
        "   Would manage topics:",
        "   - new (add)",
        '     display name: "New", description: none, default: OPT_IN',
        f"   - in (change; {changed}",
        "   - out (not in SESConfig.json, kept)",
    ]
    assert block(people(3), "manage-topic", topics=TOPICS, prune=True) == [
        "💾 Customer acme: preferences of 0 contacts for out saved; to bring them back:",
        back("restore-topics"),
        "   Topics:",
        "   - new (added)",
        f"   - in (changed; {changed}",
        "   - out (removed)",
    ]


def test_a_list_that_is_made_is_said_to_be() -> None:
    """By the name that it gets."""
    topics = ["   - in (added)", "   - new (added)"]
    assert block(World(made=False), "manage-topic", topics=TOPICS) == [
        "📋 Customer acme: Created the contact list main-contact-list",
        "   Topics:",
        *topics,
    ]
    assert block(World(made=False), "manage-topic", topics=TOPICS, dry_run=True)[:3] == [
        "📋 Customer acme: Would create the contact list main-contact-list",
        "🔄 Customer acme:",
        "   Would manage topics:",
    ]


def test_a_restore_says_what_became_of_the_contacts() -> None:
    """Created, updated, unchanged; of topics, who is missing instead."""
    world = people(4)
    act(world, "backup-list", run_id="saved")
    world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": "c2@x.example"})
    dry = block(world, "restore-list", {"backup": "saved"}, run_id="r1", dry_run=True)
    assert dry == ["♻️  Customer acme: Would restore main; contacts: 1 created, 0 updated, 3 unchanged"]
    done = block(world, "restore-list", {"backup": "saved"}, run_id="r2")
    assert done == ["♻️  Customer acme: Restored main; contacts: 1 created, 0 updated, 3 unchanged"]
    world = World(*(contact(n, {"out": "OPT_IN"}) for n in range(4)))
    act(world, "manage-topic", topics=TOPICS[:1], prune=True, run_id="pruned")
    world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": "c2@x.example"})
    done = block(world, "restore-topics", {"backup": "pruned"}, run_id="r3")
    assert done == ["♻️  Customer acme: Restored out; contacts: 3 updated, 0 unchanged, 1 missing"]


IMPORT = [
    "🔐 Customer acme: Using Identity Center role from config: arn:aws:iam::999988887777:role/ic",
    "📊 Customer acme: Retrieving Identity Center data via role assumption",
]


def test_an_import_says_whence_and_whom() -> None:
    """In the order in which it happens; a dry run, what it would do."""
    world = people(2)
    here = with_people(world, "a@x.example", "b@x.example")
    importing(world, here, dry_run=True, run_id="dry")
    assert world.lines == [
        *IMPORT,
        "✅ Customer acme: Retrieved 2 users and 0 group memberships",
        "👤 Customer acme: 2 contacts are not in Identity Center and stay",
        "🔍 Customer acme: Would import contacts: 2 created, 0 updated, 0 removed, 0 unchanged",
    ]
    world.lines.clear()
    importing(world, here)
    assert world.lines == [
        *IMPORT,
        "✅ Customer acme: Retrieved 2 users and 0 group memberships",
        "📥 Customer acme: Importing contacts to SES",
        "👤 Customer acme: 2 contacts are not in Identity Center and stay",
        "✅ Customer acme: Successfully imported contacts",
        "👥 Customer acme: 2 created, 0 updated, 0 removed, 0 unchanged",
    ]


def test_an_import_job_that_is_over_says_what_it_processed() -> None:
    """And how many SES refused."""
    world = World()
    importing(world, with_people(world, *everybody(40)))
    assert "📦 Customer acme: import job over: 40 records processed, 0 failed" in world.lines


def test_an_import_that_waits_for_others_jobs_says_so_once() -> None:
    """However often it looks."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(processing_seconds=100.0))
    destination = {"ContactListDestination": {"ContactListName": "main", "ContactListImportAction": "PUT"}}
    world.customer_objects.written["k"] = b'{"emailAddress": "z@x.example"}'
    source = {"S3Url": "s3://b/k", "DataFormat": "JSON"}
    request = {"ImportDestination": destination, "ImportDataSource": source}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", request)
    importing(world, with_people(world, "a@x.example"))
    waiting = [line for line in world.lines if "waiting" in line]
    assert waiting == ["⏳ Customer acme: waiting for 1 import job(s) running in this account"]
    assert world.asked.count("ListImportJobs") > 3


def test_an_import_that_prunes_says_whom_it_saved() -> None:
    """By number, before they go."""
    world = World()
    people = leave(world, *everybody(9))
    world.lines.clear()
    importing(world, people, prune=True)
    assert world.lines[-1] == "👥 Customer acme: 0 created, 0 updated, 1 removed, 9 unchanged"
    saved = "💾 Customer acme: 1 contacts that are to be removed saved; to bring them back:"
    assert world.lines[world.lines.index(saved) + 1] == back("restore-list")


def test_an_import_over_slices_says_how_far_it_came() -> None:
    """The counts so far, of every slice."""
    world = World()
    importing(world, with_people(world, *everybody(12)), budget=4.0, per_second=1.0)
    going_on = [line for line in world.lines if line.startswith("⏳")]
    assert len(going_on) == world.slices - 1 > 1
    assert " created, 0 updated, 0 removed, 0 unchanged so far; " in going_on[-1]
    assert sum("Using Identity Center role" in line for line in world.lines) == 1


def test_who_is_left_out_is_counted_by_reason() -> None:
    """In the last line."""
    world = World()
    importing(world, with_people(world, "a@x.example", "A@x.example", "typo"))
    assert world.lines[-1].endswith(
        "1 created, 0 updated, 0 removed, 0 unchanged, 1 skipped (duplicate), 1 skipped (invalid_email)"
    )
