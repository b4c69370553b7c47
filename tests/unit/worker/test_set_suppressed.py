"""set-suppressed: an entry is read right before it is written, no complaint is forgotten, and kills harm nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.actions.params import SetSuppressedParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people.rows import SuppressedRow
from ses_fleet.worker.actions import set_suppressed
from strict_aws.ses import suppression_import
from strict_aws.ses.errors import bad_request
from strict_aws.ses.jobs import ImportJobSettings
from tests.unit.worker.imports import meanwhile
from tests.unit.worker.test_find_contact import suppress
from tests.unit.worker.world import ACCOUNT, REGION, Client, Fault, Finished, KilledError, Objects, World

BUCKET = {"import_bucket": "imports"}
WRITES = {"PutSuppressedDestination", "DeleteSuppressedDestination", "CreateImportJob"}
CONFIRMED = SetSuppressedParams(confirm_people=1)
NEW = [f"new{n}@x.example" for n in range(30)]  # more than are added one by one


def rows_of(world: World, *rows: tuple[str, str | None]) -> World:
    """The same world with these rows: (address, reason); without a reason the address is to be absent."""
    world.people = {
        line: SuppressedRow(email=email, state="present" if reason else "absent", reason=reason)  # type: ignore[arg-type]
        for line, (email, reason) in enumerate(rows, 1)
    }
    return world


def new_world(**conditions: Any) -> World:
    """An account without a contact list, in which import jobs are over at once."""
    world = World(made=False, **conditions)
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=0, processing_seconds=0))
    return world


def set_(world: World, params: SetSuppressedParams | None = None, **options: Any) -> Finished:
    """The whole action."""
    return world.run(set_suppressed.run, params or SetSuppressedParams(), **{"customer": BUCKET, **options})


def listed(world: World) -> dict[str, str]:
    """{address: reason} of the account's suppression list."""
    found: dict[str, str] = {}
    token: dict[str, Any] = {}
    while True:
        page = world.ses.call(ACCOUNT, REGION, "ListSuppressedDestinations", {"PageSize": 1_000, **token})
        found |= {one["EmailAddress"]: one["Reason"] for one in page["SuppressedDestinationSummaries"]}
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def counts(done: Finished) -> dict[str, int]:
    """The numbers that are not zero."""
    return {name: value for name, value in done.data.items() if value}


def writes(world: World) -> list[str]:
    """What was written, in order."""
    return [one for one in world.asked if one in WRITES]


def test_few_are_read_written_and_read_back() -> None:
    """Outcomes by row and without an address; nothing but these two is changed."""
    world = suppress(new_world(), "old@x.example", "stays@x.example")
    rows_of(world, ("a/b@x.example", "COMPLAINT"), ("old@x.example", None), ("gone@x.example", None))
    done = set_(world)
    assert counts(done) == {"added": 1, "removed": 1, "was_absent": 1}
    assert listed(world) == {"a/b@x.example": "COMPLAINT", "stays@x.example": "BOUNCE"}
    get = "GetSuppressedDestination"
    assert world.asked == [
        "ListImportJobs",
        *(get, "PutSuppressedDestination"),
        *(get, "DeleteSuppressedDestination"),
        get,
        *(get, get),
    ]
    assert world.written() == [
        {"row": 1, "state": "present", "outcome": "added"},
        {"row": 2, "state": "absent", "outcome": "removed"},
        {"row": 3, "state": "absent", "outcome": "was_absent"},
    ]
    assert done.data_location == "s3://results/data/run-1/acme/"
    assert "@" not in json.dumps([world.lines, done.data, world.warnings])


@pytest.mark.parametrize("many", [False, True])
def test_an_entry_that_is_there_keeps_its_reason(many: bool) -> None:
    """Whichever it is, also where a job adds others."""
    world = suppress(new_world(), "a@x.example", reason="COMPLAINT")
    suppress(world, "b@x.example")
    others = [(email, "BOUNCE") for email in NEW] if many else []
    rows_of(world, ("a@x.example", "BOUNCE"), ("b@x.example", "COMPLAINT"), *others)
    assert counts(set_(world))["already"] == 2
    assert {email: listed(world)[email] for email in ("a@x.example", "b@x.example")} == {
        "a@x.example": "COMPLAINT",
        "b@x.example": "BOUNCE",
    }


