"""A file that a command writes is whole, its owner's alone, and takes no other's place unasked."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.new_file import NewFile


def write(file: NewFile, text: str, happens: Callable[[], object] = lambda: None) -> None:
    """Write a file of this text; something happens meanwhile."""
    with file.writing() as out:
        out.write(text)
        happens()


def test_a_file_is_written_for_its_owner(tmp_path: Path) -> None:
    """And nothing is left beside it."""
    path = tmp_path / "report.html"
    write(NewFile(path), "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_no_file_is_overwritten_unasked(tmp_path: Path) -> None:
    """Neither one that is there before, nor a link to nowhere, nor one that comes while it is written."""
    path, link = tmp_path / "there", tmp_path / "link"
    path.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    for there in (path, link):
        with pytest.raises(CommandError, match=r"is there: choose another name, or overwrite it with --force"):
            NewFile(there).check()
        with pytest.raises(CommandError, match="is there"):
            write(NewFile(there), "new")
    late = tmp_path / "late"
    with pytest.raises(CommandError, match="is there") as error:
        write(NewFile(late), "new", lambda: late.write_text("mine"))
    assert error.value.exit_code == 2
    assert late.read_text() == path.read_text() == "mine"
    assert sorted(tmp_path.iterdir()) == [late, link, path]


def test_with_force_the_file_takes_the_place_of_another_one(tmp_path: Path) -> None:
    """Once it is whole; a failure leaves the old one and nothing else."""
    path = tmp_path / "there"
    path.write_text("old")
    NewFile(path, force=True).check()
    with pytest.raises(ZeroDivisionError):
        write(NewFile(path, force=True), "half", lambda: 1 / 0)
    assert path.read_text() == "old"
    write(NewFile(path, force=True), "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_standard_output_is_always_free(capsys: pytest.CaptureFixture[str]) -> None:
    """As `-`."""
    NewFile(Path("-")).check()
    write(NewFile(Path("-")), "new")
    assert capsys.readouterr().out == "new"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the system's reason."""
    with pytest.raises(CommandError, match="report cannot be written: No such file or directory") as error:
        write(NewFile(tmp_path / "none" / "report"), "new")
    assert error.value.exit_code == 2
