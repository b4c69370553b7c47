"""What a person sees on the terminal: blocks as customers finish, a progress bar, the summary."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ses_fleet import limits
from ses_fleet.runs import ramp
from ses_fleet.runs.hops import HopEnd
from ses_fleet.runs.models import CustomerResult, RunPlan, Summary
from ses_fleet.text import printable
from ses_fleet_cli import backup_table, run_table, saved_plans
from ses_fleet_cli.backups import Backup
from ses_fleet_cli.payload import with_flags
from ses_fleet_cli.runs import Listed, Shown
from ses_fleet_cli.tables import Afterwards, is_open, tables

# Returns tables for a terminal of this width.
Tables = Callable[[int], Iterable[RenderableType]]
_BOUNDARY_WIDTH = 63
_SAID_OTHERWISE = frozenset({"action", "dry_run", "on_deadline"})  # the last is the command's own choice


class Screen:
    """Shows notices and progress on stderr; blocks and the summary as text on stdout, unless that is for JSON.

    `flags` are the fields of the payload that the person gave as flags: a refusal names both. With `is_last` the run's
    records end with the command, and nothing is offered that would need them.
    """

    def __init__(self, *, text: bool, flags: Collection[str] = (), is_last: bool = False) -> None:
        self._flags = flags
        self._is_last = is_last
        self._text = text
        self._out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._err,
            transient=True,
            disable=not self._err.is_terminal,
        )
        self._task = None if not self._err.is_terminal else self._progress.add_task("waiting for the run", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def notice(self, text: str) -> None:
        """Show a line of text on stderr."""
        self._aside(self._err, printable(text, 2_000))

    def planned(self, plan: RunPlan) -> None:
        """Show that the run has begun: its number of customers, and its id, by which it can be followed again."""
        count = len(plan.customers)
        if self._task is not None:
            self._progress.update(self._task, description="customers", total=count)
        mode = "🔍 DRY RUN MODE - No changes will be made" if plan.request.get("dry_run") else None
        effective = plan.concurrency.effective
        how = "concurrently" if effective >= count else f"{effective} at a time"
        if plan.ramp:
            how += f", in {len(plan.ramp)} {'stage' if len(plan.ramp) == 1 else 'stages'}"
        head = f"🔄 Processing {count} {'customer' if count == 1 else 'customers'} {how}... (run {plan.run_id})"
        if self._text:
            self._aside(self._out, *([mode, ""] if mode else []), head, "")
        else:
            self.notice(head)

    def finished(self, result: CustomerResult) -> None:
        """Show one customer's block, and advance the progress bar."""
        if self._task is not None:
            self._progress.advance(self._task)
        if self._text:
            boundary = "═" * min(_BOUNDARY_WIDTH, self._out.width)
            head = f"Customer: {printable(result.customer_code)}"
            lines = [printable(line, 1_000) for line in result.logs or ()]
            self._aside(self._out, boundary, head, boundary, *lines, boundary, "")

    def summary(self, summary: Summary, instead: Tables | None = None, *, offers: bool = True) -> None:
        """Show the end of the run: as text for people, or the Summary as JSON. The progress bar is removed.

        With `instead`, text has the tables that this returns in the place of the action's own. With `offers` it is said
        how the plan of a dry run is applied.
        """
        self._progress.stop()
        if not self._text:
            sys.stdout.write(summary.model_dump_json(indent=2) + "\n")
            sys.stdout.flush()
            return
        if summary.exit_code == 2:
            errors = (printable(with_flags(text, self._flags), 500) for text in summary.errors)
            self._aside(self._err, "❌ The run was refused:", *(f"   {text}" for text in errors))
            return
        for table in tables(summary, self._out.width) if instead is None else instead(self._out.width):
            if not (self._is_last and isinstance(table, Afterwards)):
                self.table(table)
        self._aside(self._out, *summary_lines(summary, is_last=self._is_last, offers=offers))

    def run(self, shown: Shown, plan: Sequence[str] = ()) -> None:
        """Show one run as text: what was asked for and where it is, then what became of its customers.

        `plan` are the lines of the plan that a dry run has saved.
        """
        if shown.state not in ("finished", "refused"):
            asked = ", asked to cancel" if shown.cancel and not shown.is_over else ""
            self.notice(f"run {shown.summary.run_id}: {shown.state}{asked}")
        self._aside(self._out, *head_lines(shown), "")
        self.summary(shown.summary, offers=False)
        if plan:
            self._aside(self._out, "", *plan)

    def table(self, table: RenderableType) -> None:
        """Show a table on stdout, whose cells wrap, or a line, which wraps as the terminal does."""
        self._out.print(table, soft_wrap=not isinstance(table, Table))

    def runs(self, listed: Sequence[Listed], *, filtered: bool = False) -> None:
        """Show the list of runs as a table; `filtered` says whether some may have been left out."""
        if not listed:
            self._aside(self._out, "no such run" if filtered else "no runs yet")
            return
        self.lines(run_table.table(listed, self.width))

    def backups(self, found: Sequence[Backup], *, otherwise: Callable[[], str]) -> None:
        """Show the list of backups as a table, and what restores them; what `otherwise` returns where there is none."""
        if not found:
            self._aside(self._out, printable(otherwise(), 300))
            return
        self.lines(backup_table.table(found, self.width))
        if self.width is not None:  # else each line has its command
            self._aside(self._out, *backup_table.commands(found))

    @property
    def width(self) -> int | None:
        """Return how many characters a line of stdout may have, or None for any number: it is no terminal."""
        return self._out.width if self._out.is_terminal or "COLUMNS" in os.environ else None

    def lines(self, table: Table) -> None:
        """Show a table on stdout; where that is no terminal, with a line for each row, for other programs."""
        if self.width is None:
            wide = limits.COMMAND_MESSAGE_CHARACTERS
            Console(width=wide, highlight=False, markup=False, emoji=False).print(table)
        else:
            self._out.print(table, soft_wrap=False)

    def exported(self, contacts: int, total: int) -> None:
        """Show how many contacts of how many an export has written."""
        if self._task is not None:
            self._progress.update(self._task, description="contacts", completed=contacts, total=total)

    def answer(self, actions: dict[str, Any]) -> None:
        """Show the help answer as text on stdout, unless stdout is for JSON."""
        if self._text:
            self._aside(self._out, *help_lines(actions))

    def _aside(self, console: Console, *lines: str) -> None:
        """Print lines without breaking the progress bar, which may be on the same terminal."""
        running = self._progress.live.is_started
        if running:
            self._progress.stop()
        console.print("\n".join(lines))
        if running:
            self._progress.start()


