"""The page of measurements is made of what the benchmarks saved, whichever of them have run."""

from __future__ import annotations

from typing import Any

import pytest

from bench import goals, markdown, report

ABOUT = {
    "command": ".venv/bin/python -m bench.NAME",
    "date": "2026-11-26",
    "commit": "abc1234",
    "cores": 2,
    "machine": "a machine",
    "load": 0.1,
    "python": "3.11.7",
    "boto3": "1.44.5",
}


def saved(figures: dict[str, Any]) -> dict[str, Any]:
    """A benchmark's file."""
    return {**ABOUT, "figures": figures}


def contender(name: str, warm: list[float]) -> dict[str, Any]:
    """What was measured of one way to do the job."""
    cpu = [{"worker": 6.0, "orchestrator": 2.0, "local cloud": 3.0}] if name.startswith("ses") else [{"tool": 11.0}]
    sizes = {"accounts": 200, "threads": 50}
    return {"name": name, "warm": warm, "cold": [9.0], "cpu": cpu, "peak_mb": {"tool": 80.0}, "version": "", **sizes}


HTTP = [
    contender("ses-fleet", [2.0, 1.8]),
    contender("ses-fleet, S3 at once", [1.6]),
    contender("threads", [2.0]),
    contender("botocove", [36.0]),
    contender("awsrun", [45.0]),
]
PEERS = {"against_peers": saved({"delay": 0.06, "ideal": 0.72, "http": HTTP})}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("text", "text"),
        (0, "0"),
        (5_000, "5,000"),
        (189.4, "189"),
        (1.234, "1.23"),
        (0.0000123, "0.0000123"),
    ],
)
def test_a_figure_has_three_digits_that_matter(value: object, shown: str) -> None:
    """And no exponent: dollars may be small."""
    assert markdown.number(value) == shown


def test_numbers_are_to_the_right_in_a_table() -> None:
    """A column with a text anywhere is to the left, as its header."""
    assert markdown.table(("a", "b"), [("x", 1), ("y", None)]) == "| a | b |\n| --- | ---: |\n| x | 1 |\n| y | – |"


def test_ratios_of_the_goals_are_of_the_best_times() -> None:
    """Of both sides, over HTTP."""
    found = {what: now for what, _, now, _, _ in goals.rows(PEERS)}
    assert found["200 accounts, 50 at once, S3 at 30 ms, warm: time ÷ the script's"] == pytest.approx(0.9)
    assert found["the same ÷ the best tool's"] == pytest.approx(1.8 / 36)
    assert found["time with S3 at 30 ms ÷ with S3 at once"] == pytest.approx(1.8 / 1.6)
    assert found["CPU an account, all processes, ms"] == pytest.approx(11.0)


def test_a_goal_that_was_not_measured_has_a_dash() -> None:
    """Also one whose benchmark ran at other sizes than the goal's."""
    known = {**PEERS, "fan_out": saved({"sizes": [{"customers": 10, "ratio": 1.0}]})}
    rows = goals.rows(known)
    assert [now for what, _, now, _, _ in rows if what.startswith(("fan-out", "500 invocations"))] == [None, None]


def test_a_page_is_made_of_a_part_of_the_contenders() -> None:
    """A benchmark that was run again alone may have left others out."""
    known = {"against_peers": saved({"delay": 0.06, "ideal": 0.72, "tls": HTTP[:3]})}
    assert {now for _, _, now, _, _ in goals.rows(known)} == {None}
    fewer = {"against_peers": saved({"delay": 0.06, "ideal": 0.72, "http": HTTP[:3]})}
    found = {what: now for what, _, now, _, _ in goals.rows(fewer)}
    assert found["the same ÷ the best tool's"] is None
    assert found["… worker"] == 6.0
    assert "| TLS | accounts |" in report.page(known, [])


def test_every_goal_is_found_in_figures_of_its_benchmark() -> None:
    """So that no row of the page stays empty when all has been measured."""
    sizes = [{"customers": number, "ratio": 1.1, "peak_mb": 120.0} for number in (1_000, 5_000)]
    known = {
        **PEERS,
        "fan_out": saved({"sizes": sizes}),
        "cold_start": saved({"boto3": {"init": 0.1}, "worker": {"init": 0.2, "first": 0.02}}),
        "follow": saved({"late": [0.8, 0.9]}),
        "tls_start": saved({"starts": [{"bundle": "whole", "memory_mb": 512, "seconds": [5.0], "given_up": [0]}]}),
    }
    assert [what for what, _, now, _, _ in goals.rows(known) if now is None] == []


def test_the_page_has_a_section_for_what_was_measured_and_none_for_the_rest() -> None:
    """Each with the command, the date and the commit that its numbers are of."""
    page = report.page(PEERS, ["peers.svg"])
    assert "## Beside other ways to do it\n\n`.venv/bin/python -m bench.NAME`, 2026-11-26, commit abc1234" in page
    assert "![Beside other ways to do it](benchmarks/peers.svg)" in page
    assert "## Fan-out" not in page
    assert "customers.svg" not in page


def test_sentences_are_shown_as_they_were_printed() -> None:
    """Those of the benchmarks that print some."""
    page = report.page({"window": saved({"lines": ["64 ms", "65 ms"]})}, [])
    assert "- 64 ms\n- 65 ms" in page


def test_the_cheapest_and_the_fastest_size_are_named() -> None:
    """The smaller of two that are the same."""
    rows = [
        {"MB": mb, "$": price, "s": time} for mb, price, time in ((512, 1.0, 2.0), (1_024, 1.5, 1.0), (2_048, 3, 1.0))
    ]
    assert report.choice(rows, "MB", "$", "s").startswith("Cheapest is 512 MB, fastest 1,024 MB")
