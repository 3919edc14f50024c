"""Which lines of a cell the host takes, and which it leaves alone."""

from __future__ import annotations

import ast
import asyncio
import codeop

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.commands.table import vm
from era_kernel.errors import UsageError
from era_kernel.magics.parse import Code, Command, arguments, divide

LINES = ["%era list", "x = 1", "", "# %era no", "text = '''", "'''", "%eras", " %era list", "%%era list", "%era"]
PARTS = st.lists(st.sampled_from(LINES))


async def is_python(code: str) -> bool:
    try:
        return codeop.compile_command(code, symbol="exec") is not None
    except SyntaxError:
        return False


def parts(code: str) -> list[Command | Code]:
    async def collect() -> list[Command | Code]:
        return [part async for part in divide(code, "#", is_python)]

    return asyncio.run(collect())


def test_a_line_above_the_code_is_ours_and_line_numbers_stay() -> None:
    assert parts("# note\n\n%era list --all\nx = 1") == [Command("list --all"), Code("\n\n\nx = 1")]


def test_a_line_below_whole_code_is_ours() -> None:
    assert parts("x = 1\n%era list\ny = 2") == [Code("x = 1"), Command("list"), Code("\n\ny = 2")]


def test_blank_lines_may_stand_above_a_cell_magic() -> None:
    assert parts("\n \t\n%%era exec --all\n\necho 1") == [Command("exec --all", "\necho 1")]


def test_a_line_below_a_block_is_ours() -> None:
    assert parts("def f():\n    return 1\n%era list") == [Code("def f():\n    return 1"), Command("list")]


@pytest.mark.parametrize(
    "code",
    [
        "text = '''\n%era list\n'''",
        "# %era list\nx = 1",
        " %era list",
        "%erasmus",
        "%eralist",
        "x = '%era list'",
        "y = (1,\n%era list\n)",
        "x = 1\n%%era list",
        "if True:\n%era list",
    ],
)
def test_whatever_only_looks_like_it_is_left_alone(code: str) -> None:
    assert parts(code) == [Code(code)]


def test_a_cell_of_comments_alone_is_nothing_to_run() -> None:
    assert parts("# one\n\n") == []


def test_a_cell_command_takes_the_rest_as_its_body() -> None:
    assert parts("%%era exec --all\nuname\n%era list") == [Command("exec --all", "uname\n%era list")]


@given(PARTS)
def test_no_line_is_lost_or_moved(lines: list[str]) -> None:
    code = "\n".join(lines)
    found = parts(code)
    if (below := code.lstrip("\n")).startswith("%%era"):
        assert found == [Command("list", below.partition("\n")[2])]
        return
    ours = sum(isinstance(part, Command) for part in found)
    assert ours <= lines.count("%era list") + lines.count("%era")
    for part in found:
        if isinstance(part, Code):
            for number, line in enumerate(part.text.split("\n")):
                assert line in ("", lines[number])


def test_python_counts_the_cells_lines() -> None:
    _, code = parts("%era list\n\nx = 1")
    assert isinstance(code, Code)
    assert ast.parse(code.text).body[0].lineno == 3


def test_words_are_a_shells() -> None:
    assert arguments(Command("exec --vm a --cmd 'echo \"b c\"'"), vm) == ["exec", "--vm", "a", "--cmd", 'echo "b c"']


def test_nothing_behind_it_asks_for_help() -> None:
    assert arguments(Command(""), vm) == ["--help"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (Command("exec --all --cmd 'echo"), "no closing quotation"),
        (Command("x" * 3_000_000), "more than 32768. A command for a VM may stand below"),
        (Command("list\\"), "a backslash at its end. Leave it out"),
        (Command("exec --all", "  \n"), "no command below"),
        (Command("list", "text"), "no text below"),
        (Command("exec --all --cmd true", "true"), "twice"),
        (Command("", "text"), "needs a command"),
    ],
)
def test_what_is_wrong_with_it_is_said(command: Command, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        arguments(command, vm)


def test_a_body_is_the_command_of_those_that_have_one() -> None:
    assert arguments(Command("temp --language python", "ls\n"), vm) == ["temp", "--language", "python", "--cmd", "ls\n"]


def test_a_misspelt_command_is_left_to_the_table() -> None:
    assert arguments(Command("lst", "text"), vm) == ["lst"]


@pytest.mark.parametrize("text", ["--language ruby", "--vm=ruby-0123abcd", "--vm ruby-0123abcd --out x"])
def test_a_session_elsewhere_is_for_ordinary_notebooks_and_the_error_says_so(text: str) -> None:
    with pytest.raises(UsageError, match=r"ordinary IPython notebooks"):
        arguments(Command(text, "puts 1"), vm)
