"""manage-topic, backups and restores: topics made equal, nobody lost, whatever happens on the way."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.actions.params import BackupListParams, Params, RestoreListParams, RestoreTopicsParams
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import backup_list, manage_topic, restore_list, restore_topics
from strict_aws.ses.store import ContactRecord, shared_preferences
from tests.unit.worker.world import ACCOUNT, REGION, Fault, Finished, KilledError, World, contact

PARAMS = Params()
WRITES = {"CreateContactList", "UpdateContactList", "CreateContact", "UpdateContact", "DeleteContact"}


def wanted(name: str, status: Any = "OPT_OUT", **changes: str) -> WantedTopic:
    """A topic as SESConfig.json has it."""
    known = {"display_name": name.title(), "description": f"All {name}", "default_status": status}
    return WantedTopic.model_validate({"name": name, **known, **changes})


IN, OUT = wanted("in", "OPT_IN", display_name="In", description="d"), wanted("out", display_name="Out", description="")


def manage(world: World, *topics: WantedTopic, **options: Any) -> Finished:
    """One run of manage-topic."""
    return world.run(manage_topic.run, PARAMS, topics=topics, **options)


def everybody(world: World) -> dict[str, dict[str, Any]]:
    """Every contact whole, by address, without times and derived defaults."""
    return {
        one.email: {
            "preferences": dict(one.preferences),
            "unsubscribed": one.unsubscribed_all,
            "attributes": one.attributes,
        }
        for one in world.ses.true_contacts(ACCOUNT, REGION, "main")
    }


def topics(world: World, name: str = "main") -> dict[str, tuple[str, str, str]]:
    """The list's topics as SES has them."""
    return {
        topic.name: (topic.display_name, topic.description or "", topic.default_status)
        for topic in world.ses.true_topics(ACCOUNT, REGION, name)
    }


def written(world: World, since: int = 0) -> list[str]:
    """The writing SES calls."""
    return [name for name in world.asked[since:] if name in WRITES]


def test_equal_already_is_two_calls_and_no_write() -> None:
    """One with the list's name configured; order is no difference."""
    world = World(contact(1))
    data = manage(world, OUT, IN).data
    assert data == {
        "list_created": False, "added": [], "updated": [], "removed": [], "unchanged": ["in", "out"], "unmanaged": [],
    }  # fmt: skip
    assert world.asked == ["ListContactLists", "GetContactList"]
    world.asked.clear()
    manage(world, IN, OUT, customer={"contact_list_name": "main"})
    assert world.asked == ["GetContactList"]


def test_a_change_is_exactly_one_write_and_is_read_back() -> None:
    """Added, updated field by field, unmanaged kept; the description is sent as it was."""
    world = World(contact(1, {"out": "OPT_IN"}))
    before = everybody(world)
    world.asked.clear()
    changed = IN.model_copy(update={"display_name": "Inside", "default_status": "OPT_OUT"})
    data = manage(world, changed, wanted("new")).data
    assert data["added"] == ["new"]
    assert data["updated"] == [
        {"topic": "in", "field": "display_name", "from": "In", "to": "Inside"},
        {"topic": "in", "field": "default_status", "from": "OPT_IN", "to": "OPT_OUT"},
    ]
    assert (data["unmanaged"], data["removed"], data["unchanged"]) == (["out"], [], [])
    assert world.asked == ["ListContactLists", "GetContactList", "UpdateContactList", "GetContactList"]
    assert everybody(world) == before
    assert list(topics(world)) == ["in", "out", "new"]
    assert manage(world, changed, wanted("new")).data["updated"] == []


def test_no_list_is_made_with_all_topics_and_the_next_run_changes_nothing() -> None:
    """Under the configured name, or the default one."""
    for customer, name in (({}, "main-contact-list"), ({"contact_list_name": "mine"}, "mine")):
        world = World(made=False)
        data = manage(world, IN, OUT, customer=customer).data
        assert (data["list_created"], data["added"]) == (True, ["in", "out"])
        assert written(world) == ["CreateContactList"]
        found = world.ses.call(ACCOUNT, REGION, "GetContactList", {"ContactListName": name})
        assert found["Description"] == "Subscriptions by topic"
        world.asked.clear()
        assert manage(world, IN, OUT, customer=customer).data["unchanged"] == ["in", "out"]
        assert written(world) == []


