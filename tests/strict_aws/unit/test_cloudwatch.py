"""The strict CloudWatch: what GetMetricData takes and answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from strict_aws.aws import Options, StrictAws
from strict_aws.cloudwatch.service import Point, StrictCloudWatch
from strict_aws.conditions.conditions import Conditions, CurrentConditions
from strict_aws.http.messages import AwsError, Request
from tests.strict_aws.conformance.hooks import check
from tests.strict_aws.conformance.wire import Wire, _client

ACCOUNT, REGION = "111122223333", "us-east-1"
NOW = 1_800_000_000.0  # a multiple of 300 and of 3600


def query(name: str = "Send", query_id: str = "send", stat: str = "Sum", **more: Any) -> dict[str, Any]:
    """A query of SES's metrics, by periods of five minutes unless it says otherwise."""
    period = more.pop("period", 300)
    dimensions = more.pop("dimensions", [])
    metric = {"Namespace": "AWS/SES", "MetricName": name, "Dimensions": dimensions}
    return {"Id": query_id, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}


class Watch:
    """A strict CloudWatch with a clock that stands still."""

    def __init__(self, **conditions: Any) -> None:
        self.metrics = StrictCloudWatch(clock=lambda: NOW, conditions=CurrentConditions(Conditions(**conditions)))

    def put(self, name: str, *points: Point | float, **dimensions: str) -> None:
        """Points of a metric of SES."""
        self.metrics.put(ACCOUNT, REGION, "AWS/SES", name, points, dimensions)

    def ask(self, *queries: Any, **more: Any) -> dict[str, Any]:
        """The answer over the last hour, whose shape is checked."""
        params = {"StartTime": NOW - 3600, "EndTime": NOW, "MetricDataQueries": list(queries), **more}
        answer = self.metrics.call(ACCOUNT, REGION, "GetMetricData", params)
        check("cloudwatch", "GetMetricData", answer)
        return answer

    def values(self, *queries: Any, **more: Any) -> dict[str, list[float]]:
        """The values by the query's id."""
        return {one["Id"]: one["Values"] for one in self.ask(*queries, **more)["MetricDataResults"]}

    def refused(self, *queries: Any, **more: Any) -> tuple[str, int]:
        """Code and status of a refusal."""
        with pytest.raises(AwsError) as error:
            self.ask(*queries, **more)
        return error.value.code, error.value.status


def test_a_statistic_by_period_newest_first() -> None:
    """Each period has one value, at its beginning; ScanBy turns the order."""
    watch = Watch()
    watch.put("Send", Point(NOW - 600, 1), Point(NOW - 301, 2), Point(NOW - 300, 4), Point(NOW - 1, 8))
    (found,) = watch.ask(query())["MetricDataResults"]
    assert (found["Timestamps"], found["Values"]) == ([NOW - 300, NOW - 600], [12.0, 3.0])
    assert (found["Label"], found["StatusCode"]) == ("Send", "Complete")
    assert watch.values(query(), ScanBy="TimestampAscending") == {"send": [3.0, 12.0]}
    by_hour = {"Average": 3.75, "Maximum": 8, "Minimum": 1, "SampleCount": 4, "Sum": 15}
    for stat, value in by_hour.items():
        assert watch.values(query(stat=stat, period=3600)) == {"send": [value]}


def test_a_time_range_has_its_start_and_not_its_end() -> None:
    """What was measured later or earlier is not there."""
    watch = Watch()
    watch.put("Send", Point(NOW - 3600, 1), Point(NOW, 2), Point(NOW - 3601, 4))
    assert watch.values(query()) == {"send": [1.0]}


def test_a_metric_that_is_not_there_has_no_values() -> None:
    """Not zero: nothing at all, and Complete. Dimensions, account and Region are part of a metric."""
    watch = Watch()
    watch.put("Send", 5, **{"ses:configuration-set": "set"})
    watch.metrics.put(ACCOUNT, "eu-west-1", "AWS/SES", "Send", [7])
    (found,) = watch.ask(query())["MetricDataResults"]
    assert (found["Timestamps"], found["Values"], found["StatusCode"]) == ([], [], "Complete")
    of_set = [{"Name": "ses:configuration-set", "Value": "set"}]
    assert watch.values(query(dimensions=of_set)) == {"send": [5.0]}
    watch.metrics.forget(ACCOUNT, REGION)
    assert watch.values(query(dimensions=of_set)) == {"send": []}


def test_points_come_page_by_page() -> None:
    """As many in all as MaxDatapoints; a query whose points are not all there yet is PartialData."""
    watch = Watch()
    watch.put("Send", *(Point(NOW - 300 * n, n) for n in range(1, 4)))
    watch.put("Bounce", 1)
    asked = [query(), query("Bounce", "bounce")]
    first = watch.ask(*asked, MaxDatapoints=2)
    assert [(one["Values"], one["StatusCode"]) for one in first["MetricDataResults"]] == [
        ([1.0, 2.0], "PartialData"),
        ([], "PartialData"),
    ]
    second = watch.ask(*asked, MaxDatapoints=2, NextToken=first["NextToken"])
    assert [(one["Values"], one["StatusCode"]) for one in second["MetricDataResults"]] == [
        ([3.0], "Complete"),
        ([1.0], "Complete"),
    ]
    assert "NextToken" not in second
    assert watch.refused(query(), NextToken=first["NextToken"]) == ("InvalidNextToken", 400)


