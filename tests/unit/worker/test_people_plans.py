"""A saved plan of people is applied: what it shows is done, each contact decided again, and never more."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.actions.params import ImportParams, RemoveContactsParams, SetContactsParams, SetSuppressedParams
from ses_fleet.errors import AwsCallError, CustomerError, NotStartedError
from ses_fleet.people import person_change
from ses_fleet.people.person_change import PersonChange
from ses_fleet.people.person_change import State as PersonState
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.worker import planned_run
from ses_fleet.worker.actions import import_aws_contact, remove_contacts, set_contacts, set_suppressed
from ses_fleet.worker.context import Done
from ses_fleet.worker.planned_run import Run
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import SOURCE, TOPICS, contacts, known_before, with_users
from tests.unit.worker.moments import Moments, windows
from tests.unit.worker.people_rows import counted, endings, give
from tests.unit.worker.test_find_contact import suppress
from tests.unit.worker.test_set_suppressed import listed, rows_of
from tests.unit.worker.world import ACCOUNT, REGION, Client, Fault, Finished, KilledError, World, done_with

EVERYTHING = {"plan_stale_percent": 100.0}
States = dict[str, PersonState]


class Case:
    """One action, whose dry run saves a plan that a run applies; slices of any length."""

    def __init__(self, world: World, run: Run, params: Any, **options: Any) -> None:
        self.world = world
        self._run = run
        self._params = params
        self.options = options
        self._applied = 0

    def planned(self, **options: Any) -> PeoplePlan:
        """What a dry run saves, as the result's JSON brings it back."""
        done = self.dry(**options)
        assert done.plan is not None
        return PeoplePlan.model_validate_json(done.plan.model_dump_json())

    def dry(self, **options: Any) -> Finished:
        """A dry run, with a plan."""
        run = partial(planned_run.saving, self._run)
        return self.world.run(run, self._params, run_id="plan", dry_run=True, **self.options, **options)

    def apply(self, plan: PeoplePlan, **options: Any) -> Finished:
        """A run that applies the plan."""
        self._applied += 1

        def run(context: Any, params: Any, state: Any) -> Any:
            return planned_run.applying(self._run, context, params, plan, state)

        known = {"run_id": f"apply-{self._applied}", "plan": plan, **self.options, **options}
        return self.world.run(run, self._params, **known)

    @property
    def last(self) -> str:
        """The id of the run that applied last."""
        return f"apply-{self._applied}"


def setting(world: World, *rows: Any, overwrite: bool = False, bucket: str | None = None) -> Case:
    """set-contacts."""
    give(world, "contact", *rows)
    params = SetContactsParams(overwrite_unsubscribes=overwrite)
    return Case(world, set_contacts.run, params, customer={"import_bucket": bucket})


def removing(world: World, *rows: Any, forget: bool = False) -> Case:
    """remove-contacts."""
    give(world, "person", *rows)
    return Case(world, remove_contacts.run, RemoveContactsParams(forget_choices=forget, confirm_people=1))


def suppressing(world: World, *rows: tuple[str, str | None]) -> Case:
    """set-suppressed."""
    rows_of(world, *rows)
    return Case(world, set_suppressed.run, SetSuppressedParams(confirm_people=1), customer={"import_bucket": "b"})


def importing(world: World, *emails: str, dbas: int = 0, prune: bool = False, bucket: str | None = None) -> Case:
    """import-aws-contact of these people, of whom the first are of a role that is opted in to `out`."""
    case = Case(world, import_aws_contact.run, ImportParams(sync_topics=True), prune=prune, topics=tuple(TOPICS),
                customer={"identity_center": SOURCE, "import_bucket": bucket})  # fmt: skip
    employ(case, *emails, dbas=dbas)
    return case


def employ(case: Case, *emails: str, dbas: int = 0) -> None:
    """Identity Center has these people from now on."""
    users = [{"id": email, "name": email, "email": email, "enabled": True} for email in emails]
    case.options["directory"] = with_users(case.world, users, {"dba": list(emails[:dbas])})


