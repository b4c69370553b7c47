"""A page as a browser's parser sees it: its elements with their attributes, and its text."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

_VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})


class Page(HTMLParser):
    """`elements` are the tags in order, each with its attributes; `texts` what stands between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.style = ""
        self.rows: list[list[str]] = []
        self.unclosed: list[str] = []
        self._inside: list[str] = []
        self.feed(html)
        self.close()
        self.unclosed += self._inside

    @property
    def text(self) -> str:
        """All of the page's text, the style sheet left out."""
        return " ".join(" ".join(self.texts).split())

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """Every attribute with its value."""
        return [(name, value or "") for _, attributes in self.elements for name, value in attributes]

    def row(self, code: str) -> list[str]:
        """The cells of the first row of a table that names this customer."""
        return next(row for row in self.rows if code in row[:2] or (row[1:2] and row[1].split()[:1] == [code]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, tuple(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag not in _VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, which must be the innermost."""
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()
        else:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if self._inside[-1:] == ["style"]:
            self.style += data
            return
        self.texts.append(data)
        if {"td", "th"} & set(self._inside):
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())

    def headings(self) -> list[str]:
        """The levels of the page's headings, in order."""
        return [tag for tag, _ in self.elements if tag in ("h1", "h2", "h3")]


def follow_each_other(levels: list[str]) -> bool:
    """Whether no level of headings is left out."""
    return levels[:1] == ["h1"] and all(int(after[1]) <= int(before[1]) + 1 for before, after in pairwise(levels))
