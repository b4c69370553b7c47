"""The topics of SESConfig.json, read when the run's action uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.config import ses_config_json
from ses_fleet.config.documents import Document
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import ConfigurationError
from ses_fleet.runs.models import RunRequest
from ses_fleet.text import printable


@dataclass(frozen=True)
class WantedTopics:
    """The topics that every list should have, or None where the action does not use them or they cannot be used.

    `document` is the file that was read; `warnings` say why topics that could be used are not.
    """

    topics: tuple[WantedTopic, ...] | None = None
    document: Document | None = None
    warnings: tuple[str, ...] = ()

    @property
    def version(self) -> str | None:
        """Return the version of the file that was read, or None where none was."""
        return None if self.document is None else self.document.version


def read(request: RunRequest, document: Callable[[], Document]) -> WantedTopics:
    """Read SESConfig.json, which `document` returns, if the action uses it.

    ConfigurationError when the file is wrong and the action needs it; where the action can do without, that is a
    warning.
    """
    action = ACTIONS[request.worker_action]
    if request.plan is not None:
        return WantedTopics()  # each customer has those of its plan
    if action.ses_config == "no" or (action.ses_config == "if there" and request.dry_run):
        return WantedTopics()
    try:
        found = document()
        wanted = ses_config_json.read(found.value)
        # The prune of an import removes people, not topics.
        ses_config_json.refuse_empty(wanted, prune=request.prune and not action.reads_identity_center)
    except ConfigurationError as error:
        if action.ses_config == "required":
            raise
        text = f"drift not computed: SESConfig.json cannot be used: {error.problems[0]}"
        return WantedTopics(warnings=(printable(text, limits.MAX_MESSAGE_CHARACTERS),))
    return WantedTopics(tuple(wanted.topics), found)
