"""SESConfig.json → the topics that every customer's list should have, or every problem that is in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ses_fleet import limits
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config import documents
from ses_fleet.config.config_json import kind, typos
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import ConfigurationError, Problem
from ses_fleet.text import printable, quoted

_FILE_KEYS = ("topics", "topic_group_prefix", "topic_group_members")
_TOPIC_KEYS = ("TopicName", "DisplayName", "Description", "DefaultSubscriptionStatus", "OptInRoles")
_STATUSES = ("OPT_IN", "OPT_OUT")
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.SES_NAME_CHARACTERS}}}")


@dataclass(frozen=True)
class TopicConfig:
    """The topics in order: groups first, then single ones. `nulls` are the parts of the file that are null."""

    topics: tuple[WantedTopic, ...]
    nulls: tuple[str, ...] = ()
    version: str | None = None


def load(bucket: Bucket, key: str) -> TopicConfig:
    """Read SESConfig.json from S3; ConfigurationError names every problem."""
    document = documents.read(bucket, key)
    return replace(read(document.value), version=document.version)


def read(document: Any) -> TopicConfig:
    """Expand and check; ConfigurationError names every problem with its path."""
    reader = _Reader(document)
    expanded = list(reader.expanded())
    problems = [*reader.problems, *reader.typos(), *_fleet_problems(expanded)]
    if problems:
        raise ConfigurationError(problems)
    nulls = tuple(key for key in _FILE_KEYS if document.get(key, ()) is None)
    return TopicConfig(tuple(topic for _, topic in expanded), nulls)


def refuse_empty(config: TopicConfig, *, prune: bool) -> None:
    """Raise ConfigurationError when what the file does not have would be removed, and it has no topic or a null."""
    if prune and not config.topics:
        text = "SESConfig.json has no topics, so prune would remove all there are; an empty file is taken for a mistake"
        raise ConfigurationError([Problem("$", text)])
    if prune and config.nulls:
        text = "is null, and prune would remove its topics: give the list, or [] if there are none"
        raise ConfigurationError(Problem(f"$.{key}", text) for key in config.nulls)


class _Reader:
    """Walks the file, collecting problems on the way."""

    def __init__(self, document: Any) -> None:
        self.problems: list[Problem] = []
        self._document = document if isinstance(document, dict) else {}
        if not isinstance(document, dict):
            self.problems.append(Problem("$", "must be a JSON object"))
        elif not set(_FILE_KEYS) & set(document):
            self.problems.append(Problem("$", "has neither topics nor topic_group_members"))

    def expanded(self) -> Iterator[tuple[str, WantedTopic]]:
        """Every topic with the path of the entry it comes from."""
        prefixes = self._list("topic_group_prefix")
        members = list(self._topics("topic_group_members"))
        if bool(prefixes) != bool(members):
            missing = "topic_group_members" if prefixes else "topic_group_prefix"
            self.problems.append(Problem(f"$.{missing}", "missing: groups need both prefixes and members"))
        for index, prefix in enumerate(prefixes):
            if not isinstance(prefix, str) or not _NAME.fullmatch(prefix):
                self.problems.append(
                    Problem(f"$.topic_group_prefix[{index}]", f"{quoted(prefix)} cannot begin a topic's name")
                )
                continue
            for path, member in members:
                grouped = _grouped(prefix, member)
                self._check(path, grouped)
                yield path, grouped
        for path, topic in self._topics("topics"):
            self._check(path, topic)
            yield path, topic

    def typos(self) -> Iterator[Problem]:
        """Keys that look like typos of ours: what they were meant to say would silently not happen everywhere."""
        yield from typos("$", self._document, _FILE_KEYS)
        for key in ("topic_group_members", "topics"):
            entries = self._document.get(key)
            for index, entry in enumerate(entries if isinstance(entries, list) else []):
                if isinstance(entry, dict):
                    yield from typos(f"$.{key}[{index}]", entry, _TOPIC_KEYS)

    def _list(self, key: str) -> list[Any]:
        value = self._document.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problems.append(Problem(f"$.{key}", "must be a list"))
            return []
        return value

    def _topics(self, key: str) -> Iterator[tuple[str, WantedTopic]]:
        for index, entry in enumerate(self._list(key)):
            path = f"$.{key}[{index}]"
            if not isinstance(entry, dict):
                self.problems.append(Problem(path, "must be a JSON object"))
                continue
            topic = self._topic(path, entry)
            if topic is not None:
                yield path, topic

    def _topic(self, path: str, entry: dict[str, Any]) -> WantedTopic | None:
        before = len(self.problems)
        name, display_name = self._text(path, entry, "TopicName"), self._text(path, entry, "DisplayName")
        description = self._text(path, entry, "Description", required=False)
        status = entry.get("DefaultSubscriptionStatus")
        if not isinstance(status, str) or status not in _STATUSES:
            told = quoted(status) if isinstance(status, str) else kind(status)
            self.problems.append(Problem(f"{path}.DefaultSubscriptionStatus", f"must be OPT_IN or OPT_OUT, not {told}"))
        roles = tuple(self._roles(path, entry))
        if len(self.problems) > before:
            return None
        return WantedTopic(
            name=name,
            display_name=display_name,
            description=description,
            default_status=str(status),
            opt_in_roles=roles,
        )

    def _roles(self, path: str, entry: dict[str, Any]) -> Iterator[str]:
        """Role names without blanks around them: `dba ` would match nobody's group."""
        roles = entry.get("OptInRoles")
        if roles is None:
            return
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            self.problems.append(Problem(f"{path}.OptInRoles", "must be a list of role names"))
            return
        for index, role in enumerate(roles):
            name = role.strip()
            if name and name.isprintable():
                yield name
            else:
                text = f"{quoted(role)} is no role: it is empty, or has characters that nobody sees, and matches nobody"
                self.problems.append(Problem(f"{path}.OptInRoles[{index}]", text))

    def _text(self, path: str, entry: dict[str, Any], key: str, *, required: bool = True) -> str:
        value = entry.get(key)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            self.problems.append(
                Problem(f"{path}.{key}", "missing" if value is None else "must be a string, not empty")
            )
            return ""
        return value

    def _check(self, path: str, topic: WantedTopic) -> None:
        """SES's rules, on the expanded topic: a prefix may make a name too long."""
        if not _NAME.fullmatch(topic.name):
            text = f"{quoted(topic.name)} is not a topic name of SES: 1 to 64 of A-Z a-z 0-9 _ -"
            self.problems.append(Problem(f"{path}.TopicName", text))
        for key, value, most in (
            ("DisplayName", topic.display_name or "", limits.SES_DISPLAY_NAME_CHARACTERS),
            ("Description", topic.description or "", limits.SES_DESCRIPTION_CHARACTERS),
        ):
            if len(value) > most:
                self.problems.append(Problem(f"{path}.{key}", f"has {len(value)} characters, more than {most}"))


def _grouped(prefix: str, member: WantedTopic) -> WantedTopic:
    """`aws` and `calendar` make `aws-calendar`; the prefix in capitals becomes the description's second word."""
    capital = prefix.upper()
    first, *rest = (member.description or "").split(" ", 1)
    description = " ".join(part for part in (first, capital, *rest) if part)
    return member.model_copy(
        update={
            "name": f"{prefix.lower()}-{member.name}",
            "display_name": f"{capital} {member.display_name}",
            "description": description,
        }
    )


def _fleet_problems(expanded: list[tuple[str, WantedTopic]]) -> Iterator[Problem]:
    if len(expanded) > limits.SES_TOPICS:
        yield Problem(
            "$", f"{len(expanded)} topics after expansion, more than the {limits.SES_TOPICS} of a contact list"
        )
    seen: dict[str, str] = {}
    for path, topic in expanded:
        if topic.name in seen:
            yield Problem(f"{path}.TopicName", f"the topic {printable(topic.name)} is there twice ({seen[topic.name]})")
        seen.setdefault(topic.name, path)
