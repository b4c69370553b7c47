"""describe-topics across customers: the matrix, and the differences."""

from __future__ import annotations

from typing import Any

from ses_fleet.actions.data.described_topic import DescribedTopic
from ses_fleet.config.topics import WantedTopic
from ses_fleet.orchestrator.topic_comparison import TopicComparison, drift
from ses_fleet.runs.models import CustomerResult, Status

NEWS = WantedTopic(name="news", display_name="News", description="All news", default_status="OPT_IN")
OFFERS = WantedTopic(name="offers", display_name="Offers", description="", default_status="OPT_OUT")


def have(name: str, **changes: Any) -> dict[str, Any]:
    """A topic as describe-topics answers it."""
    known = {"display_name": "News", "description": "All news", "default_status": "OPT_IN", "opted_in": 5}
    return {"name": name, **known, **changes}


def result(code: str, *topics: dict[str, Any], status: Status = "successful") -> CustomerResult:
    """A customer's result."""
    return CustomerResult(
        customer_code=code,
        customer_name=code,
        account_id=None,
        region=None,
        status=status,
        data={"contact_list": "main", "topics": list(topics)},
    )


def test_opt_ins_by_topic_and_customer_in_config_order() -> None:
    """Wanted topics first; only customers that have the topic; failed ones are not compared."""
    fleet = TopicComparison([NEWS, OFFERS])
    fleet.add(result("b", have("news", opted_in=2), have("extra", opted_in=0)))
    fleet.add(result("a", have("news", opted_in=7)))
    fleet.add(result("c", have("news"), status="failed"))
    answer = fleet.answer(["a", "b", "c"])
    assert answer["topics"] == {"news": {"a": 7, "b": 2}, "offers": {}, "extra": {"b": 0}}
    assert list(answer["topics"]["news"]) == ["a", "b"]
    assert list(answer["drift"]) == ["a", "b"]
    assert answer["drift"]["b"] == {"missing": ["offers"], "extra": ["extra"], "different": []}


def test_without_wanted_topics_no_drift_is_told() -> None:
    """Null is not "no drift"."""
    fleet = TopicComparison(None)
    fleet.add(result("a", have("news")))
    assert fleet.answer(["a"]) == {"topics": {"news": {"a": 5}}, "drift": None, "location": None}


def test_differences_name_field_and_both_values() -> None:
    """Order is no difference, and neither is an empty description against none."""
    wanted = {"offers": OFFERS, "news": NEWS}
    offers = have("offers", display_name="Offers", description=None, default_status="OPT_OUT")

    def found(*topics: dict[str, Any]) -> dict[str, Any]:
        return drift(wanted, [DescribedTopic.model_validate(topic) for topic in topics]).model_dump(mode="json")

    assert found(have("news"), offers) == {"missing": [], "extra": [], "different": []}
    assert found(have("news", default_status="OPT_OUT", display_name="x"), offers)["different"] == [
        {"topic": "news", "field": "display_name", "have": "x", "want": "News"},
        {"topic": "news", "field": "default_status", "have": "OPT_OUT", "want": "OPT_IN"},
    ]