def test_a_list_of_another_name_is_not_fought() -> None:
    """An account has one list only: said before anything is written."""
    world = World()
    with pytest.raises(CustomerError, match="names the contact list other, but acme has main"):
        manage(world, IN, customer={"contact_list_name": "other"})
    assert written(world) == []


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("prune", [True, False])
def test_a_dry_run_shows_everything_and_writes_nothing(made: bool, prune: bool) -> None:
    """The plan is the data; the log has a text with the differences."""
    world = World(contact(1, {"out": "OPT_IN"}), made=made)
    data = manage(world, IN.model_copy(update={"description": "x"}), wanted("new"), prune=prune, dry_run=True).data
    assert written(world) == []
    assert world.objects.written == {}
    assert "   Would manage topics:" in world.lines
    if made:
        assert data["updated"] == [{"topic": "in", "field": "description", "from": "d", "to": "x"}]
        assert (data["removed"], data["unmanaged"]) == ((["out"], []) if prune else ([], ["out"]))
        assert '   - in (change; description: "d" → "x")' in world.lines
    assert "   - new (add)" in world.lines
    real = World(contact(1, {"out": "OPT_IN"}), made=made)
    again = manage(real, IN.model_copy(update={"description": "x"}), wanted("new"), prune=prune).data
    assert again == data


def test_too_many_topics_fail_the_customer_with_the_count() -> None:
    """Unmanaged ones count; with prune they go, and it fits."""
    world = World(contact(1))
    many = [wanted(f"t{n}") for n in range(19)]
    for dry_run in (True, False):
        with pytest.raises(CustomerError, match="would have 21 topics, more than the 20") as error:
            manage(world, *many, dry_run=dry_run)
        assert error.value.category == "configuration"
    assert written(world) == []
    assert len(manage(world, *many, prune=True).data["added"]) == 19


def test_a_prune_saves_every_preference_first_and_restore_brings_them_back() -> None:
    """All pages; kept topics, attributes and unsubscribes exactly as before."""
    mixed = [
        ContactRecord(
            f"c{n}@x.example",
            shared_preferences({"out": "OPT_IN"} if n % 2 else {"in": "OPT_OUT"}),
            n % 7 == 0,
            f'{{"n": {n}}}' if n % 3 else None,
        )
        for n in range(3_000)
    ]
    world = World(*mixed)
    before = everybody(world)
    world.asked.clear()
    done = manage(world, IN.model_copy(update={"display_name": "Inside"}), wanted("new"), prune=True)
    assert (done.data["added"], done.data["removed"]) == (["new"], ["out"])
    assert [entry["field"] for entry in done.data["updated"]] == ["display_name"]
    assert done.data_location == "s3://results/backups/acme/run-1/"
    assert world.asked.index("UpdateContactList") > max(
        n for n, name in enumerate(world.asked) if name == "ListContacts"
    )
    assert sorted(key.split("/")[-1] for key in world.objects.written) == ["backup.json", "contacts-00001.jsonl.gz"]
    assert "backups/acme/run-1/backup.json" in world.objects.written
    after = everybody(world)
    assert after.keys() == before.keys()
    for email, one in after.items():
        kept = {topic: status for topic, status in before[email]["preferences"].items() if topic != "out"}
        assert one == {**before[email], "preferences": kept}
    restored = world.run(restore_topics.run, RestoreTopicsParams(backup="run-1"), run_id="run-2").data
    assert restored["topics_added"] == ["out"]
    assert restored["contacts"] == {"updated": 1_500, "unchanged": 0, "missing": 0, "erased_before": 0}
    assert everybody(world) == before
    assert topics(world)["out"] == ("Out", "", "OPT_OUT")


def test_a_prune_that_cannot_save_removes_nothing() -> None:
    """The customer fails, naming what could not be written."""
    world = World(contact(1, {"out": "OPT_IN"}))
    world.objects.refusal = AwsCallError("s3", "put_object", "refused", "AccessDenied", "no", 403)
    with pytest.raises(CustomerError, match="could not write s3://results/backups/acme/run-1/"):
        manage(world, IN, prune=True)
    assert written(world) == []


def test_a_prune_over_slices_saves_everybody() -> None:
    """The backup goes on where it stopped, then the topics go."""
    world = World(*(contact(n, {"out": "OPT_IN"}) for n in range(12_001)))
    done = manage(world, IN, prune=True, budget=6.0, per_second=1.0)
    assert world.slices > 2
    assert done.data["removed"] == ["out"]
    assert [one["email"] for one in world.written()] == [f"c{n}@x.example" for n in range(12_001)]
    assert written(world) == ["UpdateContactList"]


