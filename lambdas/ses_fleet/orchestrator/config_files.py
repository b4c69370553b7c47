"""config.json and SESConfig.json: as they are when a run begins, and as it read them, for its later invocations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ses_fleet.config import config_json, documents
from ses_fleet.config.config_json import FleetConfig
from ses_fleet.config.documents import Document
from ses_fleet.errors import ConfigurationError
from ses_fleet.orchestrator import wanted_topics
from ses_fleet.orchestrator.environment import Environment
from ses_fleet.orchestrator.wanted_topics import WantedTopics
from ses_fleet.runs import fleet_defaults
from ses_fleet.runs.keys import pinned_key
from ses_fleet.runs.models import Pinned, RunPlan, RunRequest

CONFIG, SES_CONFIG = "config", "ses-config"
_GOES_ON = "the run goes on with what it read at its start"


@dataclass(frozen=True)
class ConfigFiles:
    """What a run needs of both files.

    `pinned` are the VersionIds of what was read, and `copies` the texts, by name, of files that have none.
    """

    config: FleetConfig
    topics: WantedTopics
    pinned: Pinned = field(default_factory=Pinned)
    copies: Mapping[str, bytes] = field(default_factory=dict)


def read(environment: Environment, request: RunRequest) -> ConfigFiles:
    """Read both files as they are now; ConfigurationError when one that the run needs is missing or wrong."""
    settings = environment.settings
    config = documents.read(environment.config_bucket, settings.config_key)
    fleet = _fleet(environment, config)
    topics = wanted_topics.read(request, lambda: documents.read(environment.config_bucket, settings.ses_config_key))
    found = {CONFIG: config, **({} if topics.document is None else {SES_CONFIG: topics.document})}
    version_ids = {name: document.version_id for name, document in found.items()}
    return ConfigFiles(
        fleet,
        topics,
        Pinned(config=version_ids.get(CONFIG), ses_config=version_ids.get(SES_CONFIG)),
        {name: document.body for name, document in found.items() if document.version_id is None},
    )


def ses_config_version(environment: Environment) -> str | None:
    """Return the version of SESConfig.json as it is now, or None when it cannot be read."""
    try:
        return documents.read(environment.config_bucket, environment.settings.ses_config_key).version
    except ConfigurationError:
        return None


def defaults(environment: Environment) -> dict[str, Any] | None:
    """Return config.json's defaults as it says them now, None for none; ConfigurationError when it cannot be used."""
    document = documents.read(environment.config_bucket, environment.settings.config_key)
    return fleet_defaults.shown(_fleet(environment, document).defaults)


def read_pinned(environment: Environment, plan: RunPlan, request: RunRequest) -> ConfigFiles:
    """Read both files again as the run's first invocation read them.

    ConfigurationError when that is not possible any more, AwsCallError while S3 does not answer.
    """
    fleet = read_pinned_fleet(environment, plan)
    topics = WantedTopics()
    if plan.config_version.ses_config is not None:
        key, version_id = environment.settings.ses_config_key, plan.pinned.ses_config
        topics = wanted_topics.read(request, lambda: _pinned(environment, plan, SES_CONFIG, key, version_id))
    return ConfigFiles(fleet, topics, plan.pinned)


def read_pinned_fleet(environment: Environment, plan: RunPlan) -> FleetConfig:
    """Read config.json again as the run's first invocation read it.

    ConfigurationError when that is not possible any more, AwsCallError while S3 does not answer.
    """
    key = environment.settings.config_key
    return _fleet(environment, _pinned(environment, plan, CONFIG, key, plan.pinned.config))


def _pinned(environment: Environment, plan: RunPlan, name: str, key: str, version_id: str | None) -> Document:
    if version_id is not None:
        return documents.read_again(environment.config_bucket, key, version_id)
    return documents.read_again(environment.results_bucket, pinned_key(plan.run_id, plan.owner, name))


@dataclass(frozen=True)
class Meanwhile:
    """What changed since a run began: `disabled` are the codes of customers that must not be started any more."""

    disabled: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


def changes_since(environment: Environment, plan: RunPlan, pinned: FleetConfig) -> Meanwhile:
    """Return what changed in the files since the run began.

    One that cannot be used now is a warning: the run has all that it needs.
    """
    found = _customers_since(environment, plan, pinned)
    return replace(found, warnings=(*found.warnings, *_topics_since(environment, plan)))


def _topics_since(environment: Environment, plan: RunPlan) -> Iterator[str]:
    if plan.config_version.ses_config is None or plan.request.get("plan") is not None:
        return
    try:
        now = documents.read(environment.config_bucket, environment.settings.ses_config_key)
    except ConfigurationError as error:
        yield f"SESConfig.json cannot be used now, so {_GOES_ON}: {error.problems[0]}"
        return
    if now.version != plan.config_version.ses_config:
        yield f"SESConfig.json changed while the run was under way: {_GOES_ON}"


def _customers_since(environment: Environment, plan: RunPlan, pinned: FleetConfig) -> Meanwhile:
    try:
        now = documents.read(environment.config_bucket, environment.settings.config_key)
        if now.version == plan.config_version.config:
            return Meanwhile()
        fleet = _fleet(environment, now)
    except ConfigurationError as error:
        text = f"config.json cannot be used now, so {_GOES_ON}: {error.problems[0]}"
        return Meanwhile(warnings=(text,))
    codes = {
        code
        for code, entry in pinned.entries.items()
        if entry.skip_reason is None and (code not in fleet.entries or fleet.entries[code].skip_reason is not None)
    }
    text = f"config.json changed while the run was under way: {_GOES_ON}"
    return Meanwhile(frozenset(codes), (text,))


def _fleet(environment: Environment, document: Document) -> FleetConfig:
    region, partition = environment.settings.region, environment.partition
    return config_json.read(document.value, region=region, partition=partition, version=document.version)
