"""The models of params and data: described field by field, and tolerant where results of other versions are read."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.data.backup_list import BackupListData
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