def test_an_opt_in_topic_comes_back_without_opting_anybody_in_meanwhile() -> None:
    """Whoever had opted out would get mail until restored: so the default comes last."""
    world = World(*(contact(n, {"in": "OPT_OUT"}) for n in range(5)))
    manage(world, OUT, prune=True)
    before = len(world.asked)
    seen: list[str] = []
    original = world.client.call

    def watching(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        seen.append(topics(world).get("in", ("", "", "gone"))[2])
        opted_in = [e for e, one in everybody(world).items() if one["preferences"].get("in", seen[-1]) == "OPT_IN"]
        assert opted_in == []
        return answer

    world.client.call = watching  # type: ignore[method-assign]  # to look after every single call
    world.run(restore_topics.run, RestoreTopicsParams(backup="run-1"), run_id="run-2")
    assert "OPT_OUT" in seen
    assert seen[-1] == "OPT_IN"
    assert written(world, before).count("UpdateContactList") == 2


@pytest.mark.parametrize("conflicts", [1, 2, 3])
def test_somebody_elses_change_is_read_and_planned_anew(conflicts: int) -> None:
    """At most three times; what they added stays."""
    world = World(contact(1))
    original = world.client.call
    left = [conflicts]

    def interfered(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "update_contact_list" and left[0]:
            left[0] -= 1
            theirs = [
                *_api(world),
                {"TopicName": f"theirs{left[0]}", "DisplayName": "x", "DefaultSubscriptionStatus": "OPT_OUT"},
            ]
            world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": theirs})
            raise AwsCallError("sesv2", operation, "conflict", "ConcurrentModificationException", "x", 500)
        return original(operation, **parameters)

    world.client.call = interfered  # type: ignore[method-assign]  # a second writer
    if conflicts == 3:
        with pytest.raises(AwsCallError) as error:
            manage(world, IN, OUT, wanted("new"))
        assert (error.value.transient, error.value.outcome_unknown) == (True, False)
    else:
        data = manage(world, IN, OUT, wanted("new")).data
        assert data["added"] == ["new"]
        assert sorted(data["unmanaged"]) == sorted(f"theirs{n}" for n in range(conflicts))


def _api(world: World) -> list[dict[str, Any]]:
    answer = world.ses.call(ACCOUNT, REGION, "GetContactList", {"ContactListName": "main"})
    found: list[dict[str, Any]] = answer["Topics"]
    return found


@pytest.mark.parametrize("kind", ["server", "lost"])
def test_a_lost_answer_is_said_to_be_unknown_and_the_next_run_sees_it_equal(kind: str) -> None:
    """Nothing is sent twice."""
    world = World(contact(1))
    world.client.faults[3] = Fault(kind, after=True)
    with pytest.raises(AwsCallError) as error:
        manage(world, IN, OUT, wanted("new"))
    assert error.value.outcome_unknown is True
    assert written(world) == ["UpdateContactList"]
    assert manage(world, IN, OUT, wanted("new")).data["added"] == []
    assert written(world) == ["UpdateContactList"]


def test_a_throttled_write_waits_and_goes_on() -> None:
    """Nothing had happened."""
    world = World(contact(1))
    world.client.faults[3] = Fault("throttled")
    assert manage(world, IN, OUT, wanted("new")).data["added"] == ["new"]


def test_what_ses_does_not_show_is_not_claimed() -> None:
    """Reading back differs: failed, not successful."""
    world = World(contact(1))
    original = world.client.call

    def ignoring(operation: str, **parameters: Any) -> dict[str, Any]:
        return {} if operation == "update_contact_list" else original(operation, **parameters)

    world.client.call = ignoring  # type: ignore[method-assign]  # a write without effect
    with pytest.raises(CustomerError, match="does not show the topics") as error:
        manage(world, IN, wanted("new"))
    assert error.value.outcome_unknown is True


# --- backups and restores of whole lists ---------------------------------------------------------


def people() -> list[ContactRecord]:
    """Mixed preferences, attributes and unsubscribes."""
    return [
        ContactRecord("a@x.example", shared_preferences({"out": "OPT_IN"}), False, '{"n": 1}'),
        ContactRecord("b@x.example", shared_preferences({"in": "OPT_OUT"}), False, None),
        ContactRecord("c@x.example", shared_preferences({}), True, None),
        ContactRecord("d@x.example", shared_preferences({"in": "OPT_IN", "out": "OPT_IN"}), False, None),
    ]


def test_a_backup_and_its_restore_into_an_empty_account() -> None:
    """List, topics, contacts, preferences, unsubscribes, attributes: all as they were."""
    world = World(*people())
    before, old = everybody(world), topics(world)
    saved = world.run(backup_list.run, BackupListParams(with_attributes=True))
    assert saved.data["total"] == 4
    assert saved.data_location == "s3://results/backups/acme/run-1/"
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    world.asked.clear()
    restored = world.run(restore_list.run, RestoreListParams(backup="run-1"), run_id="run-2").data
    assert restored == {
        "list_created": True,
        "topics_added": [],
        "contacts": {"created": 4, "updated": 0, "unchanged": 0, "erased_before": 0},
    }
    assert (everybody(world), topics(world)) == (before, old)
    assert "GetContact" not in world.asked[: world.asked.index("CreateContact") + 4]
    world.asked.clear()
    again = world.run(restore_list.run, RestoreListParams(backup="run-1"), run_id="run-3").data
    assert again["contacts"] == {"created": 0, "updated": 0, "unchanged": 4, "erased_before": 0}
    assert written(world) == []


def test_a_dry_run_of_a_restore_counts_and_writes_nothing() -> None:
    """With the list gone, and with it there."""
    world = World(*people())
    world.run(backup_list.run, BackupListParams())
    world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": "a@x.example"})
    data = world.data(restore_list.run, RestoreListParams(backup="run-1"), dry_run=True, run_id="run-2")
    assert data["contacts"] == {"created": 1, "updated": 0, "unchanged": 3, "erased_before": 0}
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    data = world.data(restore_list.run, RestoreListParams(backup="run-1"), dry_run=True, run_id="run-2")
    assert (data["list_created"], data["contacts"]["created"]) == (True, 4)
    assert written(world) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_nobody_who_left_since_is_subscribed_again(overwrite: bool) -> None:
    """Unless that is asked for by name. Who is not in the backup is left alone."""
    world = World(*people())
    world.run(backup_list.run, BackupListParams())
    _update(world, "a@x.example", {"out": "OPT_OUT"}, attributes='{"n": 2}')
    _update(world, "d@x.example", {"in": "OPT_IN", "out": "OPT_IN"}, unsubscribed=True)
    _update(world, "b@x.example", {"in": "OPT_IN"})
    world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": "new@x.example"})
    parameters = RestoreListParams(backup="run-1", overwrite_unsubscribes=overwrite)
    world.run(restore_list.run, parameters, run_id="run-2")
    now = everybody(world)
    assert now["a@x.example"]["preferences"] == {"out": "OPT_IN" if overwrite else "OPT_OUT"}
    assert now["a@x.example"]["attributes"] == '{"n": 2}'
    assert now["d@x.example"]["unsubscribed"] is not overwrite
    assert now["b@x.example"]["preferences"] == {"in": "OPT_OUT"}
    assert "new@x.example" in now


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_no_under_another_spelling_of_the_address_counts_in_a_restore_of_the_list(overwrite: bool) -> None:
    """Who left and came back with other capitals, and said no, is not made anew with what the backup has."""
    opted_in = (("in", "OPT_IN"), ("out", "OPT_IN"))
    backed_up = ("Gone@x.example", "OPTED@x.example", "Here@x.example", "plain@x.example")
    world = World(*(ContactRecord(email, opted_in) for email in backed_up))
    world.run(backup_list.run, BackupListParams())
    for email in backed_up[:3]:
        world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": email})
    for email in ("Here@x.example", "gone@x.example", "opted@x.example", "hERE@x.example"):
        world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": email})
    _update(world, "Here@x.example", {"in": "OPT_IN"})
    _update(world, "gone@x.example", {}, unsubscribed=True)
    _update(world, "opted@x.example", {"in": "OPT_OUT"})
    _update(world, "hERE@x.example", {"out": "OPT_OUT"})
    parameters = RestoreListParams(backup="run-1", overwrite_unsubscribes=overwrite)
    world.run(restore_list.run, parameters, run_id="run-2")
    now = everybody(world)
    assert now["Gone@x.example"]["unsubscribed"] is not overwrite
    assert now["OPTED@x.example"]["preferences"] == {"in": "OPT_IN" if overwrite else "OPT_OUT", "out": "OPT_IN"}
    assert now["Here@x.example"]["preferences"] == (
        {"in": "OPT_IN", "out": "OPT_IN"} if overwrite else {"in": "OPT_IN"}
    )
    assert now["plain@x.example"]["preferences"] == dict(opted_in)
    assert now["gone@x.example"]["unsubscribed"]


def test_a_no_under_another_spelling_of_the_address_counts_in_a_restore_of_topics() -> None:
    """What the backup has of a topic is not given to somebody who said no to it, or to everything, meanwhile."""
    people = ("Left@x.example", "Out@x.example", "stays@x.example")
    world = World(*(ContactRecord(email, (("out", "OPT_IN"),)) for email in people))
    manage(world, wanted("in", "OPT_IN"), prune=True)
    for email in ("left@x.example", "out@x.example"):
        world.ses.call(ACCOUNT, REGION, "CreateContact", {"ContactListName": "main", "EmailAddress": email})
    _update(world, "left@x.example", {}, unsubscribed=True)
    topics_now = [{"TopicName": name, "DisplayName": name, "DefaultSubscriptionStatus": "OPT_IN"} for name in ("in",)]
    out = {"TopicName": "out", "DisplayName": "Out", "DefaultSubscriptionStatus": "OPT_OUT"}
    world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": [*topics_now, out]})
    _update(world, "out@x.example", {"out": "OPT_OUT"})
    world.run(restore_topics.run, RestoreTopicsParams(backup="run-1"), run_id="run-2")
    given = {email: state["preferences"].get("out") for email, state in everybody(world).items()}
    assert given == {
        "Left@x.example": None,
        "Out@x.example": None,
        "stays@x.example": "OPT_IN",
        "left@x.example": None,
        "out@x.example": "OPT_OUT",
    }


def _update(
    world: World, email: str, chosen: dict[str, str], *, unsubscribed: bool = False, attributes: str | None = None
) -> None:
    request: dict[str, Any] = {
        "ContactListName": "main",
        "EmailAddress": email,
        "TopicPreferences": [{"TopicName": t, "SubscriptionStatus": s} for t, s in chosen.items()],
        "UnsubscribeAll": unsubscribed,
    }
    if attributes is not None:
        request["AttributesData"] = attributes
    world.ses.call(ACCOUNT, REGION, "UpdateContact", request)


def test_attributes_are_saved_over_slices_without_an_address_in_between() -> None:
    """Each contact asked for once, but for none; nobody twice in the files."""
    world = World(
        *(ContactRecord(f"p{n}@x.example", shared_preferences({}), False, f'{{"n": {n}}}') for n in range(250))
    )
    data = world.data(backup_list.run, BackupListParams(with_attributes=True), budget=20, per_second=1.0)
    assert world.slices > 5
    assert data["total"] == 250
    saved = world.written()
    assert [(one["email"], one["attributes"]) for one in saved] == [
        (f"p{n}@x.example", f'{{"n": {n}}}') for n in range(250)
    ]
    assert world.asked.count("GetContact") == 250


@pytest.mark.parametrize(
    ("action", "params", "type_"),
    [
        (restore_list.run, RestoreListParams(backup="not-there"), "NoBackup"),
        (restore_topics.run, RestoreTopicsParams(backup="run-1"), "OtherBackup"),
    ],
)
def test_a_restore_needs_its_own_complete_backup(action: Any, params: Any, type_: str) -> None:
    """Before anything is changed."""
    world = World(*people())
    world.run(backup_list.run, BackupListParams())
    with pytest.raises(CustomerError) as error:
        world.run(action, params, run_id="run-2")
    assert (error.value.category, error.value.type) == ("configuration", type_)
    assert written(world) == []


def test_a_backup_of_another_account_is_refused() -> None:
    """The customer moved since: its old people do not belong there."""
    world = World(*people())
    world.run(backup_list.run, BackupListParams())
    moved = {"account_id": "999988887777", "ses_role_arn": "arn:aws:iam::999988887777:role/r"}
    with pytest.raises(CustomerError, match="is of account 111122223333"):
        world.run(restore_list.run, RestoreListParams(backup="run-1"), run_id="run-2", customer=moved)


def test_a_damaged_part_restores_nothing_of_itself() -> None:
    """Named."""
    world = World(*people())
    world.run(backup_list.run, BackupListParams())
    (part,) = [key for key in world.objects.written if key.endswith("/contacts-00001.jsonl.gz")]
    world.objects.written[part] = b"\x1f\x8bnonsense"
    with pytest.raises(CustomerError, match="is damaged or missing"):
        world.run(restore_list.run, RestoreListParams(backup="run-1"), run_id="run-2")
    assert written(world) == []


# --- killed anywhere ------------------------------------------------------------------------------


def until_it_completes(world: World, run: Any) -> None:
    """Kill the worker before and after each call in turn, then let it finish."""
    run_number = 0
    for position in range(1, 60):
        for after in (False, True):
            for calls in (world.client, world.objects):
                run_number += 1
                start = len(world.asked) if calls is world.client else world.objects.asked
                calls.faults = {start + position: Fault("killed", after=after)}
                try:
                    run(f"kill-{run_number}")
                except KilledError:
                    continue
                calls.faults = {}
    run("last")


def test_killed_anywhere_in_a_prune_and_its_restore_loses_nobody() -> None:
    """Running again completes."""
    world = World(*people())
    before = everybody(world)
    first: list[str] = []

    def prune(run_id: str) -> None:
        done = manage(world, IN, wanted("new"), prune=True, run_id=run_id)
        if done.data["removed"]:
            first.append(run_id)

    until_it_completes(world, prune)
    assert list(topics(world)) == ["in", "new"]
    backups = [key for key in world.objects.written if key.endswith("backup.json")]
    assert backups
    newest = backups[-1].split("/")[2]
    until_it_completes(
        world, lambda run_id: world.run(restore_topics.run, RestoreTopicsParams(backup=newest), run_id=run_id)
    )
    assert everybody(world) == before
    assert topics(world)["out"] == ("Out", "", "OPT_OUT")


def test_killed_anywhere_in_a_restore_of_the_list_completes() -> None:
    """With the list gone at first."""
    world = World(*people())
    before, old = everybody(world), topics(world)
    world.run(backup_list.run, BackupListParams(with_attributes=True))
    world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
    until_it_completes(
        world, lambda run_id: world.run(restore_list.run, RestoreListParams(backup="run-1"), run_id=run_id)
    )
    assert (everybody(world), topics(world)) == (before, old)


statuses = st.sampled_from(["OPT_IN", "OPT_OUT"])
names = st.sampled_from(["in", "out", "x", "y", "z"])
configs = st.dictionaries(names, st.tuples(statuses, st.sampled_from(["A", "B"])), max_size=5)


@given(
    people=st.lists(st.tuples(st.dictionaries(st.sampled_from(["in", "out"]), statuses), st.booleans()), max_size=5),
    steps=st.lists(
        st.tuples(
            configs,
            st.booleans(),
            st.none()
            | st.tuples(
                st.integers(1, 8),
                st.sampled_from(["killed", "server", "lost", "throttled", "conflict", "refused"]),
                st.booleans(),
            ),
        ),
        max_size=4,
    ),
)
def test_no_story_loses_anybody(people: list[Any], steps: list[Any]) -> None:
    """Random lists, configs, faults and repeats: nobody vanishes, nobody gets more than they chose or a default says,
    what is not managed stays without prune, and the second run writes nothing."""
    world = World(*(contact(n, chosen, unsubscribed=gone) for n, (chosen, gone) in enumerate(people)))
    for number, (config, prune, fault) in enumerate(steps):
        before, had = everybody(world), topics(world)
        want = [wanted(name, status, display_name=shown) for name, (status, shown) in config.items()]
        if fault is not None:
            position, kind, after = fault
            world.client.faults = {
                len(world.asked) + position: Fault(
                    kind, after=after and kind not in ("throttled", "conflict", "refused")
                )
            }
        with contextlib.suppress(KilledError, AwsCallError, CustomerError):
            manage(world, *want, prune=prune, run_id=f"run-{number}")
        world.client.faults = {}
        now, have = everybody(world), topics(world)
        assert now.keys() == before.keys()
        for email, one in now.items():
            assert (one["unsubscribed"], one["attributes"]) == (
                before[email]["unsubscribed"],
                before[email]["attributes"],
            )
            kept = {t: s for t, s in before[email]["preferences"].items() if t in have}
            assert one["preferences"] == kept
        if not prune:
            assert had.keys() <= have.keys()
        for name in have.keys() - config.keys():
            assert have[name] == had[name]
        world.asked.clear()
        manage(world, *want, prune=prune, run_id=f"again-{number}")
        world.asked.clear()
        manage(world, *want, prune=prune, run_id=f"third-{number}")
        assert written(world) == []
