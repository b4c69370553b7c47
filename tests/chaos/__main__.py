"""`python -m tests.chaos`: carry out random scenarios, each from its seed, and show what is broken."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.chaos import checks, cloud, scenario, shrink
from tests.chaos.plants import PLANTS
from tests.chaos.run import Evidence, carry_out
from tests.local_cloud import leaks

SCENARIOS_OF_A_CLOUD = 40  # a new one then: journals and logs grow


def main() -> int:
    """Carry out what the arguments ask for. Return 1 when a promise was broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="how many scenarios")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed; the next one has the next")
    parser.add_argument("--state", type=Path, help="a file of what was done, in which a later call goes on")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no scenario after so many minutes")
    parser.add_argument("--jobs", type=int, default=2, help="local clouds side by side")
    parser.add_argument("--stepwise", action="store_true", help="only runs in stages or strict ones, of which some die")
    parser.add_argument("--plans", action="store_true", help="only runs that apply a saved plan")
    parser.add_argument("--replay", type=Path, help="a file with one scenario to carry out, as a failure prints it")
    parser.add_argument("--shrink", action="store_true", help="with --replay: leave out what does not matter")
    parser.add_argument("--seeds", help="the seeds of one local cloud: what this calls itself with")
    parser.add_argument("--until", type=float, help="epoch seconds after which no scenario begins")
    parser.add_argument("--plant", choices=sorted(PLANTS), help="a bug to plant: succeed when its check finds it")
    given = parser.parse_args()
    if given.plant is not None:
        return _plant(given)
    if given.replay is not None:
        return _replay(given)
    return _carry_out(given) if given.seeds is None else _batch(given)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _carry_out(given: argparse.Namespace) -> int:
    """Carry out what is left, a process and a local cloud for some scenarios each."""
    done = _done(given.state)
    left = [seed for seed in range(given.seed, given.seed + given.runs) if seed not in done]
    most = min(SCENARIOS_OF_A_CLOUD, -(-len(left) // given.jobs))
    batches = [left[index : index + most] for index in range(0, len(left), most or 1)]
    until = time.time() + given.minutes * 60

    def carry_out(seeds: list[int]) -> int:
        command = [sys.executable, "-m", "tests.chaos", "--seeds", ",".join(map(str, seeds)), "--until", str(until)]
        command += ["--state", str(given.state)] if given.state is not None else []
        command += [f"--{name}" for name in ("stepwise", "plans") if vars(given)[name]]
        return subprocess.run(command, check=False).returncode if time.time() < until else 0

    with ThreadPoolExecutor(given.jobs) as pool:
        return max(pool.map(carry_out, batches), default=0)


def _batch(given: argparse.Namespace) -> int:
    """Carry out these scenarios in one local cloud, then look over all that it holds."""
    broken = 0
    with cloud.running() as world:
        for seed in map(int, given.seeds.split(",")):
            if time.time() < given.until:
                drawn = scenario.draw(seed, stepwise=given.stepwise, plans=given.plans)
                broken += _one(world, drawn, given.state)
        found = [*world.told_twice(), *leaks.found(world.cloud)]
    if found:
        _say(f"BROKEN in the cloud of seeds {given.seeds}: {found[:5]}")
    return 1 if broken or found else 0


def _plant(given: argparse.Namespace) -> int:
    """Return 0 as soon as a scenario shows the planted bug."""
    plant = PLANTS[given.plant]
    until = time.monotonic() + given.minutes * 60
    with cloud.running(plant) as world:
        for seed in range(given.seed, given.seed + given.runs):
            plans = given.plans or plant.plans
            drawn = scenario.draw(seed, stepwise=given.stepwise or plant.stepwise, plans=plans)
            if plant.verb is not None and drawn["runs"][0]["payload"]["action"].removesuffix("-all") != plant.verb:
                continue
            drawn.update(plant.with_ or {})
            red = [text for text in _tried(world, drawn)[0] if plant.red in text]
            if red or time.monotonic() > until:
                _say(f"{given.plant}: {plant.red} is {'red' if red else 'GREEN'} with seed {seed}: {red[:1]}")
                return 0 if red else 1
    return 1


def _one(world: cloud.World, drawn: dict[str, Any], state: Path | None) -> int:
    began = time.monotonic()
    broken, seen = _tried(world, drawn)
    seconds = round(time.monotonic() - began, 1)
    _say(f"{'BROKEN' if broken else 'ok'} seed {drawn['seed']} {_about(drawn)} {seconds} s, {seen.passes} passes")
    for text in broken:
        _say(f"   {text}")
    if broken:
        _say(f"   scenario: {json.dumps(drawn)}")
    if state is not None:
        with state.open("a") as file:
            file.write(json.dumps({"seed": drawn["seed"], "seconds": seconds, "broken": broken, **seen.facts()}) + "\n")
    return 1 if broken else 0


def _tried(world: cloud.World, drawn: dict[str, Any]) -> tuple[list[str], Evidence]:
    seen = carry_out(world, json.loads(json.dumps(drawn)))
    return checks.violations(seen), seen


def _about(drawn: dict[str, Any]) -> str:
    runs = "+".join(f"{run['payload']['action']}/{run['start']}" for run in drawn["runs"])
    faults = ",".join(f"{one['fault']}@{one.get('operation') or one.get('service')}" for one in drawn["faults"])
    acts = ",".join(one["do"] for one in drawn["acts"])
    edits = ",".join(one["do"] for one in drawn.get("edits", ()))
    planned = f"plan [{edits}] " if "plan" in drawn else ""
    return f"{planned}{runs} [{faults}] [{acts}] people {len(drawn['people'])}"


def _done(state: Path | None) -> set[int]:
    if state is None or not state.exists():
        return set()
    return {json.loads(line)["seed"] for line in state.read_text().splitlines()}


def _replay(given: argparse.Namespace) -> int:
    drawn = json.loads(given.replay.read_text())
    with cloud.running() as world:
        if not given.shrink:
            return _one(world, drawn, None)
        smallest = shrink.smallest(drawn, lambda tried: bool(_tried(world, tried)[0]))
        path = given.replay.with_suffix(".small.json")
        path.write_text(json.dumps(smallest, indent=1))
        _say(f"wrote {path}: python -m tests.chaos --replay {path}")
        return _one(world, smallest, None)


if __name__ == "__main__":
    sys.exit(main())
