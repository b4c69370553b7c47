"""A saved plan is applied exactly: its change is written to the list that it was made from, or nothing is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.config.topics import Topic
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs.saved_plan import TopicsPlan, digest
from ses_fleet.runs.work import WorkResult
from tests.unit.worker.moments import Moments, windows
from tests.unit.worker.test_manage_topic import IN, OUT, configs, everybody, manage, people, topics, wanted, written
from tests.unit.worker.world import ACCOUNT, REGION, TOPICS, Fault, Finished, KilledError, World, contact

NEW = wanted("new")
CHANGED = IN.model_copy(update={"display_name": "Inside"})
Shown = dict[str, tuple[str, str, str]]


def planned(world: World, *want: Any, **options: Any) -> TopicsPlan:
    """What a dry run saves, as the result's JSON brings it back."""
    plan = manage(world, *want, dry_run=True, **options).plan
    assert plan is not None
    return TopicsPlan.model_validate_json(plan.model_dump_json())


def apply(world: World, plan: Any, run_id: str = "apply", **options: Any) -> Finished:
    """One run of the worker that applies it."""
    return manage(world, *plan.wanted, plan=plan, run_id=run_id, **options)


def edit(world: World, *changed: Any, without: str = "") -> None:
    """Somebody gives the list these topics beside those that it has, or takes one away."""
    have = world.ses.call(ACCOUNT, REGION, "GetContactList", {"ContactListName": "main"})["Topics"]
    theirs = [_sent(topic) for topic in changed]
    names = {without, *(topic["TopicName"] for topic in theirs)}
    kept = [topic for topic in have if topic["TopicName"] not in names]
    world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": "main", "Topics": [*kept, *theirs]})


def _sent(topic: Topic) -> dict[str, str]:
    more = {"Description": topic.description} if topic.description else {}
    known = {"TopicName": topic.name, "DisplayName": topic.display_name or topic.name}
    return {**known, "DefaultSubscriptionStatus": topic.default_status, **more}


def test_a_plan_has_the_list_whole_before_and_after() -> None:
    """And a dry run alone makes one."""
    world = World(contact(1))
    plan = planned(world, CHANGED, NEW)
    assert (plan.contact_list, plan.list_created, plan.unmanaged) == ("main", False, ("out",))
    assert [one.name for one in plan.before] == ["in", "out"]
    assert [(one.name, one.display_name) for one in plan.after] == [("in", "Inside"), ("out", "Out"), ("new", "New")]
    assert [one.name for one in plan.wanted] == ["in", "new"]
    assert plan.made_from == digest("main", plan.before)
    assert manage(world, CHANGED).plan is None


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("prune", [True, False])
def test_applied_it_does_what_the_dry_run_showed(made: bool, prune: bool) -> None:
    """By one write; applied once more it finds nothing to do."""
    world = World(*people(), made=made)
    dry = manage(world, CHANGED, NEW, dry_run=True, prune=prune)
    assert isinstance(dry.plan, TopicsPlan)
    world.asked.clear()
    assert apply(world, dry.plan, prune=prune).data == dry.data
    assert written(world) == ["UpdateContactList" if made else "CreateContactList"]
    name = "main" if made else "main-contact-list"
    assert list(topics(world, name)) == [one.name for one in dry.plan.after]
    world.asked.clear()
    again = apply(world, dry.plan, "again", prune=prune).data
    assert (again["added"], again["updated"], again["removed"], written(world)) == ([], [], [], [])


def test_only_a_dry_run_answers_with_a_plan() -> None:
    """Every other answer is as it was before there were plans: an orchestrator of before may read it."""
    answer = WorkResult(run_id="r", customer_code="acme", account_id=ACCOUNT)
    assert "plan" not in answer.model_dump(mode="json")
    plan = planned(World(), NEW)
    known = answer.model_copy(update={"plan": plan}).model_dump(mode="json")
    assert WorkResult.model_validate_json(json.dumps(known)).plan == plan


EDITS: dict[str, tuple[Callable[[World], object], str]] = {
    "a field of one that is changed": (
        lambda world: edit(world, IN.model_copy(update={"display_name": "I", "default_status": "OPT_OUT"})),
        "in: display_name and default_status",
    ),
    "one that is not managed": (lambda world: edit(world, OUT.model_copy(update={"display_name": "O"})), "out: "),
    "one more": (lambda world: edit(world, wanted("theirs")), "theirs: new"),
    "one less": (lambda world: edit(world, without="out"), "out: gone"),
    "no list": (
        lambda world: world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"}),
        "it does not exist any more",
    ),
}


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("what", EDITS)
def test_a_list_that_changed_since_is_left_alone_and_it_is_said_what_changed(what: str, prune: bool) -> None:
    """Topics and fields by name; nothing is saved either."""
    happens, said = EDITS[what]
    world = World(*people())
    plan = planned(world, CHANGED, NEW, prune=prune)
    happens(world)
    world.asked.clear()
    with pytest.raises(CustomerError, match=said) as error:
        apply(world, plan, prune=prune)
    assert (error.value.category, error.value.type, error.value.retryable) == ("operation", "PlanStale", False)
    assert "Make a new dry run, and apply that" in error.value.message
    assert (written(world), world.objects.written) == ([], {})


