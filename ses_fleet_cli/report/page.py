"""A report as one HTML file: everything in it is text to the browser, whoever wrote it."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ses_fleet.text import may_hold_address, printable
from ses_fleet_cli.report.content import Report

_ADDRESS = "(an address)"
_TEXT = 5_000  # characters of one text; the longest that the record has are shorter


def html(report: Report) -> str:
    """Return the page. It is the same for the same report and version, byte by byte."""
    environment = _environment()
    style = environment.get_template("report.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = environment.get_template("report.html.jinja")
    return page.render(report=report, style_hash=digest, version=version("ses-fleet"))


def shown(value: Any) -> Any:
    """Return a text without what could move or forge others, and without addresses; anything else as it is."""
    if not isinstance(value, str) or hasattr(value, "__html__"):  # a macro's output, whose texts were here before
        return value
    text = value
    if may_hold_address(text):
        text = "".join(_ADDRESS if may_hold_address(word) else word for word in re.split(r"(\s+)", text))
    return printable(text, _TEXT)


def _environment() -> Environment:
    # `finalize` sees everything that the template puts out, before it is escaped.
    return Environment(
        loader=PackageLoader("ses_fleet_cli.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
