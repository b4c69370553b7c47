"""config.json is edited in place: what is new is in the file's own style, and no other byte changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_fleet_cli.discover import edit
from ses_fleet_cli.discover.difference import Addition, Difference, Disabling, applied
from ses_fleet_cli.discover.organization import Account
from ses_fleet_cli.errors import CommandError

GONE = Account("000000000001", "Gone", "CLOSED")
NEW = Account("000000000002", "New", "ACTIVE")
REASON = "account 000000000001 is CLOSED in AWS Organizations"


def found(*codes: str, disabled: tuple[str, ...] = ()) -> Difference:
    """Entries of these codes, and those that are disabled."""
    additions = tuple(Addition(NEW, code, {"customer_code": code, "customer_name": "Ünï"}) for code in codes)
    return Difference(additions, tuple(Disabling(GONE, code) for code in disabled), 0, ())


def test_what_is_added_has_the_files_indentation_and_line_ends() -> None:
    """Behind the last entry; everything else is the same text."""
    before = '{\r\n\t"x": 1.50,\r\n\t"customer_mappings": {\r\n\t\t"a": { "b": [ 1,2 ] }\r\n\t}, "y": "\\u00e9"\r\n}'
    entry = '"new": {\r\n\t\t\t"customer_code": "new",\r\n\t\t\t"customer_name": "Ünï"\r\n\t\t}'
    wanted = before.replace("[ 1,2 ] }", f"[ 1,2 ] }},\r\n\t\t{entry}")
    assert edit.edited(before, found("new")) == wanted


def test_a_file_on_one_line_stays_one_line() -> None:
    """Both what is added and what is disabled."""
    before = '{"customer_mappings": {"a": {"enabled" : true,"z":0}}}'
    after = edit.edited(before, found("new", disabled=("a",)))
    assert after == (
        f'{{"customer_mappings": {{"a": {{"enabled" : false, "disabled_reason": "{REASON}","z":0}}, '
        '"new": {"customer_code": "new", "customer_name": "Ünï"}}}'
    )


@pytest.mark.parametrize("empty", ["{}", "{ }", "{\n  }"])
def test_the_first_entries_of_an_empty_file(empty: str) -> None:
    """In the style of the rest."""
    after = edit.edited(f'{{\n  "customer_mappings": {empty}\n}}\n', found("a", "b"))
    entry = {"customer_code": "a", "customer_name": "Ünï"}
    wanted = {"customer_mappings": {"a": entry, "b": {**entry, "customer_code": "b"}}}
    assert after == json.dumps(wanted, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"r": 1}, {"r": 1, "enabled": False, "disabled_reason": REASON}),
        ({"enabled": True, "r": 1}, {"enabled": False, "disabled_reason": REASON, "r": 1}),
        ({"r": 1, "enabled": None}, {"r": 1, "enabled": False, "disabled_reason": REASON}),
        (
            {"disabled_reason": "old", "r": {"enabled": 1}},
            {"disabled_reason": REASON, "r": {"enabled": 1}, "enabled": False},
        ),
        ({"enabled": "no", "disabled_reason": ""}, {"enabled": False, "disabled_reason": REASON}),
    ],
)
def test_an_entry_is_disabled_in_its_place(entry: dict[str, Any], wanted: dict[str, Any]) -> None:
    """The reason stands beside `enabled`; no other key moves."""
    texts = [json.dumps({"customer_mappings": {"a": one, "b": {"enabled": True}}}, indent=4) for one in (entry, wanted)]
    assert edit.edited(texts[0], found(disabled=("a",))) == texts[1]


def test_braces_and_quotes_in_texts_lead_nowhere() -> None:
    """Keys with escapes among them, a byte order mark, and a key of the same name inside another object."""
    before = '\ufeff{"x": {"customer_mappings": {}}, "q": "}\\"{", "customer_mapping\\u0073": {"\\u0061": {"k": "}"}}}'
    after = edit.edited(before, found("new", disabled=("a",)))
    document = json.loads(after.removeprefix("\ufeff"))
    assert after.startswith(before[:40])
    assert document["x"] == {"customer_mappings": {}}
    assert document["customer_mappings"]["a"] == {"k": "}", "enabled": False, "disabled_reason": REASON}
    assert list(document["customer_mappings"]) == ["a", "new"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('{}[]",:\\ aé\u2028\n', max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text('ab{}"\\', max_size=3), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=150, derandomize=True, database=None, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "{", '"', "\\"]), st.dictionaries(st.text("eé}", max_size=2), _VALUES)),
    st.dictionaries(st.sampled_from(["x", "{}", "z"]), _VALUES),
    st.sampled_from([None, 0, 1, 4, "\t"]),
    st.booleans(),
)
def test_any_file_keeps_what_it_had(
    mappings: dict[str, dict[str, Any]], rest: dict[str, Any], indent: Any, ascii_only: bool
) -> None:
    """Whatever its keys, texts and layout are: what was there is there, in its order, and the text reads as wanted."""
    entries = {code: {"ses_role_arn": "r", **entry} for code, entry in mappings.items()}
    document = {**dict(list(rest.items())[:1]), "customer_mappings": entries, **dict(list(rest.items())[1:])}
    disabled = tuple(entries)[::2]
    difference = found("new", "newer", disabled=disabled)
    after = edit.edited(json.dumps(document, indent=indent, ensure_ascii=ascii_only), difference)
    wanted = {**document, "customer_mappings": applied(entries, difference)}
    assert json.loads(after) == wanted
    assert list(json.loads(after)["customer_mappings"]) == [*entries, "new", "newer"]
    assert list(json.loads(after)) == list(document)


def test_the_file_is_replaced_at_once_with_its_mode(tmp_path: Path) -> None:
    """Nothing else is left beside it, and a link to it stays one."""
    file, link = tmp_path / "config.json", tmp_path / "link.json"
    file.write_bytes(b"before")
    file.chmod(0o640)
    link.symlink_to(file)
    edit.write(link, b"before", b"after")
    assert (file.read_bytes(), file.stat().st_mode & 0o777, link.is_symlink()) == (b"after", 0o640, True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.json", "link.json"]


@pytest.mark.parametrize("meanwhile", [b"saved by an editor", None])
def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(meanwhile: bytes | None, tmp_path: Path) -> None:
    """Nor is a file that was removed brought back, or one that appeared replaced."""
    file = tmp_path / "config.json"
    if meanwhile is not None:
        file.write_bytes(meanwhile)
    for before in (b"what was read", *([None] if meanwhile else [])):
        with pytest.raises(CommandError) as error:
            edit.write(file, before, b"after")
        assert error.value.exit_code == 2
        assert "was changed by somebody else meanwhile; nothing was written" in error.value.message
    assert [one.read_bytes() for one in tmp_path.iterdir()] == ([] if meanwhile is None else [meanwhile])


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With exit code 3."""
    with pytest.raises(CommandError) as error:
        edit.write(tmp_path / "none" / "config.json", None, b"after")
    assert (error.value.exit_code, "cannot be written: No such file" in error.value.message) == (3, True)
