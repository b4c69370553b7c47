"""AWS's own time, as its answers tell it. This machine's clock may be minutes away from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ses_fleet.errors import AwsCallError


def moment_of(answer: Mapping[str, Any]) -> datetime:
    """Return when AWS gave an answer, by its own clock; raise AwsCallError when the answer has no date."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        raise AwsCallError("aws", "date", "lost", "NoDate", "the answer does not say when it was given") from None


def age_of(answer: Mapping[str, Any]) -> float | None:
    """Return how many seconds before its answer S3 had written the object, or None when the answer does not say."""
    written = answer.get("LastModified")
    if not isinstance(written, datetime):
        return None
    try:
        return (moment_of(answer) - written).total_seconds()
    except AwsCallError:
        return None
