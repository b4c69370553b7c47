"""The lease in a slice: who waits, who is not started, who fails, what is handed on and given back, at which cost."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError, CustomerError, NotStartedError
from ses_fleet.runs import keys
from ses_fleet.runs.work import WorkResult
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker import access, registry, service
from ses_fleet.worker.budget import SliceBudget
from ses_fleet.worker.context import Done, More
from ses_fleet.worker.lease import FREE, FREE_ETAG, LeaseDocument
from tests.unit.aws.s3_store import Client, Happens, Store
from tests.unit.worker.test_sessions import Sts
from tests.unit.worker.world import ACCOUNT, REGION, done_with, make_customer

KEY = keys.lease_key(ACCOUNT, REGION)
ENVIRONMENT = {"AWS_REGION": REGION, "RESULTS_BUCKET": "results"}
Act = Callable[..., Any]


class Context:
    """What Lambda tells of an invocation."""

    aws_request_id = "q1"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """As it was made."""
        return int(self._seconds * 1000)


class Bench:
    """A bucket, and slices that are run beside it. Whoever sleeps lets S3's clock move and `while_waiting` happen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Store()
        self.client = Client(self.store)
        self.ran: list[Any] = []  # the state that each slice of an action was given
        self.slept: list[float] = []
        self.while_waiting: Callable[[], object] = lambda: None
        self._patch = monkeypatch
        monkeypatch.setattr("ses_fleet.aws.s3._wait", lambda _: None)
        monkeypatch.setattr(access, "sts_client", lambda _: Sts())
        monkeypatch.setattr(clients, "client", self._made)
        monkeypatch.setattr(service, "SliceBudget", lambda seconds: SliceBudget(seconds, lambda: self.store.now))
        monkeypatch.setattr("ses_fleet.worker.lease.time", SimpleNamespace(sleep=self._sleep))

    def _made(self, name: str, *_: Any, **__: Any) -> AwsClient:
        return self.client if name == "s3" else AwsClient(name, None)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.store.now += seconds
        self.while_waiting()

    def hold(self, seconds: float = 350.0, run_id: str = "run-b") -> None:
        """Somebody else has it."""
        document = LeaseDocument(
            run_id=run_id, customer_code="beta", number=1, owner="theirs", seconds=seconds, taken_at="x"
        )
        self.store.put(KEY, document.model_dump_json().encode())

    @property
    def now(self) -> bytes | None:
        """What the object holds."""
        kept = self.store.objects.get(KEY)
        return None if kept is None else kept.body

    def slice(
        self,
        does: Act = lambda *_: done_with({}),
        *,
        action: str = "manage-topic",
        function: float = 290.0,
        happens: Happens = lambda *_: None,
        margin: str = "35",
        **item: Any,
    ) -> WorkResult:
        """One slice of run-a; the operations that S3 was asked for are those of `client`."""
        kept_clients.forget()
        self.client = Client(self.store, happens)

        def run(context: Any, params: Any, state: Any) -> Any:
            self.ran.append(state)
            return does(context, params, state)

        self._patch.setitem(registry.REGISTRY, action, run)
        event = {
            "run_id": "run-a",
            "action": action,
            "customer": make_customer().model_dump(mode="json"),
            "params": {},
            "slice_budget_seconds": 240.0,
            **item,
        }
        settings = WorkerSettings.from_env({**ENVIRONMENT, "WRITE_MARGIN_SECONDS": margin})
        answer = service.run(event, Context(function), settings)
        return WorkResult.model_validate(
            {key: tuple(value) if isinstance(value, list) else value for key, value in answer.items()}
        )


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """With the lease free, as every run leaves it."""
    made = Bench(monkeypatch)
    made.store.put(KEY, FREE)
    return made


def test_a_slice_asks_s3_twice(bench: Bench) -> None:
    """It takes the free lease and gives it back, without reading it; while it runs the object says who has it."""

    def action(*_: Any) -> Done:
        held = LeaseDocument.model_validate_json(bench.now or b"")
        assert (held.run_id, held.customer_code, held.number) == ("run-a", "acme", 1)
        assert 349 < held.seconds <= 350
        return done_with({})

    result = bench.slice(action)
    assert (result.error, result.warnings, bench.now) == (None, (), FREE)
    assert bench.client.asked == ["put_object", "put_object"]


def test_slices_of_one_customer_hand_it_on(bench: Bench) -> None:
    """Taken in the first, given back in the last, and one call in each; the number rises."""
    continuation = None
    for number in (1, 2, 3):
        result = bench.slice(lambda *_, n=number: More({"at": n}), continuation=continuation)
        assert bench.client.asked == ["put_object"]
        continuation = result.continuation
        assert LeaseDocument.model_validate_json(bench.now or b"").number == number
    bench.store.now += 10_000  # over, but nobody else took it
    assert bench.slice(continuation=continuation).error is None
    assert bench.client.asked == ["put_object", "put_object"]
    assert bench.now == FREE


