"""A sign of life that is written at another place while somebody reads whom the signs name."""

from __future__ import annotations

import pytest

from ses_fleet.errors import AwsCallError
from ses_fleet.orchestrator.signs import Signs
from ses_fleet.runs import standing
from tests.unit.runs.recorded import OWNER, RUN, Recorded


def test_who_was_sent_is_never_taken_for_waiting_when_the_sign_moves() -> None:
    """Signs are lost for a minute; the next is stored elsewhere while whoever ended the hop reads them."""
    there = Recorded()
    signs = Signs(there.hops, 0, OWNER, 60.0, clock=lambda: 0.0)
    signs.begin({0: 1})
    assert signs.may_send(0, 1)  # and it is sent

    def lost(operation: str, key: str, done: bool) -> None:
        if operation == "put_object" and not done and key.startswith("open/"):
            raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no")

    there.s3.hook.happens = lost
    with pytest.raises(AwsCallError):
        signs._give()
    there.s3.hook.happens = lambda *_: None
    there.end(0, 1, owner="reaper")

    def moves(operation: str, key: str, done: bool) -> None:
        if operation == "list_objects_v2" and done and key == f"open/{RUN}/":
            there.s3.hook.happens = lambda *_: None
            signs._give()  # S3 takes signs again: stored at a new place, and removed at the old one

    there.s3.hook.happens = moves
    found = standing.of(there.record, there.hops, there.plan)
    assert signs.is_lost
    assert found.in_doubt == (0,)
    assert 0 not in found.waiting