def changes(world: World) -> dict[str, PersonChange]:
    """The plan's file: by address what the plan would do."""
    found: dict[str, PersonChange] = {}
    for key, body in sorted(world.objects.written.items()):
        if key.startswith("data/plan/acme/plan-"):
            records = [json.loads(line) for line in gzip.decompress(body).splitlines()]
            found |= {one["email"]: PersonChange.of(one) for one in records if "salt" not in one}
    return found


def states(world: World) -> States:
    """Every contact, and every entry of the suppression list, as a plan has them."""
    there = world.ses.true_contacts(ACCOUNT, REGION, "main") if _has_list(world) else []
    found: States = {
        one.email: {
            **{f"topic:{topic}": status for topic, status in one.preferences},
            "unsubscribed_all": one.unsubscribed_all,
            "attributes": one.attributes,
        }
        for one in there
    }
    return found | {f"!{email}": {"reason": reason} for email, reason in listed(world).items()}


def _has_list(world: World) -> bool:
    return bool(world.ses.call(ACCOUNT, REGION, "ListContactLists", {})["ContactLists"])


def contact(world: World, email: str, **state: Any) -> None:
    """Somebody, or a program, has a contact say this from now on."""
    request = {"ContactListName": "main", "EmailAddress": email}
    preferences = [{"TopicName": topic, "SubscriptionStatus": said} for topic, said in state.get("topics", {}).items()]
    more = {"AttributesData": state["attributes"]} if state.get("attributes") else {}
    made = "UpdateContact" if email in contacts(world) else "CreateContact"
    request |= {"TopicPreferences": preferences, "UnsubscribeAll": state.get("gone", False), **more}  # type: ignore[dict-item]
    world.ses.call(ACCOUNT, REGION, made, request)


def leaves(world: World, email: str) -> None:
    """A program deletes a contact."""
    world.ses.call(ACCOUNT, REGION, "DeleteContact", {"ContactListName": "main", "EmailAddress": email})


ANA, BOB, CLEO, DORA = (f"{name}@corp.example" for name in ("ana", "bob", "cleo", "dora"))


def people(count: int) -> list[str]:
    """Addresses."""
    return [f"p{number:03d}@corp.example" for number in range(count)]


def test_a_plan_has_numbers_and_its_files_have_whom() -> None:
    """Before and after of everything that changes; nothing personal is in the plan itself."""
    world = World(ContactRecord(BOB, (("out", "OPT_IN"),), attributes='{"a": 1}'), ContactRecord(CLEO))
    case = setting(world, {"email": ANA, "opt_in": ["out"], "attributes": {"b": 2}}, {"email": BOB, "opt_out": ["out"]},
                   {"email": CLEO, "unsubscribe_all": True})  # fmt: skip
    plan = case.planned()
    assert plan.model_dump(exclude={"digest"}) == {
        "kind": "people", "place": "main", "given_to_all": ("in",), "prefix": "data/plan/acme/", "parts": 1,
        "created": 1, "updated": 2,
        "removed": 0, "opt_ins": {"out": 1}, "opt_outs": {"out": 1}, "unsubscribed": 1, "suppressed": 0,
        "overwritten": 0, "topics": None,
    }  # fmt: skip
    assert {email: one.record(email)["what"] for email, one in changes(world).items()} == {
        ANA: {"attributes": [None, '{"b": 2}'], "topic:out": [None, "OPT_IN"], "unsubscribed_all": [None, False]},
        BOB: {"topic:out": ["OPT_IN", "OPT_OUT"]},
        CLEO: {"unsubscribed_all": [False, True]},
    }
    assert "@" not in plan.model_dump_json()


