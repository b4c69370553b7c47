"""Whoever creates an object once reads it back when the answer was lost: its role must allow that."""

from __future__ import annotations

from ses_fleet.runs.hub_policies import orchestrator_statements


def test_the_orchestrator_may_read_the_receipt_that_it_writes() -> None:
    """After a lost answer, and when one that died has written it: else a run that is proven says that it is not."""
    statements = orchestrator_statements(
        config_bucket="arn:aws:s3:::config", config_keys=["c"], results_bucket="arn:aws:s3:::results", functions=["f"]
    )
    may_read = [resource for one in statements if "s3:GetObject" in one["Action"] for resource in one["Resource"]]
    assert "arn:aws:s3:::results/receipts/*" in may_read
