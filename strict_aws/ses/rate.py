"""The throttle: every action but Send* gets one request a second per account and Region (developer guide, quotas).

That short bursts pass is observed. Whether the actions share one rate is not documented: here they do, the
stricter of both.
"""

from __future__ import annotations

from strict_aws.http.messages import AwsError


def too_many_requests() -> AwsError:
    """SES's answer above the rate."""
    return AwsError("TooManyRequestsException", "Too Many Requests", 429, reason="the rate of SES is used up")