def cases() -> dict[str, Callable[[], Case]]:
    """Each action with a plan that has everything that it can do."""

    def listed_people() -> World:
        world = World(
            ContactRecord(BOB, (("in", "OPT_IN"),)), ContactRecord(CLEO), *map(ContactRecord, people(20)),
            ContactRecord(DORA, (("in", "OPT_IN"),)))  # fmt: skip
        known_before(world, DORA, BOB, CLEO, identity_store_id=None)
        return suppress(world, "old@corp.example")

    rows = [{"email": ANA, "opt_in": ["out"]}, {"email": BOB, "opt_out": ["in"], "attributes": {"a": 1}},
            {"email": CLEO, "unsubscribe_all": True}]  # fmt: skip
    return {
        "set": lambda: setting(listed_people(), *rows),
        "set, each asked for": lambda: setting(suppress(World(ContactRecord(BOB)), "x@x.example"), rows[1]),
        "remove": lambda: removing(listed_people(), DORA, BOB, "nobody@corp.example"),
        "import": lambda: importing(listed_people(), ANA, BOB, CLEO, dbas=3, prune=True),
        "import by a job": lambda: importing(World(), *people(130), bucket="b"),
        "set by a job": lambda: setting(World(), *({"email": one} for one in people(130)), bucket="b"),
        "suppress": lambda: suppressing(listed_people(), ("new@corp.example", "BOUNCE"), ("old@corp.example", None)),
        "suppress by a job": lambda: suppressing(listed_people(), *((one, "COMPLAINT") for one in people(30))),
    }  # fmt: skip


@pytest.mark.parametrize("slices", [{}, {"budget": 6.0, "per_second": 1}], ids=["one slice", "many slices"])
@pytest.mark.parametrize("name", cases())
def test_applied_it_does_what_the_dry_run_showed(name: str, slices: Any) -> None:
    """Everything, and what the data of the dry run said; applied once more it finds nothing to do."""
    case = cases()[name]()
    before = states(case.world)
    dry = case.dry(**slices)
    assert isinstance(dry.plan, PeoplePlan)
    assert states(case.world) == before
    planned = changes(case.world)
    assert planned
    assert len(planned) == dry.plan.changes
    done = case.apply(dry.plan, **slices)
    after = states(case.world)
    assert_made(before, after, _marked(dry.plan, planned))
    assert done.failure is None
    assert done.data["left_out"] == 0
    assert _numbers(done) == _numbers(dry)
    again = case.apply(dry.plan, **slices)
    assert (again.data["left_out"], states(case.world)) == (0, after)


def _numbers(done: Finished) -> dict[str, int]:
    return {name: value for name, value in counted(done).items() if name not in ("requests", "seconds")}


def _marked(plan: PeoplePlan, planned: dict[str, PersonChange]) -> dict[str, PersonChange]:
    mark = "" if plan.place else "!"
    return {mark + email: one for email, one in planned.items()}


def assert_made(before: States, after: States, planned: dict[str, PersonChange]) -> None:
    """Exactly this was done between the two."""
    found = {
        email: person_change.between(before.get(email), after.get(email)) for email in before.keys() | after.keys()
    }
    made = {email: change for email, change in found.items() if change is not None}
    assert made.keys() == planned.keys()
    assert all(one.has(made[email]) for email, one in planned.items()), (made, planned)


def test_only_a_dry_run_of_ours_saves_a_plan_that_is_whole() -> None:
    """One that another version began, or that failed, has none."""
    failed = done_with({}, failure=CustomerError("operation", "ContactsNotSet", "no"))
    case = Case(World(), lambda _context, _params, _state: failed, SetContactsParams())
    assert (case.dry().failure, case.dry().plan) == (failed.failure, None)
    context = setting(World(), {"email": ANA}).world.context(dry_run=True, run_id="plan")
    outcome = planned_run.saving(set_contacts.run, context, SetContactsParams(), {"step": "change"})
    assert isinstance(outcome, Done)
    assert outcome.plan is None


CHANGED: dict[str, Callable[[World], object]] = {
    "they refuse the topic": lambda world: contact(world, BOB, topics={"out": "OPT_OUT"}),
    "they unsubscribe": lambda world: contact(world, BOB, gone=True),
    "their contact is gone": lambda world: leaves(world, BOB),
}


