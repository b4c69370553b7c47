"""Pacing: the burst, then one a second, never beyond the budget."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.budget import SliceBudget, SliceTimeoutError
from ses_fleet.worker.paced_client import PacedClient, UnitClient, Waiter
from ses_fleet.worker.pacing import Pacer
from tests.unit.worker.world import FOREVER


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass."""
        self.now += seconds


def pacer(clock: Clock, per_second: float = 1.0, budget: float = 60.0) -> Pacer:
    """A pacer on made-up time."""
    return Pacer(per_second, 5, SliceBudget(budget, clock), clock, clock.sleep)


def test_a_burst_passes_then_one_a_second() -> None:
    """Five at once, the sixth a second later, and so on."""
    clock = Clock()
    paced = pacer(clock)
    moments = []
    for _ in range(8):
        paced.wait()
        moments.append(clock.now - 100.0)
    assert moments == pytest.approx([0, 0, 0, 0, 0, 1, 2, 3])


def test_zero_is_unpaced() -> None:
    """As local tools may want it."""
    clock = Clock()
    paced = pacer(clock, per_second=0)
    for _ in range(100):
        paced.wait()
    assert clock.now == 100.0


@pytest.mark.parametrize("per_second", [0, 1.0])
def test_nothing_is_waited_for_beyond_the_budget(per_second: float) -> None:
    """A turn that comes too late is a timeout at once."""
    clock = Clock()
    paced = pacer(clock, per_second, budget=2.5)
    for _ in range(7 if per_second else 5):
        paced.wait()
    clock.sleep(0 if per_second else 2.5)
    with pytest.raises(SliceTimeoutError):
        paced.wait()
    assert clock.now <= 102.5


class Ses:
    """Stands where boto3's client does: takes the next outcome."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)


class Client(AwsClient):
    """Raises or answers as told."""

    def __init__(self, *outcomes: Any) -> None:
        super().__init__("sesv2", None)
        self.outcomes = list(outcomes)
        self.happened: list[str] = []

    def drop_connections(self) -> None:
        """Note it."""
        self.happened.append("new connections")

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The next outcome."""
        self.happened.append(operation)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return dict(outcome, operation=operation, **parameters)


def failure(kind: Any) -> AwsCallError:
    """An AWS failure."""
    return AwsCallError("sesv2", "list_contacts", kind, "X", "text")


def test_a_write_is_never_first_on_a_connection_of_an_earlier_invocation() -> None:
    """A dead one would lose it, and nobody would know whether it arrived; a read finds out, and is sent again."""
    client = Client({}, {}, {}, {})
    ses = PacedClient(client, pacer(Clock()), FOREVER)
    for _ in range(2):
        ses.read_modify_write(1, lambda unit: unit.write("create_contact"))
    assert client.happened == ["new connections", "create_contact", "create_contact"]
    client = Client({}, {}, {}, {})
    ses = PacedClient(client, pacer(Clock()), FOREVER)
    ses.read("get_contact_list")
    ses.read_modify_write(1, lambda unit: unit.write("create_contact"))
    assert client.happened == ["get_contact_list", "create_contact"]


def test_a_throttled_call_waits_and_goes_on() -> None:
    """429 is nobody's failure while there is budget; every request sent is counted."""
    clock = Clock()
    ses = PacedClient(Client(*[failure("throttled")] * 6, {"ok": 1}), pacer(clock), FOREVER)
    assert ses.read("list_contacts")["ok"] == 1
    assert ses.calls == 7
    assert clock.now - 100.0 >= 5


def test_throttled_beyond_the_budget_is_a_timeout() -> None:
    """It does not go on for ever."""
    clock = Clock()
    ses = PacedClient(Client(*[failure("throttled")] * 100), pacer(clock, budget=10.0), FOREVER)
    with pytest.raises(SliceTimeoutError):
        ses.read("list_contacts")
    assert clock.now <= 110.0


@pytest.mark.parametrize("kind", ["server", "lost", "unreachable"])
def test_a_reading_call_is_tried_again_a_few_times(kind: str) -> None:
    """Three times, then it is the customer's failure."""
    ses = PacedClient(Client(failure(kind), failure(kind), {"ok": 1}), pacer(Clock()), FOREVER)
    assert ses.read("list_contacts")["ok"] == 1
    ses = PacedClient(Client(*[failure(kind)] * 3), pacer(Clock()), FOREVER)
    with pytest.raises(AwsCallError):
        ses.read("list_contacts")
    assert ses.calls == 3


def test_a_refusal_is_final() -> None:
    """AWS said no: asking again changes nothing."""
    ses = PacedClient(Client(failure("refused")), pacer(Clock()), FOREVER)
    with pytest.raises(AwsCallError):
        ses.read("list_contacts")
    assert ses.calls == 1


def test_a_slow_first_request_is_no_head_start() -> None:
    """SES took it when it arrived, so the sixth comes a second after that, not after it was sent."""
    clock = Clock()
    paced = pacer(clock)
    arrivals = []
    for number in range(7):
        paced.wait()
        clock.now += 0.4 if number == 0 else 0.01  # the way there
        arrivals.append(clock.now)
        paced.answered()
    assert arrivals[5] - arrivals[0] >= 1.0
    assert arrivals[6] - arrivals[0] >= 2.0


