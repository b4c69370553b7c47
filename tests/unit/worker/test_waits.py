"""How long the worker waits before it sends again, and how often it does: bounded below and above."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.worker.budget import SliceBudget
from ses_fleet.worker.paced_client import PacedClient
from ses_fleet.worker.pacing import Pacer
from tests.unit.worker.world import FOREVER


class Clock:
    """Time that passes only by sleeping; `pauses` are those, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass."""
        self.pauses.append(seconds)
        self.now += seconds


class Failing(AwsClient):
    """Fails so often in this way, then answers. `sent` counts requests."""

    def __init__(self, times: int, kind: Any, operation: str = "") -> None:
        super().__init__("sesv2", None)
        self.left, self.kind, self.operation = times, kind, operation
        self.sent = 0

    def call(self, operation: str, **_: Any) -> dict[str, Any]:
        """Of the operation that fails, or of any."""
        self.sent += 1
        if self.left and operation.startswith(self.operation):
            self.left -= 1
            raise AwsCallError("sesv2", operation, self.kind, "X", "no", 500)
        return {"ok": True}


def paced(client: AwsClient) -> tuple[PacedClient, Clock]:
    """A client without a rate of its own, so that only its other waits take time."""
    clock = Clock()
    return PacedClient(client, Pacer(0, 5, SliceBudget(1_000.0, clock), clock, clock.sleep), FOREVER), clock


def change(ses: PacedClient) -> Any:
    """A unit of one read and one write."""
    return ses.read_modify_write(2, lambda sent: (sent.read("get_contact"), sent.write("update_contact"))[1])


def within(pauses: list[float], *bounds: tuple[float, float]) -> bool:
    """Whether there are as many pauses as bounds, each within its own."""
    return len(pauses) == len(bounds) and all(
        low <= pause <= high for pause, (low, high) in zip(pauses, bounds, strict=True)
    )


def test_a_read_that_is_throttled_waits_about_a_second_each_time() -> None:
    """Half of one to one and a half, however often: it takes one request that others leave."""
    client = Failing(6, "throttled")
    ses, clock = paced(client)
    assert ses.read("get_contact") == {"ok": True}
    assert within(clock.pauses, *[(0.5, 1.5)] * 6)
    assert ses.calls == client.sent == 7


def test_a_change_that_is_throttled_waits_ever_longer_up_to_sixteen_seconds() -> None:
    """Twice as long each time, with jitter of a half."""
    ses, clock = paced(Failing(7, "throttled", "update"))
    assert change(ses) == {"ok": True}
    longest = [1, 2, 4, 8, 16, 16, 16]
    assert within(clock.pauses, *[(0.5 * seconds, 1.5 * seconds) for seconds in longest])


@pytest.mark.parametrize("kind", ["server", "lost", "unreachable"])
def test_a_read_that_broke_is_sent_three_times(kind: Any) -> None:
    """After a short wait that grows; the third failure is told."""
    client = Failing(2, kind)
    ses, clock = paced(client)
    assert ses.read("get_contact") == {"ok": True}
    assert within(clock.pauses, (0.1, 0.5), (0.2, 1.0))
    client = Failing(3, kind)
    ses, clock = paced(client)
    with pytest.raises(AwsCallError):
        ses.read("get_contact")
    assert (client.sent, len(clock.pauses)) == (3, 2)


def test_a_change_that_met_another_one_is_planned_three_times() -> None:
    """What contradicted it is seen after a second, then after two; the third failure is told."""
    ses, clock = paced(Failing(2, "conflict", "update"))
    assert change(ses) == {"ok": True}
    assert within(clock.pauses, (1.0, 1.5), (2.0, 3.0))
    client = Failing(3, "conflict", "update")
    ses, clock = paced(client)
    with pytest.raises(AwsCallError):
        change(ses)
    assert (client.sent, len(clock.pauses)) == (6, 2)


def test_throttled_tries_are_not_counted_as_tries() -> None:
    """They end with the slice, not after three."""
    client = Failing(5, "throttled", "update")
    ses, _ = paced(client)
    assert change(ses) == {"ok": True}
    assert client.sent == 12
