"""Whether a piece of source is a whole cell, as a console asks before it runs it."""

import codeop
import warnings
from _ast import PyCF_ALLOW_TOP_LEVEL_AWAIT

from era_driver import shell

_TAB = "    "


def is_complete(source):
    """{"status": complete | incomplete | invalid, "indent": …}."""
    try:
        code = _compile(source)
    except (SyntaxError, OverflowError, ValueError, RecursionError, MemoryError):
        return {"status": "invalid", "indent": ""}
    lines = source.split("\n")
    if code is not None and not _in_block(lines):
        return {"status": "complete", "indent": ""}
    return {"status": "incomplete", "indent": _indent(lines)}


def _compile(source):
    """The code, or None when more is to come."""
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compiler(source, "<input>", "exec")
        except SyntaxError:
            translated = shell.translate(source, "<input>")
            if translated is None:
                raise
            return compiler(translated, "<input>", "exec")


def _in_block(lines):
    """Whether the last line is within a block that only a blank line would end."""
    last = next((line for line in reversed(lines[-2:]) if line), "")
    return last[:1].isspace() and bool(last.strip())


def _indent(lines):
    last = next((line for line in reversed(lines) if line.strip()), "")
    before = last[: len(last) - len(last.lstrip())]
    return before + _TAB if last.rstrip().endswith(":") else before
