"""The Lambda runtime runs functions for real: AWS's own runtime client, a process an environment."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from strict_aws.lambda_runtime import own_tmp
from strict_aws.lambda_runtime.function import FunctionSpec, Logging
from strict_aws.lambda_runtime.outcomes import Outcome, RuntimeStoppedError, ThrottledError
from strict_aws.lambda_runtime.runtime import LambdaRuntime


def spec(source: str, **changes: Any) -> FunctionSpec:
    """A function of one module and of whatever else `files` has, by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {"fn.py": source, **changes.pop("files", {})}.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # without the time: the same source is the same code
    code = buffer.getvalue()
    known: dict[str, Any] = {
        "name": "f",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "version": "$LATEST",
        "handler": "fn.handler",
        "code": code,
        "code_sha256": hashlib.sha256(code).hexdigest(),
        "timeout_seconds": 5,
        "memory_mb": 256,
        "variables": {"MINE": "1"},
        "role_arn": "arn:aws:iam::123456789012:role/f",
        "region": "us-east-1",
        "reserved_concurrency": None,
    }
    return FunctionSpec(**{**known, **changes})


class Runtime(LambdaRuntime):
    """A runtime that keeps what was logged."""

    def __init__(self, work_dir: Path, **options: Any) -> None:
        self.logged: list[str] = []
        super().__init__(
            work_dir=work_dir,
            issue_variables=lambda _, environment: {"AWS_ACCESS_KEY_ID": f"key-of-{environment}"},
            write_logs=lambda *arguments: self.logged.extend(line for _, line in arguments[2]),
            **options,
        )


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """Stopped afterwards, with nothing left."""
    made = Runtime(tmp_path)
    yield made
    pids = [environment.pid for environment in made.environments()]
    made.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


ECHO = "def handler(event, context):\n    return event\n"
PID = "import os\ndef handler(event, context):\n    return os.getpid()\n"
SLEEP = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"


def answer(outcome: Outcome) -> Any:
    """What the function returned or Lambda said."""
    return json.loads(outcome.payload)


def test_an_environment_is_reused_while_warm(runtime: Runtime) -> None:
    """Module state survives; one process for one invocation after the other."""
    pids = {answer(runtime.invoke(spec(PID), b"{}")) for _ in range(5)}
    assert len(pids) == 1
    assert pids == {environment.pid for environment in runtime.environments()}


def test_an_environment_that_died_idle_is_given_no_invocation(runtime: Runtime) -> None:
    """Another one is started in its place, and nothing is left of it; the place is not lost."""
    died = []
    for _ in range(12):  # more than there are places
        died.append(answer(runtime.invoke(spec(PID), b"{}")))
        os.kill(died[-1], signal.SIGKILL)
        _wait_until(lambda: _has_ended(died[-1]))
    alive = answer(runtime.invoke(spec(PID), b"{}"))
    assert alive not in died
    assert len(set(died)) == 12
    assert [environment.pid for environment in runtime.environments()] == [alive]


def _has_ended(pid: int) -> bool:
    """All of its threads: the first one may be gone before the others are."""
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return True


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_function_has_nothing_that_only_the_command_needs(runtime: Runtime) -> None:
    """What is not shipped to Lambda cannot be imported here either; boto3 goes without it."""
    source = "import botocore.compat\ndef handler(event, context):\n    return botocore.compat.HAS_CRT\n"
    assert answer(runtime.invoke(spec(source), b"{}")) is False


@pytest.mark.parametrize(
    "change", [{"variables": {"MINE": "2"}}, {"timeout_seconds": 6}, {"memory_mb": 512}, {"handler": "fn.other"}]
)
def test_a_changed_function_gets_new_environments(change: dict[str, Any], runtime: Runtime) -> None:
    """The old ones are ended and never used again."""
    source = PID + "other = handler\n"
    first = answer(runtime.invoke(spec(source), b"{}"))
    second = answer(runtime.invoke(spec(source, **change), b"{}"))
    assert first != second
    assert [environment.pid for environment in runtime.environments()] == [second]


