"""`config check`: every problem and warning of config.json and SESConfig.json, one a line, with its path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.aws.regions import partitions
from ses_fleet.config import config_json, documents, ses_config_json
from ses_fleet.errors import ConfigurationError
from ses_fleet.text import printable
from ses_fleet_cli.errors import usage

Kind = Literal["config", "ses_config"]

_SES_KEYS = frozenset({"topics", "topic_group_prefix", "topic_group_members"})
_ANY_REGION = "us-east-1"


def content(path: Path) -> bytes:
    """Return the content of a file; raise CommandError with exit code 2 when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}") from None


def findings(body: bytes, name: str, partition: str | None) -> Iterator[tuple[str, str]]:
    """Yield ("error" or "warning", "$.path: text") for everything that is wrong or odd in a file's content.

    `name` names the file in messages. `partition` is the deployment's; None stands for the one that all roles of the
    file are of.
    """
    try:
        yield from _of(documents.parse(body, name), partition)
    except ConfigurationError as error:
        yield from (("error", str(problem)) for problem in error.problems)


def found(body: bytes, name: str, partition: str | None) -> list[str]:
    """Return what a file was understood to hold, as lines: the number of customers, or every topic as lists get it.

    A group's prefix rewrites names, display names and descriptions, which subscribers read. Nothing is returned of a
    file that cannot be read.
    """
    try:
        document = documents.parse(body, name)
        if kind(document) == "ses_config":
            return _topics(document)
        config = config_json.read(document, region=_ANY_REGION, partition=partition or _partition_of(document))
    except ConfigurationError:
        return []
    entries = config.entries.values()
    wrong = sum(bool(entry.problems) or entry.mistake is not None for entry in entries)
    skipped = sum(entry.skip_reason is not None and entry.mistake is None for entry in entries)
    parts = [f"{count} {word}" for count, word in ((skipped, "skipped"), (wrong, "with errors")) if count]
    aside = f" ({', '.join(parts)})" if parts else ""
    return [f"{len(entries)} customer{'' if len(entries) == 1 else 's'}{aside}"]


def _topics(document: Any) -> list[str]:
    topics = ses_config_json.read(document).topics
    lines = [f"{len(topics)} topic{'' if len(topics) == 1 else 's'}, as manage-topic gives them to every list:"]
    for topic in topics:
        roles = f"; opted in by role: {', '.join(topic.opt_in_roles)}" if topic.opt_in_roles else ""
        lines.append(f"   {topic.name} (default {topic.default_status}{roles})")
        lines.append(f"      {topic.display_name or 'no display name'}: {topic.description or 'no description'}")
    return lines


def kind(document: Any) -> Kind:
    """Return which of the two files a document is, judged by its keys."""
    is_topics = isinstance(document, dict) and _SES_KEYS & set(document) and "customer_mappings" not in document
    return "ses_config" if is_topics else "config"


def line(name: str, level: str, text: str) -> str:
    """Return a finding as a line, `FILE: $.path: error: text`."""
    where, _, what = text.partition(": ")
    return f"{printable(name, 300)}: {where}: {level}: {what}"


def _of(document: Any, partition: str | None) -> Iterator[tuple[str, str]]:
    if kind(document) == "ses_config":
        if not ses_config_json.read(document).topics:
            yield "warning", "$: has no topics: manage-topic would add none, and a run with prune is refused"
        return
    config = config_json.read(document, region=_ANY_REGION, partition=partition or _partition_of(document))
    mistakes = [entry.mistake for entry in config.entries.values() if entry.mistake is not None]
    yield from (("error", str(mistake)) for mistake in mistakes)
    told = tuple(f"{mistake.path}: " for mistake in mistakes)
    yield from (("warning", warning) for warning in config.warnings if not warning.startswith(told))
    shared_lists = config_json.sharing(config.entries.values())
    for entry in config.entries.values():
        yield from (("error", str(problem)) for problem in entry.problems)
        path = f"$.customer_mappings.{entry.code}"
        yield from (("warning", w if w.startswith("$") else f"{path}: {w}") for w in entry.warnings)
        if entry.skip_reason is not None and entry.mistake is None:
            yield "warning", f"{path}: is skipped: {entry.skip_reason}"
        if entry.code in shared_lists:
            yield (
                "warning",
                f"{path}: {shared_lists[entry.code]}; a run that changes lists fails both",
            )


def _partition_of(document: Any) -> str:
    """Return the partition of AWS that all roles of the file are of; `aws` when they are of several, or of none."""
    mappings = document.get("customer_mappings") if isinstance(document, dict) else None
    found = set()
    for customer in mappings.values() if isinstance(mappings, dict) else ():
        try:
            found.add(parse_role_arn(customer["ses_role_arn"]).partition)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # config_json says what is wrong with it
    return found.pop() if len(found) == 1 and found <= set(partitions()) else "aws"