def head_lines(shown: Shown) -> list[str]:
    """Return the lines that say what was asked of a run."""
    summary = shown.summary
    lines = [
        f"Run {summary.run_id}: {printable(summary.action)}{' (dry run)' if summary.dry_run else ''}",
        f"   Started: {printable(summary.started_at)}",
    ]
    fields = {name: value for name, value in shown.payload.items() if name not in _SAID_OTHERWISE}
    if fields:
        lines.append(f"   Payload: {printable(json.dumps(fields, ensure_ascii=False), 500)}")
    lines += [_taken_over(end) for end in shown.reaped]
    if shown.cancel is not None:
        too_late = shown.is_over and summary.cancelled_at is None
        effect = "too late, everybody was done" if too_late else "nothing more is started"
        lines.append(f"   Cancel asked for: {printable(shown.cancel.asked_at)}; {effect}")
    return lines


def _taken_over(end: HopEnd) -> str:
    went_on = "; another one took the run over" if end.next is not None else "; the reaper ended the run"
    return f"   Invocation {end.hop + 1} was lost: {printable(end.reason, 300)}{went_on} ({printable(end.ended_at)})"


def summary_lines(summary: Summary, *, is_last: bool = False, offers: bool = False) -> list[str]:
    """Return the lines of a run's summary, followed by what to do about what went wrong.

    With `is_last` the run's records are gone by then, and the rest cannot be run. With `offers` it is said how the plan
    of a dry run is applied.
    """
    if summary.dry_run and not summary.failed_count and not summary.cancelled_at and summary.exit_code is not None:
        head = [f"📊 Dry-run complete: {summary.successful_count} customers would be processed"]
    else:
        when = summary.cancelled_at
        head = ["📊 Summary:" if when is None else f"📊 Summary: the run was cancelled at {printable(when)}"]
    seconds = summary.total_duration_seconds
    lines = [
        *head,
        f"   Total customers: {summary.total_customers}",
        f"   ✅ Successful: {summary.successful_count}",
        f"   ❌ Failed: {summary.failed_count}",
        f"   ⏭️  Skipped: {summary.skipped_count}",
    ]
    if summary.ramp is not None:
        lines.append(f"   🪜 Ramp: {ramp.told(summary.ramp)}")
    if summary.defaults:
        said = ", ".join(f"{name} {json.dumps(value)}" for name, value in summary.defaults.items())
        lines.append(f"   📐 From config.json's defaults: {printable(said, 300)}")
    lines += _differing(summary)
    if (told := saved_plans.left_out(summary)) is not None:
        lines.append(f"   👋 {told}")
    under_way = [result.customer_code for result in summary.results if result.status == "under_way"]
    waiting = [result.customer_code for result in summary.results if is_open(result)]
    if summary.not_started_count > len(waiting):
        lines.append(f"   ⏸️  Not started: {summary.not_started_count - len(waiting)}")
    if under_way:
        lines.append(f"   🔄 Under way or about to start: {len(under_way)} ({printable(', '.join(under_way), 300)})")
    if waiting:
        lines.append(f"   ⏳ No result yet: {len(waiting)} ({printable(', '.join(waiting), 300)})")
    unknown = "not over yet" if summary.resume is None else "unknown"  # one of an earlier version without its end
    lines.append(f"   ⏱️  Total time: {unknown if seconds is None else f'{seconds:.1f}s'}")
    return [*lines, *_trouble(summary), *(_kept_nowhere(summary) if is_last else _next(summary, offers=offers))]


