"""What a backup's manifest says of it, for those who restore it and for those who look for it."""

from __future__ import annotations

from typing import Literal

from ses_fleet.model_bases import Stored

Kind = Literal["list", "topics", "contacts"]
_RESTORES: dict[Kind, str] = {"list": "restore-list", "topics": "restore-topics", "contacts": "restore-list"}


class Saved(Stored):
    """What was saved of one customer's list, and by which run.

    `kind` list: all contacts; topics: only the preferences for `topics`, which a prune was about to remove; contacts:
    only those that a run was about to remove. `action` is the action of the run, and `topic_count` how many topics
    the list had, or how many a prune was about to remove; backups of earlier versions do not say either.
    """

    kind: Kind
    run_id: str
    action: str | None = None
    customer_code: str
    account_id: str
    region: str
    created_at: str
    topics: tuple[str, ...]
    contacts: int
    topic_count: int | None = None


def restoring(kind: Kind) -> str:
    """Return the name of the action that restores a backup of this kind."""
    return _RESTORES[kind]


def restore_command(kind: Kind, customer_code: str, run_id: str) -> str:
    """Return the command that restores the customer's backup by this run."""
    return f"ses-fleet invoke {restoring(kind)} --customer-code {customer_code} --param backup={run_id}"
