"""What counts as a change is what the models of the data say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.actions.data.marks import VOLATILE
from ses_fleet.runs.models import CustomerResult
from ses_fleet_cli.changes import between


def found(action: str, before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """What differs between two results' data, with paths as texts."""
    return [(".".join(one.path), one.before, one.after) for one in between(DATA_MODELS[action], before, after)]


def topic(name: str, opted_in: int, **more: Any) -> dict[str, Any]:
    """A topic as describe-topics has it."""
    return {"name": name, "opted_in": opted_in, **more}


def test_the_same_topic_is_compared_wherever_it_is() -> None:
    """By its name; the list's order is none of the customer's changes. New and removed ones are told whole."""
    before = {"topics": [topic("news", 3), topic("old", 1), topic("offers", 2)]}
    after = {"topics": [topic("offers", 2), topic("news", 5), topic("fresh", 0)]}
    assert found("describe-topics", before, after) == [
        ("topics.news.opted_in", 3, 5),
        ("topics.old", topic("old", 1), None),
        ("topics.fresh", None, topic("fresh", 0)),
    ]


def test_entries_that_share_a_key_are_compared_as_a_whole() -> None:
    """None of them hides another."""
    before = {"checks": [{"name": "x", "status": "ok"}, {"name": "x", "status": "failed"}]}
    after = {"checks": [{"name": "x", "status": "failed"}, {"name": "x", "status": "failed"}]}
    assert found("validate-access", before, after) == [
        ("checks", [{"name": "x", "status": "ok"}], [{"name": "x", "status": "failed"}])
    ]


def test_of_a_list_of_names_only_what_differs_is_told() -> None:
    """As often as it is there; the order does not count."""
    before, after = {"added": ["a", "b", "b"]}, {"added": ["b", "c", "a"]}
    assert found("manage-topic", before, after) == [("added", ["b"], ["c"])]


def test_a_field_is_known_by_its_name_in_the_record() -> None:
    """`from` and `to` of an update; the same field of the same topic is compared."""
    update = {"topic": "news", "field": "display_name", "from": "News"}
    before, after = {"updated": [{**update, "to": "A"}]}, {"updated": [{**update, "to": "B"}]}
    assert found("manage-topic", before, after) == [("updated.news.display_name.to", "A", "B")]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("backup-list", {"total": 1, "backup": "run-1", "parts": 1}, {"total": 1, "backup": "run-2", "parts": 2}),
        ("erase-contact", {"people": [{"row": 1, "at": "x"}]}, {"people": [{"row": 1, "at": "y"}]}),
        ("describe-list", {"contact_list": {"last_updated_at": "x"}}, {"contact_list": {"last_updated_at": "y"}}),
        ("set-contacts", {"estimate": {"seconds": 3, "requests": 3}}, {"estimate": {"seconds": 4, "requests": 4}}),
        ("set-contacts", {"created": 1}, {"created": 1, "erased_before": 0, "reasons": {}, "estimate": None}),
        ("describe-topics", {"topics": [topic("news", 1)]}, {"topics": [topic("news", 1, display_name=None)]}),
    ],
)
def test_what_is_volatile_or_left_at_its_default_is_no_change(action: str, before: Any, after: Any) -> None:
    """Times, durations, places; and a field that an earlier version did not write, in both directions."""
    assert found(action, before, after) == found(action, after, before) == []


def test_what_another_version_wrote_is_compared_all_the_same() -> None:
    """A field that no model here has, however deep, and data of another form than the model's."""
    assert found("list-contacts", {"fresh": {"a": [1]}}, {"fresh": {"a": [2]}}) == [("fresh.a", [1], [2])]
    assert found("describe-list", {"topics": "?"}, {"topics": []}) == [("topics", "?", [])]
    assert found("describe-topics", {"topics": [1]}, {"topics": [topic("news", 1)]}) == [
        ("topics", [1], [topic("news", 1)])
    ]


def test_a_number_that_became_unknown_is_a_change() -> None:
    """A list that is gone, too."""
    assert found("list-contacts", {"total": 0}, {"total": None}) == [("total", 0, None)]
    assert found("describe-list", {"contact_list": None}, {"contact_list": {"name": "main"}}) == [
        ("contact_list", None, {"name": "main"})
    ]


def models(model: type[BaseModel]) -> set[str]:
    """The names of a model's volatile fields."""
    return {name for name, field in model.model_fields.items() if VOLATILE in field.metadata}


def test_of_a_result_itself_only_what_it_says_of_the_customer_counts() -> None:
    """Who it is, what became of it and what should be looked at; not how long it took and where its files are."""
    assert CustomerResult.model_fields.keys() - models(CustomerResult) == {
        *("customer_code", "customer_name", "account_id", "region"),
        *("status", "error", "data", "warnings", "differs", "findings"),
    }
