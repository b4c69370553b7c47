"""Carrying out a scenario: starts, faults, kills and changed minds; then the end of every run, its resume, one more."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ses_fleet.aws import clients
from ses_fleet.aws.s3 import Bucket
from ses_fleet.runs import events
from ses_fleet_cli import runs as cli_runs
from ses_fleet_cli.errors import CommandError
from strict_aws.journal import Entry
from strict_aws.lambda_runtime.outcomes import ThrottledError
from tests.chaos import cloud, saved_plans
from tests.chaos.cloud import OTHER_SES_CONFIG, SES_CONFIG, World, account
from tests.chaos.saved_plans import Saved
from tests.chaos.witness import PERSON, Invocation, SesCall, Stored
from tests.local_cloud import people_files
from tests.local_cloud.conftest import CONFIG_BUCKET, ORCHESTRATOR, RESULTS_BUCKET, SES_FLEET, WORKER

Scenario = dict[str, Any]
Waiting = tuple[dict[str, Any], Callable[[dict[str, Any]], None]]

CHAOS_SECONDS = 4.0  # the longest that faults last, beyond the time of one invocation
PASSES = 40  # of the reaper, two a second, within which every run has its end
QUIET = 20  # passes in which nothing runs, within which a command sees that its run is over
SETTLING_SECONDS = 90.0  # the longest that is waited for whoever runs
STALE = "PlanStale"
ROUNDS = 8  # of resumes, within which everybody is done
_BOUNDS = ("max_failures", "failure_mode", "ramp", "customer_timeout_seconds")  # what may keep somebody from it


@dataclass
class RunSeen:
    """A run as its record has it when everything is over. `ses_config` is the SESConfig.json that it read.

    `saved` is what a dry run saved, by customer. Of a run that applies such a plan `left_out` is whom it says that it
    left out, and `refused` for whom SES refused the change.
    """

    run_id: str
    plan: dict[str, Any]
    summary: dict[str, Any] | None
    results: dict[str, dict[str, Any]]
    ses_config: dict[str, Any] | None
    saved: dict[str, Saved] = field(default_factory=dict)
    left_out: dict[str, frozenset[str]] = field(default_factory=dict)
    refused: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What `runs show` said of a run at a moment; `at_stage` is None of one without a ramp."""

    run_id: str
    seq: int
    state: str
    exit_code: int | None
    statuses: dict[str, str]
    at_stage: int | None


@dataclass
class Command:
    """A `ses-fleet` process: what it was started with, its exit code and what it printed.

    `run_id` is the id that its payload names. `killed` is whether the scenario killed it, `given_up` whether it was
    ended although nothing ran any more.
    """

    arguments: tuple[str, ...]
    run_id: str | None = None
    killed: bool = False
    given_up: bool = False
    code: int | None = None
    output: str = ""
    errors: str = ""


