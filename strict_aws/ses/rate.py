"""SES's throttle: every action but Send* gets one request a second per account and Region (developer guide, quotas).

Whether the actions share one rate is not documented: here they do, which is the stricter of both.
"""

from __future__ import annotations

from strict_aws.http.messages import AwsError

REQUESTS_PER_SECOND = 1.0  # developer guide, quotas
BURST = 5  # observed: short bursts pass, then requests are refused


def too_many_requests() -> AwsError:
    """Return SES's answer to a request above the rate."""
    return AwsError("TooManyRequestsException", "Too Many Requests", 429, reason="the rate of SES is used up")
