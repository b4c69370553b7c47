"""SESConfig.json → the topics that every customer's list should have, or every problem that is in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ses_fleet import limits, problems
from ses_fleet.config import documents
from ses_fleet.config.file_models import SesConfigFile, TopicFields
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import ConfigurationError, Problem
from ses_fleet.identifiers import TOPIC_PATTERN, TOPIC_WORDS
from ses_fleet.text import quoted

_PREFIXES = "topic_group_prefix"
_MEMBERS = "topic_group_members"
_PARTS = ("topics", _PREFIXES, _MEMBERS)
_NAME = re.compile(TOPIC_PATTERN)
# A topic with the JSON path of the entry that it comes from.
_Placed = tuple[str, WantedTopic]


@dataclass(frozen=True)
class TopicConfig:
    """The topics in order, groups first, then single ones. `nulls` are the keys of the file that are null."""

    topics: tuple[WantedTopic, ...]
    nulls: tuple[str, ...] = ()


def read(document: Any) -> TopicConfig:
    """Check a SESConfig.json that is parsed already, and expand it; raise ConfigurationError with every problem."""
    if not isinstance(document, dict):
        raise ConfigurationError([Problem("$", f"must be a JSON object, not {problems.kind(document)}")])
    reading = _Reading(document)
    topics = [*reading.grouped(), *reading.single()]
    found = [*reading.problems, *_typos(document), *_problems_of_all(topics)]
    if found:
        raise ConfigurationError(found)
    nulls = tuple(key for key in _PARTS if document.get(key, ()) is None)
    return TopicConfig(tuple(topic for _, topic in topics), nulls)


def refuse_empty(config: TopicConfig, *, prune: bool) -> None:
    """Raise ConfigurationError when a prune would remove topics for a file that has none, or has a null part."""
    if prune and not config.topics:
        text = "SESConfig.json has no topics, so prune would remove all there are; an empty file is taken for a mistake"
        raise ConfigurationError([Problem("$", text)])
    if prune and config.nulls:
        text = "is null, and prune would remove its topics: give the list, or [] if there are none"
        raise ConfigurationError(Problem(f"$.{key}", text) for key in config.nulls)


class _Reading:
    """The file while it is read. `problems` are complete once `grouped` and `single` have been asked for."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._file, self._wrong = problems.usable_part(SesConfigFile, document, documents.WORDING)
        self.problems = list(self._wrong.values())
        if not set(_PARTS) & set(document):
            self.problems.append(Problem("$", "has neither topics nor topic_group_members"))

    def grouped(self) -> list[_Placed]:
        """Return the topics of the groups: each member with each prefix."""
        prefixes, members = self._file.topic_group_prefix or [], self._file.topic_group_members or []
        missing = _MEMBERS if prefixes else _PREFIXES
        if bool(prefixes) != bool(members) and missing not in self._wrong:
            self.problems.append(Problem(f"$.{missing}", "missing: groups need both prefixes and members"))
        topics = self._topics(_MEMBERS, members)
        usable = [prefix for index, prefix in enumerate(prefixes) if self._is_prefix(index, prefix)]
        return [(path, _grouped(prefix, topic)) for prefix in usable for path, topic in topics]

    def single(self) -> list[_Placed]:
        """Return the topics that are in no group."""
        return self._topics("topics", self._file.topics or [])

    def _is_prefix(self, index: int, prefix: Any) -> bool:
        fits = isinstance(prefix, str) and _NAME.fullmatch(prefix) is not None
        if not fits:
            text = f"{problems.without_addresses(prefix)} cannot begin a topic's name"
            self.problems.append(Problem(f"$.{_PREFIXES}[{index}]", text))
        return fits

    def _topics(self, key: str, entries: list[Any]) -> list[_Placed]:
        topics = []
        for index, entry in enumerate(entries):
            path = f"$.{key}[{index}]"
            # null is absent, as in config.json.
            given = {k: v for k, v in entry.items() if v is not None} if isinstance(entry, dict) else entry
            fields, wrong = problems.attempt(TopicFields, given, documents.WORDING, path)
            self.problems += wrong
            if fields is not None:
                topics.append((path, _topic(fields)))
        return topics


def _topic(fields: TopicFields) -> WantedTopic:
    return WantedTopic(
        name=fields.TopicName,
        display_name=fields.DisplayName,
        description=fields.Description or "",
        default_status=fields.DefaultSubscriptionStatus,
        opt_in_roles=tuple(fields.OptInRoles or ()),
    )


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


def _typos(document: dict[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each key that looks like a typo of ours: what it says would silently not happen anywhere."""
    yield from documents.typos(SesConfigFile, document, "$")
    for key in (_MEMBERS, "topics"):
        entries = document.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict):
                yield from documents.typos(TopicFields, entry, f"$.{key}[{index}]")


def _problems_of_all(topics: list[_Placed]) -> Iterator[Problem]:
    """Yield what SES would refuse of the expanded topics, as a prefix may make a name too long or repeat one."""
    for path, topic in topics:
        yield from _problems_of_one(path, topic)
    if len(topics) > limits.SES_TOPICS:
        yield Problem("$", f"{len(topics)} topics after expansion, more than the {limits.SES_TOPICS} of a contact list")
    seen: dict[str, str] = {}
    for path, topic in topics:
        if topic.name in seen:
            yield Problem(f"{path}.TopicName", f"the topic {quoted(topic.name)} is there twice ({seen[topic.name]})")
        seen.setdefault(topic.name, path)


def _problems_of_one(path: str, topic: WantedTopic) -> Iterator[Problem]:
    if not _NAME.fullmatch(topic.name):
        text = f"{quoted(topic.name)} is not a topic name of SES: {TOPIC_WORDS}"
        yield Problem(f"{path}.TopicName", text)
    for key, value, most in (
        ("DisplayName", topic.display_name or "", limits.SES_DISPLAY_NAME_CHARACTERS),
        ("Description", topic.description or "", limits.SES_DESCRIPTION_CHARACTERS),
    ):
        if len(value) > most:
            yield Problem(f"{path}.{key}", f"has {len(value)} characters, more than {most}")