@dataclass
class Evidence:
    """All that was seen of one scenario. `problems` are promises that were seen broken while it was carried out.

    `again` are the ids of runs that must not write anything, `began` when the scenario did. `undisturbed` are the
    ids of a run that applied a plan while nobody else did anything, and of the dry run after it.
    """

    scenario: Scenario
    runs: dict[str, RunSeen] = field(default_factory=dict)
    calls: list[SesCall] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    journal: list[Entry] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    undisturbed: tuple[str, str] | None = None
    problems: list[str] = field(default_factory=list)
    began: float = 0.0
    passes: int = 0

    @property
    def last_seq(self) -> int:
        """Return the number of the last invocation."""
        return max((one.seq for one in self.invocations), default=0)

    def facts(self) -> dict[str, int]:
        """Return what happened in numbers, so that one sees what a round of scenarios has tried."""
        summaries = [run.summary for run in self.runs.values() if run.summary is not None]
        results = [result for summary in summaries for result in summary["results"]]
        return {
            "runs": len(self.runs),
            "hops": sum(one.key.endswith("/claim.json") for one in self.stored),
            "strict": sum(run.plan["strict"] for run in self.runs.values()),
            "ramps": sum(bool(run.plan["ramp"]) for run in self.runs.values()),
            "stages_begun": sum(((summary["ramp"] or {}).get("at") or 1) - 1 for summary in summaries),
            "stages_begun_in_later_hops": sum(self._stages_begun_later(run) for run in self.runs.values()),
            "ended_by_the_reaper": sum(summary["closed_by"] == "reaper" for summary in summaries),
            "faults_that_hit": sum((entry.reason or "").startswith("fault") for entry in self.journal),
            "functions_killed": sum(one.failed is not None for one in self.invocations),
            "ses_writes": sum(call.wrote and call.caller != PERSON for call in self.calls),
            "choices_of_people": sum(call.wrote and call.caller == PERSON for call in self.calls),
            "failed": sum(result["status"] == "failed" for result in results),
            "outcome_unknown": sum(bool((result["error"] or {}).get("outcome_unknown")) for result in results),
            "not_started": sum(result["status"] == "not_started" for result in results),
            "applying": sum(bool(run.plan["request"].get("plan")) for run in self.runs.values()),
            "planned_changes": sum(len(one.changes) for run in self.runs.values() for one in run.saved.values()),
            "left_out": sum(len(emails) for run in self.runs.values() for emails in run.left_out.values()),
            "plan_stale": sum((result["error"] or {}).get("type") == STALE for result in results),
        }

    def _stages_begun_later(self, run: RunSeen) -> int:
        """Return how many stages after the first have nobody who was sent before the run's first hop ended."""
        end = next((one.seq for one in self.stored if one.key == f"runs/{run.run_id}/hops/0/end.json"), None)
        if end is None:
            return 0
        sent = [one for one in self.invocations if one.run_id == run.run_id and one.customer is not None]
        early, all_ = ({one.customer for one in sent if one.seq < most} for most in (end, self.last_seq + 1))
        stages = [{run.plan["customers"][index]["customer_code"] for index in stage} for stage in run.plan["ramp"]]
        return sum(bool(stage & all_) and not stage & early for stage in stages[1:])


def carry_out(world: World, scenario: Scenario) -> Evidence:
    """Carry the scenario out to its end and return what was seen."""
    world.prepare(scenario)
    carried = _Carried(world, scenario)
    carried.make_plan()
    carried.disturb()
    carried.calm_down()
    carried.settle(scenario["reaper_faults"])
    carried.complete()
    return carried.evidence()