def test_a_query_may_be_of_no_data() -> None:
    """ReturnData false: it is asked for nothing but a sum, which is not emulated."""
    watch = Watch()
    watch.put("Send", 5)
    assert watch.values(query(ReturnData=False), query(query_id="b")) == {"b": [5.0]}


@pytest.mark.parametrize(
    ("queries", "more", "code"),
    [
        ([], {}, "ValidationError"),
        ([query()] * 2, {}, "ValidationError"),
        ([query(query_id=f"q{n}") for n in range(501)], {}, "ValidationError"),
        ([query(query_id="Send")], {}, "ValidationError"),
        ([query(query_id="a-b")], {}, "ValidationError"),
        ([query(period=90)], {}, "ValidationError"),
        ([query(period=0)], {}, "ValidationError"),
        ([query()], {"StartTime": NOW}, "ValidationError"),
        ([query()], {"MaxDatapoints": 100_801}, "ValidationError"),
        ([query()], {"ScanBy": "Up"}, "ValidationError"),
        ([query(dimensions=[{"Name": "n", "Value": "v"}] * 31)], {}, "ValidationError"),
        ([{"Id": "a"}], {}, "MissingParameter"),
        ([query()], {"StartTime": None}, "MissingParameter"),
        ([query()], {"EndTime": "now"}, "SerializationException"),
        ([query()], {"EndTime": math.nan}, "SerializationException"),
        (["send"], {}, "SerializationException"),
    ],
)
def test_what_cloudwatch_refuses(queries: list[Any], more: dict[str, Any], code: str) -> None:
    """By its API reference and its model."""
    assert Watch().refused(*queries, **more) == (code, 400)


@pytest.mark.parametrize(
    "asked",
    [
        query(stat="p99"),
        {"Id": "sum", "Expression": "send+bounce"},
        query(AccountId="999999999999"),
        {"Id": "a", "MetricStat": {**query()["MetricStat"], "Unit": "Count"}},
    ],
)
def test_what_is_not_emulated_is_a_501(asked: dict[str, Any]) -> None:
    """It is never ignored."""
    assert Watch().refused(asked) == ("NotImplemented", 501)


def test_other_operations_on_metric_data_are_a_501() -> None:
    """They would be about other metrics."""
    with pytest.raises(AwsError) as error:
        Watch().metrics.call(ACCOUNT, REGION, "ListMetrics", {})
    assert error.value.status == 501


def test_what_says_nothing_may_be_left_out() -> None:
    """As in other services' answers: a metric without values may come without members for them."""
    seen = [Watch(unset_share=1.0, seed=seed).ask(query())["MetricDataResults"][0] for seed in range(20)]
    assert any("Values" not in one for one in seen)
    assert any(one.get("Values", []) is None for one in seen)


@pytest.fixture
def aws() -> Iterator[StrictAws]:
    """A strict AWS that is not started."""
    made = StrictAws(Options(ses_rate=0))
    yield made
    made.stop()


def test_botocore_understands_the_answer_and_the_refusal(aws: StrictAws) -> None:
    """Times, numbers, nothing at all, and an error with its code and words."""
    wire = Wire(aws.handle, ACCOUNT, REGION)
    client = _client("cloudwatch", ACCOUNT, REGION)
    client.meta.events.register("before-send", wire._answered)
    try:
        aws.cloudwatch.put(ACCOUNT, REGION, "AWS/SES", "Send", [Point(NOW - 300, 2.5)])
        times = {"StartTime": datetime.fromtimestamp(NOW - 3600, UTC), "EndTime": datetime.fromtimestamp(NOW, UTC)}
        asked = [query(), query("Bounce", "bounce")]
        sent, bounced = client.get_metric_data(MetricDataQueries=asked, **times)["MetricDataResults"]
        assert (sent["Values"], sent["StatusCode"]) == ([2.5], "Complete")
        assert [one.timestamp() for one in sent["Timestamps"]] == [NOW - 300]
        assert bounced["Values"] == []
        with pytest.raises(ClientError) as error:
            client.get_metric_data(MetricDataQueries=asked, **times, NextToken="x")
        assert error.value.response["Error"]["Code"] == "InvalidNextToken"
        assert "token" in error.value.response["Error"]["Message"]
    finally:
        client.meta.events.unregister("before-send", wire._answered)


def test_other_protocols_are_a_501(aws: StrictAws) -> None:
    """Some SDKs speak CBOR to CloudWatch: they are told, and nothing is made up."""
    signed = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/monitoring/aws4_request"
    path = "/service/GraniteServiceVersion20100801/operation/GetMetricData"
    answer = aws.handle(Request("POST", path, "", {"authorization": signed}, b"\xa0"))
    assert (answer.status, b"in JSON only" in answer.body) == (501, True)