@pytest.mark.parametrize("pages", [False, True])
def test_a_complaint_is_taken_off_only_with_the_number_of_people(pages: bool) -> None:
    """Without it the entry stays, is counted and told; a bounce needs none."""
    world = suppress(new_world(), "c@x.example", reason="COMPLAINT")
    suppress(world, "b@x.example")
    others = [(f"none{n}@x.example", None) for n in range(5)] if pages else []
    rows_of(world, ("c@x.example", None), ("b@x.example", None), *others)
    done = set_(world)
    assert {name: done.data[name] for name in ("kept_complaint", "removed")} == {"kept_complaint": 1, "removed": 1}
    assert done.failure is None
    assert listed(world) == {"c@x.example": "COMPLAINT"}
    assert "params.confirm_people" in world.warnings[0]
    world.objects.written.clear()
    assert set_(world, CONFIRMED).data["removed"] == 1
    assert listed(world) == {}


def test_who_complains_between_the_pages_and_the_write_stays() -> None:
    """What the pages said of an entry never decides that it is taken off."""
    world = suppress(new_world(), "b@x.example")
    rows_of(world, ("b@x.example", None), *((f"none{n}@x.example", None) for n in range(5)))

    def complain(operation: str) -> None:
        if operation == "list_suppressed_destinations":
            suppress(world, "b@x.example", reason="COMPLAINT")

    meanwhile(world, complain)
    assert set_(world).data["kept_complaint"] == 1
    assert listed(world) == {"b@x.example": "COMPLAINT"}


def test_many_are_added_by_one_job() -> None:
    """From a file in the customer's bucket that does not stay; the list is read right before and read back."""
    world = suppress(new_world(), NEW[3], reason="COMPLAINT")
    rows_of(world, *((email, "BOUNCE") for email in NEW))
    done = set_(world)
    assert counts(done) == {"added": 29, "by_job": 29, "already": 1}
    assert listed(world) == {**dict.fromkeys(NEW, "BOUNCE"), NEW[3]: "COMPLAINT"}
    page = "ListSuppressedDestinations"
    assert world.asked == ["ListImportJobs", page, page, "ListImportJobs", "CreateImportJob", "GetImportJob", page]
    assert world.customer_objects.written == {}


@pytest.mark.parametrize("count", [limits.SUPPRESSED_BY_JOB, limits.SUPPRESSED_BY_JOB + 1])
def test_a_job_is_for_more_than_so_many(count: int) -> None:
    """Of those that are not on the list already."""
    world = rows_of(new_world(), *((f"n{n}@x.example", "BOUNCE") for n in range(count)))
    assert set_(world).data["added"] == count
    assert world.asked.count("CreateImportJob") == (count > limits.SUPPRESSED_BY_JOB)


def no_bucket(_world: World) -> dict[str, Any]:
    """Config.json has none."""
    return {"customer": {}}


def refused_file(world: World) -> dict[str, Any]:
    """The bucket refuses it."""
    world.customer_objects.refusal = AwsCallError("s3", "put_object", "refused", "AccessDenied", "no", 403)
    return {}


def unreadable_file(world: World) -> dict[str, Any]:
    """SES may not read it."""
    world.customer_objects.unreadable = "Access denied"
    return {}


def long_list(world: World) -> dict[str, Any]:
    """The list has more pages than there are addresses."""
    suppress(world, *(f"s{n}@x.example" for n in range(39_001)))
    return {}


def changing_list(world: World) -> dict[str, Any]:
    """Somebody else puts one of ours there after each look."""
    coming = iter(NEW)

    def come(operation: str) -> None:
        if operation == "list_suppressed_destinations" and world.asked.count("PutSuppressedDestination") == 0:
            suppress(world, next(coming))

    meanwhile(world, come)
    return {}


@pytest.mark.parametrize("hinder", [no_bucket, refused_file, unreadable_file, long_list, changing_list])
def test_where_no_job_can_add_them_they_are_added_one_by_one(hinder: Callable[[World], dict[str, Any]]) -> None:
    """With a warning that says why."""
    world = rows_of(
        new_world(), *((f"{email}", "BOUNCE") for email in [*NEW, *(f"more{n}@x.example" for n in range(9))])
    )
    options = hinder(world)
    done = set_(world, **options)
    assert done.failure is None
    assert done.data["added"] + done.data["already"] == 39
    assert done.data["by_job"] == 0
    assert any("one by one" in warning for warning in world.warnings)
    assert set(NEW) <= listed(world).keys()
    assert "@" not in json.dumps([world.lines, world.warnings])


