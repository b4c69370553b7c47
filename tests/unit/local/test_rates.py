"""The worker paces itself to what SES admits, in the local cloud, too."""

from __future__ import annotations

from ses_fleet import limits
from ses_fleet_local.cloud import Options
from strict_aws.ses.rate import BURST, REQUESTS_PER_SECOND


def test_the_worker_is_paced_to_the_rate_of_the_strict_ses() -> None:
    """Rate and burst of both are the same, and so is the local cloud's default."""
    assert (limits.SES_REQUESTS_PER_SECOND, limits.SES_BURST) == (REQUESTS_PER_SECOND, BURST)
    assert Options().ses_rate == REQUESTS_PER_SECOND
