"""The `ses-fleet` command."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ses_fleet.actions.catalogue import HELP
from ses_fleet.aws.regions import partitions
from ses_fleet.text import printable, quoted
from ses_fleet_cli import check, export, push, runs, streams
from ses_fleet_cli import invoke as invoking
from ses_fleet_cli import payload as payloads
from ses_fleet_cli.errors import INTERRUPTED, NO_SUMMARY, OK, SOME_FAILED, CommandError, usage
from ses_fleet_cli.show import Screen

if TYPE_CHECKING:
    from ses_fleet_local.cloud import LocalCloud, Options

app = typer.Typer(
    help="Run one SES contact-list operation in every customer's AWS account, and get one honest answer back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
local_app = typer.Typer(help="The local cloud: the real functions on this machine.", no_args_is_help=True)
app.add_typer(local_app, name="local")
config_app = typer.Typer(help="config.json and SESConfig.json.", no_args_is_help=True)
app.add_typer(config_app, name="config")
runs_app = typer.Typer(help="Runs that were, or are under way.", no_args_is_help=True)
app.add_typer(runs_app, name="runs")
_ORCHESTRATOR = "ses-fleet-orchestrator"

_FileOption = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, readable=True)]


@app.command()
def invoke(
    action: Annotated[str | None, typer.Argument(help="what to do; `help` lists the actions")] = None,
    customer_code: Annotated[str | None, typer.Option(help="the one customer of a single-customer action")] = None,
    ses_role_arn: Annotated[str | None, typer.Option(help="another role of the same account, for one customer")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be done")] = False,
    include: Annotated[list[str] | None, typer.Option(help="only this customer; may be repeated")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="not this customer; may be repeated")] = None,
    environment: Annotated[str | None, typer.Option(help="only customers of this environment")] = None,
    max_customer_concurrency: Annotated[int | None, typer.Option(help="customers at once; 0 = all")] = None,
    max_failures: Annotated[str | None, typer.Option(help="stop starting customers beyond N failures, or P%")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="also remove what is not wanted")] = False,
    confirm_customers: Annotated[int | None, typer.Option(help="with --prune: how many customers are selected")] = None,
    run_id: Annotated[str | None, typer.Option(help="your own id; the same id again starts nothing")] = None,
    param: Annotated[list[str] | None, typer.Option(help="a parameter of the action, name=value")] = None,
    payload: Annotated[str | None, typer.Option(help="a file with the action payload; - is standard input")] = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    function_name: Annotated[str | None, typer.Option(help="default: ses-fleet-orchestrator")] = None,
    local: Annotated[bool, typer.Option("--local", help="in a local cloud, made for this call")] = False,
    config: _FileOption = None,
    ses_config: _FileOption = None,
    scenario: _FileOption = None,
    conditions: Annotated[str | None, typer.Option(help="with --local: how unkind it is, aws or kind")] = None,
) -> None:
    """Start a run and follow it to its Summary. Exit code 0, 1 or 2 as the Summary has it; 3 = no Summary."""
    _check_output(output)
    _check_local(local, function_name, config=config, ses_config=ses_config, scenario=scenario, conditions=conditions)
    # None is a flag that was not given; typer gives an empty list for one that may be repeated.
    flags = {
        "customer_code": customer_code,
        "ses_role_arn": ses_role_arn,
        "dry_run": dry_run or None,
        "include": include or None,
        "exclude": exclude or None,
        "environment": environment,
        "max_customer_concurrency": max_customer_concurrency,
        "max_failures": payloads.max_failures(max_failures),
        "prune": prune or None,
        "confirm_customers": confirm_customers,
        "run_id": run_id,
    }
    built = payloads.build(action, payload, flags, param or [])
    invoking.confirm(built, yes=yes)
    screen = Screen(text=output == "text")
    with _cloud(
        screen, _options(config, ses_config, scenario, "kind" if conditions is None else conditions) if local else None
    ):
        raise typer.Exit(
            _invoke(_ORCHESTRATOR if function_name is None else function_name, built, screen, output, local=local)
        )


@config_app.command("check")
def check_files(
    files: Annotated[list[Path], typer.Argument(help="config.json, SESConfig.json, or both")],
    partition: Annotated[
        str | None,
        typer.Option(help=f"of the deployment: {', '.join(partitions())}; default: that of the file's roles"),
    ] = None,
) -> None:
    """Say everything that is wrong with the files, one finding a line; exit code 1 if any is an error."""
    if partition is not None and partition not in partitions():
        raise usage(f"--partition is one of {', '.join(partitions())}, not {quoted(partition)}")
    errors = 0
    for path in files:
        for level, text in check.findings_of(path, partition):
            errors += level == "error"
            sys.stdout.write(check.line(path, level, text) + "\n")
    raise typer.Exit(1 if errors else 0)


@config_app.command("push")
def push_files(
    files: Annotated[list[Path], typer.Argument(help="config.json, SESConfig.json, or both")],
    force: Annotated[bool, typer.Option("--force", help="although some customers have errors, and will fail")] = False,
    function_name: Annotated[str, typer.Option(help="the orchestrator, which knows where it reads")] = _ORCHESTRATOR,
) -> None:
    """Check the files and put them where the orchestrator reads them; exit code 1, and none is put, if one is wrong."""
    target = invoking.connect(function_name)
    checked = [push.checked(path, target) for path in files]
    push.one_of_each(checked)
    for file in checked:
        for level, text in file.findings:
            sys.stderr.write(check.line(file.path, level, text) + "\n")
    blocking = [file for file in checked if file.is_blocked(force=force)]
    if blocking:
        names = ", ".join(str(file.path) for file in blocking)
        raise CommandError(f"nothing was put: {names} {push.why_not(blocking)}", SOME_FAILED)
    for file in checked:
        with invoking.reachable(file.location):
            sys.stdout.write(push.put(file) + "\n")


_FunctionName = Annotated[str, typer.Option(help="the orchestrator, which knows where its runs are recorded")]


@runs_app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(help="how many, newest first", min=1, max=1_000)] = 20,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """The last runs, and what became of each."""
    _check_output(output)
    results = invoking.connect(function_name).results
    with invoking.reachable("the run records"):
        listed = runs.newest(results, limit)
    if output == "json":
        sys.stdout.write(runs.as_json(listed) + "\n")
    else:
        Screen(text=True).runs(listed)


@runs_app.command("show")
def show_run(
    run_id: Annotated[str, typer.Argument(help="as `runs list` shows it")],
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """What became of one run, or how far it is: also while it is under way, or after its orchestrator was killed."""
    _check_output(output)
    shown = runs.look(invoking.connect(function_name).results, run_id)
    screen = Screen(text=output == "text")
    if output == "text" and shown.state in ("under way", "lost"):
        screen.notice(f"run {run_id} is {shown.state}")
    screen.summary(shown.summary)


@runs_app.command("export")
def export_run(
    run_id: Annotated[str, typer.Argument(help="of a list-contacts or list-contacts-all")],
    out: Annotated[Path, typer.Option(help="the file to write; - is standard output")],
    format_: Annotated[str, typer.Option("--format", help=" or ".join(export.FORMATS))] = "csv",
    function_name: _FunctionName = _ORCHESTRATOR,
) -> None:
    """All customers' contacts in one file. Exit code 1 when some could not be had: what is missing is named."""
    if format_ not in export.FORMATS:
        raise usage(f"--format is {' or '.join(export.FORMATS)}, not {quoted(format_)}")
    results = invoking.connect(function_name).results
    shown = runs.look(results, run_id)
    screen = Screen(text=True)
    with screen, invoking.reachable("the run's data"):
        exported = export.export(results, shown, format_, out, screen.exported)
    for problem in exported.problems:
        screen.notice(f"⚠️  {problem}")
    screen.notice(f"{exported.contacts:,} contacts exported to {out}")
    raise typer.Exit(SOME_FAILED if exported.problems else OK)


