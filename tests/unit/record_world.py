"""A deployment whose invocations run beside each other in simulated time, and what must always be true of its runs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from ses_fleet import clock
from ses_fleet.aws import clients, kept_clients, s3
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.errors import AwsCallError, OrchestratorError, SesFleetError
from ses_fleet.orchestrator import (
    ending,
    handover,
    invoke,
    reaper,
    report,
    result_store,
    resuming,
    run,
    service,
    signs,
    slice_pool,
    task,
)
from ses_fleet.orchestrator.signs import Signs
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs import hop_record, record, state
from ses_fleet.runs.events import run_id_of_request
from ses_fleet.runs.record import RunRecord
from tests.unit.memory_s3 import BEGAN, MemoryS3
from tests.unit.orchestrator.deployed import TOPIC, Json, answer_of, failed
from tests.unit.simulated import Killed, Process, Scheduler, Simulated

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orchestrator"
VARIABLES = {
    "AWS_REGION": "us-east-1",
    "CONFIG_BUCKET": "config",
    "RESULTS_BUCKET": "results",
    "WORKER_FUNCTION_NAME": "worker",
}
NEVER = 1e9
MILLISECOND = 0.001  # what a request takes, so that no two Summaries of one run say the same duration
WRITTEN_ONCE = ("/plan.json", "/summary.json", "/end.json", "/claim.json")


@dataclass
class Fault:
    """What goes wrong, `after` so many requests, with the next `times` of them.

    `kind`: kill-before and kill-after (of the effect), busy (no effect), lost (the answer), unsent (no effect, and no
    answer), again (the SDK's own second try is refused, since the first had its effect), late (the effect comes when
    nobody waits for it any more), denied.
    """

    kind: str
    after: int = 0
    times: int = 1
    only: str = ""

    def __post_init__(self) -> None:
        self.at = self.after

    def is_of(self, process: str) -> bool:
        """Whether it befalls the next request of this process; the request is counted."""
        if not process.startswith(self.only) or self.times <= 0:
            return False
        self.after -= 1
        if self.after >= 0:
            return False
        self.times -= 1
        return True


class Invocation(Process):
    """One invocation of the orchestrator. Lambda ends it `seconds` after its beginning."""

    invoked_function_arn = ARN

    def __init__(
        self, scheduler: Scheduler, name: str, event: Json, request_id: str, seconds: float, skew: float
    ) -> None:
        super().__init__(name, skew)
        self.event = event
        self.aws_request_id = request_id
        self.ends = scheduler.now + seconds
        self.returned = False
        self.answer: Json | None = None
        self.refused: str | None = None
        self._scheduler = scheduler

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda tells it."""
        return int((self.ends - self._scheduler.now) * 1000)


@dataclass
class Sent:
    """One slice that reached a worker: `answer` is what it said, `heard` whether that reached the orchestrator."""

    number: int
    answer: str
    heard: bool = False


@dataclass
class Seen:
    """What happened to one run so far."""

    sent: dict[str, list[Sent]] = field(default_factory=dict)
    named: dict[tuple[str, int, int], int] = field(default_factory=dict)  # (invocation, index, number): when
    ended: dict[int, int] = field(default_factory=dict)  # hop: when
    summary: bytes | None = None
    started: int = 0
    logged: int = 0
    counted: int = 0
    answers: list[Json] = field(default_factory=list)


