"""How the command ends when the world around it ends first: readers that go away, full disks, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from ses_fleet_cli import main as commands
from ses_fleet_cli import streams as streams_
from ses_fleet_cli.show import Screen
from tests.unit.cli.stored import summary

ROOT = Path(__file__).resolve().parents[3]
SES_FLEET = str(Path(sys.executable).parent / "ses-fleet")
CHECK = f"{SES_FLEET} config check examples/SESConfig.json examples/config.json"


def shell(command: str) -> tuple[list[int], str]:
    """Run a pipeline in bash: the exit code of each part, and what was said on standard error."""
    script = f"{command}; echo ${{PIPESTATUS[@]}} >&3"
    ended = subprocess.run(
        ["bash", "-c", f"exec 3>&1; ({script}) >/dev/null"],  # noqa: S607  # a shell's pipes are what is tested
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return [int(code) for code in ended.stdout.split()], ended.stderr


@pytest.mark.parametrize(
    ("command", "reader"), [("--help", "head -1"), ("config check examples/SESConfig.json", "true")]
)
def test_a_reader_that_goes_away_is_no_failure(command: str, reader: str) -> None:
    """Exit code 0 and not a word, whether it read a line or nothing."""
    assert shell(f"{SES_FLEET} {command} | {reader}") == ([0, 0], "")


def test_a_reader_that_goes_away_does_not_change_the_answer() -> None:
    """A file with errors has them, read or not."""
    assert shell(f"{CHECK} | true") == ([1, 0], "")


def test_no_output_at_all_is_no_failure() -> None:
    """A service manager may close it."""
    assert shell(f"{SES_FLEET} --help >&-") == ([0], "")
    assert shell(f"{SES_FLEET} runs list 2>&- >&-")[0] == [3]


def test_output_that_could_not_be_written_is_a_failure() -> None:
    """A full disk under a redirected answer: exit code 3 and one line."""
    codes, said = shell(f"{SES_FLEET} --help >/dev/full")
    assert codes == [3]
    assert said == "ses-fleet: the output cannot be written: No space left on device\n"


def test_ctrl_c_while_the_command_is_loaded_is_one_line() -> None:
    """Before anything could be started; exit code 130."""
    # The tests themselves may run in the background, where Ctrl-C is ignored.
    load = "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    load += "sys.argv = ['/x/ses-fleet']; import ses_fleet_cli; os.kill(os.getpid(), signal.SIGINT)"
    ended = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (130, "ses-fleet: interrupted; nothing was started\n")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command with the test's own streams and signals left alone."""
    monkeypatch.setattr(streams_, "prepare", lambda: None)
    monkeypatch.setattr(streams_, "finish", lambda: None)
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _interrupted_app(*, prog_name: str) -> None:
    raise KeyboardInterrupt(prog_name)


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize("inside", [True, False])
def test_ctrl_c_anywhere_is_one_line(
    inside: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a command, where typer takes it, and outside of one."""
    app = typer.Typer()
    app.command()(_interrupt)
    monkeypatch.setattr(commands, "app", app if inside else _interrupted_app)
    monkeypatch.setattr(sys, "argv", ["ses-fleet"])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "ses-fleet: interrupted\n"


@pytest.mark.parametrize("text", [True, False])
def test_no_line_of_the_answer_shares_one_with_the_bar(text: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar is gone before the first of them, be it a table's, the summary's or JSON's."""
    screen = Screen(text=text)
    seen: list[bool] = []

    def note(*_: Any, **__: Any) -> None:
        seen.append(screen._progress.live.is_started)

    monkeypatch.setattr(Console, "print", note)
    monkeypatch.setattr(sys.stdout, "write", note)
    screen._progress.disable = False
    with screen:
        assert screen._progress.live.is_started
        seen.clear()
        screen.summary(summary("r", action="list-contacts-all"))
    assert seen
    assert not any(seen)


def test_the_environment_names_another_deployments_orchestrator() -> None:
    """A flag still says otherwise; an empty variable is none."""
    nowhere = "AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_REGION=us-east-1 AWS_ENDPOINT_URL=http://127.0.0.1:9"
    for variable, flag, name in (
        ("fleet-test-orchestrator", "", "fleet-test-orchestrator"),
        ("fleet-test-orchestrator", "--function-name other", "other"),
        ("", "", "ses-fleet-orchestrator"),
    ):
        codes, said = shell(f"SES_FLEET_FUNCTION_NAME={variable} {nowhere} {SES_FLEET} runs list {flag}")
        assert codes == [3]
        assert f"the function {name} cannot be used" in said
