"""Nobody who was erased comes back: not by an import in any of its ways, nor by a restore."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from ses_fleet import clock
from ses_fleet.actions.params import RestoreListParams
from ses_fleet.aws import secrets
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people.hash_keys import HashKeys
from ses_fleet.runs import keys
from ses_fleet.worker.actions import restore_list
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.by_name import act
from tests.unit.worker.imports import contacts, everybody, importing, known_before, meanwhile, with_people, writes
from tests.unit.worker.people_rows import counted, endings, setting
from tests.unit.worker.test_manage_topic import IN, OUT, manage
from tests.unit.worker.world import ACCOUNT, REGION, SETTINGS, World

SECRET = json.dumps({"current": "k1", "keys": {"k1": base64.b64encode(bytes(32)).decode()}})
WITH_SECRET = SETTINGS.model_copy(update={"erasure_secret": "ses-fleet/erasure"})


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which secrets were read."""
    asked: list[str] = []

    def text(_region: str, secret_id: str) -> str:
        asked.append(secret_id)
        return SECRET

    monkeypatch.setattr(secrets, "read", text)
    return asked


def erase(world: World, *people: str, state: str = "erased", at: str | None = None) -> None:
    """Have their tombstones, since now or this time."""
    at = clock.iso(clock.now()) if at is None else at
    for one in people:
        found = HashKeys.parse(SECRET).hash_of(one)
        body = {"state": state, "key_id": "k1", "hash": found, "run_id": "r", "erased_at": at}
        world.objects.written[keys.tombstone_key(ACCOUNT, REGION, "k1", found)] = json.dumps(body).encode()
    world.settings = WITH_SECRET


@pytest.mark.parametrize(("count", "bucket"), [(3, None), (40, "b"), (40, None)])
def test_an_import_creates_everybody_but_who_was_erased(count: int, bucket: str | None, read: list[str]) -> None:
    """One by one, by an import job, and one by one where there is no bucket; a dry run counts the same."""
    world = World()
    erase(world, "PERSON00001@corp.example", "somebody-else@x.example")
    people = with_people(world, *everybody(count), roles={"dba": ["u0", "u1"]})
    shown = importing(world, people, run_id="dry", dry_run=True, bucket=bucket).data
    done = importing(world, people, bucket=bucket).data
    assert set(contacts(world)) == {one for one in everybody(count) if one != "person00001@corp.example"}
    for data in (shown, done):
        assert (data["created"], data["erased_before"], data["failed"]) == (count - 1, 1, 0)
    assert world.lines[-1].endswith(f"{count - 1} created, 0 updated, 0 removed, 0 unchanged, 1 erased before")
    assert set(read) == {"ses-fleet/erasure"}


def test_an_import_without_tombstones_reads_no_secret(read: list[str]) -> None:
    """Also where one is named; nothing is said of it."""
    world = World()
    world.settings = WITH_SECRET
    done = importing(world, with_people(world, *everybody(3)))
    assert (done.data["created"], done.data["erased_before"], read) == (3, 0, [])
    assert "erased" not in world.lines[-1]


def test_an_import_opts_nobody_in_who_was_erased() -> None:
    """They may have come back by themselves: what they are then is their own choice."""
    world = World(ContactRecord("person00000@corp.example"), ContactRecord("person00001@corp.example"))
    erase(world, "person00001@corp.example")
    people = with_people(world, *everybody(2), roles={"dba": ["u0", "u1"]})
    done = importing(world, people, sync_topics=True)
    assert contacts(world) == {
        "person00000@corp.example": ({"out": "OPT_IN"}, False),
        "person00001@corp.example": ({}, False),
    }
    assert (done.data["updated"], done.data["unchanged"], done.data["erased_before"]) == (1, 0, 1)


