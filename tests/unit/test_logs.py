"""The lines that a worker returns: bounded, and saying what was cut."""

from __future__ import annotations

from ses_fleet.logs import LogLines


def test_a_slice_returns_two_hundred_lines_at_most() -> None:
    """The last one says how many more there were."""
    lines = LogLines()
    for number in range(199):
        lines.add(f"line {number}")
    assert lines.lines() == tuple(f"line {number}" for number in range(199))
    for _ in range(3):
        lines.add("more")
    assert len(lines.lines()) == 200
    assert lines.lines()[-1] == "… 3 more lines were cut; they are in the worker's own log"


def test_a_slice_returns_16_kib_of_lines_at_most() -> None:
    """Counted as UTF-8 with a line's end; what comes later and would fit is kept."""
    lines = LogLines()
    for _ in range(40):
        lines.add("ü" * 499)
    kept = lines.lines()
    assert len("\n".join(kept).encode()) <= 16 * 1024
    assert kept[-1].startswith("… 24 more lines")
    assert len(kept) == 17
    lines.add("short")
    assert lines.lines()[-2] == "short"


def test_what_fits_exactly_is_kept() -> None:
    """The room is 16 KiB less what the last line takes."""
    lines = LogLines()
    for _ in range(16):
        lines.add("x" * 999)
    lines.add("x" * (16 * 1024 - 100 - 16_000 - 1))
    assert len(lines.lines()) == 17
    lines.add("x")
    assert lines.lines()[-1].startswith("… 1 more")


def test_a_line_has_a_thousand_characters_at_most() -> None:
    """On one line, without what moves a cursor."""
    lines = LogLines()
    lines.add("x" * 1_001)
    lines.add("a\nb\x1b")
    first, second = lines.lines()
    assert (len(first), first[-1], second) == (1_000, "…", "a\\u000ab\\u001b")
