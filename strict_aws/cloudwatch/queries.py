"""What a GetMetricData asks for, checked as the API reference and its model say."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strict_aws.http.messages import AwsError

# Namespace, name, dimensions.
MetricKey = tuple[str, str, frozenset[tuple[str, str]]]

_MOST_QUERIES = 500  # API reference
_MOST_POINTS = 100_800  # API reference: MaxDatapoints without it
_MOST_DIMENSIONS = 30  # API model
_ID = re.compile(r"[a-z][A-Za-z0-9_]{0,254}")
_SHORT_PERIODS = (1, 5, 10, 20, 30)
_MINUTE = 60
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Maximum": max,
    "Minimum": min,
    "SampleCount": lambda values: float(len(values)),
    "Sum": math.fsum,
}
_SCANS = ("TimestampDescending", "TimestampAscending")
_NOT_EMULATED = ("LabelOptions",)


@dataclass(frozen=True)
class Query:
    """One metric with its statistic. `start`, `end` and `period` are seconds, the first two since 1970."""

    id: str
    label: str
    metric: MetricKey
    statistic: Callable[[Sequence[float]], float]
    period: int
    start: float
    end: float
    returns_data: bool


@dataclass(frozen=True)
class Asked:
    """All queries of a request. `text` is the question, for which its tokens are valid."""

    queries: tuple[Query, ...]
    newest_first: bool
    most_points: int
    text: str


def queries_of(params: Mapping[str, Any]) -> Asked:
    """Return what a request asks for; raise AwsError as CloudWatch would, and 501 for what is not emulated."""
    _refuse_unknown(params, _NOT_EMULATED)
    start, end = _time(params, "StartTime"), _time(params, "EndTime")
    if start >= end:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    given = _list(params.get("MetricDataQueries"), "MetricDataQueries")
    if not 1 <= len(given) <= _MOST_QUERIES:
        raise _invalid(f"The collection MetricDataQueries must have a size between 1 and {_MOST_QUERIES}.")
    # Rounded down to the whole minute, as for a start less than 15 days ago.
    queries = tuple(_query(one, math.floor(start / _MINUTE) * _MINUTE, end) for one in given)
    if len({query.id for query in queries}) < len(queries):
        raise _invalid("The values for parameter id in MetricDataQueries are not unique.")
    scan = params.get("ScanBy") or _SCANS[0]
    if scan not in _SCANS:
        raise _invalid("The parameter ScanBy has no such value.")
    most = _integer(params.get("MaxDatapoints"), "MaxDatapoints", _MOST_POINTS)
    if not 1 <= most <= _MOST_POINTS:
        raise _invalid(f"The parameter MaxDatapoints must be between 1 and {_MOST_POINTS}.")
    question = {name: value for name, value in params.items() if name != "NextToken"}
    return Asked(queries, scan == _SCANS[0], most, json.dumps(question, sort_keys=True, default=str))


def _query(given: Any, start: float, end: float) -> Query:
    query = _structure(given, "MetricDataQueries")
    _refuse_unknown(query, ("Expression", "AccountId"))
    query_id = query.get("Id")
    if not isinstance(query_id, str) or _ID.fullmatch(query_id) is None:
        raise _invalid("The value for parameter Id must begin with a lowercase letter and have letters, digits and _.")
    if query.get("MetricStat") is None:
        raise _missing("MetricStat")
    stat = _structure(query["MetricStat"], "MetricStat")
    _refuse_unknown(stat, ("Unit",))
    statistic = _text(stat.get("Stat"), "Stat")
    if statistic not in _STATISTICS:
        raise AwsError("NotImplemented", "strict_aws has no such statistic of GetMetricData", 501)
    metric = _metric(_structure(stat.get("Metric"), "Metric"))
    label = query.get("Label")
    return Query(
        id=query_id,
        label=metric[1] if label is None else _text(label, "Label"),
        metric=metric,
        statistic=_STATISTICS[statistic],
        period=_period(stat.get("Period")),
        start=start,
        end=end,
        returns_data=query.get("ReturnData") is not False,
    )


def _metric(given: Mapping[str, Any]) -> MetricKey:
    namespace, name = (_text(given.get(member), member) for member in ("Namespace", "MetricName"))
    if namespace.startswith(":"):
        raise _invalid("The value for parameter Namespace must not begin with a colon.")
    dimensions = [_structure(one, "Dimensions") for one in _list(given.get("Dimensions") or [], "Dimensions")]
    if len(dimensions) > _MOST_DIMENSIONS:
        raise _invalid(f"The collection Dimensions must have a size of at most {_MOST_DIMENSIONS}.")
    return (
        namespace,
        name,
        frozenset((_text(one.get("Name"), "Name"), _text(one.get("Value"), "Value")) for one in dimensions),
    )


def _period(given: Any) -> int:
    period = _integer(given, "Period", None)
    if period < 1 or (period not in _SHORT_PERIODS and period % _MINUTE):
        raise _invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    return period


def _refuse_unknown(given: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if given.get(name) is not None:
            raise AwsError("NotImplemented", f"strict_aws has no {name} of GetMetricData", 501)


def _time(params: Mapping[str, Any], name: str) -> float:
    value = params.get(name)
    if value is None:
        raise _missing(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise _malformed(name)
    return float(value)


def _integer(value: Any, name: str, otherwise: int | None) -> int:
    if value is None:
        if otherwise is None:
            raise _missing(name)
        return otherwise
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed(name)
    return value


def _text(value: Any, name: str) -> str:
    if value is None:
        raise _missing(name)
    if not isinstance(value, str):
        raise _malformed(name)
    if not value:
        raise _invalid(f"The parameter {name} must not be empty.")
    return value


def _structure(value: Any, name: str) -> Mapping[str, Any]:
    if value is None:
        raise _missing(name)
    if not isinstance(value, Mapping):
        raise _malformed(name)
    return value


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        raise _missing(name)
    if not isinstance(value, list):
        raise _malformed(name)
    return value


def _missing(name: str) -> AwsError:
    return AwsError("MissingParameter", f"The parameter {name} is required.")


def _malformed(name: str) -> AwsError:
    return AwsError("SerializationException", f"The parameter {name} is of another type.")


def _invalid(text: str) -> AwsError:
    return AwsError("ValidationError", text)
