"""Walks over listings: complete whatever the pages, and right when a continuation token is refused on the way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.actions.params import BackupListParams, DescribeListParams, ListContactsParams, Params, RestoreListParams
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import backups, contact_list, pagination
from ses_fleet.worker.actions import (
    backup_list,
    describe_list,
    describe_topics,
    list_contacts,
    manage_topic,
    restore_list,
)
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.context import ActionContext, More, Outcome, State
from ses_fleet.worker.identity_center import instances
from ses_fleet.worker.importing import jobs
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.restore import CurrentContacts
from ses_fleet.worker.topic_backup import TopicBackup
from tests.unit.worker.imports import meanwhile
from tests.unit.worker.scripted import Answer, Pages, Scripted, refused
from tests.unit.worker.world import ACCOUNT, REGION, World, contact, done_with

MADE = datetime(2026, 1, 1, tzinfo=UTC)
TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}
KEPT = WantedTopic(name="kept", display_name="Kept", description="", default_status="OPT_IN")


def person(number: int) -> Answer:
    """A contact as SES shows it; every third opted out, every fifth left altogether."""
    status = "OPT_OUT" if number % 3 == 0 else "OPT_IN"
    return {
        "EmailAddress": f"c{number}@x.example",
        "TopicPreferences": [{"TopicName": "news", "SubscriptionStatus": status}],
        "UnsubscribeAll": number % 5 == 0,
        "LastUpdatedTimestamp": 1_790_000_000 + number,
    }


class Account(World):
    """A list in pages; `contacts` is its listing. `made` are the times at which it was made, look by look."""

    def __init__(self, pages: list[list[int]], then: list[list[int]] | None = None) -> None:
        super().__init__(made=False)
        first = [[person(number) for number in page] for page in pages]
        self.contacts = Pages("Contacts", first, then and [[person(number) for number in page] for page in then])
        self.made: list[datetime | None] = [MADE]
        self.aws = Scripted(
            {
                "list_contact_lists": lambda _: {"ContactLists": [{"ContactListName": "main"}]},
                "get_contact_list": self._list,
                "list_contacts": self.contacts,
                "list_import_jobs": lambda _: {"ImportJobs": []},
                "get_contact": lambda asked: person(int(asked["EmailAddress"][1:].partition("@")[0])),
                "update_contact_list": lambda _: {},
            }
        )
        self.client.call = self.aws.call  # type: ignore[method-assign]

    def _list(self, _: Answer) -> Answer:
        made = self.made.pop(0) if len(self.made) > 1 else self.made[0]
        return {"ContactListName": "main", "Topics": [TOPIC], "CreatedTimestamp": made}

    def records_below(self, location: str | None) -> list[Any]:
        """Every record of every part below a location."""
        if location is None:
            return []
        prefix = location.removeprefix("s3://results/")
        found = [body for key, body in sorted(self.objects.written.items()) if key.startswith(prefix)]
        text = "".join(gzip.decompress(body).decode() for body in found if body[:2] == b"\x1f\x8b")
        return [json.loads(line) for line in text.splitlines()]


def _reading(action: Any, params: Any) -> Callable[[Account, float], Any]:
    def read(account: Account, budget: float) -> Any:
        done = account.run(action, params, budget=budget, per_second=1.0)
        return {**done.data, "parts": 0}, account.records_below(done.data_location)

    return read


def _backup(action: Any, params: Any, kind: Any, least: float = 1.5, **item: Any) -> Callable[[Account, float], Any]:
    """What a restore would read of it. A slice of `least` seconds gets something done."""

    def read(account: Account, budget: float) -> Any:
        account.run(action, params, budget=max(budget, least), per_second=1.0, **item)
        context = account.context()
        manifest = backups.load(context, "run-1", kind)
        found = [record for part in range(1, manifest.parts + 1) for record in backups.records(context, manifest, part)]
        assert manifest.contacts == len(found)
        return found

    return read


def _harvest(account: Account, budget: float) -> Any:
    def action(context: ActionContext, _: Any, state: State) -> Outcome:
        snapshot = ListSnapshot(context, "listing", state)
        try:
            snapshot.open()
            found = snapshot.run(lambda contact: not contact["email"].startswith("c1"))
        except SliceTimeoutError:
            return More(snapshot.state())
        return done_with({"found": found, "total": snapshot.total})

    return account.data(action, None, budget=budget, per_second=1.0)


def _listing(account: Account, _: float) -> Any:
    """Restores keep it in memory, so it is read within one slice."""
    known = CurrentContacts()
    known.read(account.context(), contact_list.ContactList(name="main"), None)
    return vars(known)


def _prune(context: ActionContext, params: Any, state: State) -> Outcome:
    """manage-topic up to the point where everything is saved that a prune would lose."""
    try:
        # This list changes when it is walked again, which the look right before the removal would take for choices.
        with patch.object(TopicBackup, "compare"):
            return manage_topic.run(context, params, state)
    except CustomerError as failure:
        if failure.type != "NotAsWritten":
            raise
        return done_with({})


READERS: dict[str, Callable[[Account, float], Any]] = {
    "describe-list": _reading(describe_list.run, DescribeListParams()),
    "describe-topics": _reading(describe_topics.run, Params()),
    "list-contacts": _reading(list_contacts.run, ListContactsParams()),
    "list-contacts, filtered": _reading(list_contacts.run, ListContactsParams(topic="news", status="OPT_OUT")),
    "backup-list": _backup(backup_list.run, BackupListParams(), "list"),
    "backup-list with attributes": _backup(backup_list.run, BackupListParams(with_attributes=True), "list", 2.5),
    "manage-topic with prune": _backup(_prune, Params(), "topics", 7.0, prune=True, topics=(KEPT,)),
    "import": _harvest,
    "restore": _listing,
}

layouts = st.lists(st.lists(st.integers(0, 40), unique=True, max_size=6), min_size=1, max_size=6)


@pytest.mark.parametrize("name", READERS)
@given(
    pages=layouts,
    then=layouts,
    refusal=st.integers(1, 5),
    budget=st.sampled_from([1.5, 2.5, 7.0, 1000.0]),
    part=st.sampled_from([1, 4 * 1024 * 1024]),
)
@settings(max_examples=40, deadline=None)
def test_one_refused_token_changes_nothing(
    name: str, pages: list[list[int]], then: list[list[int]], refusal: int, budget: float, part: int
) -> None:
    """Whatever the pages, the slices and the parts written so far: what comes out is the list as it was read last.

    Between the two walks everything may have changed; nobody of the first one is counted or named.
    """
    with patch.object(limits, "PART_BYTES", part):
        account = Account(pages, then)
        account.contacts.refused = {refusal}
        found = READERS[name](account, budget)
        was_refused = account.contacts.was_refused
        assert found == READERS[name](Account(then if was_refused else pages), 1000.0)
        assert was_refused or refusal >= len(pages)


def lists(context: ActionContext) -> Any:
    """ListContactLists, as far as the walk goes: an account has one list, which may be on a later page."""
    return contact_list.first_name(context)


WALKS: dict[str, tuple[str, str, Callable[[ActionContext], Any], list[list[Any]]]] = {
    "list_contact_lists": ("list_contact_lists", "ContactLists", lists, [[], [], [{"ContactListName": "main"}]]),
    "list_import_jobs": (
        "list_import_jobs",
        "ImportJobs",
        jobs.look,
        [[{"JobId": f"{n}", "JobStatus": "PROCESSING"}] for n in range(4)],
    ),
    "list_instances": (
        "list_instances",
        "Instances",
        lambda context: instances(
            context.open_identity_center(IdentityCenter(role_arn="r", region="us-east-1"), "sso-admin")
        ),
        [[{"IdentityStoreId": f"d-{n}", "Status": "ACTIVE"}] for n in range(4)],
    ),
    "list_contacts": (
        "list_contacts",
        "Contacts",
        lambda context: [*_pages(context)],
        [[person(n)] for n in range(4)],
    ),
}


def _pages(context: ActionContext) -> list[Any]:
    found: list[Any] = []
    for page in contact_list.ContactScan({"list": {"name": "main"}}).pages(context, found.clear):
        found += page
    return found


def _walk(name: str, refusals: set[int], code: str = "BadRequestException") -> tuple[Any, Pages]:
    operation, member, read, pages = WALKS[name]
    listing = Pages(member, pages, pages[1:])
    listing.refused, listing.code = refusals, code
    world = World()
    aws = Scripted({operation: listing, "get_contact_list": lambda _: {"ContactListName": "main"}})
    world.client.call = aws.call  # type: ignore[method-assign]
    context = world.context(identity_center=aws)
    return read(context), listing


@pytest.mark.parametrize("code", ["BadRequestException", "ValidationException", "InvalidNextTokenException"])
@pytest.mark.parametrize("name", WALKS)
def test_every_walk_starts_again_once(name: str, code: str) -> None:
    """At whichever page: what comes out is only what the second walk saw."""
    _, _, _, pages = WALKS[name]
    expected, _ = _walk(name, set())
    for refusal in range(1, len(pages)):
        found, listing = _walk(name, {refusal}, code)
        assert listing.firsts == 2
        if name != "list_contact_lists":
            assert found != expected
            assert "d-0" not in str(found)
            assert "c0@" not in str(found)


@pytest.mark.parametrize("name", WALKS)
def test_a_second_refusal_is_the_failure(name: str) -> None:
    """One that says what happened and that it may be tried again."""
    with pytest.raises(CustomerError, match="continuation token was refused") as error:
        _walk(name, {1, 2})
    assert (error.value.category, error.value.retryable) == ("operation", True)


def test_a_second_refusal_is_the_failure_also_slices_later() -> None:
    """That the walk began again once is not forgotten between slices."""
    account = Account([[n] for n in range(20)])
    account.contacts.refused = {3, 12}
    with pytest.raises(CustomerError, match="continuation token was refused"):
        account.run(describe_list.run, DescribeListParams(), budget=1.5, per_second=1.0)
    assert account.slices > 3


@pytest.mark.parametrize("code", ["BadRequestException", "ValidationException"])
def test_a_refusal_of_the_first_page_is_no_restart(code: str) -> None:
    """No token was sent: it is the request that is wrong."""
    account = Account([[1]])

    def refuse(_: Answer) -> Answer:
        raise refused("list_contacts", code)

    account.aws.answers["list_contacts"] = refuse
    with pytest.raises(AwsCallError, match=code):
        account.run(describe_list.run, DescribeListParams())
    assert account.aws.asked.count("list_contacts") == 1


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequests"])
def test_other_refusals_of_a_later_page_are_no_restart(code: str) -> None:
    """Reading again would not help."""
    account = Account([[1], [2]])
    account.contacts.refused, account.contacts.code = {1}, code
    with pytest.raises(AwsCallError, match=code):
        account.run(describe_list.run, DescribeListParams())
    assert account.contacts.firsts == 1


def test_a_token_that_comes_back_is_no_endless_run() -> None:
    """The same token twice in a row would go on for ever."""
    account = Account([[1]])
    account.aws.answers["list_contacts"] = lambda _: {"Contacts": [person(1)], "NextToken": "again"}
    with pytest.raises(CustomerError, match="the same continuation token twice"):
        account.run(describe_list.run, DescribeListParams())


def test_parts_of_an_abandoned_walk_lie_apart() -> None:
    """Where the result says that the contacts are, there are no others; nothing is written over."""
    with patch.object(limits, "PART_BYTES", 1):
        account = Account([[n] for n in range(6)], [[n] for n in range(10, 13)])
        account.contacts.refused = {4}
        done = account.run(list_contacts.run, ListContactsParams())
    assert done.data_location == "s3://results/data/run-1/acme/again-1/"
    assert done.data == {"contact_list": "main", "total": 3, "parts": 3}
    assert [one["email"] for one in account.records_below(done.data_location)] == [
        f"c{n}@x.example" for n in (10, 11, 12)
    ]
    assert len(account.objects.written) == 4 + 3


def test_a_backup_that_began_again_is_restored_from_its_own_parts() -> None:
    """Nobody of the abandoned walk is brought back."""
    with patch.object(limits, "PART_BYTES", 1):
        account = Account([[n] for n in range(6)], [[n] for n in range(10, 13)])
        account.contacts.refused = {4}
        account.run(backup_list.run, BackupListParams())
    target = World()
    target.objects = account.objects
    target.data(restore_list.run, RestoreListParams(backup="run-1"), run_id="run-2")
    page: Any = target.ses.call("111122223333", "us-east-1", "ListContacts", {"ContactListName": "main"})
    assert {one["EmailAddress"] for one in page["Contacts"]} == {f"c{n}@x.example" for n in (10, 11, 12)}


@pytest.mark.parametrize("budget", [2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5])
def test_a_backup_with_attributes_has_everybody_wherever_its_slices_end(budget: float) -> None:
    """Also when one ends after a page was read and before the first of its contacts was."""
    account = Account([[0, 1, 2], [3, 4, 5], [6, 7]])
    found = READERS["backup-list with attributes"](account, budget)
    assert [one["email"] for one in found] == [f"c{n}@x.example" for n in range(8)]
    assert account.slices > 1


@pytest.mark.parametrize("name", [name for name in READERS if name != "restore"])
def test_a_list_that_is_made_anew_under_the_walk_is_a_failure(name: str) -> None:
    """Pages of two lists of one name are no list; nothing says that it was read."""
    account = Account([[1], [2], [3]])
    account.made = [MADE, MADE + timedelta(seconds=5)]
    with pytest.raises(CustomerError, match="was deleted and created again") as error:
        READERS[name](account, 1000.0)
    assert (error.value.type, error.value.retryable) == ("ContactListReplaced", True)
    assert not [key for key in account.objects.written if key.endswith("backup.json")]


@pytest.mark.parametrize("made", [[MADE, None], [None, MADE]])
def test_an_unknown_time_of_making_is_no_difference(made: list[datetime | None]) -> None:
    """SES may leave it out."""
    account = Account([[1], [2]])
    account.made = made
    assert account.data(describe_list.run, DescribeListParams())["contacts"]["total"] == 2


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("page", [1, 2])
def test_a_list_that_vanishes_under_the_walk_is_a_failure(name: str, page: int) -> None:
    """Also on the way to a second page; never an empty or a shorter list."""
    account = Account([[1], [2]])

    def gone(asked: Answer) -> Answer:
        if page == 1 or "NextToken" in asked:
            raise refused("list_contacts", "NotFoundException", 404)
        return account.contacts(asked)

    account.aws.answers["list_contacts"] = gone
    with pytest.raises(CustomerError, match="main of acme was deleted") as error:
        READERS[name](account, 1000.0)
    assert error.value.type == "ContactListVanished"


def test_a_list_that_vanishes_while_its_contacts_are_asked_for_is_no_small_backup() -> None:
    """Each contact is not there then, as if all had left."""
    account = Account([[1, 2, 3]])

    def gone(_: Answer) -> Answer:
        raise refused("get_contact", "NotFoundException", 404)

    account.aws.answers["get_contact"] = gone
    account.made = [MADE, MADE + timedelta(days=1)]
    with pytest.raises(CustomerError, match="was deleted and created again"):
        account.run(backup_list.run, BackupListParams(with_attributes=True))


def test_a_list_that_vanishes_between_two_looks_is_a_failure() -> None:
    """ListContactLists named it, GetContactList has it no more: that is no account without a list."""
    account = Account([[1]])

    def gone(_: Answer) -> Answer:
        raise refused("get_contact_list", "NotFoundException", 404)

    account.aws.answers["get_contact_list"] = gone
    with pytest.raises(CustomerError, match="main of acme was deleted"):
        account.run(describe_list.run, DescribeListParams())


@pytest.mark.parametrize("anew", [False, True])
def test_the_strict_ses_refuses_tokens_like_that(anew: bool) -> None:
    """A list made anew takes no token of the old one; a token that it forgot has everybody counted once."""
    everybody = [contact(number) for number in range(2_500)]
    world = World(*everybody)
    asked: list[str] = []

    def happens(operation: str) -> None:
        asked.append(operation)
        if asked.count("list_contacts") != 2 or operation != "list_contacts":
            return
        if anew:
            world.time.sleep(60)
            world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
            world.ses.create_list(ACCOUNT, REGION, "main", description=None, topics=(TOPIC,))
        else:
            with world.ses._place(ACCOUNT, REGION) as place:
                assert place.contact_list is not None
                place.contact_list.token_key = b"another session"

    meanwhile(world, happens)
    if anew:
        with pytest.raises(CustomerError, match="created again"):
            world.run(describe_list.run, DescribeListParams())
    else:
        found = world.data(describe_list.run, DescribeListParams())
        assert found["contacts"] == {"total": 2_500, "unsubscribed_all": 0}
        assert asked.count("list_contacts") == 2 + 3


def test_one_class_walks_all_listings() -> None:
    """No other code sends a continuation token: it would not know what to do when one is refused."""
    code = Path(pagination.__file__).parent
    assert [file.name for file in code.rglob("*.py") if "NextToken" in file.read_text()] == ["pagination.py"]
