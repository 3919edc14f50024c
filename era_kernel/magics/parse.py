"""Which lines of a cell are `%era`, and what they ask for. Pure: nothing is run here, and no text is evaluated."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import click

from era_kernel.errors import UsageError
from era_kernel.magics import LINE

CELL = "%%era"
_LINE = re.compile(r"%era(?:[ \t?]|$)")
_CELL = re.compile(r"%%era(?:[ \t]|$)")
_BLANK = re.compile(r"\A(?:[ \t]*\n)+")
_BODY_PARAMETER = "command"
MAX_LINE = 32_768
"""Characters; shlex takes time with the square of a word's length, and the kernel waits for it."""
IsComplete = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True)
class Command:
    """What stands behind `%era` or `%%era`; `body` is the rest of the cell below `%%era`, None below `%era`."""

    text: str
    body: str | None = None


@dataclass(frozen=True)
class Code:
    """Lines for the session, behind as many empty ones as stood above them: line numbers in errors stay right."""

    text: str


async def divide(code: str, comment: str, is_complete: IsComplete) -> AsyncIterator[Command | Code]:
    """The parts of a cell, in the order in which they are to run.

    `%%era` counts as a cell's first line alone, blank ones aside. `%era` counts at the begin of a line: above all code,
    where only blank lines and comments (from `comment` to the line's end) may stand before it; and below code that
    `is_complete`, so that a line within a string or a block is left alone.
    """
    first, _, body = _BLANK.sub("", code).partition("\n")
    if _CELL.match(first):
        yield Command(first[len(CELL) :].strip(), body)
        return
    pending: list[str] = []
    above = 0
    for number, line in enumerate(code.split("\n")):
        if not _LINE.match(line) or not await _may_stand_below(pending, comment, is_complete):
            pending.append(line)
            continue
        if _has_code(pending, comment):
            yield Code("\n" * above + "\n".join(pending))
        yield Command(line[len(LINE) :].strip())
        pending, above = [], number + 1
    if _has_code(pending, comment):
        yield Code("\n" * above + "\n".join(pending))


async def _may_stand_below(lines: Sequence[str], comment: str, is_complete: IsComplete) -> bool:
    return not _has_code(lines, comment) or await is_complete("\n".join(lines) + "\n\n")


def _has_code(lines: Sequence[str], comment: str) -> bool:
    return any(text and not text.startswith(comment) for text in (line.strip() for line in lines))


def arguments(command: Command, commands: click.Group) -> list[str]:
    """The words of a command as a shell's; a cell's body is its `--cmd`; a `?` behind it asks for help.

    Raises UsageError.
    """
    if len(command.text) > MAX_LINE:
        said = f"This `{LINE}` line is {len(command.text)} characters long, more than {MAX_LINE}"
        raise UsageError(said, f"A command for a VM may stand below `{CELL} exec`, or in a file.")
    if command.text.endswith("?"):
        return ["help", *command.text.strip("?").split()[:1]]
    try:
        words = shlex.split(command.text)
    except ValueError as error:
        said = str(error).rstrip(".").lower()
        remedy = "Close each quote; write \\' for one."
        if command.text.endswith("\\"):
            said, remedy = "a backslash at its end", "Leave it out; a command is one line."
        raise UsageError(f"`{LINE} {command.text}` has {said}", remedy) from None
    if command.body is None:
        return words or ["--help"]
    return _with_body(words, command.body, commands)


def _with_body(words: list[str], body: str, commands: click.Group) -> list[str]:
    if not words:
        raise UsageError(
            f"`{CELL}` needs a command", f"`{LINE} help` lists them; `{CELL} temp --language python`, say."
        )
    if words[0].startswith(("--language", "--vm")):  # IPython's magic takes these before they come here
        said = "Cells of this notebook go to its own VM, in its own language"
        raise UsageError(
            said, f"`{LINE} use ID` names another VM; `{CELL} {words[0]} …` is for ordinary IPython notebooks."
        )
    named = commands.commands.get(words[0])
    takes_body = named is not None and any(each.name == _BODY_PARAMETER for each in named.params)
    if named is not None and not takes_body and body.strip():
        raise UsageError(f"`{LINE} {words[0]}` takes no text below it", f"Write it as one line, `{LINE} {words[0]} …`.")
    if not takes_body:
        return words
    if not body.strip():
        raise UsageError(f"`{CELL} {words[0]}` has no command below it", "Write one there, for the guest's /bin/sh.")
    if any(word == "--cmd" or word.startswith("--cmd=") for word in words):
        raise UsageError("The command is given twice, by --cmd and below", "Leave one of them out.")
    return [*words, "--cmd", body]