def test_who_was_lifted_comes_back() -> None:
    """The tombstone stays, and says so."""
    world = World()
    erase(world, "person00001@corp.example", state="lifted")
    done = importing(world, with_people(world, *everybody(2)))
    assert (done.data["created"], done.data["erased_before"]) == (2, 0)


def ledger(world: World) -> list[str]:
    """The addresses that the import remembers for the next one."""
    return list(json.loads(world.objects.written["backups/identity/acme.json"])["addresses"])


def test_the_record_of_imported_people_does_not_name_who_was_erased() -> None:
    """Whether they are in Identity Center or were, and also after a prune."""
    world = World(*(ContactRecord(f"own{number}@x.example") for number in range(10)))
    known_before(world, "gone@x.example", "left@x.example")
    erase(world, "person00001@corp.example", "gone@x.example")
    people = with_people(world, *everybody(2))
    importing(world, people)
    assert ledger(world) == ["left@x.example", "person00000@corp.example"]
    importing(world, people, run_id="run-2", prune=True)
    assert ledger(world) == ["person00000@corp.example"]


def erased_later(world: World, email: str, operation: str) -> None:
    """Have this person erased after the first such call, as by a run that took the list over between two slices."""

    def happens(called: str) -> None:
        if called == operation:
            erase(world, email)

    meanwhile(world, happens)


@pytest.mark.parametrize("sync_topics", [False, True])
def test_who_is_erased_between_two_slices_is_left_out_of_the_next(sync_topics: bool) -> None:
    """What is to be done was decided before; each slice reads the tombstones anew."""
    there = [ContactRecord(one) for one in everybody(20)] if sync_topics else []
    world = World(*there)
    erased_later(world, "person00019@corp.example", "update_contact" if sync_topics else "create_contact")
    people = with_people(world, *everybody(20), roles={"dba": [f"u{number}" for number in range(20)]})
    done = importing(world, people, sync_topics=sync_topics, budget=10.0, per_second=1)
    assert world.slices > 1
    assert done.data["updated" if sync_topics else "created"] == 19
    assert done.data["erased_before"] == 1
    assert contacts(world).get("person00019@corp.example") == (({}, False) if sync_topics else None)


def restored(world: World, **options: Any) -> dict[str, Any]:
    """The data of a restore of what the run `saved` saved."""
    params = RestoreListParams(backup="saved", overwrite_unsubscribes=options.pop("overwrite", False))
    return world.run(restore_list.run, params, run_id="run-2", **options).data


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_restore_leaves_out_who_was_erased(is_there: bool, overwrite: bool) -> None:
    """Whether they are in the list by now or not, and whatever else is overwritten; a dry run counts the same."""
    world = World(*(ContactRecord(one, (("out", "OPT_IN"),)) for one in everybody(3)))
    act(world, "backup-list", {}, run_id="saved")
    for one in everybody(3):
        world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": one})
    if is_there:
        world.ses.fill(ACCOUNT, REGION, "main", [ContactRecord("person00001@corp.example")])
    erase(world, "Person00001@corp.example")
    counts = {"created": 2, "updated": 0, "unchanged": 0, "erased_before": 1}
    assert restored(world, dry_run=True, overwrite=overwrite)["contacts"] == counts
    assert restored(world, overwrite=overwrite)["contacts"] == counts
    assert contacts(world).get("person00001@corp.example") == (({}, False) if is_there else None)
    assert len(contacts(world)) == (3 if is_there else 2)
    assert world.lines[-1].endswith("2 created, 0 updated, 0 unchanged, 1 erased before")


Run = Callable[[World], Any]
RUNS: dict[str, Run] = {
    "import": lambda world: importing(world, with_people(world, *everybody(3))),
    "import by job": lambda world: importing(world, with_people(world, *everybody(40))),
    "dry run of an import": lambda world: importing(world, with_people(world, *everybody(3)), dry_run=True),
    "restore": restored,
    "dry run of a restore": lambda world: restored(world, dry_run=True),
}


