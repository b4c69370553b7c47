"""The models of params and data: described field by field, and tolerant where results of other versions are read."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.data.backup_list import BackupListData
from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.actions.data.describe_list import DescribeListData
from ses_fleet.actions.data.import_aws_contact import ImportData
from ses_fleet.actions.data.manage_topic import ManageTopicData
from ses_fleet.actions.data.topic_comparison import TopicMatrix


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and those in its fields, at any depth."""
    yield model
    for field in model.model_fields.values():
        yield from _inner(field.annotation)


def _inner(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _models(annotation)
    for argument in typing.get_args(annotation):
        yield from _inner(argument)


def test_every_action_has_a_model_of_its_data() -> None:
    """Help names the fields of each; the model lies in a module that is called as the action."""
    assert list(DATA_MODELS) == list(ACTIONS)
    modules = {name: f"ses_fleet.actions.data.{name.replace('-', '_')}" for name in ACTIONS}
    assert {name: model.__module__ for name, model in DATA_MODELS.items()} == modules


@pytest.mark.parametrize("name", ACTIONS)
def test_every_field_is_described(name: str) -> None:
    """Help and the reference are made from the descriptions of params and data."""
    described = [*_models(ACTIONS[name].params), *_models(DATA_MODELS[name]), *_models(TopicMatrix)]
    bare = [f"{model.__name__}.{key}" for model in described for key, one in model.model_fields.items()
            if not one.description]  # fmt: skip
    assert bare == []


def test_what_another_version_wrote_is_read() -> None:
    """Unknown fields are ignored; one that is missing or of another form has its default."""
    assert ImportData.read({"created": 3, "skipped": ["no", "mapping"], "new": 1}) == ImportData(created=3)
    assert ManageTopicData.read({"added": ["a"], "updated": [{"topic": []}]}) == ManageTopicData(added=("a",))
    assert DescribeListData.read(None) == DescribeListData()


def test_what_was_not_saved_is_not_named() -> None:
    """Without a contact list a backup says nothing about attributes; with one it says whether they were saved."""
    assert "with_attributes" not in BackupListData(topics=0).model_dump(mode="json")
    assert BackupListData(with_attributes=False).model_dump(mode="json")["with_attributes"] is False


def test_updates_have_the_keys_of_the_result() -> None:
    """`from` is a word of Python's, so the attribute is named otherwise; the key is not."""
    entry = {"topic": "a", "field": "display_name", "from": "x", "to": None}
    assert ManageTopicData.read({"updated": [entry]}).model_dump(mode="json", by_alias=True)["updated"] == [entry]


COMPARING = [name for name, action in ACTIONS.items() for dry in (True, False) if action.finds_differences(dry_run=dry)]
# What in an action's data says that something would be written, beside counts and names of topics.
SAYING_SO: dict[str, list[dict[str, object]]] = {
    "describe-topics": [{"drift": {"missing": ["a"]}}, {"drift": {"extra": ["a"]}}, {"drift": {"different": [{}]}}],
    "manage-topic": [{"list_created": True}, {"added": ["a"]}, {"removed": ["a"]}, {"updated": [{"topic": "a"}]}],
    "restore-list": [
        {"list_created": True},
        {"topics_added": ["a"]},
        {"contacts": {"created": 1}},
        {"contacts": {"updated": 1}},
    ],
    "restore-topics": [{"topics_added": ["a"]}, {"contacts": {"updated": 1}}],
    "import-aws-contact": [{"created": 1}, {"updated": 1}, {"removed": 1}],
    "set-suppressed": [{"added": 1}, {"removed": 1}],
    "erase-contact": [{"would_erase": 1}, {"people": [{"row": 1, "suppressed": "would_erase"}]}],
    "un-erase": [{"lifted": 1}],
    "set-contacts": [{"created": 1}, {"updated": 1}],
    "remove-contacts": [{"removed": 1}],
}
SAYING_NOTHING: dict[str, dict[str, object]] = {
    "describe-topics": {"drift": {}},
    "manage-topic": {"unchanged": ["a"], "unmanaged": ["b"]},
    "restore-list": {"contacts": {"unchanged": 1, "erased_before": 1}},
    "restore-topics": {"contacts": {"unchanged": 1, "missing": 1}},
    "import-aws-contact": {"unchanged": 1, "skipped": {"disabled": 1}, "erased_before": 1, "not_in_identity_center": 1},
    "set-suppressed": {"already": 1, "was_absent": 1, "kept_complaint": 1},
    "erase-contact": {"was_absent": 1, "people": [{"row": 1, "outcome": "was_absent", "suppressed": "kept"}]},
    "un-erase": {"was_not_erased": 1},
    "set-contacts": {"unchanged": 1, "kept_choice": 1, "erased_before": 1},
    "remove-contacts": {"kept_choice": 1, "absent": 1},
}


def different(name: str, data: dict[str, object]) -> bool | None:
    """What an action's data says."""
    model = DATA_MODELS[name]
    assert issubclass(model, Data)
    return model.read(data).is_different()


@pytest.mark.parametrize("name", COMPARING)
def test_data_says_whether_something_differs(name: str) -> None:
    """Everything that would be written does; what stays as it is does not."""
    assert [different(name, data) for data in SAYING_SO[name]] == [True] * len(SAYING_SO[name])
    assert different(name, SAYING_NOTHING[name]) is False


@pytest.mark.parametrize("name", [name for name in ACTIONS if name not in COMPARING and ACTIONS[name].scopes])
def test_other_data_says_nothing_of_it(name: str) -> None:
    """Null, which is not "nothing differs"."""
    assert different(name, {}) is None