@local_app.command()
def up(
    port: Annotated[int, typer.Option(help="0 = a free one", min=0, max=65535)] = 4566,
    config: _FileOption = None,
    ses_config: _FileOption = None,
    scenario: _FileOption = None,
    empty: Annotated[bool, typer.Option("--empty", help="nothing in any account: for a deployment")] = False,
    ses_rate: Annotated[float, typer.Option(help="SES requests per second and account; 0 = no throttle", min=0)] = 1.0,
    max_environments: Annotated[int, typer.Option(help="processes per function", min=1, max=100)] = 10,
    conditions: Annotated[str, typer.Option(help="how unkind it is: aws, or kind")] = "kind",
    tls: Annotated[bool, typer.Option("--tls", help="HTTPS, with a certificate made for it")] = False,
) -> None:
    """Run the local cloud until it is interrupted. Without files it runs on examples/, unless it is --empty."""
    from ses_fleet_local.cloud import Options

    wait_for_signal = _signal_waiter(signal.SIGINT, signal.SIGTERM)
    if empty and (config or ses_config):
        raise usage("--empty makes no customers and has no bucket for files: leave out --config and --ses-config")
    options = _options(config, ses_config, scenario, conditions)
    if empty:
        options = Options(scenario=scenario, empty=True, conditions=options.conditions)
    options = replace(options, port=port, ses_rate=ses_rate, max_environments=max_environments, tls=tls)
    with _started(options) as (cloud, notices):
        for notice in notices:
            sys.stderr.write(f"{notice}\n")
        for name, value in cloud.environment().items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.write("# ready\n")
        sys.stdout.flush()
        wait_for_signal()


