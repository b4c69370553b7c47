"""docs/schemas/: what editors say of the two files is what ses-fleet says of them, as far as a schema can."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from ses_fleet.config import config_json, ses_config_json
from ses_fleet.errors import ConfigurationError
from tests.unit.config.mutations import CONFIG, CUSTOMER, ROLE, SES_CONFIG, TOPIC, with_mistakes

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = {
    name: json.loads((ROOT / f"docs/schemas/{name}.schema.json").read_text()) for name in ("config", "SESConfig")
}
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def wrong(name: str, document: Any) -> list[str]:
    """The JSON paths that the schema finds wrong."""
    return sorted(error.json_path for error in VALIDATORS[name].iter_errors(document))


def test_the_schemas_are_what_the_models_say() -> None:
    """`make schemas` writes them."""
    written = runpy.run_path(str(ROOT / "docs" / "write_schemas.py"))["written"]()
    assert {path.name: path.read_text() for path in written} == {path.name: text for path, text in written.items()}
    assert sorted(path.name for path in (ROOT / "docs" / "schemas").iterdir()) == sorted(path.name for path in written)


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_a_schema_is_one_and_describes_every_key(name: str) -> None:
    """Editors show a title and a description of each."""
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    inner = schema["$defs"]["TopicFields"] if name == "SESConfig" else schema["properties"]["customer_mappings"]
    entry = inner.get("additionalProperties") or inner
    entry = entry if isinstance(entry, dict) else inner
    assert schema["title"] == f"{name}.json"
    for key, field in {**schema["properties"], **entry["properties"]}.items():
        assert field["title"] == key
        assert field["description"]
    assert schema["additionalProperties"] is entry["additionalProperties"] is True


@pytest.mark.parametrize("folder", ["examples", "tests/data"])
@pytest.mark.parametrize("name", list(SCHEMAS))
def test_our_own_files_are_right(name: str, folder: str) -> None:
    """With the keys of other programs in them."""
    assert wrong(name, json.loads((ROOT / folder / f"{name}.json").read_text())) == []


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_the_examples_name_their_schema(name: str) -> None:
    """By a path from where they are."""
    schema = json.loads((ROOT / "examples" / f"{name}.json").read_text())["$schema"]
    assert (ROOT / "examples" / schema).resolve() == ROOT / "docs" / "schemas" / f"{name}.schema.json"


@pytest.mark.parametrize(
    ("name", "document", "path"),
    [
        ("config", {}, "$"),
        ("config", {"customer_mappings": {}}, "$.customer_mappings"),
        ("config", {"customer_mappings": None}, "$.customer_mappings"),
        ("config", {**CONFIG, "aws_region": "europe"}, "$.aws_region"),
        ("config", {"customer_mappings": {"a b": CUSTOMER}}, "$.customer_mappings"),
        ("config", {"customer_mappings": {"a": []}}, "$.customer_mappings.a"),
        ("config", {"customer_mappings": {"a": {"ses_role_arn": "x"}}}, "$.customer_mappings.a.ses_role_arn"),
        ("config", {"customer_mappings": {"a": {"enabled": "no"}}}, "$.customer_mappings.a.enabled"),
        ("config", {"customer_mappings": {"a": {"import_bucket": "A"}}}, "$.customer_mappings.a.import_bucket"),
        ("SESConfig", {"topics": {}}, "$.topics"),
        (
            "SESConfig",
            {"topics": [{**TOPIC, "DefaultSubscriptionStatus": "IN"}]},
            "$.topics[0].DefaultSubscriptionStatus",
        ),
        ("SESConfig", {"topics": [{**TOPIC, "TopicName": "a b"}]}, "$.topics[0].TopicName"),
        ("SESConfig", {"topics": [{**TOPIC, "DisplayName": "x" * 129}]}, "$.topics[0].DisplayName"),
        ("SESConfig", {"topics": [{**TOPIC, "OptInRoles": [" "]}]}, "$.topics[0].OptInRoles[0]"),
        ("SESConfig", {"topic_group_prefix": ["a b"]}, "$.topic_group_prefix[0]"),
        ("SESConfig", {"topic_group_members": [{"TopicName": "x"}]}, "$.topic_group_members[0]"),
    ],
)
def test_a_mistake_is_shown_where_it_is(name: str, document: Any, path: str) -> None:
    """While the file is being written."""
    assert path in wrong(name, document)


def test_a_file_that_names_its_schema_is_taken() -> None:
    """Without a word about the key, whatever stands there."""
    for value in ("../docs/schemas/config.schema.json", "https://schemas.example/x", None, 5):
        found = config_json.read({"$schema": value, **CONFIG}, region="us-east-1", partition="aws")
        assert found == config_json.read(CONFIG, region="us-east-1", partition="aws")
        assert ses_config_json.read({"$schema": value, **SES_CONFIG}) == ses_config_json.read(SES_CONFIG)


@given(with_mistakes(CONFIG))
def test_what_can_be_run_is_right_for_an_editor(document: Any) -> None:
    """No false alarm: the schema is never stricter than ses-fleet."""
    document.pop("$schema", None)
    try:
        found = config_json.read(document, region="us-east-1", partition="aws")
    except ConfigurationError:
        return
    entries = found.entries.values()
    if all(entry.customer and not (entry.identity_center and entry.identity_center.problem) for entry in entries):
        assert wrong("config", document) == []


@given(with_mistakes(SES_CONFIG))
def test_what_topics_come_of_is_right_for_an_editor(document: Any) -> None:
    """The same of SESConfig.json."""
    document.pop("$schema", None)
    try:
        ses_config_json.read(document)
    except ConfigurationError:
        return
    assert wrong("SESConfig", document) == []


def test_a_role_of_another_partition_is_right_for_an_editor() -> None:
    """Only the deployment knows which partition is its own."""
    role = ROLE.replace("arn:aws:", "arn:aws-us-gov:")
    assert wrong("config", {"customer_mappings": {"a": {"ses_role_arn": role, "region": "us-gov-west-1"}}}) == []
