"""Every command is there in the shell, in a cell and above one, with the same options and help."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from era_kernel.cli.app import era
from era_kernel.commands import table
from era_kernel.commands.dispatch import dispatch
from era_kernel.commands.front_end import Invocation
from era_kernel.magics import LINE
from era_kernel.magics.front_end import CellFrontEnd
from era_kernel.magics.parse import Code, Command, arguments, divide
from era_kernel.panel.model import Panel

COMMANDS = sorted(table.vm.commands)


class Page:
    """A place that keeps what it was given."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, fd: int, data: bytes) -> None:
        self.text += data.decode()

    def show(self, bundle: dict[str, str]) -> None:
        self.text += bundle["text/plain"]

    def panel(self, panel: Panel, instead: dict[str, str]) -> None:
        self.text += instead["text/plain"]

    def progress(self, text: str) -> None:
        """Not kept."""

    def host_file(self, path: Path, *, write: bool) -> Path:
        return path

    def use(self, manager: Any, vm_id: str) -> int:
        return 0


def run(words: Sequence[str], name: str) -> tuple[int, Page, str]:
    def never(runtime: str | None, report: object) -> Any:
        raise AssertionError("help needs no VMs")

    page = Page()
    front_end = CellFrontEnd(page)
    status = dispatch(table.vm, words, name, Invocation(front_end, never))
    return status, page, front_end.failure


def parts(code: str) -> list[Command | Code]:
    async def never(code: str) -> bool:
        raise AssertionError

    async def collect() -> list[Command | Code]:
        return [part async for part in divide(code, "#", never)]

    return asyncio.run(collect())


def test_the_shells_commands_are_the_table() -> None:
    assert era.commands["vm"] is table.vm
    assert {"create", "start", "stop", "clean", "list", "exec", "run", "temp", "shell", "cp", "logs"} <= set(COMMANDS)
    assert {"status", "use", "help"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_found_in_a_line_and_above_a_cell(name: str) -> None:
    (line,) = parts(f"{LINE} {name} --help")
    (cell,) = parts(f"%{LINE} {name} --help\n")
    assert isinstance(line, Command)
    assert isinstance(cell, Command)
    assert arguments(line, table.vm) == [name, "--help"]
    assert cell.text.split() == [name, "--help"]


@pytest.mark.parametrize("name", COMMANDS)
def test_its_help_is_the_same_wherever_it_is_typed(name: str) -> None:
    status, page, failure = run([name, "--help"], LINE)
    assert (status, failure) == (0, "")
    assert page.text.startswith(f"Usage: {LINE} {name}")
    _, by_help, _ = run(["help", name], LINE)
    assert by_help.text == page.text
    _, shell, _ = run([name, "--help"], "era vm")
    assert _words(shell.text).replace("era vm", LINE) == _words(page.text)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_a_usage_error(name: str) -> None:
    status, page, failure = run([name, "--no-such-option"], LINE)
    assert status == 2
    assert page.text == ""
    assert "--no-such-option" in failure
    assert f"{LINE} {name} --help" in failure


def test_a_misspelt_command_is_named() -> None:
    status, _, failure = run(["lst"], LINE)
    assert status == 2
    assert "'lst'" in failure


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_short_name_everywhere(name: str) -> None:
    assert run([name, "-h"], LINE)[0] == 0
    assert run(["-h"], LINE)[0] == 0


def test_help_for_a_misspelt_command_names_the_nearest() -> None:
    status, page, failure = run(["help", "exce"], LINE)
    assert (status, page.text) == (2, "")
    assert "Did you mean 'exec'? `%era --help`" in failure


def test_a_surplus_word_is_a_sentence_of_its_own() -> None:
    assert "extra argument (surplus). `%era status --help`" in run(["status", "surplus"], LINE)[2]


def test_an_option_is_not_taken_for_a_value() -> None:
    status, page, failure = run(["exec", "--vm", "--cmd", "ls"], LINE)
    assert (status, page.text) == (2, "")
    assert failure.startswith("Option '--vm' requires an argument, and '--cmd' is an option. `%era exec --help`")
    assert "No VM" in run(["exec", "--cmd", "ls"], LINE)[2]
    for words in (["--cmd=--all"], ["--cmd", "-x"], ["--cmd", "ls", "--", "--cmd", "--all"]):
        assert "is an option" not in run(["exec", *words], LINE)[2]


def test_options_that_do_nothing_in_a_cell_say_so() -> None:
    status, page, _ = run(["help", "--log-level", "debug"], LINE)
    assert status == 0
    assert page.text.startswith("era: --log-level and --log-file change nothing in a cell")
    assert "change nothing" not in run(["help"], LINE)[1].text


def test_use_is_refused_in_a_shell(tmp_path: Path) -> None:
    from era_kernel.cli.output import Console
    from era_kernel.errors import UsageError

    with pytest.raises(UsageError, match="notebooks"):
        Console().use(None, "an-id")  # type: ignore[arg-type]


def _words(text: str) -> str:
    return " ".join(text.split())
