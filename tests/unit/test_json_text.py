"""Everybody's JSON is read in one way: what cannot be taken is a problem with its path, and nothing breaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet import json_text
from ses_fleet.errors import JsonError

TWICE = '{"a": {"region": "x", "region": "y"}, "a": 1}'
DEEP = "[" * 101 + "]" * 101


def problems(body: bytes | str) -> list[str]:
    """What is said of a text that is refused."""
    with pytest.raises(JsonError) as error:
        json_text.parse(body, "file.json")
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"a": 1,\n "b": }', "$: file.json is not JSON: Expecting value at line 2, column 7"),
        ("", "$: file.json is not JSON: "),
        (b"\xff\xfe", "$: file.json is not UTF-8 (byte 0)"),
        ('{"a": [NaN]}', "$.a[0]: NaN is not a JSON value"),
        ('{"a": -Infinity}', "$.a: -Infinity is not a JSON value"),
        ('{"a": 1e999}', "$.a: a number of 5 characters is too large"),
        ('{"a": ' + "9" * 5_000 + "}", "$.a: a number of 5000 characters is too large"),
        (TWICE, "$.a: the key is there more than once"),
        ('[{"x": {"y": 1, "y": 1}}]', "$[0].x.y: the key is there more than once"),
        ('{"topics": [{"DisplayName": "News \\ud83d"}]}', "$.topics[0].DisplayName: is not text"),
        ('{"a": {"\\udc00": 1}}', "$.a.\\udc00: the key is not text"),
        ("[" * 100_000, "$: file.json is nested too deeply"),
        ('{"a":' * 100_000, "$: file.json is nested too deeply"),
        (DEEP, "$: file.json is nested too deeply"),
    ],
)
@pytest.mark.parametrize("mark", [False, True])
def test_what_cannot_be_taken_is_a_problem_with_its_path(body: bytes | str, problem: str, mark: bool) -> None:
    """As bytes and as text, with a byte order mark and without."""
    forms: list[bytes | str] = (
        [body] if isinstance(body, bytes) else [body, body.encode(), *(["\ufeff" + body] if mark else [])]
    )
    for form in forms:
        (first, *_) = problems(form)
        assert first.startswith(problem)
        assert first.isprintable()


def test_every_problem_is_named() -> None:
    """Nobody mends one only to hear of the next; a flood of them is cut."""
    assert len(problems('{"a": NaN, "b": {"c": "\\ud800"}, "d": [1e999]}')) == 3
    assert len(problems(json.dumps(["\ud800"] * 1_000))) == 20


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, "ü😀", null, true]}', '"\\ud83d\\ude00"', "[" * 100 + "]" * 100])
def test_what_is_json_is_taken_with_and_without_a_byte_order_mark(text: str) -> None:
    """The same value whichever way it comes; an emoji's two halves are one character."""
    value = json.loads(text)
    for form in (text, text.encode(), "\ufeff" + text, b"\xef\xbb\xbf" + text.encode()):
        assert json_text.parse(form, "x") == value
    assert type(json_text.parse('{"a": {}}', "x")["a"]) is dict


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_what_has_no_problem_can_be_written_as_utf8(value: Any) -> None:
    """And only that: a value without a problem is stored, sent and logged; one with a problem could not be."""
    clean = not list(json_text.problems_of(value))
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        possible = True
    except ValueError:  # UnicodeEncodeError is one
        possible = False
    assert clean == possible
