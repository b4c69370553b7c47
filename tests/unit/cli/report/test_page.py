"""The report is one harmless file: what others wrote is text in it, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest

from ses_fleet.runs.models import Summary
from tests.local_cloud.leaks import ADDRESS
from tests.unit.cli.report.parsed import Page, follow_each_other
from tests.unit.cli.report.recorded import DENIED, described, drift, html, result, run

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' x=\"",
    "</td></tr></table><h1>all well</h1>",
    "{{ 7*7 }}{% include 'x' %}<!-- -->",
    "&lt;b&gt;&#60;b&#62;<b>",
    "\x1b[31mred\x07\x00",
    "\u202eevil\u2066\u200b",
    "a\nb\r\nc\u2028d",
    "javascript:alert(1)//",
    "\ud800",
)


def everywhere(text: str) -> Summary:
    """A run in which others' text is wherever it can be."""
    topics = {text: {f"a{text}": 1}, "gone": {f"a{text}": 2}}
    differs = {f"a{text}": drift(text, extra=(f"x{text}",), different=("gone",))}
    differs[f"a{text}"]["different"][0] |= {"topic": text, "field": text, "have": text, "want": text}
    named: dict[str, Any] = {"customer_name": f"n{text}", "account_id": text, "region": text, "logs": (text, text)}
    return run(
        "describe-topics-all",
        result(f"a{text}", data={"topics": []}, warnings=(text,), **named),
        result(f"b{text}", "failed", error=DENIED.model_copy(update={"message": text, "type": text}), **named),
        result(f"c{text}", "not_started", warnings=(text,), **named),
        result(f"d{text}", "skipped", warnings=(text,), **named),
        fleet={"topics": topics, "drift": differs},
        warnings=(text,),
        started_at=text,
        resume={"action": "describe-topics-all"},
        resume_needs=(f"params.{text}",),
    )


def checked(text: str) -> Summary:
    """The same of checks, and of the tables of other actions."""
    found = [{"name": text, "status": status, "message": text} for status in ("ok", "finding", "failed", text)]
    return run("validate-access-all", result(f"a{text}", data={"checks": found}))


def listed(text: str) -> Summary:
    """The same of an action that is shown as the terminal shows it."""
    data = {"contact_list": {"name": text}, "topics": [{"name": text}], "contacts": {"total": 3}}
    return run("describe-list-all", result(f"a{text}", data=data))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("made", [everywhere, checked, listed])
def test_no_element_and_no_attribute_comes_from_others(made: Any, text: str) -> None:
    """The page has the elements and attributes of one with harmless names, and its style sheet; the text is shown."""
    harmless = Page(html(made("harmless"), params={"topic": "t"}, include=["a", "b"]))
    hostile = Page(html(made(text), params={"topic": text}, include=[text]))
    assert hostile.elements == harmless.elements
    assert hostile.style == harmless.style
    assert hostile.unclosed == harmless.unclosed == []
    assert all(one.replace("\n", "").isprintable() for one in hostile.texts)
    seen = text.replace("\x1b", "\\u001b").replace("\u202e", "\\u202e").replace("\ud800", "\\ud800")
    if seen.isprintable():
        assert " ".join(seen.split()) in hostile.text


@pytest.mark.parametrize(
    "address", ["ada@corp.example", "ada%40corp.example", "ada&#64;corp.example", "ada＠corp.example"]
)
def test_no_address_is_on_the_page(address: str) -> None:
    """Whoever put it there, in whatever form: a customer's name, a message, a block, the payload."""
    for made in (everywhere, checked, listed):
        text = html(made(f"of {address} now"), params={"who": address})
        assert ADDRESS.search(text) is None
        assert "corp.example" not in text
        assert "(an address)" in text


def test_nothing_is_loaded_and_nothing_runs() -> None:
    """No script, no link to elsewhere, no event handler; the policy lets the browser use this style sheet alone."""
    page = Page(html(everywhere("x")))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "svg", "video", "audio"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "srcset", "style")]
    assert all(value.startswith("#") for name, value in page.attributes if name == "href")
    assert "url(" not in page.style
    assert "@import" not in page.style
    (policy,) = (value for name, value in page.attributes if value.startswith("default-src"))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert [tag for tag, _ in page.elements].count("style") == 1


def test_the_page_is_the_same_each_time() -> None:
    """Byte by byte, for the same record and version."""
    assert html(described(20), environment="prod") == html(described(20), environment="prod")


def test_a_reader_without_eyes_finds_the_way() -> None:
    """Language, title, headings in order, headings of rows and columns; what is only drawn is hidden, and in words."""
    page = Page(html(described()))
    assert ("html", (("lang", "en"),)) in page.elements
    assert page.text.startswith("describe-topics-all, run run-1")
    assert follow_each_other(page.headings())
    assert {value for name, value in page.attributes if name == "scope"} == {"row", "col"}
    for _, attributes in page.elements:
        if dict(attributes).get("class") == "symbol":
            assert dict(attributes)["aria-hidden"] == "true"
    targets = {value for name, value in page.attributes if name == "id"}
    assert {value[1:] for name, value in page.attributes if name == "href"} <= targets


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_every_text_can_be_read_on_its_ground() -> None:
    """At least 4.5 to 1 (WCAG 2.2, level AA): on the page, in panels and in marks; by day, by night and on paper."""
    parts = Page(html(described())).style.split(":root")
    schemes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in parts]
    day, night, paper = (scheme for scheme in schemes if scheme)
    assert day.keys() == night.keys() == paper.keys()
    pairs = [(f"{kind}-text", f"{kind}-fill") for kind in ("bad", "look", "good", "open", "off")]
    grounds = ("page", "panel", "bad-panel", "look-panel", "open-panel")
    pairs += [(text, ground) for text in ("text", "soft") for ground in grounds] + [("link", "page")]
    for scheme in (day, night, paper):
        assert [pair for pair in pairs if contrast(scheme[pair[0]], scheme[pair[1]]) < 4.5] == []


def test_states_can_be_told_apart_in_grey() -> None:
    """Each has a word and a symbol of its own, so that no colour is needed."""
    from ses_fleet_cli.report.cells import STATUSES, check

    for marks in (list(STATUSES.values()), [check(name) for name in ("ok", "finding", "failed", "no_data")]):
        assert len({one.symbol for one in marks}) == len({one.word for one in marks}) == len(marks)


def test_a_thousand_customers_are_one_page() -> None:
    """Of less than two megabytes, with each of them in the table, in the matrix and with its block."""
    text = html(described(1_000))
    assert len(text.encode()) < 2_000_000
    page = Page(text)
    assert page.unclosed == []
    assert sum(row[1:2] == ["c0999 c0999 GmbH"] for row in page.rows) == 1
    assert [tag for tag, _ in page.elements].count("details") == 1_002
