"""The collector: what is returned, in memory that does not grow with what customers answer."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet import limits
from ses_fleet.orchestrator.collect import Collector
from ses_fleet.runs.models import CustomerResult


def result(index: int, size: int | None) -> CustomerResult:
    """A customer's result with so much data, or none."""
    return CustomerResult(
        customer_code=f"c{index}",
        customer_name="x",
        account_id=None,
        region=None,
        status="successful",
        data=None if size is None else {"x": "y" * size},
        logs=("line",),
    )


@contextmanager
def collected(sizes: Sequence[int | None], order: Sequence[int]) -> Iterator[Collector]:
    """Results of these sizes, arriving in this order."""
    with closing(Collector(len(sizes), lambda index: f"s3://b/results/{index}")) as collector:
        for index in order:
            one = result(index, sizes[index])
            collector.add(index, one, one.model_dump_json().encode())
        yield collector


def test_results_come_back_in_config_order_without_lines() -> None:
    """Whatever order they came in."""
    with collected([1, None, 3], [2, 0, 1]) as collector:
        results = collector.results()
    assert [one.customer_code for one in results] == ["c0", "c1", "c2"]
    assert [one.data for one in results] == [{"x": "y"}, None, {"x": "yyy"}]
    assert [one.logs for one in results] == [None] * 3
    assert [one.data_location for one in results] == [None] * 3


@given(
    sizes=st.lists(st.none() | st.integers(0, 60), max_size=12),
    seed=st.integers(0, 100),
)
def test_what_is_kept_is_a_prefix_that_fits(sizes: list[int | None], seed: int) -> None:
    """In config order until it is full; what is not inline says where it is; the order of arrival plays no part."""
    order = list(range(len(sizes)))
    random.Random(seed).shuffle(order)  # noqa: S311  # an order, not a secret
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "RESPONSE_INLINE_BYTES", 120)
        with collected(sizes, order) as collector:
            results = collector.results()
    room, full = 120, False
    for index, size in enumerate(sizes):
        if size is None:
            assert (results[index].data, results[index].data_location) == (None, None)
            continue
        room -= len(json.dumps({"x": "y" * size}))
        full = full or room < 0
        if full:
            assert (results[index].data, results[index].data_location) == (None, f"s3://b/results/{index}")
        else:
            assert results[index].data == {"x": "y" * size}


def test_the_file_has_every_result_whole() -> None:
    """Also those whose data is not returned."""
    with collected([10, None, 20], [1, 2, 0]) as collector:
        file = collector.results_file()
        assert file is not None
        lines = [json.loads(line) for line in gzip.decompress(file.read()).splitlines()]
    assert [line["customer_code"] for line in lines] == ["c1", "c2", "c0"]
    assert [line["logs"] for line in lines] == [["line"]] * 3
    assert lines[1]["data"] == {"x": "y" * 20}


def test_a_full_disk_costs_the_file_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The results are in S3 one by one."""
    full = Path("/dev/full").open("r+b", buffering=1 << 20)  # noqa: SIM115  # the collector closes it
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full)
    with collected([5], [0]) as collector:
        assert collector.results_file() is None
        assert collector.results()[0].data == {"x": "yyyyy"}
