"""Preferences for topics that a prune removed: no list has them any more, only the backups of those prunes."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ses_fleet.errors import CustomerError
from ses_fleet.worker import backups
from ses_fleet.worker.backups import Manifest
from ses_fleet.worker.context import ActionContext

OptOuts = dict[str, frozenset[str]]
# Takes an address and a time (ISO 8601); returns whether its person was erased then or later, with "" whenever.
IsErased = Callable[[str, str], bool]


def opt_outs(
    context: ActionContext, prunes: Collection[Manifest], topics: Collection[str], is_erased: IsErased
) -> OptOuts:
    """Return {address: topics} of those who had opted out of any of these topics when it was pruned.

    `prunes` are those of any of these topics, in the order in which they were made. The latest one counts: who opted
    out before one prune, and in again before a later one, is not in the result. What somebody said before they were
    erased is forgotten.
    """
    found: dict[str, set[str]] = {}
    for manifest in prunes:
        names = set(topics).intersection(manifest.topics)
        for part in range(1, manifest.parts + 1):
            for record in backups.records(context, manifest, part):
                if not is_erased(record["email"], manifest.created_at):
                    _note(found, record["email"], record["preferences"], names)
    return {email: frozenset(left) for email, left in found.items() if left}


def warn_of_returning(context: ActionContext, topics: Collection[str]) -> None:
    """Warn when topics are added that a prune once removed: which backup has people's preferences for them.

    That the backups cannot be read is a warning, too.
    """
    try:
        removed = backups.prunes(context, backups.runs_with_backups(context)) if topics else []
    except CustomerError as failure:
        context.warn(f"{failure.message}; it is not known whether a prune had removed what is added now")
        return
    last = {topic: one.run_id for one in removed for topic in one.topics if topic in topics}
    comes = "would come" if context.dry_run else "came"
    for topic, run_id in last.items():
        context.warn(
            f"{topic} {comes} back without the preferences that people had for it: restore-topics with backup {run_id} "
            "brings them back"
        )


def _note(found: dict[str, set[str]], email: str, preferences: dict[str, str], names: Collection[str]) -> None:
    for topic in preferences.keys() & names:
        if preferences[topic] == "OPT_OUT":
            found.setdefault(email, set()).add(topic)
        else:
            found.get(email, set()).discard(topic)