def test_a_job_of_others_is_waited_for() -> None:
    """It may write over what this run writes, and this run's job over what it wrote."""
    world = rows_of(new_world(), *((email, "BOUNCE") for email in NEW))
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=5, processing_seconds=30))
    start_job(world, NEW[0])
    done = set_(world)
    assert counts(done) == {"added": 29, "by_job": 29, "already": 1}
    assert listed(world)[NEW[0]] == "COMPLAINT"
    assert any("waiting for 1 import job" in line for line in world.lines)


def test_a_job_that_others_start_after_the_list_was_read_is_waited_for() -> None:
    """Ours is not started beside it: what theirs puts there is not written over."""
    world = rows_of(new_world(), *((email, "BOUNCE") for email in NEW))
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=5, processing_seconds=30))

    def begin(operation: str) -> None:
        if operation == "list_suppressed_destinations" and "theirs" not in world.customer_objects.written:
            start_job(world, NEW[0])

    meanwhile(world, begin)
    assert counts(set_(world)) == {"added": 29, "by_job": 29, "already": 1}
    assert listed(world)[NEW[0]] == "COMPLAINT"


def test_who_is_taken_off_by_others_meanwhile_was_absent() -> None:
    """SES's refusal contradicts what was read: it is read again."""
    world = suppress(rows_of(new_world(), ("b@x.example", None)), "b@x.example")

    def take_off(operation: str) -> None:
        if operation == "get_suppressed_destination" and "b@x.example" in listed(world):
            world.ses.call(ACCOUNT, REGION, "DeleteSuppressedDestination", {"EmailAddress": "b@x.example"})

    meanwhile(world, take_off)
    done = set_(world)
    assert (counts(done), done.failure) == ({"was_absent": 1}, None)


def start_job(world: World, email: str) -> None:
    """Another program's job, which puts one address there."""
    world.customer_objects.written["theirs"] = json.dumps({"emailAddress": email, "reason": "COMPLAINT"}).encode()
    destination = {"SuppressionListDestination": {"SuppressionListImportAction": "PUT"}}
    source = {"S3Url": "s3://imports/theirs", "DataFormat": "JSON"}
    asked = {"ImportDestination": destination, "ImportDataSource": source}
    world.ses.call(ACCOUNT, REGION, "CreateImportJob", asked)


def test_records_that_the_job_refused_are_failures() -> None:
    """With SES's reasons, counted; the others are added."""
    rows = [(email, "BOUNCE") for email in NEW]
    world = rows_of(new_world(), *rows)
    with pytest.MonkeyPatch.context() as patch:
        real = suppression_import._checked

        def picky(one: dict[str, Any], action: Any) -> Any:
            if one.get("emailAddress") == NEW[5]:
                raise bad_request("EmailAddress is invalid")
            return real(one, action)

        patch.setattr(suppression_import, "_checked", picky)
        done = set_(world)
    assert counts(done) == {"added": 29, "by_job": 29, "failed": 1}
    assert done.failure is not None
    assert done.failure.type == "AddressesNotSet"
    assert "1 addresses" in done.failure.message
    assert "@" not in json.dumps([done.failure.message, world.lines])
    assert NEW[5] in world.written_below("data/run-1/acme/refused")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_write_that_did_not_take_is_a_failure(state: str) -> None:
    """It is read back until the pauses are used up."""
    world = suppress(new_world(), "b@x.example")
    rows_of(world, ("a@x.example", "BOUNCE") if state == "present" else ("b@x.example", None))
    real = world.client._answer

    def ignoring(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return {} if name in WRITES else real(name, operation, parameters)

    world.client._answer = ignoring  # type: ignore[method-assign]
    done = set_(world)
    assert counts(done) == {"failed": 1}
    assert done.failure is not None
    assert "afterwards" in done.failure.message
    assert world.time.slept >= sum(limits.READ_BACK_PAUSES_SECONDS)


def test_reads_that_lag_are_waited_for() -> None:
    """Whatever is shown late is no failure."""
    world = new_world(read_lag_seconds=5)
    suppress(world, "b@x.example")
    world.time.sleep(10)
    rows_of(world, ("a@x.example", "BOUNCE"), ("b@x.example", None), *((email, "BOUNCE") for email in NEW))
    done = set_(world)
    assert done.failure is None, done.failure
    assert listed(world) == dict.fromkeys(["a@x.example", *NEW], "BOUNCE")


def test_the_sandbox_has_no_suppression_list() -> None:
    """Nothing is changed, and the failure says what to do."""
    for count in (1, 5, 30):
        world = rows_of(new_world(), *((email, "BOUNCE") for email in NEW[:count]))
        world.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=True)
        with pytest.raises(CustomerError, match="request production access") as error:
            set_(world)
        assert error.value.type == "SesSandbox"
        assert writes(world) == []


