"""Telling people that a run is over, by a message to an SNS topic: text for mail, and a form that chats show.

Whoever ends a run tells it before the run leaves the index of open runs, and the reaper tells of one that is over and
still there: a run is told of at least once, and twice where that was cut off in between. A message has counts, codes of
customers and reasons, as the run's record has them: no address is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ses_fleet import limits
from ses_fleet.aws import kept_clients
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.runs import ramp
from ses_fleet.runs.models import CustomerResult, Status, Summary
from ses_fleet.settings import OrchestratorSettings
from ses_fleet.text import printable

# SNS API reference, Publish: printable ASCII, no line breaks, fewer than 100 characters.
_SUBJECT_CHARACTERS = 99
_NOT_ALL = "There is more than fits into this message."


def tell(environment: Environment, summary: Summary) -> None:
    """Send the message about a run that is over and of which `is_wanted` says that somebody is to be told.

    Raise AwsCallError when SNS does not say that it took the message.
    """
    topic = environment.settings.notify_topic_arn
    assert topic is not None  # noqa: S101  # nothing is wanted without one
    client = kept_clients.of_function(
        "sns", topic.split(":")[3], attempts=limits.NOTIFY_ATTEMPTS, read_timeout=limits.NOTIFY_READ_SECONDS
    )
    chat = json.dumps(chat_message(summary, environment.function_arn), ensure_ascii=False)
    lines = "\n".join(text(summary, environment.function_arn))
    client.call(
        "publish",
        TopicArn=topic,
        Subject=subject(summary),
        MessageStructure="json",
        # Chats are subscribed by HTTPS.
        Message=json.dumps({"default": lines, "https": chat}, ensure_ascii=False),
    )


def is_wanted(settings: OrchestratorSettings, summary: Summary, *, asked: bool | None) -> bool:
    """Return whether somebody is to be told of this end: of a dry run only where its payload asks for it.

    `asked` is the payload's `notify`.
    """
    if settings.notify_topic_arn is None or asked is False or (summary.dry_run and not asked):
        return False
    found = {
        "always": True,
        "failed": summary.exit_code != 0,
        "differs": bool(summary.differs),
        "findings": summary.finding_count > 0,
    }
    return any(found[kind] for kind in settings.notify_on)


def subject(summary: Summary) -> str:
    """Return the subject of the mail: what ended, and how."""
    words = f"ses-fleet: {_title(summary)}"
    return words if len(words) <= _SUBJECT_CHARACTERS else words[: _SUBJECT_CHARACTERS - 3] + "..."


def text(summary: Summary, function_arn: str) -> Iterator[str]:
    """Yield the lines of the mail."""
    yield _title(summary) + "."
    yield ""
    for name, value in _facts(summary, function_arn):
        yield f"{name + ':':<11}{value}"
    for head, codes in _lists(summary):
        yield from ("", head, *(f"  {line}" for line in codes))
    if commands := _commands(summary):
        yield from ("", "To look further:", *(f"  {command}" for command in commands))


def chat_message(summary: Summary, function_arn: str) -> dict[str, Any]:
    """Return the message in the form that Amazon Q Developer in chat applications shows (custom notifications, 1.0)."""
    facts = [f"*{name}:* {_literal(value)}" for name, value in _facts(summary, function_arn)]
    lists = [line for head, codes in _lists(summary) for line in ("", f"*{head}*", *map(_literal, codes))]
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": f"{_mark(summary)} {_title(summary)}",
            "description": "\n".join(_that_fit([*facts, *lists])),
            "nextSteps": [_literal(command) for command in _commands(summary)],
        },
        "metadata": {"threadId": summary.run_id or summary.action, "summary": _title(summary), "eventType": "run"},
    }


def _title(summary: Summary) -> str:
    action = f"{summary.action}{' (dry run)' if summary.dry_run else ''}"
    if summary.exit_code == 2:
        return f"{action} was refused, and nothing ran"
    total = summary.total_customers
    parts = [
        f"{count} {word}"
        for count, word in (
            (summary.failed_count, "failed"),
            (summary.not_started_count, "not started"),
            (summary.differing_count, "differing"),
            (summary.finding_count, "with findings"),
        )
        if count
    ]
    of = f"of {total} {'customer' if total == 1 else 'customers'}"
    ended = "was cancelled" if summary.cancelled_at is not None else "ended"
    return f"{action} {ended}: {', '.join(parts)} {of}" if parts else f"{action} ended well: {total} customers"


def _mark(summary: Summary) -> str:
    if summary.exit_code != 0:
        return ":x:"
    return ":warning:" if summary.differs or summary.finding_count else ":white_check_mark:"


def _facts(summary: Summary, function_arn: str) -> Iterator[tuple[str, str]]:
    region, account = function_arn.split(":")[3:5]
    yield "Hub", f"{account}, {region}"
    if summary.run_id:
        yield "Run", summary.run_id
    yield "Started", summary.started_at
    if summary.exit_code == 2:
        return
    if summary.total_duration_seconds is not None:
        yield "Took", f"{summary.total_duration_seconds:.1f} s"
    counts = ("successful", summary.successful_count), ("failed", summary.failed_count)
    others = ("skipped", summary.skipped_count), ("not started", summary.not_started_count)
    said = ", ".join(f"{count} {word}" for word, count in (*counts, *others))
    yield "Customers", f"{summary.total_customers}: {said}"
    if summary.ramp is not None:
        yield "Ramp", ramp.told(summary.ramp)
    if summary.differs is not None:
        yield "Differing", str(summary.differing_count)
    if summary.summary_location is not None:
        yield "Summary", summary.summary_location


def _lists(summary: Summary) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what is listed, each with its head: problems of a refusal, and customers with the reasons."""
    results = summary.results
    listed = (
        ("Refused because:", [printable(problem, limits.NOTIFIED_CHARACTERS) for problem in summary.errors]),
        ("Failed:", [_failure(one) for one in results if one.status == "failed"]),
        ("Not started:", [_with_warnings(one) for one in _of(results, "not_started")]),
        ("Differing:", [printable(one.customer_code) for one in results if one.differs]),
        ("With findings:", [f"{printable(one.customer_code)} ({one.findings})" for one in results if one.findings]),
    )
    for head, lines in listed:
        if lines:
            more = len(lines) - limits.NOTIFIED_CUSTOMERS
            yield head, [*lines[: limits.NOTIFIED_CUSTOMERS], *([f"and {more} more"] if more > 0 else [])]


