"""The results of a run as they come: read at once, shown in order, each once, whatever S3 does."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError
from ses_fleet_cli import arrivals
from ses_fleet_cli.arrivals import Arrivals
from ses_fleet_cli.parallel import in_order
from tests.unit.cli import stored
from tests.unit.memory_s3 import MemoryS3

CODES = tuple(f"c{number}" for number in range(6))
PATIENCE = 20.0  # seconds until a read that waits for another one gives up, and the test fails


class Results(MemoryS3):
    """A results bucket. `under_way` counts the reads at this moment, `most` is the most there were."""

    def __init__(self) -> None:
        super().__init__()
        self.listed_after: list[str | None] = []
        self.under_way = 0
        self.most = 0
        self._counting = threading.Lock()

    def finish(self, *codes: str) -> None:
        """These customers get their results, one a second."""
        for code in codes:
            self.advance(1)
            self.put("results", f"runs/r/results/{code}.json", stored.result(code).model_dump_json().encode())

    def call(self, operation: str, **parameters: Any) -> Any:
        """As S3 answers it, and counted."""
        if operation == "list_objects_v2":
            self.listed_after.append(parameters.get("StartAfter"))
            return super().call(operation, **parameters)
        with self._counting:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            return super().call(operation, **parameters)
        finally:
            with self._counting:
                self.under_way -= 1


def found_in(record: Results, codes: tuple[str, ...] = CODES) -> Arrivals:
    """What is found in it, of a run with these customers."""
    return Arrivals(Bucket(record, "results"), stored.plan("r", codes=codes))


def shown(found: Arrivals) -> list[str]:
    """The codes that one look yields."""
    return [result.customer_code for result in found.look()]


def test_results_are_read_at_once_and_shown_as_they_were_stored() -> None:
    """S3 answers the newest first: each read waits for that of the result which came after it."""
    record = Results()
    came = ["c3", "c0", "c5", "c1"]
    record.finish(*came)
    answered = {code: threading.Event() for code in came}

    def happens(operation: str, key: str, done: bool) -> None:
        if operation != "get_object":
            return
        code = key.removeprefix("runs/r/results/").removesuffix(".json")
        later = came[came.index(code) + 1 :]
        if done:
            answered[code].set()
        else:
            assert all(answered[one].wait(PATIENCE) for one in later)

    record.hook.happens = happens
    assert shown(found_in(record)) == came
    assert record.most == 4


def test_as_many_are_read_at_once_as_there_are_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more: a run of thousands does not open thousands of them."""
    codes = tuple(f"c{number}" for number in range(3 * limits.COMMAND_S3_CONNECTIONS))
    record = Results()
    record.finish(*codes)
    full = threading.Barrier(limits.COMMAND_S3_CONNECTIONS)

    def happens(operation: str, _key: str, done: bool) -> None:
        if operation == "get_object" and not done:
            full.wait(PATIENCE)  # until so many are under way

    bounds: list[int] = []

    def bounded(read: Callable[[str], bytes], keys: list[str], *, at_once: int) -> Iterator[bytes]:
        bounds.append(at_once)
        return in_order(read, keys, at_once=at_once)

    record.hook.happens = happens
    monkeypatch.setattr(arrivals, "in_order", bounded)
    assert shown(found_in(record, codes)) == list(codes)
    assert bounds == [limits.COMMAND_S3_CONNECTIONS]


@pytest.mark.parametrize("seed", range(20))
def test_each_result_is_shown_once_whatever_comes_and_fails(seed: int) -> None:
    """In the order in which they were stored; a look that fails is taken again, and shows what it did not show."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    record, to_come = Results(), list(CODES)
    chance.shuffle(to_come)
    order = list(to_come)
    found = found_in(record)

    def happens(operation: str, _key: str, done: bool) -> None:
        if operation == "get_object" and not done and chance.random() < 0.4:
            raise AwsCallError("s3", operation, "lost", "Code", "text")

    record.hook.happens = happens
    seen: list[str] = []
    while len(seen) < len(CODES):
        record.finish(*(to_come.pop(0) for _ in range(min(len(to_come), chance.randrange(3)))))
        with contextlib.suppress(AwsCallError):
            seen.extend(result.customer_code for result in found.look())  # also those before one that fails
    assert seen == order
    assert shown(found) == []


def test_a_result_that_fails_is_the_last_of_its_look() -> None:
    """What was read behind it is shown by the next look, after it."""
    record = Results()
    record.finish("c2", "c1", "c0")
    left = [AwsCallError("s3", "get_object", "lost", "Code", "text")]

    def happens(operation: str, key: str, done: bool) -> None:
        if operation == "get_object" and "c1" in key and not done and left:
            raise left.pop()

    record.hook.happens = happens
    found = found_in(record)
    look = found.look()
    assert next(look).customer_code == "c2"
    with pytest.raises(AwsCallError):
        next(look)
    assert shown(found) == ["c1", "c0"]


def test_a_result_that_is_gone_when_it_is_read_is_no_failure() -> None:
    """It is shown when it is there again."""
    record = Results()
    record.finish("c0", "c1")

    def vanish(operation: str, _key: str, done: bool) -> None:
        if operation == "list_objects_v2" and done:
            record.stored.pop(("results", "runs/r/results/c0.json"), None)

    record.hook.happens = vanish
    found = found_in(record)
    assert shown(found) == ["c1"]
    record.hook.happens = lambda _operation, _key, _done: None
    record.finish("c0")
    assert shown(found) == ["c0"]


def test_only_what_may_be_new_is_listed() -> None:
    """A listing begins behind the results that were shown without a gap; when all are shown, nothing is asked."""
    record = Results()
    found = found_in(record)
    record.finish("c1", "c0", "c3")
    assert shown(found) == ["c1", "c0", "c3"]
    record.finish("c2", "c5")
    assert shown(found) == ["c2", "c5"]
    record.finish("c4")
    assert shown(found) == ["c4"]
    assert record.listed_after == [None, "runs/r/results/c1.json", "runs/r/results/c3.json"]
    asked = len(record.asked)
    assert shown(found) == []
    assert len(record.asked) == asked


def test_what_is_no_customers_result_is_not_read() -> None:
    """Whatever lies among them."""
    record = Results()
    record.finish("somebody-else", "c0")
    assert shown(found_in(record)) == ["c0"]
    assert [key for operation, key in record.asked if operation == "get_object"] == ["runs/r/results/c0.json"]
