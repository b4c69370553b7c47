"""pydantic's findings in our words: a JSON path each, what was expected, and no more of a value than may be told."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ses_fleet import problems
from ses_fleet.errors import Problem
from ses_fleet.problems import GUARDED, OPEN, Wording


class Inner(BaseModel):
    """One entry of a list."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(description="What it is called.")
    size: int = 1


class Outer(BaseModel):
    """A document with a field of every kind that our documents have."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(min_length=1, max_length=3)] = "x"
    word: Annotated[str, Field(pattern="^[a-z]+$")] = "x"
    whole: Annotated[int, Field(ge=1, le=5)] = 1
    fraction: Annotated[float, Field(gt=0, lt=10)] = 1.0
    on: bool = True
    choice: Literal["a", "b"] = "a"
    either: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern="%$")] = 0
    inner: Inner | None = None
    entries: Annotated[list[Inner], Field(min_length=1, max_length=2)] | None = None
    pair: tuple[str, ...] = ()
    table: dict[str, str] = Field(default_factory=dict)
    renamed: int = Field(default=1, alias="$renamed")
    own: str = ""

    @field_validator("own")
    @classmethod
    def _own(cls, value: str) -> str:
        if value == "no":
            raise ValueError("is not what it should be")
        return value


class Environment(BaseModel):
    """Values that are always text, as environment variables are."""

    number: float = 0
    whole: int = 0
    pattern: re.Pattern[str] = re.compile("")


def found(document: Any, wording: Wording | None = None, model: type[BaseModel] = Outer, root: str = "$") -> list[str]:
    """What is told of a document."""
    return [str(problem) for problem in problems.attempt(model, document, wording or Wording(OPEN), root)[1]]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "$: must be a JSON object, not a list"),
        ({"text": ["x"]}, "$.text: must be a string, not a list"),
        ({"text": None}, "$.text: must be a string, not null"),
        ({"text": ""}, "$.text: must not be empty"),
        ({"text": "xxxx"}, '$.text: must have at most 3 characters, not "xxxx"'),
        ({"word": "A"}, '$.word: must match ^[a-z]+$, not "A"'),
        ({"whole": "1"}, "$.whole: must be an integer, not a string"),
        ({"whole": 1.5}, "$.whole: must be an integer, not 1.5"),
        ({"whole": True}, "$.whole: must be an integer, not a boolean"),
        ({"whole": 0}, "$.whole: must be at least 1, not 0"),
        ({"whole": 6}, "$.whole: must be at most 5, not 6"),
        ({"fraction": {}}, "$.fraction: must be a number, not an object"),
        ({"fraction": 0.0}, "$.fraction: must be more than 0, not 0.0"),
        ({"fraction": 10}, "$.fraction: must be less than 10, not 10"),
        ({"on": 1}, "$.on: must be true or false, not a number"),
        ({"choice": "c"}, '$.choice: must be "a" or "b", not "c"'),
        ({"choice": ["a"]}, '$.choice: must be "a" or "b", not a list of 1'),
        ({"either": -1}, "$.either: must be at least 0, not -1"),
        ({"inner": "x"}, "$.inner: must be a JSON object, not a string"),
        ({"inner": {}}, "$.inner.name: missing: what it is called"),
        ({"entries": []}, "$.entries: must not be empty"),
        ({"entries": [{"name": "a"}] * 3}, "$.entries: must have at most 2 entries, not a list of 3"),
        ({"entries": [{"name": "a"}, {"name": 5}]}, "$.entries[1].name: must be a string, not a number"),
        ({"entries": [{"name": "a", "siz": 1}]}, '$.entries[0].siz: unknown key; did you mean "size"?'),
        ({"pair": ("a", None)}, "$.pair[1]: must be a string, not null"),
        ({"pair": "ab"}, "$.pair: must be a list, not a string"),
        ({"table": {"a": 1}}, "$.table.a: must be a string, not a number"),
        ({"table": []}, "$.table: must be a JSON object, not a list"),
        ({"$renamed": "x"}, "$.$renamed: must be an integer, not a string"),
        ({"tex": 1}, '$.tex: unknown key; did you mean "text"?'),
        ({"own": "no"}, "$.own: is not what it should be"),
    ],
)
def test_what_is_wrong_is_told_in_our_words(document: Any, told: str) -> None:
    """What it must be, and what it is instead."""
    assert found(document) == [told]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"number": "many"}, '$.number: must be a number, not "many"'),
        ({"whole": "1.5"}, '$.whole: must be an integer, not "1.5"'),
        ({"pattern": "("}, '$.pattern: must be a regular expression, not "("'),
    ],
)
def test_text_that_stands_for_something_else_is_told_as_it_is(document: Any, told: str) -> None:
    """As the person wrote it."""
    assert found(document, model=Environment) == [told]


def test_every_place_is_told_once_and_unknown_keys_first() -> None:
    """Both branches of a union fail, and that is one problem."""
    document = {"either": [], "entries": [{"size": "x"}], "texts": 1}
    assert [text.partition(": ")[0] for text in found(document)] == [
        "$.texts",
        "$.either",
        "$.entries[0].name",
        "$.entries[0].size",
    ]
    assert found({"text": 1}, root="$.a[3]") == ["$.a[3].text: must be a string, not a number"]


def test_an_open_document_hides_addresses_alone() -> None:
    """In keys and in values, however they are written."""
    for address in ("ada@corp.example", "ada%40corp.example"):
        (key, word) = found({address: 1, "word": address})
        assert key == f"$.(a key of {len(address)} characters): unknown key"
        assert word == f"$.word: must match ^[a-z]+$, not (a text of {len(address)} characters)"
    assert found({"word": "Ada Lovelace"}) == ['$.word: must match ^[a-z]+$, not "Ada Lovelace"']
    assert found({"word": "a\nb"}) == ['$.word: must match ^[a-z]+$, not "a\\u000ab"']


def test_a_guarded_document_is_repeated_only_where_it_is_harmless() -> None:
    """A word or a number; whatever may be a name is told by its size."""
    guarded = Wording(GUARDED)
    assert found({"word": "Ada Lovelace"}, guarded) == ["$.word: must match ^[a-z]+$, not a text of 12 characters"]
    assert found({"word": "A1"}, guarded) == ['$.word: must match ^[a-z]+$, not "A1"']
    assert found({"ada lovelace": 1}, guarded) == ["$.(a name of 12 characters): unknown key"]


def test_of_a_personal_field_nothing_is_told_but_what_kind_of_value_it_has() -> None:
    """Not even a harmless word or a number."""
    personal = Wording(OPEN, personal=("word", "whole"))
    assert found({"word": "A1", "whole": 491511234567}, personal) == [
        "$.word: must match ^[a-z]+$, not a text of 2 characters",
        "$.whole: must be at most 5, not a number",
    ]


def test_a_document_may_have_words_of_its_own() -> None:
    """For a field whose type does not say what it is for, and for what an unknown key is."""
    wording = Wording(OPEN, unknown="unknown setting", must={"either": 'a number or a percentage such as "10%"'})
    assert found({"either": True, "x": 1}, wording) == [
        "$.x: unknown setting",
        '$.either: must be a number or a percentage such as "10%", not true',
    ]
    assert found({"either": 5, "inner": {"name": "x", "either": 1}}, wording) == ["$.inner.either: unknown setting"]


def test_what_is_right_of_a_document_can_be_used() -> None:
    """A wrong field has its default, and a problem by its key."""
    model, wrong = problems.usable_part(Outer, {"text": "ab", "whole": "x", "on": 1, "x": 1}, Wording(OPEN), "$.c")
    assert (model.text, model.whole, model.on) == ("ab", 1, True)
    assert wrong == {
        "x": Problem("$.c.x", "unknown key"),
        "whole": Problem("$.c.whole", "must be an integer, not a string"),
        "on": Problem("$.c.on", "must be true or false, not a number"),
    }
    assert problems.usable_part(Outer, {"text": "ab"}, Wording(OPEN)) == (Outer(text="ab"), {})


def test_a_number_of_any_length_is_told_shortly() -> None:
    """A line stays one that people read."""
    (text,) = found({"whole": 10**4000})
    assert len(text) < 200