def test_another_list_and_one_that_was_created_meanwhile_are_not_touched() -> None:
    """The plan is of one list."""
    for made, create, said in ((True, "other", "another list now"), (False, "main", "another list now")):
        world = World(made=made)
        plan = planned(world, NEW)
        if made:
            world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
        world.ses.create_list(ACCOUNT, REGION, create, description=None, topics=TOPICS)
        world.asked.clear()
        with pytest.raises(CustomerError, match=said):
            apply(world, plan)
        assert written(world) == []


def test_order_and_an_empty_text_are_no_change() -> None:
    """As in every comparison of topics."""
    one, two = Topic(name="a", default_status="OPT_IN"), Topic(name="b", description="", default_status="OPT_OUT")
    other = two.model_copy(update={"description": None, "display_name": ""})
    assert digest("main", [one, two]) == digest("main", [other, one])
    different = [
        digest("x", [one, two]), digest(None, ()), digest("main", ()), digest("main", [one]),
        *(digest("main", [one, two.model_copy(update=change)])
          for change in ({"name": "c"}, {"display_name": "d"}, {"description": "d"}, {"default_status": "OPT_IN"})),
    ]  # fmt: skip
    assert len({digest("main", [one, two]), *different}) == 1 + len(different)


def test_a_change_between_its_read_and_a_write_that_met_it_is_seen() -> None:
    """SES answers that somebody else changed the list: it is read again, and is not the plan's any more."""
    world = World(*people())
    plan = planned(world, CHANGED)
    moments = Moments(world, -1, lambda: None)
    apply(world, plan)
    at = next(n for n, one in enumerate(moments.passed) if (one.what, one.name) == ("before", "update_contact_list"))
    world = World(*people())
    Moments(world, at, lambda: edit(world, wanted("theirs")))
    world.client.faults = {at // 2 + 1: Fault("conflict")}
    with pytest.raises(CustomerError, match="theirs: new"):
        apply(world, plan)
    assert "new" not in topics(world)
    assert topics(world)["in"][0] == "In"


def test_what_it_wrote_itself_is_what_it_expects_in_its_next_slices() -> None:
    """A slice that ends between the write and the look for it; others' topics since are kept."""
    for theirs, error in ((wanted("theirs"), ""), (IN, "nothing more was written")):
        world = World(*people())
        plan = planned(world, CHANGED)
        state = {"ledger": {"updated": [{"topic": "in", "field": "display_name", "from": "In", "to": "Inside"}]}}
        edit(world, CHANGED)
        edit(world, theirs)
        world.asked.clear()
        with pytest.raises(CustomerError, match=error) if error else contextlib.nullcontext():
            _slice(world, plan, state)
        assert written(world) == []


def _slice(world: World, plan: TopicsPlan, state: dict[str, Any]) -> object:
    from ses_fleet.actions.params import Params
    from ses_fleet.worker.actions import manage_topic

    context = world.context(topics=plan.wanted, plan=plan)
    return manage_topic.run(context, Params(), json.loads(json.dumps(state)))


@pytest.mark.parametrize("prune", [True, False])
def test_killed_anywhere_it_is_applied_once_by_those_that_come_after(prune: bool) -> None:
    """Before and after every call: one effect, everybody's preferences for what was removed are saved."""
    world = World(*people())
    before = everybody(world)
    plan = planned(world, CHANGED, NEW, prune=prune)
    effects = _effects(world)
    number = 0
    for position in range(1, 12):
        for after in (False, True):
            number += 1
            world.client.faults = {len(world.asked) + position: Fault("killed", after=after)}
            with contextlib.suppress(KilledError):
                apply(world, plan, f"apply-{number}", prune=prune)
            world.client.faults = {}
    apply(world, plan, "last", prune=prune)
    assert len(effects) == 1
    assert list(topics(world)) == [one.name for one in plan.after]
    kept = topics(world)
    assert everybody(world).keys() == before.keys()
    gone = {email: {t: s for t, s in one["preferences"].items() if t not in kept} for email, one in before.items()}
    saved = [one for one in world.written() if one.get("preferences")]
    for email, chosen in gone.items():
        assert not chosen or {"email": email, "preferences": chosen} in saved


def _effects(world: World) -> list[tuple[Shown | None, Shown | None]]:
    """The list before and after each write of the worker that had an effect, from now on."""
    found: list[tuple[Shown | None, Shown | None]] = []
    answer = world.client._answer

    def watched(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        before = _now(world)
        answered = answer(name, operation, parameters)
        if name in ("UpdateContactList", "CreateContactList"):
            found.append((before, _now(world)))
        return answered

    world.client._answer = watched  # type: ignore[method-assign]
    return found


def _now(world: World) -> Shown | None:
    listed = world.ses.call(ACCOUNT, REGION, "ListContactLists", {})["ContactLists"]
    return topics(world, listed[0]["ContactListName"]) if listed else None


def _as_shown(plan: TopicsPlan) -> tuple[Shown | None, Shown]:
    def shown(known: tuple[Topic, ...]) -> Shown:
        return {one.name: (one.display_name or one.name, one.description or "", one.default_status) for one in known}

    return None if plan.list_created else shown(plan.before), shown(plan.after)


edits = st.none() | st.tuples(st.integers(0, 14), st.sampled_from(["add", "change", "remove", "delete", "back"]))
faults = st.none() | st.tuples(
    st.integers(1, 8), st.sampled_from(["killed", "server", "lost", "throttled", "conflict"]), st.booleans()
)


@given(
    made=st.booleans(),
    had=configs,
    config=configs,
    prune=st.booleans(),
    meanwhile=st.none() | st.sampled_from(["add", "change", "remove", "delete", "back"]),
    tries=st.lists(st.tuples(edits, faults), min_size=1, max_size=3),
)
def test_apply_changes_what_the_plan_shows_and_never_more(
    made: bool, had: Any, config: Any, prune: bool, meanwhile: str | None, tries: list[Any]
) -> None:
    """Whatever people and programs do to the list between the plan and apply, and between any two calls of apply, and
    however often it is tried: each of its writes turns the list that the plan shows into the one that it shows."""
    first = [_sent(wanted(name, status, display_name=shown)) for name, (status, shown) in had.items()]
    world = World(*(contact(n) for n in range(3)), made=made, topics=first or TOPICS)
    plan = planned(world, *(wanted(name, status, display_name=shown) for name, (status, shown) in config.items()),
                   prune=prune)  # fmt: skip
    if meanwhile is not None:
        _others(world, meanwhile, plan)
    effects = _effects(world)
    tried: list[int] = []
    for number, (theirs, fault) in enumerate(tries):
        tried.append(number)
        moments = None
        if theirs is not None:
            moments = Moments(world, theirs[0], _during(world, theirs[1], plan, number, tried))
        if fault is not None:
            position, kind, after = fault
            late = after and kind not in ("throttled", "conflict")
            world.client.faults = {len(world.asked) + position: Fault(kind, after=late)}
        wrote = len(effects)
        done = False
        with contextlib.suppress(KilledError, AwsCallError, CustomerError):
            apply(world, plan, f"apply-{number}", prune=prune)
            done = True
        world.client.faults = {}
        if moments is not None and theirs[0] in windows(
            moments.passed, "get_contact_list", {"update_contact_list"}, None
        ):
            return  # the window, in which nobody can see a change
        assert all(effect == _as_shown(plan) for effect in effects[wrote:])
        if done:
            return


def _during(world: World, kind: str, plan: TopicsPlan, number: int, tried: list[int]) -> Callable[[], None]:
    """The change of somebody else, which comes in this try or not at all."""
    return lambda: _others(world, kind, plan) if tried[-1] == number else None


def _others(world: World, kind: str, plan: TopicsPlan) -> None:
    """Somebody else changes the list."""
    listed = world.ses.call(ACCOUNT, REGION, "ListContactLists", {})["ContactLists"]
    name = listed[0]["ContactListName"] if listed else None
    if kind == "delete" and name:
        world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": name})
    elif name is None:
        world.ses.create_list(ACCOUNT, REGION, "main", description=None, topics=TOPICS)
    else:
        have = [_sent(Topic(name=n, display_name=d, description=t, default_status=s)) for n, (d, t, s) in
                topics(world, name).items()]  # fmt: skip
        changed = {
            "add": [*have, _sent(wanted(_unused(have)))],
            "change": [{**have[0], "DisplayName": "Theirs"}, *have[1:]] if have else [_sent(wanted("theirs"))],
            "remove": have[1:],
            "back": [_sent(topic) for topic in plan.before],
            "delete": have,
        }[kind]
        world.ses.call(ACCOUNT, REGION, "UpdateContactList", {"ContactListName": name, "Topics": changed})


def _unused(have: list[dict[str, str]]) -> str:
    """The name of a topic that the list does not have."""
    names = {topic["TopicName"] for topic in have}
    return next(name for name in map("theirs-{}".format, range(len(have) + 1)) if name not in names)
