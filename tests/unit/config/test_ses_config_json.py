"""SESConfig.json: topic groups expanded, every problem named with its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.config import ses_config_json
from ses_fleet.errors import ConfigurationError

SAMPLE = json.loads((Path(__file__).parents[2] / "data" / "SESConfig.json").read_text())


def topic(name: str = "news", **changes: Any) -> dict[str, Any]:
    """A topic as the file has it."""
    known = {
        "TopicName": name,
        "DisplayName": "News",
        "Description": "All news",
        "DefaultSubscriptionStatus": "OPT_OUT",
    }
    return {**known, **changes}


def problems(document: Any) -> list[str]:
    """Every problem as text."""
    with pytest.raises(ConfigurationError) as error:
        ses_config_json.read(document)
    return [str(problem) for problem in error.value.problems]


def test_the_sample_is_expanded() -> None:
    """Groups first, in order, then single topics; the prefix in capitals becomes the second word."""
    config = ses_config_json.read(SAMPLE)
    assert [t.name for t in config.topics] == [
        "aws-calendar",
        "aws-announce",
        "aws-approval",
        "wiz-calendar",
        "wiz-announce",
        "wiz-approval",
        "finops-announce",
        "general-updates",
        "subscription-preferences",
    ]
    first = config.topics[0]
    assert first.display_name == "AWS Change Calendar Invites"
    assert first.description == "Receives AWS calendar invites for scheduled changes"
    assert (first.default_status, first.opt_in_roles[0]) == ("OPT_OUT", "cloudeng")


@pytest.mark.parametrize(
    ("description", "expanded"), [("Receives all news", "Receives AWS all news"), ("News", "News AWS"), ("", "AWS")]
)
def test_short_descriptions_of_a_group(description: str, expanded: str) -> None:
    """One word gets it appended, an empty one is just the prefix; the name's prefix is lower case."""
    document = {"topic_group_prefix": ["Aws"], "topic_group_members": [topic(Description=description)]}
    (made,) = ses_config_json.read(document).topics
    assert (made.name, made.description) == ("aws-news", expanded)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "$: must be a JSON object, not a list"),
        ({}, "$: has neither topics nor topic_group_members"),
        ({"topics": {}}, "$.topics: must be a list, not an object"),
        ({"topics": ["x"]}, "$.topics[0]: must be a JSON object, not a string"),
        ({"topics": [topic("a b")]}, '$.topics[0].TopicName: "a b" is not a topic name of SES'),
        ({"topics": [topic("x" * 65)]}, "$.topics[0].TopicName: "),
        ({"topics": [topic(None)]}, "$.topics[0].TopicName: missing: the topic's name"),  # type: ignore[arg-type]
        ({"topics": [topic(DisplayName="x" * 129)]}, "$.topics[0].DisplayName: has 129 characters, more than 128"),
        ({"topics": [topic(DisplayName="")]}, "$.topics[0].DisplayName: must not be empty"),
        ({"topics": [topic(Description="x" * 501)]}, "$.topics[0].Description: has 501 characters"),
        (
            {"topics": [topic(DefaultSubscriptionStatus="IN")]},
            '$.topics[0].DefaultSubscriptionStatus: must be "OPT_IN" or "OPT_OUT", not "IN"',
        ),
        ({"topics": [topic(OptInRoles="dba")]}, "$.topics[0].OptInRoles: must be a list, not a string"),
        ({"topics": [topic(OptInRoles=["dba", 5])]}, "$.topics[0].OptInRoles[1]: must be a string, not a number"),
        ({"topics": [topic(OptInRoles=["dba", ""])]}, '$.topics[0].OptInRoles[1]: "" is not the name of a role'),
        ({"topics": [topic(OptInRoles=[" "])]}, '$.topics[0].OptInRoles[0]: " " is not the name of a role'),
        (
            {"topics": [topic(OptInRoles=["d\u200bba"])]},
            '$.topics[0].OptInRoles[0]: "d\\u200bba" is not the name of a role',
        ),
        ({"topics": [topic(OptInRoles=0)]}, "$.topics[0].OptInRoles: must be a list, not a number"),
        ({"topics": [topic(DisplayName=" ")]}, "$.topics[0].DisplayName: must not be empty"),
        ({"topics": [topic(" news")]}, '$.topics[0].TopicName: " news" is not a topic name of SES'),
        ({"topics": [topic(), topic()]}, '$.topics[1].TopicName: the topic "news" is there twice ($.topics[0])'),
        ({"topics": [topic(f"t{n}") for n in range(21)]}, "$: 21 topics after expansion, more than the 20"),
        ({"topic_group_prefix": ["aws"]}, "$.topic_group_members: missing"),
        ({"topic_group_members": [topic()]}, "$.topic_group_prefix: missing"),
        ({"topic_group_prefix": ["a b"], "topic_group_members": [topic()]}, "$.topic_group_prefix[0]: "),
    ],
)
def test_a_problem_is_named_with_its_path(document: Any, problem: str) -> None:
    """SES would refuse it in every customer's account: it is refused once, here."""
    assert any(found.startswith(problem) for found in problems(document)), problems(document)


