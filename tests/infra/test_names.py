"""Names that the deployed stack and the local cloud share, without sharing code."""

from __future__ import annotations

from infra import names
from ses_fleet_local import accounts


def test_the_local_cloud_has_the_names_of_the_stack() -> None:
    """Functions, the reaper's schedule and its group: what is learned there is true of a deployment."""
    assert (accounts.ORCHESTRATOR, accounts.WORKER) == (names.ORCHESTRATOR, names.WORKER)
    assert (accounts.SCHEDULE_GROUP, accounts.REAPER) == (names.SCHEDULE_GROUP, names.REAPER_SCHEDULE)
