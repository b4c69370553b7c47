"""A short round of random scenarios. `make chaos` has longer ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ses_fleet
from tests.chaos import scenario, shrink
from tests.chaos.plants import PLANTS


@pytest.mark.matrix
@pytest.mark.timeout(400)
def test_a_short_round_breaks_no_promise() -> None:
    """Twelve scenarios, each with faults, kills and people who change their minds; in a process with a local cloud."""
    command = [sys.executable, "-m", "tests.chaos", "--runs", "12", "--seed", "1", "--jobs", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=380)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("ok seed") == 12


@pytest.mark.matrix
@pytest.mark.timeout(400)
def test_a_short_round_of_stages_and_bounds_breaks_no_promise() -> None:
    """Twelve scenarios of runs in stages, strict or both, whose orchestrators and workers die and that go on."""
    command = [sys.executable, "-m", "tests.chaos", "--stepwise", "--runs", "12", "--seed", "1", "--jobs", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=380)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("ok seed") == 12


@pytest.mark.matrix
@pytest.mark.timeout(400)
def test_a_short_round_of_saved_plans_breaks_no_promise() -> None:
    """Twelve scenarios in which a plan is applied, whose lists others edit before and meanwhile."""
    command = [sys.executable, "-m", "tests.chaos", "--plans", "--runs", "12", "--seed", "1", "--jobs", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=380)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("ok seed") == 12


def test_a_seed_is_a_scenario() -> None:
    """The same one every time, and others' are others."""
    assert scenario.draw(7) == scenario.draw(7)
    assert scenario.draw(7) != scenario.draw(8)


def test_stepwise_scenarios_are_in_stages_or_strict() -> None:
    """On all of six customers, with a delay, so that they take a while."""
    for drawn in (scenario.draw(seed, stepwise=True) for seed in range(50)):
        payload = drawn["runs"][0]["payload"]
        assert payload["action"].endswith("-all")
        assert "ramp" in payload or payload["failure_mode"] == "strict"
        assert "delay" in [fault["fault"] for fault in drawn["faults"]]


def test_scenarios_of_plans_apply_what_a_dry_run_shows() -> None:
    """Their runs say nothing that the plan says; the first customer has a list, so that there is always a plan."""
    for drawn in (scenario.draw(seed, plans=True) for seed in range(50)):
        assert drawn["lists"]["f01"] == "full"
        assert len(drawn["plan"]["rows"]) >= (3 if "set-contacts" in drawn["plan"]["payload"]["action"] else 0)
        for run in drawn["runs"]:
            assert run["payload"]["action"] == drawn["plan"]["payload"]["action"]
            assert not run["named"]
            assert not {"run_id", "prune", "params", "customer_code", "people"} & run["payload"].keys()


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_what_a_bug_is_planted_in_is_there(name: str) -> None:
    """Else nobody would see whether its check still finds it."""
    for file, text, _ in PLANTS[name].edits():
        assert text in (Path(ses_fleet.__file__).parent / file).read_text()


def test_what_does_not_matter_is_left_out() -> None:
    """A scenario that fails because of one fault keeps that fault alone."""
    drawn = next(
        one
        for one in map(scenario.draw, range(100))
        if len(one["faults"]) == 3 and len(one["runs"]) == 2 and one["people"]
    )
    culprit = drawn["faults"][1]
    smallest = shrink.smallest(drawn, lambda tried: culprit in tried["faults"])
    assert smallest["faults"] == [culprit]
    assert (len(smallest["runs"]), smallest["people"], smallest["acts"]) == (1, [], [])
    assert drawn == scenario.draw(drawn["seed"]), "the scenario itself stays as it is"
