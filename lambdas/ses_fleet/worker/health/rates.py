"""The bounce and complaint rates, from CloudWatch: our own of the last 24 hours, and AWS's by which it acts.

Ours is the sum of Bounce, or Complaint, divided by that of Send. AWS's is the newest Reputation.BounceRate, or
Reputation.ComplaintRate, a number from 0 to 1 over as much mail as AWS thinks representative (developer guide). SES
publishes a metric only once there was something to count, so that one that is missing is not zero.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ses_fleet import limits
from ses_fleet.actions.params import CheckHealthParams
from ses_fleet.text import printable
from ses_fleet.worker.health.findings import Found, by_threshold, shown, worst
from ses_fleet.worker.paced_client import ReadClient
from ses_fleet.worker.pagination import Paginator
from ses_fleet.worker.responses import list_of, text_of

RateName = Literal["bounce_rate", "complaint_rate"]

_NAMESPACE = "AWS/SES"
_SEND = "Send"
# The statistic of each metric. Those of the whole account have no dimensions.
_METRICS = {
    _SEND: "Sum",
    "Bounce": "Sum",
    "Complaint": "Sum",
    "Reputation.BounceRate": "Average",
    "Reputation.ComplaintRate": "Average",
}


@dataclass(frozen=True)
class _Kind:
    """One of the two rates: the metrics that it is made of, and the words about it."""

    counted: str
    published: str
    happened: str
    advice: str


_KINDS: dict[RateName, _Kind] = {
    "bounce_rate": _Kind(
        "Bounce",
        "Reputation.BounceRate",
        "bounced",
        "find out which mail bounces, and take those addresses off the lists: AWS reviews an account from 5 % on, "
        "and may pause it from 10 % on",
    ),
    "complaint_rate": _Kind(
        "Complaint",
        "Reputation.ComplaintRate",
        "were complained about",
        "find out which mail people complain about, and send it to nobody who did not ask for it: AWS reviews an "
        "account from 0.1 % on, and may pause it from 0.5 % on",
    ),
}


@dataclass(frozen=True)
class Metrics:
    """What CloudWatch has of the last 24 hours: by metric its values, the newest first, and why it has not all."""

    values: dict[str, list[float]] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)

    def total(self, metric: str) -> int | None:
        """Return the sum of a metric's values, or None when it has none or not all of them came."""
        found = self._known(metric)
        return round(sum(found)) if found else None

    def newest(self, metric: str) -> float | None:
        """Return the newest of a metric's values, or None."""
        found = self._known(metric)
        return found[0] if found else None

    def _known(self, metric: str) -> list[float]:
        return [] if metric in self.unfinished else self.values.get(metric, [])


def read(cloudwatch: ReadClient) -> Metrics:
    """Return SES's metrics of the whole account. Raise AwsCallError when CloudWatch does not answer."""
    step = limits.METRIC_PERIOD_SECONDS
    end = math.ceil(time.time() / step) * step  # the period under way, too
    names = dict(zip((f"m{number}" for number in range(len(_METRICS))), _METRICS, strict=True))
    asked = {
        "MetricDataQueries": [_query(query_id, name) for query_id, name in names.items()],
        "StartTime": datetime.fromtimestamp(end - limits.RATE_SECONDS, UTC),
        "EndTime": datetime.fromtimestamp(end, UTC),
        "ScanBy": "TimestampDescending",
    }
    metrics = Metrics()

    def forget() -> None:
        metrics.values.clear()
        metrics.unfinished.clear()

    for page in Paginator("get_metric_data", "MetricDataResults").pages(cloudwatch, asked, forget):
        for result in page:
            _take(metrics, names, result)
    return metrics


def sent(metrics: Metrics) -> int | None:
    """Return how many messages were sent, or None when CloudWatch has no number."""
    return metrics.total(_SEND)


def percent(metrics: Metrics, name: RateName, params: CheckHealthParams) -> float | None:
    """Return our own rate of the last 24 hours, or None when too few were sent or CloudWatch has no number."""
    count, all_sent = metrics.total(_KINDS[name].counted), sent(metrics)
    if count is None or all_sent is None or all_sent < params.minimum_sent:
        return None
    return 100 * count / all_sent


def check(metrics: Metrics, name: RateName, params: CheckHealthParams) -> Found:
    """Return whether a rate is well: the worse of ours and AWS's decides.

    It is ok only if enough was sent and at least one of them is known; what AWS publishes can make it worse by itself.
    """
    kind, ours = _KINDS[name], percent(metrics, name, params)
    published = metrics.newest(kind.published)
    theirs = None if published is None else 100 * published
    thresholds = _thresholds(name, params)
    status = worst(by_threshold(one, *thresholds) for one in (ours, theirs) if one is not None)
    if status == "ok" and not _enough_was_sent(metrics, params):
        status = "no_data"
    detail = f"{_of_the_day(metrics, name, params)}; {_by_aws(metrics, kind, theirs)}"
    if status in ("finding", "failed"):
        return Found(status, detail, kind.advice)
    return Found(status, detail, "run it again" if metrics.unfinished and status == "no_data" else "")


def _query(query_id: str, name: str) -> dict[str, Any]:
    stat = {
        "Metric": {"Namespace": _NAMESPACE, "MetricName": name},
        "Period": limits.METRIC_PERIOD_SECONDS,
        "Stat": _METRICS[name],
    }
    return {"Id": query_id, "MetricStat": stat, "ReturnData": True}


def _take(metrics: Metrics, names: Mapping[str, str], result: Mapping[str, Any]) -> None:
    """Add a page's values of one metric. The last page of it says whether they are all."""
    name = names.get(text_of(result, "Id") or "")
    if name is None:
        return
    metrics.values.setdefault(name, []).extend(float(one) for one in list_of(result, "Values"))
    status = text_of(result, "StatusCode") or "no status"
    metrics.unfinished.pop(name, None)
    if status != "Complete":
        metrics.unfinished[name] = printable(status)


def _thresholds(name: RateName, params: CheckHealthParams) -> tuple[float, float]:
    if name == "bounce_rate":
        return params.bounce_finding_percent, params.bounce_failed_percent
    return params.complaint_finding_percent, params.complaint_failed_percent


def _enough_was_sent(metrics: Metrics, params: CheckHealthParams) -> bool:
    return (sent(metrics) or 0) >= params.minimum_sent


def _of_the_day(metrics: Metrics, name: RateName, params: CheckHealthParams) -> str:
    kind, all_sent, ours = _KINDS[name], sent(metrics), percent(metrics, name, params)
    if all_sent is None:
        return f"of the last 24 hours {_missing(metrics, _SEND)}"
    if ours is not None:
        return f"{shown(ours)} of {all_sent:,} messages of the last 24 hours {kind.happened}"
    if all_sent < params.minimum_sent:
        return f"only {all_sent:,} messages in the last 24 hours, {params.minimum_sent:,} are needed for a rate"
    return f"of {all_sent:,} messages of the last 24 hours {_missing(metrics, kind.counted)}"


def _by_aws(metrics: Metrics, kind: _Kind, theirs: float | None) -> str:
    return f"AWS's own rate is {shown(theirs)}" if theirs is not None else _missing(metrics, kind.published)


def _missing(metrics: Metrics, metric: str) -> str:
    if metric in metrics.unfinished:
        return f"CloudWatch did not give all of {metric} ({metrics.unfinished[metric]})"
    return f"CloudWatch has no {metric}"
