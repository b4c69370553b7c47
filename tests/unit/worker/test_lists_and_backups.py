"""Lists that are gone, made, tagged or described; backups that are damaged, too large, or of somebody else."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import AwsCallError, CustomerError
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.by_name import act
from tests.unit.worker.imports import contacts, meanwhile, writes
from tests.unit.worker.world import ACCOUNT, REGION, World, contact

IN = WantedTopic(name="in", display_name="In", description="d", default_status="OPT_IN")
MANIFEST = "backups/acme/saved/backup.json"


def saved(*people: ContactRecord, **params: Any) -> World:
    """A list that was saved by the run `saved`."""
    world = World(*people)
    act(world, "backup-list", params, run_id="saved")
    return world


def without_list(world: World) -> World:
    """The same account after somebody deleted the list."""
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    return world


def test_an_account_without_a_list_has_nothing_to_be_saved() -> None:
    """Nothing is written, and no backup is named."""
    world = World(made=False)
    done = act(world, "backup-list")
    assert {key: done.data[key] for key in ("contact_list", "topics", "total", "parts", "backup")} == {
        "contact_list": None,
        "topics": 0,
        "total": 0,
        "parts": 0,
        "backup": None,
    }
    assert (done.data_location, world.objects.written) == (None, {})


def test_a_backup_says_what_it_holds() -> None:
    """In its manifest, for whoever restores it: whose it is, the list with its topics, how many, in which parts."""
    world = saved(contact(1), contact(2, {"out": "OPT_IN"}))
    manifest = json.loads(world.objects.written[MANIFEST])
    told = {
        key: manifest[key] for key in ("kind", "run_id", "customer_code", "account_id", "region", "contacts", "parts")
    }
    assert told == {
        "kind": "list",
        "run_id": "saved",
        "customer_code": "acme",
        "account_id": ACCOUNT,
        "region": REGION,
        "contacts": 2,
        "parts": 1,
    }
    assert (manifest["with_attributes"], manifest["walk"], manifest["topics"]) == (False, 0, [])
    assert [topic["name"] for topic in manifest["contact_list"]["topics"]] == ["in", "out"]
    assert manifest["created_at"].endswith("Z")
    world = saved(with_attributes=True)
    assert json.loads(world.objects.written[MANIFEST])["with_attributes"] is True


def test_a_list_is_made_again_with_its_description_and_its_tags() -> None:
    """As they were when it was saved."""
    world = World(made=False)
    world.ses.create_list(ACCOUNT, REGION, "main", description="All of us", topics=[])
    act(world, "backup-list", run_id="saved")
    manifest = json.loads(world.objects.written[MANIFEST])
    manifest["contact_list"]["tags"] = {"team": "mail", "empty": ""}
    world.objects.written[MANIFEST] = json.dumps(manifest).encode()
    without_list(world)
    assert act(world, "restore-list", {"backup": "saved"}, run_id="run-2").data["list_created"] is True
    answer = world.ses.call(ACCOUNT, REGION, "GetContactList", {"ContactListName": "main"})
    assert answer["Description"] == "All of us"
    assert {tag["Key"]: tag["Value"] for tag in answer["Tags"]} == {"team": "mail", "empty": ""}


def test_topics_are_not_restored_without_a_list() -> None:
    """A list of these topics alone would be none that anybody had."""
    world = World(contact(1, {"out": "OPT_IN"}))
    act(world, "manage-topic", topics=(IN,), prune=True, run_id="pruned")
    without_list(world)
    with pytest.raises(CustomerError, match=r"acme .* contact list any more") as error:
        act(world, "restore-topics", {"backup": "pruned"}, run_id="run-2")
    assert (error.value.category, error.value.type) == ("operation", "NoContactList")


@pytest.mark.parametrize("body", [b'{"mail": "a@x.example"}\n', b'{"email": 5}\n'])
def test_a_backup_with_a_record_of_nobody_restores_nothing(body: bytes) -> None:
    """It is damaged, whatever else is in it."""
    world = saved(contact(1))
    (part,) = [key for key in world.objects.written if key.endswith("contacts-00001.jsonl.gz")]
    world.objects.written[part] = gzip.compress(b'{"email": "a@x.example", "preferences": {}}\n' + body)
    before = writes(world)
    with pytest.raises(CustomerError, match="is damaged") as error:
        act(world, "restore-list", {"backup": "saved"}, run_id="run-2")
    assert (error.value.type, writes(world)) == ("DamagedData", before)


def test_an_object_that_is_larger_than_any_of_ours_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else put it there; its size is told."""
    world = saved(contact(1))
    monkeypatch.setattr(limits, "MAX_PART_BYTES", len(world.objects.written[MANIFEST]) - 1)
    with pytest.raises(CustomerError, match=rf"{MANIFEST} has {len(world.objects.written[MANIFEST])} bytes") as error:
        act(world, "restore-list", {"backup": "saved"}, run_id="run-2")
    assert (error.value.category, error.value.type) == ("operation", "DamagedData")


def test_an_object_that_is_there_already_is_never_written_over() -> None:
    """Of a backup, whatever is in the way; it may be tried again, as every backup has a folder of its own."""
    world = World(contact(1))
    original = world.objects.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "put_object" and parameters["Key"].endswith("backup.json"):
            world.objects.written[parameters["Key"]] = b"another's"
        return original(operation, **parameters)

    world.objects.call = call  # type: ignore[method-assign]
    with pytest.raises(
        CustomerError, match=r"s3://results/backups/acme/saved/backup\.json .* not overwritten"
    ) as error:
        act(world, "backup-list", run_id="saved")
    assert (error.value.type, error.value.retryable) == ("ObjectExists", True)
    assert world.objects.written[MANIFEST] == b"another's"