class Store(MemoryS3):
    """S3 that hands the turn back before and after each request, and tells the world of each effect."""

    def __init__(self, world: World, *, versioned: bool) -> None:
        super().__init__(versioned=versioned)
        self.world = world

    def call(self, operation: str, **parameters: Any) -> Json:
        """As MemoryS3 does, with the world's faults."""
        world = self.world
        if world.scheduler.running is None:
            return super().call(operation, **parameters)
        key = str(parameters.get("Key") or parameters.get("Prefix") or "")
        fault = world.request(f"{operation} {key}")
        conditional = "IfNoneMatch" in parameters
        if fault == "busy":
            raise AwsCallError("s3", operation, "server", "SlowDown", "busy", 503)
        if fault == "unsent" or (fault == "late" and operation != "put_object"):
            raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no answer")
        if fault == "late":
            body = parameters["Body"]
            parameters["Body"] = body if isinstance(body, bytes) else body.read()
            world.late.append(partial(super().call, operation, **parameters))
            raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no answer")
        answer = super().call(operation, **parameters)
        world.answered(fault)
        if fault == "lost":
            raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no answer")
        if fault == "again" and conditional:
            raise AwsCallError("s3", operation, "refused", "PreconditionFailed", "no", 412)
        return answer

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Have this object, and tell the world."""
        if bucket == "results":
            self.world.written(key, body)
        super().put(bucket, key, body)


class Workers(AwsClient):
    """Lambda: workers that answer as the world's script says, and the orchestrator's own events."""

    def __init__(self, world: World) -> None:
        super().__init__("lambda", None)
        self.world = world

    def drop_connections(self) -> None:
        """It has none."""

    def call(self, operation: str, **parameters: Any) -> Json:
        """Invoke."""
        world = self.world
        event = json.loads(parameters["Payload"])
        own = parameters.get("InvocationType") == "Event"
        fault = world.request(f"{operation} {'own' if own else event['customer']['customer_code']}")
        if fault == "busy":
            raise AwsCallError("lambda", operation, "throttled", "TooManyRequestsException", "no", 429)
        if fault == "denied":
            raise AwsCallError("lambda", operation, "refused", "AccessDeniedException", "no", 403)
        if fault == "unsent":
            raise AwsCallError("lambda", operation, "lost", "ReadTimeoutError", "no answer")
        if own:
            world.events.append(event)
            world.answered(fault)
            if fault in ("lost", "late"):
                raise AwsCallError("lambda", operation, "lost", "ReadTimeoutError", "no answer")
            return {"StatusCode": 202}
        sent, seconds = world.sent(event)
        world.scheduler.sleep(seconds)
        world.answered(fault)
        if fault in ("lost", "late"):
            raise AwsCallError("lambda", operation, "lost", "ReadTimeoutError", "no answer")
        sent.heard = True
        more = {"data": None, "continuation": {"state": {"run": event["run_id"], "at": sent.number}}}
        said: Json = {"done": {"data": {"seen": True}}, "fails": failed(), "goes on": more}[sent.answer]
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer_of(event, **said)).encode())}


class World:
    """The deployment. `script` has what each customer's slices come to: (done, fails or goes on, seconds)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, config: Json, *, versioned: bool = True) -> None:
        self.scheduler = Scheduler()
        self.s3 = Store(self, versioned=versioned)
        self.lambda_ = Workers(self)
        self.config = config
        self.put_config(config)
        self.s3.put("config", "SESConfig.json", json.dumps({"topics": [TOPIC]}).encode())
        self.script: dict[tuple[str, str], list[tuple[str, float]]] = {}
        self.faults: list[Fault] = []
        self.late: list[Callable[[], Json]] = []
        self.events: list[Json] = []
        self.invocations: list[Invocation] = []
        self.runs: dict[str, Seen] = {}
        self.wrong: list[str] = []
        self.trace: list[str] = []
        self.faulty = False
        self._sequence = 0
        self._tokens = 0
        self._patch(monkeypatch)

    # --- what the test does ---------------------------------------------------------------------

    def put_config(self, config: Any) -> None:
        """Have this config.json."""
        self.s3.put("config", "config.json", json.dumps(config).encode())

    def invoke(self, event: Json, *, seconds: float = 900.0, skew: float = 0.0, request_id: str = "") -> Invocation:
        """Begin an invocation; it goes on by `step`."""
        number = len(self.invocations)
        kind = "reaper" if "reap" in event else "cancel" if "cancel" in event else "run"
        one = Invocation(self.scheduler, f"{kind}{number}", event, request_id or f"q{number}", seconds, skew)
        self.invocations.append(one)
        self.trace.append(f"{self.scheduler.now:.1f} {one.name} begins: {event}")
        self.scheduler.spawn(one, lambda: self._handle(one))
        return one

    def step(self, choice: int = 0) -> bool:
        """Let one thread take one step, or let time pass until one can. Return False when nothing is left to do."""
        ready = self.scheduler.ready()
        if not ready:
            following = self.scheduler.next_time()
            if following is None or following >= NEVER:
                return False
            self.advance(following - self.scheduler.now)
            return True
        chosen = ready[choice % len(ready)]
        self.scheduler.fibers.remove(chosen)
        self.scheduler.fibers.append(chosen)
        self.scheduler.step(chosen)
        return True

    def finish(self, *invocations: Invocation) -> None:
        """Let time pass until these have returned or died; all of them when none is given."""
        steps = 0
        while any(not one.returned and not one.dead for one in invocations or self.invocations):
            if not self.step():
                self.advance(
                    min(one.ends for one in self.invocations if not one.returned and not one.dead) - self.scheduler.now
                )
            steps += 1
            assert steps < 100_000, "it goes on for ever\n" + self.told()

    def finish_alone(self, one: Invocation) -> None:
        """Let one invocation return while nobody else gets a turn."""
        while not one.returned and not one.dead:
            ready = [fiber for fiber in self.scheduler.ready() if fiber.process is one]
            if ready:
                self.scheduler.step(ready[0])
            else:
                self.advance(1.0)

    def advance(self, seconds: float) -> None:
        """Let time pass at once; Lambda ends invocations whose time is up."""
        self.scheduler.now += max(0.0, seconds)
        self.s3.now = BEGAN + timedelta(seconds=int(self.scheduler.now))
        for one in self.invocations:
            if not one.dead and self.scheduler.now >= one.ends:
                self.kill(one)

    def kill(self, one: Invocation) -> None:
        """End an invocation where it stands."""
        if not one.returned and not one.dead:
            self.faulty = True
            self.trace.append(f"{self.scheduler.now:.1f} {one.name} dies")
        self.scheduler.kill(one)

    def land(self, choice: int = 0) -> None:
        """Let a write have its effect that nobody waits for any more."""
        if self.late:
            effect = self.late.pop(choice % len(self.late))
            try:
                effect()
            except AwsCallError:
                return

    def is_busy(self) -> bool:
        """Whether any invocation is under way."""
        return any(not one.returned and not one.dead for one in self.invocations)

    def take_events(self) -> list[Json]:
        """The events that the orchestrator has sent itself and that did not arrive yet."""
        events, self.events = self.events, []
        return events

    def end_all(self, *, deliver: bool, seconds: float = 900.0, passes: int = 60) -> int:
        """Let everything come to its end with a reaper every five minutes. Return how many passes that took."""
        self.faults.clear()
        self.finish()
        for number in range(passes):
            if not self.open_runs():
                return number
            self.advance(300.0)
            events = self.take_events()
            for event in events if deliver else ():
                self.invoke(event, seconds=seconds)
            self.finish()
            self.finish(self.invoke({"reap": True}))
            self.check()
        raise AssertionError(f"open after {passes} passes: {self.open_runs()}\n{self.told()}")

    def events_change_nothing(self) -> None:
        """Everything that was ever delivered, or not yet, comes once more when all is over, and changes nothing."""
        runs = {run_id for run_id, seen in self.runs.items() if seen.summary}
        sent, before = self._sent(), {key: self.s3.stored["results", key].body for key in self.s3.keys("runs/")}
        for one in list(self.invocations):
            if (one.event.get("cancel") or self.run_id_of(one)) in runs:
                self.finish(self.invoke(one.event, request_id=one.aws_request_id))
        for event in self.take_events():
            self.finish(self.invoke(event))
        after = {key: self.s3.stored["results", key].body for key in self.s3.keys("runs/")}
        new = {key for key in after if after[key] != before.get(key)}
        # A late claim finds the hop ended, a refused start says so, and a start keeps what it read before it claims.
        harmless = ("/claim.json", "/refusals/", "/pinned/")
        self._expect(all(any(part in key for part in harmless) for key in new), f"late events wrote {new}")
        self._expect(sent == self._sent(), "late events sent somebody")
        self.check()

    def _sent(self) -> dict[tuple[str, str], list[int]]:
        return {
            (run_id, code): [one.number for one in slices]
            for run_id, seen in self.runs.items()
            for code, slices in seen.sent.items()
        }

    def run_id_of(self, one: Invocation) -> str:
        """The id of the run that an event starts."""
        return str(one.event.get("run_id") or run_id_of_request(one.aws_request_id))

    def close(self) -> None:
        """End every thread."""
        for one in self.invocations:
            self.scheduler.kill(one)

    # --- what is so -----------------------------------------------------------------------------

    def open_runs(self) -> list[str]:
        """The ids of the runs in the index of open runs."""
        return sorted({key.split("/")[1] for key in self.s3.keys("open/")})

    def kept(self, run_id: str, name: str) -> Any:
        """An object of the record, parsed, or None."""
        found = self.s3.stored.get(("results", f"runs/{run_id}/{name}"))
        return None if found is None else json.loads(found.body)

    def told(self) -> str:
        """What happened so far."""
        return "\n".join(self.trace[-400:])

    def check(self) -> None:
        """What is true at any moment."""
        for run_id in self.runs:
            self._check_run(run_id)
        assert not self.wrong, "\n".join([*self.wrong, self.told()])

    def check_over(self, run_id: str) -> None:
        """What is true of a run that is over."""
        seen = self.runs.get(run_id, Seen())
        plan, summary = self.kept(run_id, "plan.json"), self.kept(run_id, "summary.json")
        if plan is None:
            assert not seen.sent, f"{run_id} sent somebody without a plan\n{self.told()}"
            return
        assert summary is not None, f"{run_id} has no Summary\n{self.told()}"
        ends = [
            json.loads(self.s3.stored["results", key].body)
            for key in self.s3.keys(f"runs/{run_id}/hops/")
            if key.endswith("end.json")
        ]
        last = [end["hop"] for end in ends if end["next"] is None]
        self._expect(last == [max(end["hop"] for end in ends)], f"{run_id} has the ends {ends}")
        codes = [one["customer_code"] for one in summary["results"]]
        self._expect(codes == [one["customer_code"] for one in plan["customers"]], f"{run_id} accounts for {codes}")
        for one in summary["results"]:
            self._check_result(run_id, seen, one, summary)
        self._expect(run_id not in self.open_runs(), f"{run_id} is over and in open/")
        if not self.faulty:
            self._expect((seen.started, seen.logged, seen.counted) == (1, 1, 1), f"{run_id} was counted {seen}")
        self.check()

    def _check_result(self, run_id: str, seen: Seen, one: Json, summary: Json) -> None:
        manages, dry_run = summary["action"].startswith("manage"), summary["dry_run"]
        writes = manages and not dry_run
        code, status = one["customer_code"], one["status"]
        told = f"{run_id}: {code} is {status} {one['error']}, {seen.sent.get(code)}"
        sent = seen.sent.get(code, [])
        stored = self.kept(run_id, f"results/{code}.json")
        if stored is not None:
            same = ("status", "error", "attempts", "api_calls", "warnings", "account_id", "region")
            self._expect(all(stored[name] == one[name] for name in same), f"{told}, but {stored}")
        if status == "not_started":
            self._expect(not sent, told)
        if status == "successful" and (manages or not dry_run):
            self._expect(bool(sent) and sent[-1].answer == "done" and sent[-1].heard, told)
        if sent and (not sent[-1].heard or (sent[-1].answer == "done" and status != "successful")):
            unknown = one["error"] is not None and one["error"]["outcome_unknown"]
            self._expect(status == "failed" and unknown == writes, told)
        if status == "skipped":
            self._expect(not sent, told)

    def _check_run(self, run_id: str) -> None:
        seen = self.runs[run_id]
        self._expect(seen.started <= 1 and seen.logged <= 1 and seen.counted <= 1, f"{run_id} was counted {seen}")
        store = RunRecord(Bucket(self.s3, "results"), run_id)
        plan = store.plan()
        if plan is None:
            return
        now = state.of(store, plan).summary
        self._expect(len(now.results) == len(plan.customers), f"{run_id} shows {len(now.results)} customers")
        for one in now.results:
            sent = seen.sent.get(one.customer_code)
            self._expect(
                one.status != "not_started" or not sent, f"{run_id} shows {one.customer_code} not_started: {sent}"
            )
        for answer in seen.answers:
            if answer["exit_code"] is not None:
                there = self.s3.stored.get(("results", f"runs/{run_id}/summary.json"))
                self._expect(there is not None and json.loads(there.body) == answer, f"{run_id} answered {answer}")
        seen.answers.clear()

    # --- what happens ---------------------------------------------------------------------------

    def request(self, told: str) -> str:
        """A request is about to be made: hand the turn back, and return what goes wrong with it."""
        self.scheduler.pause()
        self.scheduler.now += MILLISECOND
        process = self._process()
        fault = next((one.kind for one in self.faults if one.is_of(process.name)), "")
        self.trace.append(f"{self.scheduler.now:.1f} {process.name} {told} {fault}")
        self.faulty = self.faulty or bool(fault)
        if fault == "kill-before":
            process.dead = True
            raise Killed
        return fault

    def answered(self, fault: str) -> None:
        """A request had its effect: hand the turn back."""
        if fault == "kill-after":
            self._process().dead = True
            raise Killed
        self.scheduler.pause()

    def written(self, key: str, body: bytes) -> None:
        """An object of the results bucket is about to be stored."""
        self._sequence += 1
        kind, _, rest = key.partition("/")
        run_id, _, name = rest.partition("/")
        seen = self.runs.setdefault(run_id, Seen())
        there = self.s3.stored.get(("results", key))
        if kind == "open":
            sign = json.loads(body)
            for index, number in sign["named"].items():
                seen.named.setdefault((sign["owner"], int(index), number), self._sequence)
        elif (key.endswith(WRITTEN_ONCE) or name.startswith("results/")) and there is not None:
            self._expect(False, f"{key} was written twice")
        if name.endswith("end.json"):
            end = json.loads(body)
            seen.ended[end["hop"]] = self._sequence
            self._expect(self._closing_hop(run_id) is None, f"{key} was written after the run's end")
        if name.startswith("results/"):
            late = self.scheduler.running is None
            self._expect(seen.summary is None or late, f"{key} was written after the Summary")
        if name == "summary.json":
            seen.summary = body
            self._expect(self._closing_hop(run_id) is not None, f"{run_id} has a Summary and no end")

    def sent(self, item: Json) -> tuple[Sent, float]:
        """A slice reaches a worker. Return it, and how many seconds it takes."""
        run_id, code = item["run_id"], item["customer"]["customer_code"]
        seen, process = self.runs[run_id], self._process()
        before = (item["continuation"] or {}).get("state", {})
        number = 1 + (before["at"] if before.get("run") == run_id else 0)
        slices = seen.sent.setdefault(code, [])
        self._expect(number not in [one.number for one in slices], f"{run_id}: slice {number} of {code} was sent twice")
        self._expect(not process.returned, f"{run_id}: {code} was sent by an invocation that had returned")
        plan = self.kept(run_id, "plan.json")
        index = [one["customer_code"] for one in plan["customers"]].index(code)
        owner, hop = (plan["owner"], 0) if "hop" not in process.event else self._claim(run_id, process.event["hop"])
        named = seen.named.get((owner, index, number))
        self._expect(named is not None, f"{run_id}: slice {number} of {code} was sent, and no sign had named it")
        if named is not None and hop in seen.ended:
            self._expect(named < seen.ended[hop], f"{run_id}: {code} was named after the end of its hop, and sent")
        script = self.script.get((run_id, code), [("done", 1.0)])
        answer, seconds = script[min(number, len(script)) - 1]
        slices.append(Sent(number, answer))
        return slices[-1], seconds

    def _claim(self, run_id: str, hop: int) -> tuple[str, int]:
        return self.kept(run_id, f"hops/{hop}/claim.json")["owner"], hop

    def _closing_hop(self, run_id: str) -> int | None:
        for key in self.s3.keys(f"runs/{run_id}/hops/"):
            if key.endswith("/end.json") and json.loads(self.s3.stored["results", key].body)["next"] is None:
                return int(key.split("/")[-2])
        return None

    def _process(self) -> Invocation:
        process = self.scheduler.process()
        assert isinstance(process, Invocation)
        return process

    def _expect(self, so: bool, told: str) -> None:
        if not so:
            self.wrong.append(told)

    def _handle(self, one: Invocation) -> None:
        try:
            one.answer = service.handle(one.event, one, VARIABLES)
        except OrchestratorError as error:
            one.refused = str(error)
            if "S3 did not say" not in one.refused:  # what is not known is said to be, and is no bug
                self.wrong.append(f"{one.name}: {error}")
        except SesFleetError as error:
            one.refused = str(error)
        one.returned = True
        self.trace.append(f"{self.scheduler.now:.1f} {one.name} returns {one.refused or ''}")
        if one.answer is not None and "run_id" in one.answer:
            self.runs.setdefault(one.answer["run_id"], Seen()).answers.append(one.answer)

    def _token(self, _size: int) -> str:
        self._tokens += 1
        return f"{self._tokens:032x}"

    def _patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known: dict[str, AwsClient] = {"s3": self.s3, "lambda": self.lambda_}
        kept_clients.forget()
        monkeypatch.setattr(clients, "client", lambda service, *_, **__: known[service])
        simulated, scheduler = Simulated(self.scheduler), self.scheduler
        for module in (signs, result_store, task):
            monkeypatch.setattr(module, "threading", simulated.threading)
        for module in (signs, invoke, s3):
            monkeypatch.setattr(module, "time", simulated.time)
        steady = SimpleNamespace(uniform=lambda low, high: (low + high) / 2)
        for module in (invoke, s3):
            monkeypatch.setattr(module, "random", steady)
        for module in (slice_pool, result_store, ending):
            monkeypatch.setattr(module, "ThreadPoolExecutor", simulated.pool)
        for module in (hop_record, record, resuming):
            monkeypatch.setattr(module, "ThreadPoolExecutor", simulated.here)
        monkeypatch.setattr(slice_pool, "queue", simulated.queue)
        monkeypatch.setattr(result_store, "wait", simulated.wait)
        for module in (run, reaper):
            monkeypatch.setattr(module, "Signs", partial(Signs, clock=simulated.time.monotonic))
        monkeypatch.setattr(task, "TimeLimits", partial(TimeLimits, clock=simulated.time.monotonic))
        monkeypatch.setattr(handover, "secrets", SimpleNamespace(token_hex=self._token))

        def now() -> Any:
            skew = 0.0 if scheduler.running is None else scheduler.running.process.skew
            return BEGAN + timedelta(seconds=scheduler.now + skew)

        monkeypatch.setattr(clock, "now", now)
        monkeypatch.setattr(report, "emit_start", lambda run_id, *_, **__: self._note(run_id, "started"))
        monkeypatch.setattr(report, "log_summary", lambda _, summary: self._note(summary.run_id, "logged"))
        monkeypatch.setattr(report, "emit_run", lambda summary: self._note(summary.run_id, "counted"))
        monkeypatch.setattr(report, "emit_reaper", self._reaped)
        monkeypatch.setattr(report, "emit_refusal", lambda *_, **__: None)
        monkeypatch.setattr(report, "log_customer", lambda *_: None)
        # Not by the level that logging disables: loggers remember that, also when this is undone.
        monkeypatch.setattr(logging.Logger, "isEnabledFor", lambda *_: False)

    def _note(self, run_id: str, what: str) -> None:
        seen = self.runs.setdefault(run_id, Seen())
        setattr(seen, what, getattr(seen, what) + 1)

    def _reaped(self, *, failed: int, lost: int) -> None:
        self._expect(failed == 0 or self.faulty, f"the reaper failed with {failed} runs, and closed {lost}")