@pytest.mark.parametrize(("before", "kms"), [(None, False), (FREE, True), (b"", False), (b"{}", True), (b"\xff", True)])
def test_whatever_the_object_is_the_lease_can_be_had(before: bytes | None, kms: bool, bench: Bench) -> None:
    """Absent, with an ETag that is no MD5, or something that no worker wrote and that is older than any lease."""
    bench.store.objects.clear()
    bench.store.kms = kms
    if before is not None:
        bench.store.put(KEY, before)
    bench.store.now += 351 if before != FREE else 0
    assert bench.slice().error is None
    assert (bench.ran, bench.now) == ([{}], FREE)


@pytest.mark.parametrize("body", [b"{}", b'{"run_id": "x"}', b'{"seconds": 1e999}', b"x" * 1000])
def test_what_cannot_be_read_is_held_as_long_as_any_lease(body: bytes, bench: Bench) -> None:
    """Nobody's run is begun because somebody's lease is of another kind."""
    bench.store.put(KEY, body)
    bench.store.now += 300
    assert "somebody whose lease cannot be read, for at most" in (bench.slice().not_started or "")
    assert bench.ran == []


def test_an_object_that_is_no_lease_is_said_to_be(bench: Bench) -> None:
    """It is not read to its end."""
    bench.store.put(KEY, b"x" * (limits.COMPARED_BYTES + 1))
    assert "is no lease" in (bench.slice().not_started or "")


def test_a_held_lease_is_waited_for_a_little(bench: Bench) -> None:
    """20 s, with a look every few; then nothing ran, and who has it is said, and for how long at most."""
    bench.hold()
    result = bench.slice()
    assert sum(bench.slept) == pytest.approx(limits.LEASE_WAIT_SECONDS)
    assert all(pause <= limits.LEASE_LOOK_SECONDS[1] for pause in bench.slept)
    # S3 tells whole seconds, so one more may be left than really is.
    assert result.not_started in [
        f"the contact list of account {ACCOUNT} in {REGION} was not touched: the lease s3://results/{KEY} is held by "
        f"run run-b (customer beta), for at most {left} s more; run this customer again after that"
        for left in (330, 331)
    ]
    assert (result.error, result.continuation, bench.ran) == (None, None, [])
    assert not any("finished" in line for line in result.logs)


@pytest.mark.parametrize("how", ["freed", "over", "deleted"])
def test_what_becomes_free_meanwhile_is_taken(how: str, bench: Bench) -> None:
    """Given back, over by S3's clock, or deleted by a person."""
    bench.hold(seconds=5 if how == "over" else 350)
    if how == "freed":
        bench.while_waiting = lambda: bench.store.put(KEY, FREE)
    if how == "deleted":
        bench.while_waiting = lambda: bench.store.objects.pop(KEY, None)
    assert bench.slice().error is None
    assert (bench.ran, bench.now) == ([{}], FREE)
    assert len(bench.slept) <= 3


def test_a_wait_ends_with_the_slice(bench: Bench) -> None:
    """However short that is."""
    bench.hold()
    assert bench.slice(slice_budget_seconds=0.001).not_started
    assert sum(bench.slept) <= 0.001


def failing_after(calls: int, what: str, passed: list[str]) -> Happens:
    """S3 that fails so after that many calls; `passed` are all that were sent."""

    def happens(operation: str, _: Any) -> str | None:
        passed.append(operation)
        return what if len(passed) > calls else None

    return happens


