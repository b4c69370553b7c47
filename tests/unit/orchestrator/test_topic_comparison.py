"""describe-topics across customers: the matrix, and the differences."""

from __future__ import annotations

from typing import Any

from ses_fleet.orchestrator.topic_comparison import TopicComparison
from ses_fleet.runs.models import CustomerResult, Status


def have(name: str, **changes: Any) -> dict[str, Any]:
    """A topic as describe-topics answers it."""
    known = {"display_name": "News", "description": "All news", "default_status": "OPT_IN", "opted_in": 5}
    return {"name": name, **known, **changes}


def result(code: str, *topics: dict[str, Any], status: Status = "successful", drift: Any = None) -> CustomerResult:
    """A customer's result."""
    return CustomerResult(
        customer_code=code,
        customer_name=code,
        account_id=None,
        region=None,
        status=status,
        data={"contact_list": "main", "topics": list(topics), "drift": drift},
    )


def test_opt_ins_by_topic_and_customer_in_config_order() -> None:
    """Wanted topics first; only customers that have the topic; failed ones are not compared."""
    fleet = TopicComparison(["news", "offers"])
    found = {"missing": ["offers"], "extra": ["extra"], "different": []}
    fleet.add(result("b", have("news", opted_in=2), have("extra", opted_in=0), drift=found))
    fleet.add(result("a", have("news", opted_in=7), drift={}))
    fleet.add(result("c", have("news"), status="failed", drift=found))
    answer = fleet.answer(["a", "b", "c"])
    assert answer["topics"] == {"news": {"a": 7, "b": 2}, "offers": {}, "extra": {"b": 0}}
    assert list(answer["topics"]["news"]) == ["a", "b"]
    assert list(answer["drift"]) == ["a", "b"]
    assert answer["drift"]["b"] == found


def test_without_wanted_topics_no_drift_is_told() -> None:
    """Null is not "no drift"."""
    fleet = TopicComparison(None)
    fleet.add(result("a", have("news")))
    assert fleet.answer(["a"]) == {"topics": {"news": {"a": 5}}, "drift": None, "location": None}
