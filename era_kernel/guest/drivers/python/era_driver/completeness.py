"""Whether a piece of source is a whole cell, as a console asks before it runs it."""

import ast
import codeop
import warnings


def is_complete(source):
    """{"status": complete | incomplete | invalid, "indent": …}."""
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compiler(source, "<input>", "exec")
    except (SyntaxError, OverflowError, ValueError):
        return {"status": "invalid", "indent": ""}
    lines = source.splitlines()
    inside_block = bool(lines) and lines[-1][:1].isspace() and bool(lines[-1].strip()) and not source.endswith("\n\n")
    if code is not None and not inside_block:
        return {"status": "complete", "indent": ""}
    return {"status": "incomplete", "indent": _indent(lines)}


def _indent(lines):
    last = next((line for line in reversed(lines) if line.strip()), "")
    before = last[: len(last) - len(last.lstrip())]
    return before + "    " if last.rstrip().endswith(":") else before