# Writes a file when it began, and answers once as many as its event says have begun.
MEET = """
import os, time, uuid
def handler(event, context):
    place = os.environ["PLACE"]
    open(os.path.join(place, uuid.uuid4().hex), "w").close()
    while len(os.listdir(place)) < event:
        time.sleep(0.01)
    return os.getpid()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that functions share with the test: /tmp is each environment's own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when it holds, and fail when it does not come true."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def test_one_invocation_at_a_time_each(runtime: Runtime, place: Path) -> None:
    """Three that only end when all three have begun are three environments."""
    function = spec(MEET, timeout_seconds=60, variables={"PLACE": str(place)})
    with ThreadPoolExecutor(3) as pool:
        pids = {answer(outcome) for outcome in pool.map(lambda _: runtime.invoke(function, b"3"), range(3))}
    assert len(pids) == 3


def test_beyond_the_bound_invocations_wait(tmp_path: Path) -> None:
    """Everybody is served in the end."""
    runtime = Runtime(tmp_path, max_environments=2)
    try:
        with ThreadPoolExecutor(6) as pool:
            pids = [answer(outcome) for outcome in pool.map(lambda _: runtime.invoke(spec(PID), b"{}"), range(6))]
    finally:
        runtime.stop()
    assert len(set(pids)) <= 2
    assert len(pids) == 6


def test_reserved_concurrency_refuses_at_once(runtime: Runtime, place: Path) -> None:
    """While the one invocation that is allowed runs, and 0 refuses everything."""
    with pytest.raises(ThrottledError):
        runtime.invoke(spec(ECHO, reserved_concurrency=0), b"{}")
    function = spec(MEET, timeout_seconds=60, reserved_concurrency=1, variables={"PLACE": str(place)})
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(runtime.invoke, function, b"2")
        wait_for(lambda: len(list(place.iterdir())) == 1)
        with pytest.raises(ThrottledError):
            runtime.invoke(function, b"0")
        (place / "go on").touch()
        assert busy.result().function_error is None
    assert runtime.invoke(function, b"0").function_error is None


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("def handler(e, c):\n    raise ValueError('boom')", "ValueError", "boom"),
        ("import os\ndef handler(e, c):\n    os._exit(3)", "Runtime.ExitError", "exit status 3"),
        ("import os\ndef handler(e, c):\n    os._exit(0)", "Runtime.ExitError", "without providing a reason"),
        ("import os\ndef handler(e, c):\n    os.kill(os.getpid(), 9)", "Runtime.ExitError", "signal: killed"),
        ("import nothing_of_that_name", "Runtime.ImportModuleError", "nothing_of_that_name"),
        ("def handler(", "Runtime.UserCodeSyntaxError", "fn.py"),
        ("x = 1", "Runtime.HandlerNotFound", "handler"),
        ("raise RuntimeError('at import')", "RuntimeError", "at import"),
        ("import sys\nsys.exit(1)", "Runtime.ExitError", "exit status 1"),
        ("def handler(e, c):\n    return object()", "Runtime.MarshalError", "not JSON serializable"),
        ("def handler(e, c):\n    return 'x' * 6_291_560", "Function.ResponseSizeTooLarge", "6291556 bytes"),
        (
            "import time\ndef handler(e, c):\n    x = bytearray(300 * 2**20)\n    time.sleep(9)",
            "Runtime.OutOfMemory",
            "signal: killed",
        ),
    ],
)
def test_every_end_has_lambdas_words(source: str, error_type: str, message: str, runtime: Runtime) -> None:
    """Unhandled, with errorType and errorMessage; the next invocation is a good one again."""
    outcome = runtime.invoke(spec(source), b"{}")
    assert outcome.function_error == "Unhandled"
    assert answer(outcome)["errorType"] == error_type
    assert message in answer(outcome)["errorMessage"]
    assert runtime.invoke(spec(ECHO), b"5").payload == b"5"


def test_a_timeout_kills_and_the_next_one_is_fresh(runtime: Runtime) -> None:
    """Sandbox.Timedout after the function's timeout, which begins when the event is delivered: its init is longer."""
    function = spec("import time\ntime.sleep(1.2)\n" + SLEEP, timeout_seconds=1)
    outcome = runtime.invoke(function, b"30")
    assert answer(outcome) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {outcome.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert any(line.endswith("Task timed out after 1.00 seconds") for line in runtime.logged)
    assert runtime.invoke(function, b"0").function_error is None


def test_the_duration_is_that_of_the_invocation(tmp_path: Path) -> None:
    """By the clock, from when the environment waits for work to when it has answered: the init does not count."""
    moments = iter([100.0, 101.25, 200.0, 200.5])
    runtime = Runtime(tmp_path, clock=lambda: next(moments))
    try:
        outcomes = [runtime.invoke(spec(ECHO), b"1") for _ in range(2)]
    finally:
        runtime.stop()
    assert [outcome.duration_ms for outcome in outcomes] == [1250.0, 500.0]
    reports = [line for line in runtime.logged if line.startswith("REPORT")]
    assert ["Duration: 1250.00 ms" in reports[0], "Duration: 500.00 ms" in reports[1]] == [True, True]


def test_an_init_that_takes_too_long_is_run_again(tmp_path: Path) -> None:
    """As part of the invocation, within the function's timeout."""
    slow_once = (
        "import os, time\nmark = os.environ['MARK']\nif not os.path.exists(mark):\n"
        "    open(mark, 'w').close()\n    time.sleep(30)\n" + ECHO
    )
    runtime = Runtime(tmp_path / "work", init_seconds=0.7)
    outside = tempfile.TemporaryDirectory(dir="/var/tmp")  # /tmp is each environment's own
    try:
        assert runtime.invoke(spec(slow_once, variables={"MARK": f"{outside.name}/mark"}), b"1").payload == b"1"
        always = runtime.invoke(spec("import time\ntime.sleep(30)", timeout_seconds=1), b"1")
    finally:
        runtime.stop()
        outside.cleanup()
    assert answer(always)["errorType"] == "Sandbox.Timedout"


def test_what_is_printed_is_logged_between_start_and_report(runtime: Runtime) -> None:
    """stdout and stderr, in order, nothing lost, also of a process that dies; the tail is the last 4 KB."""
    source = (
        "import sys, os\ndef handler(event, context):\n    for n in range(600):\n        print('line', n)\n"
        "    print('err', file=sys.stderr)\n    print('no end', end='', flush=True)\n    if event: os._exit(1)\n"
    )
    for dies in (b"0", b"1"):
        runtime.logged.clear()
        outcome = runtime.invoke(spec(source), dies)
        start, *lines, end, report = runtime.logged
        assert start == f"START RequestId: {outcome.request_id} Version: $LATEST"
        assert [line for line in lines if line.startswith("line")] == [f"line {n}" for n in range(600)]
        assert "no end" in lines
        assert end == f"END RequestId: {outcome.request_id}"
        assert f"REPORT RequestId: {outcome.request_id}\tDuration: " in report
        assert "Memory Size: 256 MB\tMax Memory Used: " in report
        assert len(outcome.log_tail) == 4096
        assert outcome.log_tail.decode().endswith(report + "\n")


JSON_LOGS = Logging(json=True)


def records(runtime: Runtime) -> list[dict[str, Any]]:
    """What was logged, every line of it JSON."""
    return [json.loads(line) for line in runtime.logged]


def events(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """Lambda's own records among them, by their type."""
    return {record["type"]: record["record"] for record in records(runtime) if "type" in record}


def test_json_logs_have_lambdas_own_records(runtime: Runtime) -> None:
    """platform.initStart of a new environment, platform.start and platform.report; also at the end of the tail."""
    function = spec(ECHO, logging=JSON_LOGS)
    outcome = runtime.invoke(function, b"{}")
    assert list(events(runtime)) == ["platform.initStart", "platform.start", "platform.report"]
    assert events(runtime)["platform.start"] == {"requestId": outcome.request_id, "version": "$LATEST"}
    report = events(runtime)["platform.report"]
    assert (report["requestId"], report["status"]) == (outcome.request_id, "success")
    assert report["metrics"].keys() == {
        "durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs",
    }  # fmt: skip
    assert all(record["time"].endswith("Z") for record in records(runtime))
    assert json.loads(outcome.log_tail.splitlines()[-1])["type"] == "platform.report"
    runtime.logged.clear()
    runtime.invoke(function, b"{}")
    assert list(events(runtime)) == ["platform.start", "platform.report"]
    assert "initDurationMs" not in events(runtime)["platform.report"]["metrics"]


@pytest.mark.parametrize(
    ("source", "status", "error_type"),
    [
        ("def handler(e, c):\n    raise ValueError('boom')", "error", "ValueError"),
        ("import os\ndef handler(e, c):\n    os._exit(3)", "error", "Runtime.ExitError"),
        ("import nothing_of_that_name", "error", "Runtime.ImportModuleError"),
        (SLEEP, "timeout", None),
    ],
)
def test_json_logs_say_how_an_invocation_failed(
    source: str, status: str, error_type: str | None, runtime: Runtime
) -> None:
    """In records alone, an exception with its type and its stack among them; no line of the text format."""
    runtime.invoke(spec(source, logging=JSON_LOGS, timeout_seconds=1), b"9")
    for kind in ("platform.runtimeDone", "platform.report"):
        assert events(runtime)[kind]["status"] == status
        assert events(runtime)[kind].get("errorType") == error_type
    raised = [record for record in records(runtime) if record.get("level") == "ERROR"]
    if error_type == "ValueError":
        assert (raised[0]["errorType"], raised[0]["errorMessage"]) == ("ValueError", "boom")
        assert "raise ValueError" in raised[0]["stackTrace"][0]
    assert ("platform.initRuntimeDone" in events(runtime)) == (error_type == "Runtime.ImportModuleError")


def test_json_logs_format_what_is_logged_and_leave_what_is_printed(runtime: Runtime) -> None:
    """By level: what is below the function's own is dropped; a line without one counts as INFO."""
    source = """
import json, logging
def handler(event, context):
    print("printed")
    print(json.dumps({"level": "DEBUG", "n": 1}))
    print(json.dumps({"level": "WARNING", "n": 2}))
    logging.getLogger("mine").info("told %s", "them")
    logging.getLogger("mine").error("failed")
"""
    runtime.invoke(spec(source, logging=JSON_LOGS), b"{}")
    assert runtime.logged[2] == "printed"
    found = [json.loads(line) for line in runtime.logged[3:]]
    assert [record.get("n") or record.get("message") for record in found[:-1]] == [2, "told them", "failed"]
    assert found[1].keys() == {"timestamp", "level", "message", "logger", "requestId"}
    runtime.logged.clear()
    quiet = Logging(json=True, application_level="ERROR", system_level="WARN")
    runtime.invoke(spec(source, logging=quiet), b"{}")
    assert [json.loads(line)["message"] for line in runtime.logged] == ["failed"]


def test_the_environment_says_how_to_log(runtime: Runtime) -> None:
    """As Lambda does, the log group among it."""
    source = (
        "import os\ndef handler(event, context):\n    return {n: v for n, v in os.environ.items() if '_LOG_' in n}\n"
    )
    names = ("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_LOG_GROUP_NAME")
    seen = [answer(runtime.invoke(spec(source), b"{}"))]
    seen.append(answer(runtime.invoke(spec(source, logging=Logging(True, "WARN", group="mine")), b"{}")))
    assert [[one.get(name) for name in names] for one in seen] == [
        ["Text", None, "/aws/lambda/f"],
        ["JSON", "WARN", "mine"],
    ]


def test_a_function_that_does_not_start_is_told_at_once(runtime: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    """On the local cloud's own log, once for each of its states: whoever sent an event hears nothing else."""
    for _ in range(2):
        runtime.invoke(spec("import nothing_of_that_name"), b"{}")
    (line,) = caplog.messages
    assert line.startswith("the function f does not start: Runtime.ImportModuleError: ")
    assert "nothing_of_that_name" in line
    runtime.invoke(spec("import nothing_of_that_kind"), b"{}")
    assert len(caplog.messages) == 2


def test_a_folder_can_be_shown_to_all_functions(tmp_path: Path) -> None:
    """Though it lies under /tmp, of which they have one of their own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as shown:  # the very subject
        Path(shown, "ca.pem").write_text("trust me")
        runtime = Runtime(tmp_path, visible=[Path(shown)])
        try:
            source = "def handler(event, context):\n    return open(event).read()\n"
            payload = json.dumps(f"{shown}/ca.pem").encode()
            assert answer(runtime.invoke(spec(source), payload)) == "trust me"
        finally:
            runtime.stop()


def test_the_function_sees_lambdas_environment_and_nothing_of_ours(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own variables, Lambda's, its credentials; its own package and installed libraries, not this project."""
    monkeypatch.setenv("AWS_PROFILE", "developer")
    monkeypatch.setenv("SECRET_OF_THE_DEVELOPER", "x")
    source = (
        "import os, sys\ndef handler(event, context):\n    try:\n        import ses_fleet\n        found = True\n"
        "    except ImportError:\n        found = False\n    import boto3\n"
        "    return {'env': dict(os.environ), 'found': found, 'left': context.get_remaining_time_in_millis(),\n"
        "            'arn': context.invoked_function_arn, 'cwd': os.getcwd()}\n"
    )
    seen = answer(runtime.invoke(spec(source), b"{}"))
    assert seen["found"] is False
    assert 0 < seen["left"] <= 5000
    assert seen["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:f"
    variables = seen["env"]
    (environment,) = runtime.environments()
    assert variables["AWS_ACCESS_KEY_ID"] == f"key-of-{environment.id}"
    assert variables["AWS_SDK_UA_APP_ID"] == environment.id
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert variables["MINE"] == "1"
    assert variables["LAMBDA_TASK_ROOT"] == seen["cwd"]
    assert {"AWS_PROFILE", "SECRET_OF_THE_DEVELOPER", "HOME"} & set(variables) == set()


def test_every_environment_has_a_tmp_of_its_own(runtime: Runtime) -> None:
    """Kept while it is warm, seen by no other, gone with it."""
    source = """
import pathlib, tempfile
def handler(event, context):
    mark = pathlib.Path(tempfile.gettempdir()) / "mark"
    before = mark.read_text() if mark.exists() else None
    mark.write_text(event)
    return [str(mark), before]
"""
    path, before = answer(runtime.invoke(spec(source), b'"one"'))
    assert before is None
    assert answer(runtime.invoke(spec(source), b'"two"'))[1] == "one"
    assert answer(runtime.invoke(spec(source, memory_mb=257), b'"three"'))[1] is None
    assert not Path(path).exists()


@pytest.mark.skipif(not own_tmp.is_possible(), reason="this machine gives processes no mounts of their own")
def test_tmp_itself_is_the_environments_and_512_mb(runtime: Runtime) -> None:
    """Nothing of the machine's is in it but what the function is run from; more does not fit."""
    source = """
import os, shutil
def handler(event, context):
    found = [os.path.join(at, name) for at, _, names in os.walk("/tmp") for name in names if name == "machines-own"]
    return found, shutil.disk_usage("/tmp").total, os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]
"""
    with tempfile.TemporaryDirectory(dir="/tmp") as machines:  # the very subject
        Path(machines, "machines-own").touch()
        assert answer(runtime.invoke(spec(source), b"{}")) == [[], 512 * 2**20, True]


def test_the_runtime_api_is_on_loopback_only(runtime: Runtime) -> None:
    """Nobody else on the network can feed a function."""
    source = "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_RUNTIME_API']\n"
    host, _, port = answer(runtime.invoke(spec(source), b"{}")).partition(":")
    assert host == "127.0.0.1"
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert f"0100007F:{int(port):04X}" in listening
    assert f"00000000:{int(port):04X}" not in listening


def test_stop_ends_what_runs_and_what_waits(tmp_path: Path, place: Path) -> None:
    """Not waiting for the function, which has ten minutes; every waiting caller hears of it."""
    runtime = Runtime(tmp_path / "work", max_environments=1)
    function = spec(MEET, timeout_seconds=600, variables={"PLACE": str(place)})
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(runtime.invoke, function, b"9") for _ in range(3)]
        wait_for(lambda: len(list(place.iterdir())) == 1)
        (pid,) = [environment.pid for environment in runtime.environments()]
        runtime.stop()
        assert [type(one.exception(timeout=60)) for one in asked] == [RuntimeStoppedError] * 3
    assert not _alive(pid)
    with pytest.raises(RuntimeStoppedError):
        runtime.invoke(spec(ECHO), b"{}")


def test_prewarmed_environments_are_there(runtime: Runtime) -> None:
    """As many as asked for, idle."""
    runtime.prewarm(spec(PID), 3)
    pids = {environment.pid for environment in runtime.environments()}
    assert len(pids) == 3
    assert answer(runtime.invoke(spec(PID), b"{}")) in pids


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


IMPORTS = """
import importlib, sys
def handler(event, context):
    found = {}
    for name in event:
        try:
            found[name] = getattr(importlib.import_module(name), "__file__", None)
        except ImportError:
            found[name] = "missing"
    return found, sys.dont_write_bytecode
"""
BUNDLED = {"mine-1.0.dist-info/METADATA": "Name: mine\n", "mine.py": "", "snapshot_restore_py.py": ""}


def test_a_zip_with_packages_of_its_own_runs_on_those_alone(runtime: Runtime) -> None:
    """Nothing of this machine's environment can be imported but what AWS's runtime client brings."""
    modules = ["boto3", "pydantic", "moto", "ses_fleet", "pytest", "mine", "awslambdaric", "simplejson"]
    found, _ = answer(runtime.invoke(spec(IMPORTS, files=BUNDLED), json.dumps(modules).encode()))
    missing = {name for name, file in found.items() if file == "missing"}
    assert missing == {"boto3", "pydantic", "moto", "ses_fleet", "pytest"}


def test_a_zips_own_copy_of_a_package_wins(runtime: Runtime) -> None:
    """Also over what the runtime client brings for itself."""
    found, _ = answer(runtime.invoke(spec(IMPORTS, files=BUNDLED), b'["snapshot_restore_py", "mine"]'))
    assert Path(found["snapshot_restore_py"]).parent == Path(found["mine"]).parent


def test_a_zip_without_packages_runs_on_this_machines(runtime: Runtime) -> None:
    """As the hub's own functions do."""
    found, without_bytecode = answer(runtime.invoke(spec(IMPORTS), b'["boto3", "pydantic", "ses_fleet"]'))
    assert found["boto3"] != "missing" != found["pydantic"]
    assert found["ses_fleet"] == "missing"  # linked into the environment by a .pth file, which is no package
    assert not without_bytecode


WRITE = """
import os
import mine
def handler(event, context):
    root = os.environ["LAMBDA_TASK_ROOT"]
    try:
        with open(os.path.join(root, "written"), "w"):
            return "written"
    except OSError as error:
        return error.errno, sorted(os.listdir(root))
"""


@pytest.mark.skipif(not own_tmp.is_possible(), reason="this machine gives processes no mounts of their own")
def test_code_with_packages_of_its_own_is_read_only(runtime: Runtime) -> None:
    """Not even root writes there, and no bytecode comes to lie beside it."""
    error_number, left = answer(runtime.invoke(spec(WRITE, files=BUNDLED), b"{}"))
    assert error_number == errno.EROFS
    assert left == ["fn.py", "mine-1.0.dist-info", "mine.py", "snapshot_restore_py.py"]


def test_a_function_made_anew_gets_new_environments(runtime: Runtime) -> None:
    """Those of the deleted one are ended."""
    first = answer(runtime.invoke(spec(PID), b"{}"))
    runtime.discard(spec(PID).arn)
    assert runtime.environments() == []
    assert answer(runtime.invoke(spec(PID), b"{}")) != first