@pytest.mark.parametrize("problem", ["no setting", "another key", "no tombstone", "no secret"])
@pytest.mark.parametrize("name", RUNS)
def test_who_cannot_know_who_is_erased_changes_nothing(
    name: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer fails before its first write to SES, and before the record of imported people is written."""
    world = World(*(ContactRecord(one) for one in everybody(3)))
    act(world, "backup-list", {}, run_id="saved")
    without = world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    assert without == {}
    if "import" in name:
        world.ses.create_list(ACCOUNT, REGION, "main", description=None, topics=[])
    erase(world, "person00001@corp.example")
    if problem == "no setting":
        world.settings = SETTINGS
    if problem == "another key":
        other = SECRET.replace("k1", "k2")
        monkeypatch.setattr(secrets, "read", lambda *_: other)
    if problem == "no tombstone":
        world.objects.written[f"{keys.erased_prefix(ACCOUNT, REGION)}x"] = b""
    if problem == "no secret":
        monkeypatch.setattr(secrets, "read", lambda *_: "nonsense")
    before, there = writes(world), dict(world.objects.written)
    with pytest.raises(CustomerError, match="nothing was changed in this slice"):
        RUNS[name](world)
    assert writes(world) == before
    assert {key for key in world.objects.written if key not in there and not key.startswith("data/")} == set()


@pytest.mark.parametrize(
    ("kind", "code", "category", "told"),
    [
        ("refused", "AccessDeniedException", "configuration", "the function's role may not read it"),
        ("refused", "InvalidRequestException", "configuration", "marked for deletion"),
        ("refused", "ResourceNotFoundException", "configuration", "has no value"),
        ("refused", "NoSecretString", "configuration", "told by Secrets Manager"),
        ("throttled", "ThrottlingException", "operation", "run this customer again"),
        ("lost", "ReadTimeoutError", "operation", "run this customer again"),
    ],
)
def test_a_secret_that_cannot_be_read_says_what_to_do(
    kind: Any, code: str, category: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worth another try where Secrets Manager did not answer, and a matter of the deployment else."""

    def fail(*_: str) -> str:
        raise AwsCallError("secretsmanager", "get_secret_value", kind, code, "told by Secrets Manager")

    monkeypatch.setattr(secrets, "read", fail)
    world = World()
    erase(world, "ada@x.example")
    with pytest.raises(CustomerError, match=told) as error:
        importing(world, with_people(world, *everybody(1)))
    assert (error.value.category, error.value.type) == (category, code)
    assert error.value.retryable == (category == "operation")
    assert "ses-fleet/erasure" in error.value.message


@pytest.mark.parametrize("bucket", ["b", None])
def test_setting_contacts_leaves_out_who_was_erased(bucket: str | None) -> None:
    """They are neither created in any way nor changed, and a dry run counts the same."""
    world = World(ContactRecord(everybody(1)[0], (), True))
    erase(world, *(one.upper() for one in everybody(20)))
    rows = [{"email": one, "opt_in": ["out"]} for one in everybody(60)]
    shown = setting(world, *rows, bucket=bucket, run_id="dry", dry_run=True)
    done = setting(world, *rows, bucket=bucket)
    assert counted(shown) == counted(done) == {"created": 40, "erased_before": 20}
    assert set(contacts(world)) == {everybody(1)[0], *everybody(60)[20:]}
    assert contacts(world)[everybody(1)[0]] == ({}, True)
    assert [endings(world)[line] for line in (1, 20, 21)] == [("erased_before", None)] * 2 + [("created", None)]


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_refusal_that_is_not_set_is_told(dry_run: bool) -> None:
    """Whoever came back by themselves goes on getting mail, though somebody asked to end that."""
    ana, bob, cleo, dora = everybody(4)
    world = World(ContactRecord(ana), ContactRecord(bob))
    erase(world, ana, bob, cleo)
    rows: list[Any] = [
        {"email": ana, "unsubscribe_all": True},
        {"email": bob, "opt_out": ["in"]},
        {"email": cleo, "opt_in": ["in"]},
        {"email": dora, "unsubscribe_all": True},
    ]
    setting(world, *rows, dry_run=dry_run)
    (warning,) = world.warnings
    assert warning.startswith(
        "2 of the people who are to be opted out or unsubscribed were erased and are left as they"
    )
    assert "set-suppressed" in warning


def test_setting_contacts_leaves_out_who_was_erased_since_it_was_planned() -> None:
    """Each slice reads the tombstones again."""
    world = World()
    world.settings = WITH_SECRET

    def happens(operation: str) -> None:
        if operation == "list_contacts":
            erase(world, everybody(9)[8])

    meanwhile(world, happens)
    done = setting(world, *everybody(9), budget=4.0, per_second=1)
    assert counted(done) == {"created": 8, "erased_before": 1}
    assert everybody(9)[8] not in contacts(world)


@pytest.mark.parametrize("action", ["restore-topics", "restore-list"])
def test_who_comes_back_by_themselves_gets_nothing_back(action: str) -> None:
    """Neither what they wanted before they were erased, nor what they refused: no run says more than they do."""
    ana, bob, cleo = everybody(3)
    world = World(ContactRecord(ana, (("out", "OPT_IN"),)), *map(ContactRecord, (bob, cleo)))
    manage(world, IN, prune=True, run_id="first")
    act(world, "restore-topics", {"backup": "first"}, run_id="between")
    act(world, "backup-list", run_id="saved")
    refusal = [{"TopicName": "out", "SubscriptionStatus": "OPT_OUT"}]
    for one in (bob, cleo):
        request = {"ContactListName": "main", "EmailAddress": one, "TopicPreferences": refusal}
        world.ses.call(ACCOUNT, REGION, "UpdateContact", {**request, "UnsubscribeAll": False})
    manage(world, IN, prune=True, run_id="second")
    erase(world, ana, bob)
    backup = "first" if action == "restore-topics" else "saved"
    done = act(world, action, {"backup": backup}, run_id="back")
    assert contacts(world) == {ana: ({}, False), bob: ({}, False), cleo: ({"out": "OPT_OUT"}, False)}
    assert done.data["contacts"]["erased_before"] == (1 if action == "restore-topics" else 2)


@pytest.mark.parametrize("action", ["restore-topics", "restore-list"])
@pytest.mark.parametrize("pruned_since", [False, True])
def test_who_came_back_and_said_no_is_not_subscribed_by_a_topic_that_returns(action: str, pruned_since: bool) -> None:
    """Its default would: what they refused after their erasure is a choice like others. Nothing else comes back."""
    ana, bob, cleo = everybody(3)
    world = World(ContactRecord(ana), ContactRecord(bob, (("in", "OPT_IN"), ("out", "OPT_IN"))), ContactRecord(cleo))
    erase(world, ana, bob, cleo, at="2026-01-01T00:00:00Z")

    def refuses() -> None:
        refusal = [{"TopicName": "in", "SubscriptionStatus": "OPT_OUT"}]
        request = {"ContactListName": "main", "EmailAddress": ana, "TopicPreferences": refusal}
        world.ses.call(ACCOUNT, REGION, "UpdateContact", request)

    if not pruned_since:
        refuses()
    act(world, "backup-list", run_id="saved")
    manage(world, OUT, prune=True, run_id="first")
    if pruned_since:
        act(world, "restore-topics", {"backup": "first"}, run_id="between")
        refuses()
        manage(world, OUT, prune=True, run_id="second")
    world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": cleo})
    backup = "first" if action == "restore-topics" else "saved"
    act(world, action, {"backup": backup}, run_id="back")
    assert contacts(world) == {ana: ({"in": "OPT_OUT"}, False), bob: ({"out": "OPT_IN"}, False)}
