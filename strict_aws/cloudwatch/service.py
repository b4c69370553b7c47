"""The strict CloudWatch: GetMetricData of metrics that a control or a program has put. There is no HTTP in here.

A request is checked as the API reference and its model say. Not documented are the words of the refusals, where nothing
else is said, and where periods begin: here at the multiples of the period since 1970.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strict_aws.cloudwatch.queries import MetricKey, Query, queries_of
from strict_aws.conditions import unset_members
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.http.messages import AwsError
from strict_aws.paging import page_tokens

Answer = dict[str, Any]
# The operations on metric data. moto keeps other metrics than these, so that its answers would be wrong.
METRIC_OPERATIONS = frozenset(
    {"GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage", "ListMetrics", "PutMetricData"}
)


@dataclass(frozen=True)
class Point:
    """A value that was measured at a time, in epoch seconds."""

    at: float
    value: float


class StrictCloudWatch:
    """Metrics by account, Region, namespace, name and dimensions. Safe to use from many threads.

    `clock` returns epoch seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, conditions: CurrentConditions | None = None) -> None:
        self._clock = clock
        self._conditions = conditions or CurrentConditions()
        self._lock = threading.Lock()
        self._points: dict[tuple[str, str], dict[MetricKey, list[Point]]] = {}
        self._token_key = secrets.token_bytes(16)

    def put(
        self,
        account: str,
        region: str,
        namespace: str,
        name: str,
        points: Iterable[Point | float],
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        """Add points to a metric; a number is a point of a minute ago."""
        made = [one if isinstance(one, Point) else Point(self._clock() - 60, one) for one in points]
        key = (namespace, name, frozenset((dimensions or {}).items()))
        with self._lock:
            self._points.setdefault((account, region), {}).setdefault(key, []).extend(made)

    def forget(self, account: str, region: str) -> None:
        """Remove all metrics of an account in a Region."""
        with self._lock:
            self._points.pop((account, region), None)

    def call(self, account: str, region: str, operation: str, params: Mapping[str, Any]) -> Answer:
        """Return the answer to one request in botocore's shapes, with times as epoch seconds.

        Raise AwsError as CloudWatch would, and 501 for what it has no answer to.
        """
        if operation != "GetMetricData":
            raise AwsError("NotImplemented", f"strict_aws has no {operation} of cloudwatch", 501)
        asked = queries_of(params)
        found = [point for query in asked.queries for point in self._of(account, region, query, asked.newest_first)]
        start = self._start(params.get("NextToken"), asked.text)
        taken = found[start : start + asked.most_points]
        end = start + len(taken)
        rest = {query_id for query_id, _ in found[end:]}
        answer: Answer = {
            "MetricDataResults": [
                {
                    "Id": query.id,
                    "Label": query.label,
                    "Timestamps": [point.at for owner, point in taken if owner == query.id],
                    "Values": [point.value for owner, point in taken if owner == query.id],
                    "StatusCode": "PartialData" if query.id in rest else "Complete",
                }
                for query in asked.queries
                if query.returns_data
            ],
            "Messages": [],
        }
        if end < len(found):
            answer["NextToken"] = page_tokens.make_token(end, self._token_key, asked.text)
        return unset_members.leave_out("cloudwatch", operation, answer, self._conditions)

    def _start(self, token: Any, question: str) -> int:
        if token is None:
            return 0
        start = page_tokens.read_token(str(token), self._token_key, question)
        if start is None:
            raise AwsError("InvalidNextToken", "The next token specified is invalid.")
        return start

    def _of(self, account: str, region: str, query: Query, newest_first: bool) -> Iterator[tuple[str, Point]]:
        if not query.returns_data:
            return
        with self._lock:
            points = list(self._points.get((account, region), {}).get(query.metric, ()))
        periods: dict[float, list[float]] = {}
        for point in points:
            periods.setdefault(math.floor(point.at / query.period) * query.period, []).append(point.value)
        for begins in sorted(periods, reverse=newest_first):
            if query.start <= begins < query.end:
                yield query.id, Point(float(begins), query.statistic(periods[begins]))