def without_age(store: Store) -> Happens:
    """S3 that does not say when it answers."""
    original = store.answer

    def answer(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return {**original(operation, parameters), "ResponseMetadata": {}}

    store.answer = answer  # type: ignore[method-assign]
    return lambda *_: None


def test_a_lease_without_an_age_is_held(bench: Bench) -> None:
    """This machine's clock says nothing of it."""
    bench.hold()
    bench.store.now += 10_000
    assert bench.slice(happens=without_age(bench.store)).not_started


@pytest.mark.parametrize("budget", [240.0, 30.0, 3.0, 0.5])
def test_a_resumed_run_waits_until_it_is_over(budget: float, bench: Bench) -> None:
    """Over as many slices as that takes; each says that nothing ran, and the first one that gets it begins."""
    bench.hold(seconds=350)
    began, continuation = bench.store.now, None
    while not bench.ran:
        result = bench.slice(
            lambda *_: More({"at": 1}), wait_for_lease=True, slice_budget_seconds=budget, continuation=continuation
        )
        continuation = result.continuation
        assert (result.error, result.not_started) == (None, None)
        assert bench.store.now - began < 360
        waiting = (
            "⏳ Customer acme: Waiting for the contact list, which is held by run run-b (customer beta), for at most"
        )
        assert any(line.startswith(waiting) for line in result.logs) == (bench.ran == [])
        held = None if bench.ran else "its contact list was held by run run-b (customer beta)"
        assert result.waits_for == held
    assert bench.ran == [{}]
    assert bench.slice(continuation=continuation).error is None
    assert bench.ran == [{}, {"at": 1}]


def test_a_resumed_run_goes_on_where_it_was_when_it_has_waited(bench: Bench) -> None:
    """With the state that it was given; the dead worker's lease is of a later slice than its continuation knows."""
    continuation = bench.slice(lambda *_: More({"at": 7})).continuation
    bench.hold(seconds=100, run_id="run-a")
    bench.ran.clear()
    while not bench.ran:
        result = bench.slice(wait_for_lease=True, slice_budget_seconds=30.0, continuation=continuation)
        continuation = result.continuation
        assert (result.error, result.waits_for) == (None, None)
    assert bench.ran == [{"at": 7}]


@pytest.mark.parametrize("ran", [False, True])
@pytest.mark.parametrize("budget", [240.0, 1.0])
def test_a_lease_that_its_holder_renews_is_not_waited_for_for_ever(budget: float, ran: bool, bench: Bench) -> None:
    """A dead worker's is over after 350 s: who has it after that is alive."""
    continuation = bench.slice(lambda *_: More({"at": 1})).continuation if ran else None
    bench.hold()
    bench.while_waiting = bench.hold
    bench.ran.clear()
    began = bench.store.now
    while True:
        result = bench.slice(wait_for_lease=True, slice_budget_seconds=budget, continuation=continuation)
        if result.continuation is None:
            break
        continuation = result.continuation
    assert 350 <= bench.store.now - began <= 371
    assert bench.ran == []
    told = result.error.message if ran and result.error else result.not_started
    assert "run run-b (customer beta)" in (told or "")


def test_a_customer_whose_lease_another_run_has_taken_fails(bench: Bench) -> None:
    """It has run before, so it is not "not started"; the lease is left to who has it."""
    continuation = bench.slice(lambda *_: More({"at": 1})).continuation
    bench.hold()
    theirs = bench.now
    bench.ran.clear()
    result = bench.slice(continuation=continuation)
    assert result.error is not None
    assert (result.error.category, result.error.type, result.error.retryable) == ("operation", "ListInUse", True)
    assert "run run-b (customer beta)" in result.error.message
    assert (result.not_started, bench.ran, bench.now) == (None, [], theirs)


@pytest.mark.parametrize("other", ["free", "over"])
def test_a_customer_whose_lease_was_taken_and_is_free_again_goes_on(other: str, bench: Bench) -> None:
    """Its writes are decided by what it reads, not by what it read then."""
    continuation = bench.slice(lambda *_: More({"at": 1})).continuation
    bench.hold(seconds=1)
    if other == "free":
        bench.store.put(KEY, FREE)
    bench.store.now += 5
    assert bench.slice(continuation=continuation).error is None
    assert (bench.ran, bench.now) == ([{}, {"at": 1}], FREE)


def test_a_continuation_that_is_sent_twice_runs_once(bench: Bench) -> None:
    """The second worker finds another slice's lease, although it is its own run's."""
    continuation = bench.slice(lambda *_: More({"at": 1})).continuation
    second: list[WorkResult] = []

    def action(*_: Any) -> Done:
        client = bench.client
        second.append(bench.slice(continuation=continuation))
        bench.client = client
        return done_with({})

    assert bench.slice(action, continuation=continuation).error is None
    assert second[0].error is not None
    assert "is held by run run-a (customer acme)" in second[0].error.message
    assert bench.ran == [{}, {"at": 1}]


def test_a_continuation_of_before_leases_takes_one(bench: Bench) -> None:
    """It has run, so a lease that is held fails it."""
    before = {"state": {"at": 1}, "pace": None, "idle": 0}
    assert bench.slice(continuation=before).error is None
    bench.hold()
    error = bench.slice(continuation=before).error
    assert error is not None
    assert error.type == "ListInUse"


@pytest.mark.parametrize("what", ["503", "before", "lost", "403"])
@pytest.mark.parametrize("ran", [False, True])
def test_who_cannot_take_it_does_not_start(ran: bool, what: str, bench: Bench) -> None:
    """S3 fails or refuses: nothing is done for the customer without a lease."""
    continuation = bench.slice(lambda *_: More({"at": 1})).continuation if ran else None
    bench.ran.clear()
    result = bench.slice(happens=lambda *_: what, continuation=continuation)
    assert bench.ran == []
    if ran:
        assert result.error is not None
        assert (result.error.category, result.error.retryable) == ("operation", True)
        text = result.error.message
    else:
        assert result.error is None
        text = result.not_started or ""
    assert f"the lease s3://results/{KEY} could not be read or taken" in text
    assert ("worker role's policy" in text) == (what == "403")


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
@pytest.mark.parametrize("what", ["503", "before", "lost"])
def test_s3_that_fails_for_a_while_is_survived(what: str, calls: int, bench: Bench) -> None:
    """When the lease is taken, and when it is given back."""
    for first in range(1, 8):
        passed: list[str] = []

        def happens(operation: str, _: Any, passed: list[str] = passed, first: int = first) -> str | None:
            passed.append(operation)
            return what if first <= len(passed) < first + calls else None

        assert bench.slice(happens=happens).error is None
        assert bench.now == FREE, (what, calls, first)


@pytest.mark.parametrize(
    ("raised", "freed"),
    [
        (CustomerError("operation", "X", "no"), True),
        (AwsCallError("sesv2", "get_contact", "refused", "X", "no", 400), True),
        (NotStartedError("an import job is running"), True),
        (KeyError("x"), False),
        (CustomerError("operation", "X", "no", outcome_unknown=True), False),
    ],
)
def test_every_end_gives_it_back(raised: Exception, freed: bool, bench: Bench) -> None:
    """After a write that may still take effect not before a minute has passed, as the message says."""

    def action(*_: Any) -> Any:
        raise raised

    bench.slice(action)
    assert (bench.now == FREE) == freed
    if not freed:
        assert LeaseDocument.model_validate_json(bench.now or b"").seconds == limits.LEASE_GRACE_SECONDS
    assert bench.client.asked == ["put_object", "put_object"]


def test_a_failure_at_the_end_gives_it_back_too(bench: Bench) -> None:
    """One that comes with data, and one of slices without progress."""
    bench.slice(lambda *_: done_with({}, failure=CustomerError("operation", "X", "no")))
    assert bench.now == FREE
    continuation = None
    for _ in range(limits.IDLE_SLICES + 1):
        result = bench.slice(lambda *_: More({"at": 1}), continuation=continuation)
        continuation = result.continuation
    assert result.error is not None
    assert (result.error.type, bench.now) == ("SliceTimeout", FREE)


@pytest.mark.parametrize("what", ["503", "before", "403"])
def test_a_lease_that_cannot_be_given_back_is_a_warning(what: str, bench: Bench) -> None:
    """The customer is successful all the same, and the lease is over by itself."""
    passed: list[str] = []
    result = bench.slice(happens=failing_after(1, what, passed))
    assert (result.error, result.data) == (None, {})
    (warning,) = result.warnings
    assert warning.startswith(f"the lease s3://results/{KEY} could not be given back (")
    assert any(warning in line for line in result.logs)
    assert len(passed) == 1 + (1 if what == "403" else limits.LEASE_TRIES)


def test_a_function_at_its_end_does_not_try_for_long(bench: Bench) -> None:
    """Its answer is worth more than the lease."""
    passed: list[str] = []

    def action(*_: Any) -> Done:
        bench.store.now += 280
        return done_with({})

    bench.slice(action, happens=failing_after(1, "503", passed))
    assert len(passed) == 2


def test_a_lease_that_another_run_has_taken_is_left_alone(bench: Bench) -> None:
    """It is said: two runs may have worked on the list."""

    def action(*_: Any) -> Done:
        bench.hold()
        return done_with({})

    result = bench.slice(action)
    assert "another run has taken it: check the list" in result.warnings[0]
    assert b"run-b" in (bench.now or b"")


@pytest.mark.parametrize(("action", "dry_run"), [("list-contacts", False), ("manage-topic", True)])
def test_who_writes_nothing_needs_none(action: str, dry_run: bool, bench: Bench) -> None:
    """Reading goes on beside a run that has the lease, and asks S3 for nothing."""
    bench.hold()
    assert bench.slice(action=action, dry_run=dry_run).error is None
    assert (len(bench.ran), bench.client.asked) == (1, [])


@pytest.mark.parametrize(("function", "margin"), [(30.0, "35"), (35.0, "35"), (5.0, "5")])
def test_a_function_that_is_shorter_than_the_margin_says_so(function: float, margin: str, bench: Bench) -> None:
    """It could write nothing in any slice; that is no matter of trying again."""
    error = bench.slice(function=function, margin=margin).error
    assert error is not None
    assert (error.category, error.type, error.retryable) == ("configuration", "FunctionTooShort", False)
    assert "WRITE_MARGIN_SECONDS" in error.message
    assert (bench.ran, bench.now) == ([], FREE)


def test_the_etag_of_a_free_lease_is_known() -> None:
    """So nobody reads it."""
    assert Store().put(KEY, FREE) == FREE_ETAG