def test_an_address_that_ses_refuses_fails_alone() -> None:
    """Counted with the reason."""
    world = rows_of(new_world(), ("a@x.example", "BOUNCE"), ("b@x.example", "BOUNCE"))
    real = world.client._answer

    def refusing(name: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if name == "PutSuppressedDestination" and parameters["EmailAddress"] == "a@x.example":
            raise AwsCallError("sesv2", operation, "refused", "BadRequestException", "SES refuses the address", 400)
        return real(name, operation, parameters)

    world.client._answer = refusing  # type: ignore[method-assign]
    done = set_(world)
    assert counts(done) == {"added": 1, "failed": 1}
    assert "SES refuses the address (1)" in str(done.failure)


@pytest.mark.parametrize("count", [2, 30])
def test_a_dry_run_writes_nothing_and_says_what_it_would_take(count: int) -> None:
    """The same counts as the run, and about as many requests as it sends."""
    rows = [*((email, "BOUNCE") for email in NEW[:count]), ("old@x.example", None), ("c@x.example", None)]
    world = suppress(rows_of(new_world(), *rows), "old@x.example")
    suppress(world, "c@x.example", reason="COMPLAINT")
    world.settings = world.settings.model_copy(update={"ses_requests_per_second": 1.0})
    before = listed(world)
    dry = set_(world, dry_run=True)
    assert (listed(world), writes(world), world.customer_objects.written) == (before, [], {})
    assert (dry.data["seconds"], dry.failure) == (float(dry.data["requests"]), None)
    world.objects.written.clear()
    world.asked.clear()
    real = set_(world)
    estimated = {"requests", "seconds"}
    assert {name: dry.data[name] for name in dry.data.keys() - estimated} == {
        name: real.data[name] for name in real.data.keys() - estimated
    }
    assert abs(dry.data["requests"] - len(world.asked)) <= 6
    assert f"about {dry.data['requests']} requests" in " ".join(world.lines)


def test_slices_do_the_same_and_hand_on_no_address() -> None:
    """At one request a second, by job and one by one, and read back."""
    rows = [*((email, "BOUNCE") for email in NEW), *((f"old{n}@x.example", None) for n in range(20))]
    world = suppress(rows_of(new_world(), *rows), *(f"old{n}@x.example" for n in range(10)))
    done = set_(world, budget=6.0, per_second=1)
    assert done.failure is None, done.failure
    assert counts(done) == {"added": 30, "by_job": 30, "removed": 10, "was_absent": 10}
    assert world.slices > 3
    assert listed(world) == dict.fromkeys(NEW, "BOUNCE")
    assert "@" not in json.dumps([world.states, world.lines])


_ENTRIES = st.sampled_from([None, "BOUNCE", "COMPLAINT"])


@given(
    there=st.lists(_ENTRIES, min_size=8, max_size=8),
    wanted=st.lists(_ENTRIES, min_size=1, max_size=8),
    confirmed=st.booleans(),
)
def test_every_wish_ends_as_a_naive_model_says(there: list[Any], wanted: list[Any], confirmed: bool) -> None:
    """Who is there stays with the reason, who complained is taken off only if that was confirmed."""
    emails = [f"n{n}@x.example" for n in range(8)]
    world = new_world()
    expected = {email: reason for email, reason in zip(emails, there, strict=True) if reason}
    for email, reason in expected.items():
        suppress(world, email, reason=reason)
    rows_of(world, *zip(emails, wanted, strict=False))
    for email, reason in zip(emails, wanted, strict=False):
        if reason is not None:
            expected.setdefault(email, reason)
        elif expected.get(email) == "BOUNCE" or confirmed:
            expected.pop(email, None)
    assert set_(world, CONFIRMED if confirmed else None).failure is None
    assert listed(world) == expected


# --- kills ---------------------------------------------------------------------------------------
OLD, COMPLAINED = [f"old{n}@x.example" for n in range(3)], "complained@x.example"
WHERE: dict[str, Callable[[World], Client | Objects]] = {
    "ses": lambda world: world.client,
    "results": lambda world: world.objects,
    "import bucket": lambda world: world.customer_objects,
}
EXPECTED = {**dict.fromkeys(NEW, "BOUNCE"), COMPLAINED: "COMPLAINT"}


def prepared(many: bool) -> World:
    """Some to add, by a job if `many`, some to take off, and one that complained."""
    world = suppress(new_world(), *OLD)
    suppress(world, COMPLAINED, reason="COMPLAINT")
    new = NEW if many else NEW[:3]
    return rows_of(
        world,
        *((email, "BOUNCE") for email in new),
        *((email, None) for email in OLD),
        (COMPLAINED, None),
    )


def expected(many: bool) -> dict[str, str]:
    """How the list ends."""
    return {email: reason for email, reason in EXPECTED.items() if many or email not in NEW[3:]}


def moments(where: str, many: bool) -> Iterator[tuple[str, Callable[[str], World]]]:
    """(Text, a world in which that fault happens) before and after each call of an undisturbed run."""
    whole = prepared(many)
    assert set_(whole).failure is None
    assert listed(whole) == expected(many)
    calls = WHERE[where](whole).asked
    total = calls if isinstance(calls, int) else len(calls)
    for number, after in itertools.product(range(1, total + 1), (False, True)):

        def made(kind: str, number: int = number, after: bool = after) -> World:
            world = prepared(many)
            WHERE[where](world).faults[number] = Fault(kind, after=after)
            return world

        yield f"{where}, call {number} of {total}, {'after' if after else 'before'}", made


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("where", list(WHERE))
def test_killed_at_any_call_and_run_again(where: str, many: bool) -> None:
    """The list ends as after a run that nobody killed, and one more run writes nothing."""
    for moment, made in moments(where, many):
        world = made("killed")
        with pytest.raises(KilledError):
            set_(world, run_id="killed")
        assert set_(world, run_id="again").failure is None, moment
        assert listed(world) == expected(many), moment
        before = writes(world)
        assert set_(world, run_id="once-more").failure is None
        assert writes(world) == before, moment


@pytest.mark.parametrize("many", [False, True])
def test_who_complains_after_a_kill_keeps_that_reason(many: bool) -> None:
    """The next run reads before it writes, and waits for the killed one's job."""
    for moment, made in moments("ses", many):
        world = made("killed")
        with pytest.raises(KilledError):
            set_(world, run_id="killed")
        world.time.sleep(60)
        suppress(world, NEW[0], OLD[0], reason="COMPLAINT")
        done = set_(world, run_id="again")
        assert done.failure is None, moment
        assert listed(world) == {**expected(many), NEW[0]: "COMPLAINT", OLD[0]: "COMPLAINT"}, moment


@pytest.mark.parametrize(("kind", "after"), [("lost", True), ("lost", False), ("server", False), ("refused", False)])
@pytest.mark.parametrize("many", [False, True])
def test_a_call_that_fails_is_told_honestly_and_never_repeated_blindly(many: bool, kind: str, after: bool) -> None:
    """A write whose answer is lost is sent once, and its outcome is unknown; the next run completes."""
    moments_ = moments_of_ses(many)
    for number in range(1, len(moments_) + 1):
        world = prepared(many)
        world.client.faults[number] = Fault(kind, after=after)
        failure = failure_of(world)
        if kind == "lost" and moments_[number - 1] in WRITES:
            assert failure is not None, number
            assert len(world.asked) == number, "nothing is sent after it"
        if failure is None:
            assert listed(world) == expected(many), number
        else:
            unheard = kind in ("lost", "server") and world.asked[-1] in WRITES
            under_way = "CreateImportJob" in world.asked and bool(world.customer_objects.written)
            assert failure.outcome_unknown == (unheard or under_way), number
        world.time.sleep(60)
        assert set_(world, run_id="again").failure is None, number
        assert listed(world) == expected(many), number


def failure_of(world: World) -> AwsCallError | CustomerError | None:
    """How a run fails, if it does; no write is sent again after an answer that was lost."""
    try:
        return set_(world, run_id="broken").failure
    except (AwsCallError, CustomerError) as failure:
        return failure


def moments_of_ses(many: bool) -> list[str]:
    """The calls of an undisturbed run."""
    whole = prepared(many)
    set_(whole)
    return list(whole.asked)