@pytest.mark.parametrize(("kind", "retryable"), [("refused", False), ("server", True)])
def test_what_cannot_be_written_is_told_with_its_place(kind: Any, retryable: bool) -> None:
    """The policy is looked at where it was refused; where S3 failed, the run is tried again."""
    world = World(contact(1))
    world.objects.refusal = AwsCallError("s3", "put_object", kind, "X", "no", 403 if kind == "refused" else 500)
    with pytest.raises(CustomerError, match=r"could not write s3://results/data/run-1/acme/.* \(X\): ") as error:
        act(world, "list-contacts")
    assert error.value.retryable is retryable
    assert ("check the worker role's policy" in error.value.message) is not retryable


def test_contacts_who_leave_while_attributes_are_read_are_left_out() -> None:
    """They are no failure; every other failure of a contact is one."""
    world = World(contact(1), contact(2))
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "get_contact" and parameters["EmailAddress"] == "c1@x.example":
            raise AwsCallError("sesv2", operation, "refused", "NotFoundException", "no", status)
        return original(operation, **parameters)

    world.client.call = call  # type: ignore[method-assign]
    status = 404
    assert act(world, "backup-list", {"with_attributes": True}, run_id="one").data["total"] == 1
    status = 403
    with pytest.raises(AwsCallError):
        act(world, "backup-list", {"with_attributes": True}, run_id="two")


def test_attributes_and_the_address_are_in_a_backup_that_was_asked_to_have_them() -> None:
    """And in no other."""
    people = [ContactRecord("a@x.example", (), attributes='{"a": 1}')]
    world = saved(*people, with_attributes=True)
    assert world.written() == [
        {"email": "a@x.example", "preferences": {}, "unsubscribed_all": False, "attributes": '{"a": 1}'}
    ]
    assert saved(*people).written() == [{"email": "a@x.example", "preferences": {}, "unsubscribed_all": False}]


def gone_after(world: World, operation: str) -> None:
    """Have somebody delete the list after the first answer to this operation."""
    done: list[str] = []

    def happens(asked: str) -> None:
        if asked == operation and not done:
            done.append(asked)
            without_list(world)

    meanwhile(world, happens)


def test_a_list_that_goes_before_its_topics_are_restored_is_not_made() -> None:
    """A restore of topics that began with a list makes no other one; it may be run again."""
    world = World(contact(1, {"out": "OPT_IN"}))
    act(world, "manage-topic", topics=(IN,), prune=True, run_id="pruned")
    gone_after(world, "get_contact_list")
    with pytest.raises(CustomerError) as error:
        act(world, "restore-topics", {"backup": "pruned"}, run_id="run-2")
    assert error.value.retryable
    assert "CreateContactList" not in world.asked


def test_a_list_that_goes_before_it_could_be_compared_is_a_failure_of_unknown_outcome() -> None:
    """Contacts were written to it."""
    world = saved(contact(1))
    request = {"ContactListName": "main", "EmailAddress": "c1@x.example"}
    world.ses.call(ACCOUNT, REGION, "DeleteContact", request)
    gone_after(world, "create_contact")
    with pytest.raises(CustomerError) as error:
        act(world, "restore-list", {"backup": "saved"}, run_id="run-2")
    assert (error.value.category, error.value.type) == ("operation", "NoContactList")


def test_a_restore_that_is_not_verified_says_so() -> None:
    """VERIFY_CONTACTS is off; it is no failure."""
    world = saved(contact(1))
    request = {"ContactListName": "main", "EmailAddress": "c1@x.example"}
    world.ses.call(ACCOUNT, REGION, "DeleteContact", request)
    world.settings = world.settings.model_copy(update={"verify_contacts": "off"})
    done = act(world, "restore-list", {"backup": "saved"}, run_id="run-2")
    assert (done.failure, done.data["contacts"]["created"]) == (None, 1)
    assert [text for text in world.warnings if "VERIFY_CONTACTS is off" in text] != []
    assert set(contacts(world)) == {"c1@x.example"}


def test_who_unsubscribed_since_the_backup_costs_no_write() -> None:
    """They stay as they are, and so do the others who are as they were."""
    world = saved(*(contact(n, {"out": "OPT_IN"}) for n in range(3)))
    request = {"ContactListName": "main", "EmailAddress": "c1@x.example", "UnsubscribeAll": True}
    world.ses.call(ACCOUNT, REGION, "UpdateContact", request)
    done = act(world, "restore-list", {"backup": "saved"}, run_id="run-2")
    assert done.data["contacts"] == {"created": 0, "updated": 0, "unchanged": 3, "erased_before": 0}
    assert contacts(world)["c1@x.example"][1] is True
    assert (done.failure, writes(world)) == (None, 0)


@pytest.mark.parametrize("topics", [20, 21])
def test_a_list_holds_twenty_topics(topics: int) -> None:
    """One more is told before anything is written, also in a dry run."""
    wanted = tuple(IN.model_copy(update={"name": f"t{n}"}) for n in range(topics))
    for dry_run in (False, True):
        world = World(made=False)
        if topics == 20:
            assert len(act(world, "manage-topic", topics=wanted, dry_run=dry_run).data["added"]) == 20
            continue
        with pytest.raises(CustomerError, match="acme would have 21 topics, more than the 20") as error:
            act(world, "manage-topic", topics=wanted, dry_run=dry_run)
        assert (error.value.category, error.value.type, writes(world)) == ("configuration", "TooManyTopics", 0)