class _Carried:
    """One scenario while it is carried out."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self._scenario = scenario
        self._since = len(world.local.aws.journal.since(0))
        self._seen = Evidence(scenario, began=time.time())
        self._threads: list[threading.Thread] = []
        self._processes: list[tuple[subprocess.Popen[str], Command]] = []
        self._followers: list[threading.Thread] = []
        self._prefix = f"c{scenario['seed']}-{int(time.time() * 1000) % 10**8}"
        self._number = 0
        self._bucket = Bucket(clients.client("s3", "us-east-1", attempts=2), RESULTS_BUCKET)

    # --- before it

    def make_plan(self) -> None:
        """Have the plan made that the scenario's runs apply, if they do, and let others edit the lists after that."""
        if (wanted := self._scenario.get("plan")) is None:
            return
        lag = float(self._scenario["conditions"].get("read_lag_seconds", 0.0))
        time.sleep(lag)
        if wanted["rows"]:
            wanted["payload"]["people"] = people_files.upload(self._world.cloud, *wanted["rows"])
        plan = f"{self._prefix}-plan"
        self._invoke({**wanted["payload"], "dry_run": True, "run_id": plan, "on_deadline": "continue"})
        self.settle()
        for run in self._scenario["runs"]:
            run["payload"]["plan"] = plan
        time.sleep(lag)
        for edit in self._scenario["edits"]:
            self._edit(edit)

    def _edit(self, edit: dict[str, Any]) -> None:
        if edit["do"] == "run":
            self._run_to_its_end(edit["payload"])
        elif edit["do"] == "config":
            self._config(edit)
        else:
            decide(self._world, edit)

    # --- the disturbed part

    def disturb(self) -> None:
        """Start the scenario's runs and let its faults and acts happen; return when nothing is to happen any more."""
        scenario, world = self._scenario, self._world
        self._seen.began = time.time()
        waiting: list[Waiting] = [({**act}, self._act) for act in scenario["acts"] if "after" in act]
        waiting += [({**choice}, partial(decide, world)) for choice in scenario["people"] if "after" in choice]
        world.witness.hooks.append(_After(waiting))
        world.faults(scenario["faults"])
        todo: list[tuple[Callable[[dict[str, Any]], None], dict[str, Any]]] = [
            *((self._start, run) for run in scenario["runs"]),
            *((self._act, act) for act in scenario["acts"] if "at" in act),
            *((partial(decide, world), choice) for choice in scenario["people"] if "at" in choice),
        ]
        for do, one in sorted(todo, key=lambda pair: float(pair[1]["at"])):
            time.sleep(max(0.0, self._seen.began + one["at"] - time.time()))
            do(one)
        until = self._seen.began + CHAOS_SECONDS + scenario.get("orchestrator_seconds", 6)
        while time.time() < until and (world.witness.in_flight() or any(one.is_alive() for one in self._threads)):
            time.sleep(0.05)

    def calm_down(self) -> None:
        """End all that disturbs, and wait until nothing runs any more but what waits for its delivery."""
        world = self._world
        world.witness.hooks.clear()
        world.faults([])
        world.put("config.json", cloud.config_of(self._scenario))
        world.put("SESConfig.json", SES_CONFIG)
        world.hold(held=False)
        for thread in self._threads:
            thread.join(60)

    def _start(self, run: dict[str, Any]) -> None:
        payload = json.loads(json.dumps(run["payload"]))
        name = f"{self._prefix}-{run['name']}"
        if run["start"] == "schedule":
            trigger = {"schedule_arn": f"arn:aws:scheduler:::schedule/default/{name}"}
            payload["trigger"] = {**trigger, "scheduled_time": "2026-11-26T06:00:00Z"}
        elif run["named"]:
            payload["run_id"] = name
        run["payload_sent"] = payload
        if run["start"] == "command":
            self._command(payload)
        elif run["start"] == "twice":
            self._deliver_twice(payload)
        elif run["start"] == "sync":
            self._in_thread(lambda: self._invoke(payload))
        else:
            for _ in range(2 if run["start"] == "schedule" else 1):
                self._in_thread(lambda: self._invoke(payload, event=True))

    def _act(self, act: dict[str, Any]) -> None:
        first, payload = self._first_id(), self._first_payload()
        events: dict[str, dict[str, Any]] = {
            "cancel": {"cancel": first},
            "reap": {"reap": True},
            "resume": {**payload, "resumes": first},
        }
        if act["do"] in events:
            self._in_thread(lambda: self._invoke(events[act["do"]]))
        elif act["do"] == "hop":
            self._in_thread(lambda: self._hop_again({"action": payload["action"], "run_id": first, "hop": 1}))
        elif act["do"] in ("again", "show"):
            (self._send_again if act["do"] == "again" else self._show)()
        else:
            {"kill": self._kill, "config": self._config, "hold": self._hold}[act["do"]](act)

    def _kill(self, act: dict[str, Any]) -> None:
        if act["what"] == "command":
            for process, command in self._processes:
                if process.poll() is None:
                    command.killed = True
                    process.kill()
            return
        self._world.kill(ORCHESTRATOR if act["what"] == "orchestrator" else WORKER)

    def _config(self, act: dict[str, Any]) -> None:
        changed = cloud.config_of(self._scenario)
        if act["how"] in changed["customer_mappings"]:
            changed["customer_mappings"][act["how"]]["enabled"] = False
        elif act["how"] == "changed":
            for customer in changed["customer_mappings"].values():
                customer["customer_name"] += " renamed"
        documents: dict[str, tuple[str, Any]] = {
            "broken": ("config.json", b"{ not json"),
            "ses_broken": ("SESConfig.json", b"[]"),
            "ses_changed": ("SESConfig.json", OTHER_SES_CONFIG),
        }
        self._world.put(*documents.get(act["how"], ("config.json", changed)))

    def _hold(self, act: dict[str, Any]) -> None:
        def held() -> None:
            self._world.hold(held=True)
            time.sleep(act["seconds"])
            self._world.hold(held=False)

        self._in_thread(held)

    def _send_again(self) -> None:
        first = self._scenario["runs"][0]
        if first["named"] or first["start"] == "schedule":
            self._in_thread(lambda: self._invoke(first["payload_sent"], event=True))

    def _hop_again(self, event: dict[str, Any]) -> None:
        """Send a hop's event now, when nobody announced it, and twice after it was announced, if it is."""
        self._invoke(event, event=True)
        end, until = f"runs/{event['run_id']}/hops/0/end.json", time.monotonic() + CHAOS_SECONDS
        while time.monotonic() < until and end not in [one.key for one in list(self._world.witness.stored)]:
            time.sleep(0.02)
        for pause in (0.0, 0.4):
            time.sleep(pause)
            self._invoke(event, event=True)

    def _first_payload(self) -> dict[str, Any]:
        return dict(self._scenario["runs"][0]["payload"])

    def _first_id(self) -> str:
        if plan := self._first_payload().get("plan"):
            return events.applying_run_id(plan)
        return next(iter(self._run_ids()), f"{self._prefix}-a")

    def _show(self) -> None:
        if self._first_id() in self._run_ids():
            self._spawn("runs", "show", self._first_id(), "--output", "json")

    # --- starting things

    def _in_thread(self, do: Callable[[], object]) -> None:
        thread = threading.Thread(target=do, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _invoke(self, payload: dict[str, Any], *, event: bool = False) -> Any:
        """Invoke the orchestrator once. Return its answer, or None when there is none: whoever asks may be cut off."""
        kind = "Event" if event else "RequestResponse"
        body = json.dumps(payload).encode()
        try:
            client = self._world.cloud.lambda_
            answer = client.invoke(FunctionName=ORCHESTRATOR, InvocationType=kind, Payload=body)
            text = answer["Payload"].read()
        except (BotoCoreError, ClientError):
            return None
        return json.loads(text) if text and not answer.get("FunctionError") else None

    def _deliver_twice(self, payload: dict[str, Any]) -> None:
        """Deliver an event twice, as Lambda may: both times under the request's id."""
        aws, request_id = self._world.local.aws, str(uuid.uuid4())

        def deliver() -> None:
            spec = self._world.local.function(ORCHESTRATOR)
            with suppress(ThrottledError):
                aws.runtime.invoke(spec, json.dumps(payload).encode(), request_id=request_id)

        for _ in range(2):
            self._in_thread(deliver)

    def _command(self, payload: dict[str, Any]) -> None:
        if "plan" in payload:
            self._spawn("apply", payload["plan"], "--yes", "--output", "json", run_id=self._first_id())
            return
        self._spawn("invoke", "--payload", "-", "--yes", "--output", "json", stdin=json.dumps(payload))

    def _spawn(self, *arguments: str, stdin: str = "", run_id: str | None = None) -> None:
        environment = {**self._world.cloud.environment(), "COLUMNS": "120"}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [SES_FLEET, *arguments], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        command = Command(arguments, json.loads(stdin).get("run_id") if stdin else run_id)
        self._processes.append((process, command))
        self._seen.commands.append(command)

        def communicate() -> None:
            command.output, command.errors = process.communicate(stdin)
            command.code = process.returncode

        # Not one of those that are waited for before the reaper comes: it follows the run to its Summary.
        thread = threading.Thread(target=communicate, daemon=True)
        thread.start()
        self._followers.append(thread)

    # --- the end of it all

    def _run_ids(self) -> list[str]:
        """Return the runs that got a plan, in their order."""
        stored = list(self._world.witness.stored)
        keys = [one.key.split("/") for one in stored if one.method == "PUT" and one.key.endswith("/plan.json")]
        return [parts[1] for parts in keys]

    def _open(self) -> list[str]:
        stored = {one.key for one in list(self._world.witness.stored) if one.method == "PUT"}
        return [run_id for run_id in self._run_ids() if f"runs/{run_id}/summary.json" not in stored]

    def settle(self, faults: list[dict[str, Any]] | None = None) -> None:
        """Have the reaper look after open runs until each has its end; the first passes have these faults."""
        left, passes, quiet = list(faults or ()), 0, 0
        until = time.monotonic() + SETTLING_SECONDS
        while (self._open() or self._busy()) and passes < PASSES and time.monotonic() < until:
            began = time.monotonic()
            self._look()
            quiet = 0 if self._open() or self._world.witness.in_flight() else quiet + 1
            if quiet > QUIET:
                self._give_up_commands()
            if self._open():
                self._world.faults([{**left.pop(0), "times": 1}] if left else [])
                self._invoke({"reap": True})
                self._world.faults([])
                passes += 1
            time.sleep(max(0.0, 0.5 - (time.monotonic() - began)))
        self._seen.passes = max(self._seen.passes, passes)
        if self._open():
            self._seen.problems.append(f"no end after {passes} passes of the reaper: {self._open()}")

    def _give_up_commands(self) -> None:
        """End commands that follow a run which never began: they wait for two minutes.

        One whose run begins only later is as good as killed.
        """
        for process, command in self._processes:
            if process.poll() is None:
                command.given_up = command.run_id is None or command.run_id in self._run_ids()
                command.killed = not command.given_up
                process.kill()

    def _busy(self) -> bool:
        """Return whether a function runs, or a command follows its run."""
        return bool(self._world.witness.in_flight()) or any(one.is_alive() for one in self._followers)

    def _look(self) -> None:
        """Ask what `runs show` says of every run. Nothing is in its way now, so it must say something."""
        for run_id in self._run_ids():
            seq = self._world.witness.invocations[-1].seq if self._world.witness.invocations else 0
            try:
                shown = cli_runs.look(self._bucket, run_id)
            except CommandError as error:
                self._seen.problems.append(f"runs show {run_id} failed: {error.message}")
                continue
            statuses = {one.customer_code: str(one.status) for one in shown.summary.results}
            ramp = shown.summary.ramp
            at_stage = None if ramp is None else ramp.at
            self._seen.looks.append(Look(run_id, seq, shown.state, shown.summary.exit_code, statuses, at_stage))

    def _summary(self, run_id: str) -> dict[str, Any] | None:
        found = self._world.stored(f"runs/{run_id}/summary.json")
        return None if found is None else dict(found)

    def _run_to_its_end(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Start another run, undisturbed, and return its Summary. The id of one that applies a plan follows from it."""
        if "plan" in payload:
            run_id = events.applying_run_id(payload["plan"], payload.get("resumes"))
            self._invoke({**payload, "on_deadline": "continue"})
        else:
            self._number += 1
            run_id = f"{self._prefix}-{self._number}"
            self._invoke({**payload, "run_id": run_id, "on_deadline": "continue"})
        self.settle()
        return self._summary(run_id)

    def complete(self) -> None:
        """Resume every run until nothing is left of it; then run the first one's request once more.

        Of a plan, which nobody applies twice, its request is planned anew, and that plan is applied.
        """
        applies = "plan" in self._scenario
        if applies and all(self._run_to_its_end(self._first_payload()) is None for _ in range(2)):
            self._seen.problems.append(f"the plan was not applied: {self._first_payload()}")
        for run_id in self._run_ids():
            self._resume(run_id)
        if applies:
            self._plan_anew()
        else:
            self._run_again()
        self._look()

    def _plan_anew(self) -> None:
        """Try to apply the plan once more; then make another one, apply it, and look whether anything is left."""
        before = self._run_ids()
        self._run_to_its_end(self._first_payload())
        if self._run_ids() != before:
            self._seen.problems.append(f"a plan that was applied was applied again: {self._run_ids()[len(before) :]}")
        dry_run = {**self._scenario["plan"]["payload"], "dry_run": True}
        self._run_to_its_end(dry_run)
        plan = f"{self._prefix}-{self._number}"
        self._run_to_its_end({"action": dry_run["action"], "plan": plan})
        time.sleep(float(self._scenario["conditions"].get("read_lag_seconds", 0.0)))
        self._run_to_its_end(dry_run)
        self._seen.undisturbed = (events.applying_run_id(plan), f"{self._prefix}-{self._number}")

    def _run_again(self) -> None:
        payload = {name: value for name, value in self._first_payload().items() if name not in _BOUNDS}
        # The first one takes in what others changed meanwhile, and does all of it if the start was lost.
        for _ in range(2):
            if self._run_to_its_end(payload) is None and self._run_to_its_end(payload) is None:
                self._seen.problems.append(f"one more run did not begin: {payload}")
            last = f"{self._prefix}-{self._number}"
            self._resume(last)
        self._seen.again += [last, f"{self._prefix}-{self._number}"]

    def _resume(self, run_id: str) -> None:
        """Resume the run, once as it was bounded, and what its resume leaves, until nobody is left."""
        summary = self._summary(run_id)
        left = self._unfinished(summary)
        for number in range(ROUNDS):
            if not left or summary is None or summary["resume"] is None:
                break
            payload = dict(summary["resume"])
            if number or not {"ramp", "failure_mode"} & payload.keys():
                payload = {name: value for name, value in payload.items() if name not in _BOUNDS}
            summary = self._run_to_its_end(payload) or summary
            done = {result["customer_code"] for result in summary["results"]} - self._unfinished(summary).keys()
            left = {code: why for code, why in left.items() if code not in done} | self._unfinished(summary)
        if left:
            self._seen.problems.append(f"the resume of {run_id} left {left}")

    def _unfinished(self, summary: dict[str, Any] | None) -> dict[str, Any]:
        """Return who is neither successful nor skipped, but for those who have no list, or for whom a plan is stale."""
        return {
            result["customer_code"]: result["error"] or result["warnings"]
            for result in (summary["results"] if summary is not None else ())
            if result["status"] not in ("successful", "skipped")
            and (result["error"] or {}).get("type") != STALE
            and not self._has_no_list(result)
        }

    def _has_no_list(self, result: dict[str, Any]) -> bool:
        kind = (result["error"] or {}).get("type")
        there = self._world.witness.contents(account(result["customer_code"]))
        return kind == "NoContactList" and not there.topics and not there.people

    def evidence(self) -> Evidence:
        """Return what was seen, after everything has ended."""
        self._give_up_commands()
        for thread in self._followers:
            thread.join()
        seen, witness = self._seen, self._world.witness
        seen.calls, seen.invocations, seen.stored = list(witness.calls), list(witness.invocations), list(witness.stored)
        seen.journal = self._world.local.aws.journal.since(self._since)
        if witness.in_flight():
            seen.problems.append(f"still running: {[one.function for one in witness.in_flight()]}")
        for run_id in self._run_ids():
            seen.runs[run_id] = self._recorded(run_id)
        for command in seen.commands:
            self._world.cloud.spoken += [command.output, command.errors]
        return seen

    def _recorded(self, run_id: str) -> RunSeen:
        prefix = f"runs/{run_id}/results/"
        results = {one["customer_code"]: one for one in map(self._world.stored, self._world.keys(prefix))}
        plan = self._world.stored(f"runs/{run_id}/plan.json")
        seen = RunSeen(run_id, plan, self._summary(run_id), results, self._pinned(plan["pinned"]["ses_config"]))
        if plan["request"]["dry_run"]:
            found = {code: saved_plans.saved(self._world, one) for code, one in results.items()}
            seen.saved = {code: one for code, one in found.items() if one is not None}
        elif plan["request"].get("plan"):
            rows = self._scenario["plan"]["rows"]
            seen.left_out = {code: saved_plans.left_out(self._world, one, run_id) for code, one in results.items()}
            seen.refused = {code: saved_plans.failed(self._world, one, run_id, rows) for code, one in results.items()}
        return seen

    def _pinned(self, version: str | None) -> dict[str, Any] | None:
        if version is None:
            return None
        place = {"Bucket": CONFIG_BUCKET, "Key": "SESConfig.json", "VersionId": version}
        return dict(json.loads(self._world.cloud.s3.get_object(**place)["Body"].read()))


class _After:
    """What happens right after a call of SES, before the answer to it is on its way."""

    def __init__(self, waiting: list[Waiting]) -> None:
        self._waiting = waiting

    def __call__(self, call: SesCall) -> None:
        for one, do in list(self._waiting):
            if call.operation != one["after"] or call.account != account(one.get("code", _code_of(call))):
                continue
            if one["skip"]:
                one["skip"] -= 1
                continue
            self._waiting.remove((one, do))
            do(one)


def _code_of(call: SesCall) -> str:
    return f"f{call.account[-2:]}"


def _with_theirs(topics: list[dict[str, Any]], default: str) -> list[dict[str, Any]]:
    theirs = {"TopicName": "theirs", "DisplayName": "Theirs", "DefaultSubscriptionStatus": default}
    return [*(one for one in topics if one["TopicName"] != "theirs"), theirs]


# What somebody makes of a list's topics. The calendar stays: without it there is nothing to import or to set.
_TOPIC_EDITS: dict[str, Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = {
    "add_topic": partial(_with_theirs, default="OPT_OUT"),
    "widen": partial(_with_theirs, default="OPT_IN"),
    "rename_topic": lambda topics: [{**one, "DisplayName": f"{one['DisplayName']}!"} for one in topics],
    "drop_topic": lambda topics: [one for one in topics if one["TopicName"] in ("calendar", "theirs")],
}


def decide(world: World, choice: dict[str, Any]) -> None:
    """Do what somebody decided, as SES lets them."""
    place, witness = account(choice["code"]), world.witness
    now = witness.contents(place)
    if not now.topics:
        return
    contact = {"ContactListName": "main", "EmailAddress": choice["who"]}
    if choice["do"] in _TOPIC_EDITS:
        topics = _TOPIC_EDITS[choice["do"]]([_sent(one) for one in now.topics.values()])
        witness.act(place, "UpdateContactList", ContactListName="main", Topics=topics)
        return
    known = now.people.get(choice["who"])
    if choice["do"] == "add" or known is None:
        if choice["do"] in ("add", "unsubscribe") and known is None:
            witness.act(place, "CreateContact", **contact, UnsubscribeAll=choice["do"] == "unsubscribe")
        return
    if choice["do"] == "delete":
        witness.act(place, "DeleteContact", **contact)
        return
    chosen = dict(known.preferences)
    if choice["do"] in ("opt_in", "opt_out"):
        chosen["calendar" if "calendar" in now.topics else next(iter(now.topics))] = choice["do"].upper()
    preferences = [{"TopicName": topic, "SubscriptionStatus": status} for topic, status in chosen.items()]
    unsubscribed = choice["do"] == "unsubscribe" or (known.unsubscribed and choice["do"] != "opt_in")
    witness.act(place, "UpdateContact", **contact, TopicPreferences=preferences, UnsubscribeAll=unsubscribed)


def _sent(topic: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in topic.items() if value is not None}
