"""`invoke` and `apply`: from the flags to a payload, the question before it, and the run."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from ses_fleet.actions.catalogue import HELP, payload_names
from ses_fleet.errors import PeopleFileError, Problem
from ses_fleet.runs import summary as summaries
from ses_fleet.runs.models import Summary
from ses_fleet.runs.preview import Preview
from ses_fleet.text import printable
from ses_fleet_cli import (
    ahead,
    confirm,
    differences,
    local_cloud,
    people_file,
    runs,
    saved_plans,
)
from ses_fleet_cli import invoke as invoking
from ses_fleet_cli import payload as payloads
from ses_fleet_cli.commands import options
from ses_fleet_cli.errors import (
    OK,
    REFUSED,
    OutOfReachError,
    usage,
)
from ses_fleet_cli.show import Screen


def _action_names() -> list[str]:
    """The names that shell completion offers for ACTION."""
    return [HELP, *sorted(payload_names())]


_ActionName = Annotated[
    str | None, typer.Argument(help="what to do; `help` lists the actions", autocompletion=_action_names)
]


_DetailedExitCode = Annotated[
    bool,
    typer.Option(
        "--detailed-exitcode", help="exit with 4 when something differs, and with 0 only when it is known to be nothing"
    ),
]


def invoke(
    action: _ActionName = None,
    customer_code: Annotated[str | None, typer.Option(help="the one customer of a single-customer action")] = None,
    ses_role_arn: Annotated[str | None, typer.Option(help="another role of that customer's account")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be done, and write nothing")] = False,
    include: Annotated[list[str] | None, typer.Option(help="run only this customer; may be repeated")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="do not run this customer; may be repeated")] = None,
    environment: Annotated[str | None, typer.Option(help="run only customers of this environment")] = None,
    max_customer_concurrency: Annotated[int | None, typer.Option(help="customers at once; 0 = all")] = None,
    max_failures: options.MaxFailures = None,
    failure_mode: options.FailureMode = None,
    ramp: options.Ramp = None,
    prune: Annotated[bool, typer.Option("--prune", help="also remove unwanted topics, or people who left")] = False,
    confirm_customers: Annotated[
        int | None, typer.Option(help="how many customers are selected; for runs that remove")
    ] = None,
    confirm_people: Annotated[int | None, typer.Option(help="how many rows the people file has")] = None,
    run_id: Annotated[str | None, typer.Option(help="an id of your own; used again, it starts nothing")] = None,
    param: Annotated[list[str] | None, typer.Option(help="a parameter as name=value; may be repeated")] = None,
    people: Annotated[
        str | None, typer.Option(help="a .csv or .jsonl file that says whom the run is for; - is standard input")
    ] = None,
    person: Annotated[list[str] | None, typer.Option(help="one address that the run is for; may be repeated")] = None,
    payload: Annotated[str | None, typer.Option(help="a file with the action payload; - is standard input")] = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before anything is changed")] = False,
    detailed_exitcode: _DetailedExitCode = False,
    function_name: Annotated[str | None, typer.Option(help="default: ses-fleet-orchestrator")] = None,
    local: Annotated[bool, typer.Option("--local", help="run in a local cloud that is made for this call")] = False,
    config: options.Config = None,
    ses_config: options.SesConfig = None,
    scenario: options.Scenario = None,
    conditions: Annotated[str | None, typer.Option(help="with --local: `aws` (delays, lags) or `kind`")] = None,
) -> None:
    """Start a run, follow it, and show its Summary. The exit code is the Summary's (0, 1 or 2), or 3 without one.

    With --detailed-exitcode it is 4 when something differs.
    """
    options.check_output(output)
    _check_local(local, function_name, config=config, ses_config=ses_config, scenario=scenario, conditions=conditions)
    # None stands for a flag that was not given. For one that may be repeated typer gives an empty list then.
    flags = {
        "customer_code": customer_code,
        "ses_role_arn": ses_role_arn,
        "dry_run": dry_run or None,
        "include": include or None,
        "exclude": exclude or None,
        "environment": environment,
        "max_customer_concurrency": max_customer_concurrency,
        "max_failures": payloads.number_or_share(max_failures),
        "failure_mode": failure_mode,
        "ramp": [payloads.number_or_share(stage) for stage in ramp] if ramp else None,
        "prune": prune or None,
        "confirm_customers": confirm_customers,
        "run_id": run_id,
    }
    if people == payload == "-":
        raise usage("--people - and --payload - cannot both be read from standard input")
    params = [*(param or []), *([] if confirm_people is None else [f"confirm_people={confirm_people}"])]
    built = payloads.build(action, payload, flags, params)
    if detailed_exitcode:
        differences.check(built)
    file = _people(built, people, person or [])
    asks = confirm.is_needed(built, yes=yes)
    fields = payloads.fields_of_flags(payload, {**flags, "people": people or person or None}, params)
    screen = Screen(text=output == "text", flags=fields, is_last=local)
    preset = "kind" if conditions is None else conditions
    wanted = local_cloud.options(config, ses_config, scenario, preset) if local else None
    name = options.ORCHESTRATOR if function_name is None else function_name
    with local_cloud.for_this_call(wanted, screen):
        raise typer.Exit(start(name, built, screen, output, file, local=local, asks=asks, detailed=detailed_exitcode))


def apply_plan(
    run_id: Annotated[str, typer.Argument(help="the dry run whose plan is applied, as `runs list` shows it")],
    max_customer_concurrency: Annotated[int | None, typer.Option(help="customers at once; 0 = all")] = None,
    max_failures: options.MaxFailures = None,
    failure_mode: options.FailureMode = None,
    ramp: options.Ramp = None,
    output: Annotated[str, typer.Option(help="text or json")] = "text",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before the plan is applied")] = False,
    function_name: Annotated[str, typer.Option(help="the orchestrator that made the plan")] = options.ORCHESTRATOR,
) -> None:
    """Do exactly what a dry run showed, and follow that run as `invoke` does.

    A customer whose topics changed since fails and is left as it is. Of people each is decided again: whoever something
    else would be done for now is left out and counted, and a customer where that is much fails.
    """
    options.check_output(output)
    flags = {
        "max_customer_concurrency": max_customer_concurrency,
        "max_failures": payloads.number_or_share(max_failures),
        "failure_mode": failure_mode,
        "ramp": [payloads.number_or_share(stage) for stage in ramp] if ramp else None,
    }
    with invoking.nothing_sent():
        target = invoking.connect(function_name)
        shown = runs.look(target.results, run_id)
        applying = saved_plans.check(target.results, shown, now=target.now, hours=target.plan_hours)
        given = {name: value for name, value in flags.items() if value is not None}
        built = {"action": shown.summary.action, "plan": run_id, **given}
        asks = applying is None and confirm.is_needed(built, yes=yes)
    screen = Screen(text=output == "text", flags=set(given))
    if applying is not None:
        screen.notice(f"plan {run_id} is being applied by run {applying}, which is followed")
    raise typer.Exit(start(function_name, built, screen, output, local=False, asks=asks))


def _people(built: dict[str, Any], source: str | None, persons: list[str]) -> people_file.Checked | None:
    try:
        return people_file.checked(built, source, persons)
    except PeopleFileError as error:
        name = "--person" if source is None else printable(source, 300)
        for text in error.texts:
            sys.stderr.write(f"{name}: {text}\n")
        raise usage(f"{name} cannot be used: nothing was uploaded, and nothing was started") from None


def start(
    function_name: str,
    built: dict[str, Any],
    screen: Screen,
    output: str,
    people: people_file.Checked | None = None,
    *,
    local: bool,
    asks: bool,
    detailed: bool = False,
) -> int:
    """Start the run of this payload, and return the command's exit code.

    `people` is the people file that goes with it. With `asks` it is asked before; with `detailed` the exit code says
    whether something differs.
    """
    if built["action"] == HELP:
        return _help(function_name, screen, output)
    with invoking.nothing_sent():
        target = invoking.connect(function_name)
        if people is not None:
            built["people"] = people_file.upload(target.results, people)
            screen.notice(people_file.told(built["people"], people, target.now))
        if asks and (refused := _asked_about(built, target)) is not None:
            screen.summary(refused)
            return REFUSED
    with screen:
        rows = None if people is None else people.by_line
        return invoking.run(target, built, screen, local=local, people=rows, detailed_exit_code=detailed)


def _asked_about(built: dict[str, Any], target: invoking.Target) -> Summary | None:
    """Ask before something is changed. Return None, or the refusal that the run would end with.

    Raise CommandError when the answer is no.
    """
    found = ahead.look(target, built)
    if found.preview.problems:
        run_id, action = str(built.get("run_id") or ""), str(built["action"])
        problems = [Problem(*problem.partition(": ")[::2]) for problem in found.preview.problems]
        return summaries.refused(run_id, action, False, target.now.isoformat(), problems)
    if not found.preview.exists:  # else nothing is started, and the run is followed
        confirm.ask(built, target, found, _plan(built, target, found.preview))
    return None


def _plan(built: dict[str, Any], target: invoking.Target, preview: Preview) -> list[str]:
    """Return the lines of the saved plan that a payload applies, as far as it is about these customers."""
    if "plan" not in built:
        return []
    shown = runs.look(target.results, str(built["plan"]))
    changed = confirm.changed_since(shown.summary.config_version, preview.config_version)
    until = f"  Holds until {saved_plans.until(shown.summary, target.plan_hours)}{changed}"
    return [*saved_plans.lines(target.results, shown, only=preview.customers), until]


def _help(function_name: str, screen: Screen, output: str) -> int:
    # Imported here: no other command needs the models of all actions' data.
    from ses_fleet.runs.help import help_answer

    try:
        answer = invoking.ask_help(invoking.connect(function_name))
    except OutOfReachError as error:
        screen.notice(f"{error.message}. These are the actions that this command knows, version {version('ses-fleet')}")
        answer = help_answer()
    screen.answer(answer)
    if output == "json":
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    return OK


def _check_local(local: bool, function_name: str | None, **files: Path | str | None) -> None:
    given = [f"--{name.replace('_', '-')}" for name, path in files.items() if path is not None]
    if given and not local:
        raise usage(
            f"{', '.join(given)} can only be given with --local: use `config push` to upload files to a deployment"
        )
    if local and function_name is not None:
        raise usage("--local runs functions of its own: leave out --function-name")