def _differing(summary: Summary) -> list[str]:
    if summary.differs is None:
        return []
    codes = [result.customer_code for result in summary.results if result.differs]
    return [f"   🔀 Differing: {len(codes)}" + (f" ({printable(', '.join(codes), 300)})" if codes else "")]


def cancelled(summary: Summary) -> str:
    """Return what is to be said of a run that the function was asked to cancel; `summary` is its answer."""
    run_id = summary.run_id
    if summary.exit_code is not None:
        return f"run {run_id} is over: nothing was cancelled"
    seconds = limits.DEAD_AFTER_SECONDS * limits.SIGN_SHARE
    return (
        f"run {run_id} is cancelled: at the latest from {seconds:g} s on, no customer is started and none goes on in "
        f"another slice; what is with a worker then is waited for. Customers under way or about to start: "
        f"{summary.under_way_count}. {'; '.join(summary.warnings)}. `ses-fleet runs show {run_id}` "
        "shows how far it is, and afterwards how to run the rest"
    )


def help_lines(answer: dict[str, Any]) -> list[str]:
    """Return the lines of the help answer: every action with its fields, and its parameters below it."""
    lines = []
    if defaults := answer.get("defaults"):
        lines += ["Defaults of this fleet's config.json; payloads may only be stricter:"]
        lines += [f"   {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in defaults.items()] + [""]
    for action in answer["actions"]:
        effect = "changes contact lists" if action["mutates"] else "changes nothing"
        lines += [
            f"{action['name']}  ({effect})",
            f"   {action['purpose']}",
            f"   fields: {', '.join(action['fields'])}",
        ]
        if people := action.get("people"):  # earlier versions know none
            columns = ", ".join(people["row_schema"]["properties"])
            lines.append(f"   people: a file of at most {people['rows_at_most']:,} rows of {columns}")
        for name, schema in action["params_schema"].get("properties", {}).items():
            default = f" (default {schema['default']})" if schema.get("default") is not None else ""
            lines.append(f"   params.{name}: {schema.get('description', schema.get('type', ''))}{default}")
        lines.append("")
    return lines[:-1]


def _trouble(summary: Summary) -> list[str]:
    """Return the lines of what went wrong; customers of whom the same is to be said share one."""
    failed, held = defaultdict(list), defaultdict(list)
    for result in summary.results:
        if result.error is not None:
            failed[result.error.category, result.error.message].append(result.customer_code)
        elif result.status == "not_started" and not is_open(result):
            held["; ".join(result.warnings)].append(result.customer_code)
    lines = [f"   ❌ {_named(codes, category)}: {printable(text, 500)}" for (category, text), codes in failed.items()]
    lines += [f"   ⏸️  {_named(codes)}: {printable(text, 500)}" for text, codes in held.items()]
    lines += [f"   ⚠️  {printable(warning, 500)}" for warning in dict.fromkeys(summary.warnings)]
    return ["", *lines] if lines else []


def _named(codes: Sequence[str], *more: str) -> str:
    count = [f"{len(codes)} customers"] if len(codes) > 1 else []
    aside = ", ".join([*count, *more])
    return printable(", ".join(codes), 300) + (f" ({aside})" if aside else "")


def _next(summary: Summary, *, offers: bool) -> list[str]:
    if not (offers and saved_plans.is_one(summary) and summary.differs):
        return _rest(summary)
    show = f"ses-fleet runs show {summary.run_id} --changes"
    look = [] if saved_plans.is_whole(summary) else [f"   Look at whom, and what: {show}"]
    return [*_rest(summary), "", *look, f"   Apply exactly this: ses-fleet apply {summary.run_id}"]


def _rest(summary: Summary) -> list[str]:
    if summary.resume is None:
        return []
    anew = saved_plans.anew(summary)
    lines = [] if anew is None else ["", f"   Plan anew where the plan does not hold any more: {anew}"]
    if not saved_plans.can_resume(summary):
        return lines
    needed = "".join(f" --param {name.removeprefix('params.')}=VALUE" for name in summary.resume_needs)
    lines += ["", f"   Run the rest: ses-fleet runs resume {summary.run_id}{needed}"]
    return [*lines, "   What is personal is not kept, and must be given again."] if needed else lines


def _kept_nowhere(summary: Summary) -> list[str]:
    if summary.resume is None:
        return []
    return ["", "   The local cloud of --local ends with this command; `ses-fleet local up` runs one that stays."]
