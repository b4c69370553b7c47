"""Whatever mistakes a configuration file has, each is told at a place of the file, and no address with it."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given

from ses_fleet.config import config_json, ses_config_json
from ses_fleet.errors import ConfigurationError
from tests.unit.config.mutations import ADDRESS, CONFIG, SES_CONFIG, with_mistakes

_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>[0-9]+)\]")


def is_place_of(path: str, document: Any) -> bool:
    """Whether the path leads to a value in the document, or to one that is missing in an object there."""
    assert path.startswith("$")
    steps = list(_STEP.finditer(path))
    assert "".join(step.group() for step in steps) == path[1:]
    value = document
    for step in steps:
        if step["index"] is not None:
            if not isinstance(value, list) or int(step["index"]) >= len(value):
                return False
            value = value[int(step["index"])]
            continue
        if not isinstance(value, dict):
            return False
        value = value.get(ADDRESS if step["key"] == f"(a key of {len(ADDRESS)} characters)" else step["key"])
    return True


def test_places_are_known_from_other_paths() -> None:
    """So that the promises below are ones."""
    document = {"a": [{"b": 1}], ADDRESS: {}}
    here = ["$", "$.a", "$.a[0]", "$.a[0].b", "$.a[0].missing", "$.missing", "$.(a key of 16 characters).x"]
    assert all(is_place_of(path, document) for path in here)
    assert not any(is_place_of(path, document) for path in ("$.a[1]", "$.a.b", "$.a[0].b.c", "$.missing.x", "$[0]"))


@given(with_mistakes(CONFIG, keys=["ses_role_arm", "SesRoleArn", "region", "customer_code", "other", ADDRESS]))
def test_every_problem_of_config_json_has_a_place_and_no_address(document: Any) -> None:
    """Of the file, of a customer, and of its Identity Center; warnings the same."""
    try:
        found = config_json.read(document, region="us-east-1", partition="aws")
    except ConfigurationError as error:
        texts = [str(problem) for problem in error.problems]
    else:
        entries = found.entries.values()
        assert all(sum(map(bool, (one.customer, one.problems, one.skip_reason))) == 1 for one in entries)
        assert not [one for one in entries if ADDRESS in one.code + one.identity.customer_name]
        texts = [*found.warnings, *(text for one in entries for text in (*map(str, one.problems), *one.warnings))]
    for text in texts:
        assert is_place_of(text.partition(": ")[0], document), text
        assert ADDRESS not in text
        assert "nput should" not in text
        assert text.isprintable()


@given(with_mistakes(SES_CONFIG, keys=["OptInRole", "topic", "TopicName", "other", ADDRESS]))
def test_every_problem_of_ses_config_json_has_a_place_and_no_address(document: Any) -> None:
    """A file with any problem is refused whole, so what is taken has none."""
    try:
        found = ses_config_json.read(document)
    except ConfigurationError as error:
        for problem in error.problems:
            assert is_place_of(problem.path, document), problem
            assert ADDRESS not in str(problem)
            assert "nput should" not in str(problem)
            assert str(problem).isprintable()
        return
    assert len({topic.name for topic in found.topics}) == len(found.topics) <= 20