@pytest.mark.parametrize("what", CHANGED)
@pytest.mark.parametrize("thorough", [False, True], ids=["asked for alone", "by pages"])
def test_who_changed_their_mind_is_left_out_and_counted(what: str, thorough: bool) -> None:
    """The others get what the plan shows, although the row would overwrite a refusal."""
    others = people(30)
    world = World(*map(ContactRecord, [BOB, *others]))
    rows = [{"email": one, "opt_in": ["out"]} for one in [BOB, *others]]
    case = setting(world, *rows, overwrite=True)
    if thorough:
        case = Case(world, set_contacts.run, SetContactsParams(overwrite_unsubscribes=True, thorough=True),
                    customer={"import_bucket": None})  # fmt: skip
    plan = case.planned()
    CHANGED[what](world)
    before = states(world)
    done = case.apply(plan)
    assert done.failure is None
    assert (done.data["left_out"], done.data["updated"]) == (1, 30)
    assert states(world).get(BOB) == before.get(BOB)
    assert endings(world, case.last)[1] == ("left_out", None)
    assert "1 of the plan's 31 changes were left out: something else would be done there now" in world.warnings


@pytest.mark.parametrize("silent", [{"plan"}, {"apply"}, {"plan", "apply"}])
def test_a_refusal_of_which_ses_does_not_say_when_it_was_said_is_not_overwritten(
    silent: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a later one, which nobody reviewed: the time is optional in SES's answers."""
    answer, at = Client.call, "plan"
    others = people(30)
    world = World(ContactRecord(BOB, unsubscribed_all=True), *map(ContactRecord, others))
    case = setting(world, *({"email": one, "opt_in": ["out"]} for one in [BOB, *others]), overwrite=True)

    def call(client: Client, operation: str, **parameters: Any) -> dict[str, Any]:
        found = answer(client, operation, **parameters)
        return {name: value for name, value in found.items() if name != "LastUpdatedTimestamp" or at not in silent}

    monkeypatch.setattr(Client, "call", call)
    plan = case.planned()
    at = "apply"
    contact(world, BOB, gone=True)  # once more
    done = case.apply(plan)
    assert (done.failure, done.data["left_out"], done.data["updated"]) == (None, 1, 30)
    assert contacts(world)[BOB] == ({}, True)


@pytest.mark.parametrize(("count", "stale"), [(2, False), (3, True)])
def test_more_than_a_part_of_the_plan_fails_the_customer_before_anything_is_written(count: int, stale: bool) -> None:
    """5 % of the plan's changes, as delivered: of 40, two."""
    world = World(*map(ContactRecord, people(40)))
    case = setting(world, *({"email": one, "opt_in": ["out"]} for one in people(40)))
    plan = case.planned()
    for one in people(count):
        contact(world, one, gone=True)
    before = states(world)
    if not stale:
        assert case.apply(plan).data["left_out"] == count
        return
    world.asked.clear()
    said = "3 of the 40 changes that the plan has for acme would be others now, so nothing was written: more than 5 %"
    with pytest.raises(CustomerError, match=said) as error:
        case.apply(plan)
    assert (error.value.category, error.value.type, error.value.retryable) == ("operation", "PlanStale", False)
    assert "`ses-fleet runs show apply-1 --changes` names them" in error.value.message
    assert (states(world), {one for one in world.asked if not one.startswith(("Get", "List"))}) == (before, set())


def test_nothing_that_the_plan_lacks_is_done() -> None:
    """A new colleague, and one who is of a role now: counted, and no reason to fail."""
    world = World(ContactRecord(BOB))
    case = importing(world, ANA, BOB)
    plan = case.planned()
    assert (plan.created, plan.updated, plan.topics) == (1, 0, tuple(TOPICS))
    employ(case, BOB, ANA, CLEO, dbas=1)
    done = case.apply(plan)
    assert (done.data["created"], done.data["left_out"]) == (1, 2)
    assert contacts(world) == {ANA: ({}, False), BOB: ({}, False)}
    assert "2 more changes would be made now that the plan does not have: they were left out, too" in world.warnings


def test_who_came_back_is_not_removed_and_who_left_is_not_added() -> None:
    """Identity Center is read again."""
    world = World(ContactRecord(BOB), ContactRecord(CLEO), *map(ContactRecord, people(30)))
    world.settings = world.settings.model_copy(update=EVERYTHING)
    known_before(world, BOB, CLEO)
    case = importing(world, ANA, DORA, prune=True)
    plan = case.planned()
    assert (plan.created, plan.removed) == (2, 2)
    employ(case, DORA, BOB)
    done = case.apply(plan)
    assert {ANA, BOB, CLEO, DORA} & set(contacts(world)) == {BOB, DORA}
    assert (done.data["created"], done.data["removed"], done.data["left_out"]) == (1, 1, 2)


@pytest.mark.parametrize("kind", ["contact", "spelling", "other list"])
def test_a_job_creates_only_whom_the_plan_creates(kind: str) -> None:
    """Those who came meanwhile, in whatever case, stay as they are; another list is not the plan's."""
    world = World()
    case = setting(world, *({"email": one, "opt_in": ["out"]} for one in people(130)), bucket="b")
    plan = case.planned()
    if kind == "other list":
        world.ses.call(ACCOUNT, REGION, "DeleteContactList", {"ContactListName": "main"})
        world.ses.create_list(ACCOUNT, REGION, "other", description=None, topics=[
            {"TopicName": "out", "DisplayName": "Out", "DefaultSubscriptionStatus": "OPT_OUT"}])  # fmt: skip
        with pytest.raises(CustomerError, match="130 of the 130 changes"):
            case.apply(plan)
        return
    came = people(1)[0] if kind == "contact" else people(1)[0].upper()
    contact(world, came, topics={"out": "OPT_OUT"})
    done = case.apply(plan)
    assert done.failure is None
    assert (done.data["created"], done.data["left_out"]) == (129, 1)
    assert contacts(world)[came] == ({"out": "OPT_OUT"}, False)
    assert len(contacts(world)) == 130


def test_entries_that_changed_are_left_out() -> None:
    """A complaint that came meanwhile stays, though the row would take any entry off the list."""
    world = suppress(World(), *people(30))
    rows: list[tuple[str, str | None]] = [(one, None) for one in people(30)]
    case = suppressing(world, *rows)
    plan = case.planned()
    assert (plan.removed, plan.place) == (30, None)
    world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", {"EmailAddress": people(1)[0], "Reason": "COMPLAINT"})
    done = case.apply(plan)
    assert listed(world) == {people(1)[0]: "COMPLAINT"}
    assert (done.data["removed"], done.data["left_out"]) == (29, 1)


def test_a_plan_whose_files_were_touched_is_not_applied() -> None:
    """Whoever may write below data/ cannot add to what was reviewed."""
    world = World(ContactRecord(BOB))
    case = setting(world, {"email": BOB, "opt_out": ["in"]}, {"email": ANA})
    plan = case.planned()
    key = "data/plan/acme/plan-00001.jsonl.gz"
    assert key in world.objects.written
    mine = PersonChange("create", (("unsubscribed_all", None, False),)).record(CLEO)
    world.objects.written[key] = gzip.compress(gzip.decompress(world.objects.written[key]) + json.dumps(mine).encode())
    world.asked.clear()
    with pytest.raises(CustomerError, match="are not as its dry run wrote them, so nothing more was done"):
        case.apply(plan)
    assert world.asked == []


@pytest.mark.parametrize("name", ["set", "remove", "import", "suppress"])
def test_killed_anywhere_it_is_applied_once_by_those_that_come_after(name: str) -> None:
    """Before and after every call: in the end everything is as the plan shows it, and nothing is left out."""
    case = cases()[name]()
    before = states(case.world)
    plan = case.planned()
    for position in range(1, 14):
        for after in (False, True):
            case.world.client.faults = {len(case.world.asked) + position: Fault("killed", after=after)}
            with contextlib.suppress(KilledError):
                case.apply(plan)
            case.world.client.faults = {}
    done = case.apply(plan)
    assert (done.failure, done.data["left_out"]) == (None, 0)
    assert_made(before, states(case.world), _marked(plan, changes(case.world)))


TOPIC = st.sampled_from(["in", "out"])
SAID = st.dictionaries(TOPIC, st.sampled_from(["OPT_IN", "OPT_OUT"]))
WHO = st.sampled_from([ANA, BOB, CLEO, DORA, "ANA@corp.example", "Dora@corp.example"])
EDIT = st.one_of(
    st.tuples(st.just("says"), WHO, SAID, st.booleans(), st.sampled_from([None, '{"a": 1}', '{"z": 0}'])),
    st.tuples(st.just("leaves"), WHO),
    st.tuples(st.just("works"), st.lists(st.sampled_from([ANA, BOB, CLEO, DORA]), unique=True), st.integers(0, 4)),
    st.tuples(st.just("complains"), WHO, st.sampled_from(["BOUNCE", "COMPLAINT"])),
    st.tuples(st.just("is let in"), WHO),
)
ROW = st.fixed_dictionaries(
    {"email": st.sampled_from([ANA, BOB, CLEO, DORA])},
    optional={
        "opt_in": st.lists(TOPIC, unique=True, max_size=1),
        "attributes": st.just({"a": 1}),
    },
)
REFUSING = st.fixed_dictionaries(
    {"email": st.sampled_from([ANA, BOB, CLEO, DORA])},
    optional={"opt_out": st.lists(TOPIC, unique=True), "unsubscribe_all": st.just(True)},
)
ROWS = st.lists(ROW | REFUSING, min_size=1, max_size=4, unique_by=lambda row: row["email"])
CONTACTS = st.lists(st.tuples(WHO, SAID, st.booleans()), max_size=5, unique_by=lambda one: one[0])
FAULT = st.none() | st.tuples(
    st.integers(1, 14), st.sampled_from(["killed", "server", "lost", "throttled", "conflict"]), st.booleans()
)


def edit(case: Case, what: Any) -> None:
    """One change by people or programs."""
    kind, *rest = what
    world = case.world
    if kind == "says":
        email, topics, gone, attributes = rest
        contact(world, email, topics=topics, gone=gone, attributes=attributes)
    elif kind == "leaves" and rest[0] in contacts(world):
        leaves(world, rest[0])
    elif kind == "works":
        if "directory" in case.options:
            employ(case, *rest[0], dbas=rest[1])
    elif kind == "complains":
        request = {"EmailAddress": rest[0], "Reason": rest[1]}
        world.ses.call(ACCOUNT, REGION, "PutSuppressedDestination", request)
    elif kind == "is let in" and rest[0] in listed(world):
        world.ses.call(ACCOUNT, REGION, "DeleteSuppressedDestination", {"EmailAddress": rest[0]})


class Effects:
    """What runs do to the account from now on, told apart from what others do."""

    def __init__(self, case: Case) -> None:
        self.found: dict[str, list[PersonChange]] = {}
        self._case = case
        self._known = states(case.world)
        answer = case.world.client._answer

        def watched(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
            try:
                return answer(name, operation, parameters)
            finally:
                self._look()

        case.world.client._answer = watched  # type: ignore[method-assign]

    def edit(self, what: Any) -> None:
        """A change by somebody else."""
        self._look()
        edit(self._case, what)
        self._known = states(self._case.world)

    def _look(self) -> None:
        now = states(self._case.world)
        for email in now.keys() | self._known.keys():
            change = person_change.between(self._known.get(email), now.get(email))
            if change is not None:
                self.found.setdefault(email, []).append(change)
        self._known = now


def _case(data: st.DataObject) -> Case:
    there = data.draw(CONTACTS)
    world = World(*(ContactRecord(email, tuple(said.items()), gone) for email, said, gone in there))
    jobs = data.draw(st.booleans())
    changes_ = {**EVERYTHING, "prune_limit_percent": 100.0, "import_job_threshold": 1 if jobs else 25}
    world.settings = world.settings.model_copy(update=changes_)
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=0, processing_seconds=0))
    suppress(world, *data.draw(st.lists(st.sampled_from([ANA, BOB, CLEO]), unique=True)))
    kind = data.draw(st.sampled_from(["set", "remove", "import", "suppress"]))
    if kind == "set":
        case = setting(world, *data.draw(ROWS), overwrite=data.draw(st.booleans()), bucket="b" if jobs else None)
    elif kind == "remove":
        rows = data.draw(st.lists(st.sampled_from([ANA, BOB, CLEO, DORA]), min_size=1, unique=True))
        case = removing(world, *rows, forget=data.draw(st.booleans()))
    elif kind == "suppress":
        reasons = st.sampled_from([None, "BOUNCE", "COMPLAINT"])
        case = suppressing(world, *data.draw(st.dictionaries(WHO, reasons, min_size=1)).items())
    else:
        known_before(world, *data.draw(st.lists(st.sampled_from([BOB, CLEO, DORA]), unique=True)))
        case = importing(world, *data.draw(st.lists(st.sampled_from([ANA, BOB, CLEO]), min_size=1, unique=True)),
                         dbas=data.draw(st.integers(0, 3)), prune=data.draw(st.booleans()),
                         bucket="b" if jobs else None)  # fmt: skip
    return case