def test_more_than_a_burst_can_be_reserved() -> None:
    """All of it follows at once, and afterwards the pace is as before."""
    clock = Clock()
    paced = pacer(clock)
    paced.reserve(8)
    assert clock.now - 100.0 == pytest.approx(3)
    for _ in range(8):
        paced.wait()
    assert clock.now - 100.0 == pytest.approx(3)
    paced.wait()
    assert clock.now - 100.0 == pytest.approx(4)


def unit(sent: UnitClient) -> list[str]:
    """Read, then write; what was answered."""
    read = sent.read("get_contact", EmailAddress="a@x.example")
    return [read["operation"], sent.write("update_contact", EmailAddress="a@x.example")["operation"]]


OK = {"ok": 1}


@pytest.mark.parametrize("kind", ["throttled", "conflict", "unreachable"])
def test_a_write_that_had_no_effect_goes_back_to_its_read(kind: str) -> None:
    """It is never sent again as it was; what it cost is counted."""
    ses = PacedClient(Client(OK, failure(kind), OK, OK), pacer(Clock()), FOREVER)
    assert ses.read_modify_write(2, unit) == ["get_contact", "update_contact"]
    assert ses.calls == 4


@pytest.mark.parametrize("kind", ["throttled", "server", "lost", "unreachable"])
def test_a_read_that_failed_begins_the_unit_anew(kind: str) -> None:
    """Nothing is decided by half of what was to be read."""
    ses = PacedClient(Client(failure(kind), OK, OK), pacer(Clock()), FOREVER)
    assert ses.read_modify_write(2, unit) == ["get_contact", "update_contact"]


@pytest.mark.parametrize("kind", ["server", "lost"])
def test_a_write_without_an_answer_is_never_repeated(kind: str) -> None:
    """Nobody knows its effect, and the failure says so."""
    client = Client(OK, failure(kind), OK, OK)
    ses = PacedClient(client, pacer(Clock()), FOREVER)
    with pytest.raises(AwsCallError) as error:
        ses.read_modify_write(2, unit)
    assert error.value.outcome_unknown
    assert ses.calls == 2


def test_a_refusal_that_contradicts_nothing_is_final() -> None:
    """Of a read as of a write."""
    for outcomes in ([failure("refused")], [OK, failure("refused")]):
        ses = PacedClient(Client(*outcomes, OK, OK), pacer(Clock()), FOREVER)
        with pytest.raises(AwsCallError) as error:
            ses.read_modify_write(2, unit)
        assert not error.value.outcome_unknown
        assert ses.calls == len(outcomes)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("update_contact", "NotFoundException"),
        ("delete_contact", "NotFoundException"),
        ("create_contact", "AlreadyExistsException"),
        ("create_contact_list", "BadRequestException"),
    ],
)
def test_a_refusal_that_contradicts_the_read_is_read_again(operation: str, code: str) -> None:
    """Somebody was quicker, or the read lagged; a few times, with time in between, then it is the failure."""
    refused = AwsCallError("sesv2", operation, "refused", code, "no", 404)
    clock = Clock()
    ses = PacedClient(Client(OK, refused, OK, OK), pacer(clock), FOREVER)
    ses.read_modify_write(2, unit)
    assert clock.now - 100.0 >= 1
    ses = PacedClient(Client(*[OK, refused] * 3), pacer(clock), FOREVER)
    with pytest.raises(AwsCallError):
        ses.read_modify_write(2, unit)
    assert ses.calls == 6


def test_nothing_is_waited_for_between_a_read_and_its_write() -> None:
    """Both are reserved before the first: not even a bucket that is almost empty comes in between."""
    clock = Clock()
    ses = PacedClient(Client(*[OK] * 20), pacer(clock), FOREVER)
    times: list[tuple[float, float]] = []

    def timed(sent: UnitClient) -> None:
        sent.read("get_contact")
        read = clock.now
        sent.write("update_contact")
        times.append((read, clock.now))

    for _ in range(8):
        ses.read_modify_write(2, timed)
    assert [write - read for read, write in times] == [0.0] * 8
    assert clock.now - 100.0 == pytest.approx(11)


def test_each_throttled_unit_waits_longer() -> None:
    """Two requests at once need two that others have left."""
    clock = Clock()
    ses = PacedClient(Client(*[failure("throttled")] * 6, OK, OK), pacer(clock, budget=600.0), FOREVER)
    ses.read_modify_write(2, unit)
    assert clock.now - 100.0 >= 0.5 * (1 + 2 + 4 + 8 + 16 + 16)


def test_a_look_is_repeated_until_it_is_good_or_long_enough() -> None:
    """A read may lag behind a write by seconds: what is not shown after a while is given back as it is."""
    clock = Clock()
    ses = PacedClient(Client(), pacer(clock), FOREVER)
    looks = iter([1, 2, 3])
    assert Waiter().find(ses, lambda: next(looks), lambda found: found == 3) == 3
    assert Waiter().find(ses, lambda: 0, bool) == 0
    assert clock.now - 100.0 == pytest.approx(1 + 2 + (1 + 2 + 4 + 8))