def main() -> None:
    """Console entry point: every way a command can end, and its exit code."""
    streams.prepare()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on it ends commands in good order
    exit_code = _run()
    failure = streams.finish()
    if failure is not None:
        exit_code = exit_code or _ended(f"the output cannot be written: {failure}", NO_SUMMARY)
    sys.exit(exit_code)


def _run() -> int:
    try:
        app()
    except CommandError as error:
        return _ended(error.message, error.exit_code)
    except KeyboardInterrupt:
        return _ended("interrupted", INTERRUPTED)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else OK
        return _ended("interrupted", INTERRUPTED) if code == INTERRUPTED else code  # typer says nothing of it
    return OK


def _ended(message: str, exit_code: int) -> int:
    sys.stderr.write(f"ses-fleet: {printable(message, 2_000)}\n")
    return exit_code


def _invoke(function_name: str, built: dict[str, Any], screen: Screen, output: str, *, local: bool) -> int:
    target = invoking.connect(function_name)
    if built["action"] == HELP:
        answer = invoking.ask_help(target)
        screen.answer(answer)
        if output == "json":
            sys.stdout.write(json.dumps(answer, indent=2) + "\n")
        return OK
    with screen:
        return invoking.run(target, built, screen, local=local)


def _check_output(output: str) -> None:
    if output not in ("text", "json"):
        raise usage(f"--output is text or json, not {quoted(output)}")


def _check_local(local: bool, function_name: str | None, **files: Path | str | None) -> None:
    given = [f"--{name.replace('_', '-')}" for name, path in files.items() if path is not None]
    if given and not local:
        raise usage(f"{', '.join(given)} only go with --local: nothing is ever uploaded elsewhere")
    if local and function_name is not None:
        raise usage("--local has functions of its own: leave out --function-name")


@contextmanager
def _cloud(screen: Screen, options: Options | None) -> Iterator[None]:
    """A local cloud for this call, unless there are no options for one."""
    if options is None:
        yield
        return
    with _started(options) as (cloud, notices):
        screen.notice(f"started a local cloud at {cloud.url} for this call")
        for notice in notices:
            screen.notice(notice)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(cloud.environment())
        yield


def _signal_waiter(*numbers: signal.Signals) -> Callable[[], object]:
    """A function that waits for one of these signals.

    The kernel may hand a signal to any of the many threads, which does not wake this one; and an Event's lock
    is not safe in a handler. The interpreter writes into the pipe whichever thread is interrupted.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return lambda: os.read(reading, 1)


@contextmanager
def _started(options: Options) -> Iterator[tuple[LocalCloud, list[str]]]:
    from ses_fleet_local.cloud import LocalCloud
    from ses_fleet_local.scenario import ScenarioError
    from strict_aws.http.messages import AwsError

    try:
        cloud = LocalCloud(options)
        notices = cloud.start()
    except ScenarioError as error:
        raise usage(str(error)) from None
    except AwsError as error:
        raise usage(f"{options.scenario}: {error.message}") from None
    except OSError as error:
        taken = options.port and "in use" in str(error)
        why = f"port {options.port} is taken; --port 0 takes a free one" if taken else str(error)
        raise usage(f"the local cloud cannot start: {why}") from None
    try:
        yield cloud, notices
    finally:
        cloud.stop()


def _options(config: Path | None, ses_config: Path | None, scenario: Path | None, conditions: str) -> Options:
    """Without a config.json of one's own: all of examples/."""
    from ses_fleet_local import EXAMPLES
    from ses_fleet_local.cloud import Options
    from strict_aws.conditions.conditions import Conditions

    if conditions not in ("aws", "kind"):
        raise usage(f"--conditions is aws or kind, not {quoted(conditions)}")
    if config is None:
        scenario = scenario or EXAMPLES / "scenario.json"
    return Options(
        config=config or EXAMPLES / "config.json",
        ses_config=ses_config or EXAMPLES / "SESConfig.json",
        scenario=scenario,
        conditions=Conditions.preset("aws" if conditions == "aws" else "kind"),
    )