@given(data=st.data(), slices=st.sampled_from([{}, {"budget": 5.0, "per_second": 1}]))
def test_apply_changes_only_what_the_plan_shows_and_never_more(data: st.DataObject, slices: Any) -> None:
    """Any list, any changes by people and programs between the plan and apply and between any two calls of it, and
    however often it is tried: each effect on a contact is the plan's change of it, or what was left of that."""
    case = _case(data)
    plan = case.planned()
    planned = _marked(plan, changes(case.world))
    effects = Effects(case)
    for what in data.draw(st.lists(EDIT, max_size=3)):
        effects.edit(what)
    tried: list[int] = []
    for number in range(data.draw(st.integers(1, 3))):
        tried.append(number)
        at, what, fault = data.draw(st.none() | st.integers(0, 40)), data.draw(EDIT), data.draw(FAULT)
        moments = Moments(case.world, at, partial(_during, effects, what, number, tried))
        if fault is not None:
            position, kind, after = fault
            late = after and kind not in ("throttled", "conflict")
            case.world.client.faults = {len(case.world.asked) + position: Fault(kind, after=late)}
        with contextlib.suppress(KilledError, AwsCallError, CustomerError, NotStartedError):
            case.apply(plan, **slices)
        case.world.client.faults = {}
        if at is not None and _in_a_window(moments, at, what):
            return  # what is chosen in it SES lets nobody see
    for email, found in effects.found.items():
        assert email in planned, (email, found)
        assert all(planned[email].has(one) for one in found), (planned[email], found)
        # Who refused again is not overruled again. A contact that somebody deletes may be made again.
        assert len([one for one in found if person_change.overwrites_refusal(one.what)]) <= 1, found


def _during(effects: Effects, what: Any, number: int, tried: list[int]) -> None:
    """It comes in this try or not at all."""
    if tried[-1] == number:
        effects.edit(what)


def _in_a_window(moments: Moments, at: int, what: Any) -> bool:
    if what[0] == "works":
        return False
    if "create_import_job" in [one.name for one in moments.passed]:
        return True
    pairs = (
        ("get_contact", {"update_contact", "create_contact", "delete_contact"}),
        ("get_suppressed_destination", {"put_suppressed_destination", "delete_suppressed_destination"}),
    )
    return any(at in windows(moments.passed, read, writes, one) for one in [what[1]] for read, writes in pairs)
