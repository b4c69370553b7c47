"""Names that the deployed stack and the local cloud share, without sharing code."""

from __future__ import annotations

from infra import names
from ses_fleet_local import accounts


def test_the_local_cloud_has_the_names_of_the_stack() -> None:
    """Functions, the reaper's schedule and its group: what is learned there is true of a deployment."""
    assert (names.Names().orchestrator, names.Names().worker) == (accounts.ORCHESTRATOR, accounts.WORKER)
    assert (names.Names().stack, names.Names().reaper_schedule) == (accounts.SCHEDULE_GROUP, accounts.REAPER)