def _of(results: Sequence[CustomerResult], status: Status) -> Iterator[CustomerResult]:
    return (result for result in results if result.status == status)


def _failure(result: CustomerResult) -> str:
    error = result.error
    if error is None:
        return printable(result.customer_code)
    reason = printable(f"{error.category}, {error.type}: {error.message}", limits.NOTIFIED_CHARACTERS)
    return f"{printable(result.customer_code)} ({reason})"


def _with_warnings(result: CustomerResult) -> str:
    why = printable("; ".join(result.warnings), limits.NOTIFIED_CHARACTERS)
    return f"{printable(result.customer_code)} ({why})" if why else printable(result.customer_code)


def _commands(summary: Summary) -> list[str]:
    if not summary.run_id:
        return ["ses-fleet runs list"]
    shown = [f"ses-fleet runs show {summary.run_id}"]
    return shown if summary.resume is None else [*shown, f"ses-fleet runs resume {summary.run_id}"]


def _literal(value: str) -> str:
    """Return a text that a chat shows as it is: whatever looks like a mention, a link or a format is none in it."""
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")
    return f"`{escaped}`"


def _that_fit(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a chat's description that fit into one, and at the end a word on those that do not."""
    room = limits.CHAT_CHARACTERS - len(_NOT_ALL)
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            yield _NOT_ALL
            return
        yield line


def asked_by(payload: Mapping[str, Any]) -> bool | None:
    """Return what a payload, or the request in plan.json, says of telling people: its `notify`, or None."""
    notify = payload.get("notify")
    return notify if isinstance(notify, bool) else None