def test_blanks_around_a_role_are_no_part_of_it() -> None:
    """Else it would match nobody, and nobody would hear of it."""
    (made,) = ses_config_json.read({"topics": [topic(OptInRoles=["dba ", "\tCloud Eng\u00a0"])]}).topics
    assert made.opt_in_roles == ("dba", "Cloud Eng")


EMPTY: list[dict[str, Any]] = [
    {"topics": None},
    {"topics": []},
    {"topic_group_prefix": [], "topic_group_members": []},
    {"topic_group_prefix": None, "topic_group_members": None, "topics": []},
]


@pytest.mark.parametrize("document", EMPTY)
def test_an_empty_file_is_no_order_to_remove_everything(document: Any) -> None:
    """With prune it is refused; without, it adds nothing."""
    config = ses_config_json.read(document)
    assert config.topics == ()
    ses_config_json.refuse_empty(config, prune=False)
    with pytest.raises(ConfigurationError, match=r"\$: SESConfig\.json has no topics, so prune would remove all"):
        ses_config_json.refuse_empty(config, prune=True)
    ses_config_json.refuse_empty(ses_config_json.read({"topics": [topic()]}), prune=True)


GROUPS: dict[str, Any] = {"topic_group_prefix": ["aws"], "topic_group_members": [topic()]}


@pytest.mark.parametrize(
    ("document", "nulls"),
    [
        ({**GROUPS, "topics": None}, ["$.topics"]),
        (
            {"topics": [topic()], "topic_group_prefix": None, "topic_group_members": None},
            ["$.topic_group_prefix", "$.topic_group_members"],
        ),
    ],
)
def test_a_part_that_is_null_is_no_order_to_remove_its_topics(document: Any, nulls: list[str]) -> None:
    """What made the file may have lost half of it: an empty list says that there are none, a null does not."""
    config = ses_config_json.read(document)
    ses_config_json.refuse_empty(config, prune=False)
    with pytest.raises(ConfigurationError) as error:
        ses_config_json.refuse_empty(config, prune=True)
    assert [problem.path for problem in error.value.problems] == nulls
    emptied = {key: [] if value is None else value for key, value in document.items()}
    ses_config_json.refuse_empty(ses_config_json.read(emptied), prune=True)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (None, "missing: the status of a contact that has no preference for the topic: OPT_IN or OPT_OUT"),
        (True, 'must be "OPT_IN" or "OPT_OUT", not true'),
        (["OPT_IN"], 'must be "OPT_IN" or "OPT_OUT", not a list of 1'),
    ],
)
def test_a_status_that_is_no_text_is_told_as_json_has_it(status: Any, told: str) -> None:
    """Not in Python's words."""
    assert problems({"topics": [topic(DefaultSubscriptionStatus=status)]}) == [
        f"$.topics[0].DefaultSubscriptionStatus: {told}"
    ]


def test_every_problem_is_named_at_once() -> None:
    """Not only the first."""
    assert len(problems({"topics": [topic("a b"), topic(DisplayName=""), topic(DefaultSubscriptionStatus=None)]})) == 3


def test_a_key_that_looks_like_ours_is_a_problem() -> None:
    """In the file and in a topic; other programs' keys are theirs."""
    document = {"topics": [topic(OptInRole=["dba"], owner="us")], "topic_group_member": []}
    assert problems(document) == [
        "$.topic_group_member: unknown key that looks like topic_group_members; it is not used",
        "$.topics[0].OptInRole: unknown key that looks like OptInRoles; it is not used",
    ]


def test_a_key_like_the_schemas_belongs_to_another_program() -> None:
    """No key of ours is meant by it, so it refuses nothing."""
    assert len(ses_config_json.read({"schema": 1, "$schemas": 1, "topics": [topic(schema=1)]}).topics) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "topics": st.lists(st.dictionaries(st.sampled_from(list(topic())), json_values)) | json_values,
            "topic_group_prefix": json_values,
            "topic_group_members": json_values,
        },
    )
)
def test_no_file_breaks_the_reading_of_it(document: Any) -> None:
    """It is taken, or refused in printable lines."""
    found: tuple[Any, ...] = ()
    try:
        ses_config_json.read(document)
    except ConfigurationError as error:
        found = error.problems
    assert all(str(problem).isprintable() for problem in found)
