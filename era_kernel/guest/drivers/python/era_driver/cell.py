"""One cell: compiled as Python compiles a module, run in the session's namespace, its last expression shown."""

import builtins
import sys
from _ast import Expr, Expression, PyCF_ALLOW_TOP_LEVEL_AWAIT, PyCF_ONLY_AST

from era_driver import hooks

_CO_COROUTINE = 0x80
_FUTURE_ANNOTATIONS = 0x1000000  # __future__.annotations.compiler_flag
_flags = PyCF_ALLOW_TOP_LEVEL_AWAIT
_sources = {}


def compile_cell(source, number):
    """(code objects, whether what the last of them gives is to be shown). Raises what compile() does.

    The cell's lines are kept where tracebacks look for them.
    """
    global _flags
    name = f"Cell In[{number}]"
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    _remember(name, source)
    tree = _parse(source, name)
    last = tree.body[-1] if tree.body else None
    is_shown = isinstance(last, Expr) and not _ends_with_semicolon(source, last)
    if is_shown:
        tree.body.pop()
    codes = [compile(tree, name, "exec", _flags, True)] if tree.body else []
    for code in codes:
        _flags |= code.co_flags & _FUTURE_ANNOTATIONS
    if is_shown:
        codes.append(compile(Expression(last.value), name, "eval", _flags, True))
    return codes, is_shown


def _parse(source, name):
    try:
        return compile(source, name, "exec", _flags | PyCF_ONLY_AST, True)
    except SyntaxError:
        from era_driver import shell

        translated = shell.translate(source, name)
        if translated is None:
            raise
    return compile(translated, name, "exec", _flags | PyCF_ONLY_AST, True)


def _ends_with_semicolon(source, node):
    line = source.split("\n")[node.end_lineno - 1].encode("utf-8", "replace")
    return line[node.end_col_offset :].lstrip().startswith(b";")


def _remember(name, source):
    linecache = sys.modules.get("linecache")
    if linecache is None:
        _sources[name] = source
    else:
        linecache.cache[name] = (len(source), None, [line + "\n" for line in source.split("\n")], name)


def _publish(linecache):
    """linecache has just been imported, by whoever wants to show a line."""
    for name, source in _sources.items():
        _remember(name, source)
    _sources.clear()


def run(codes, namespace):
    """What the last of the code objects gives. If one awaits, all run in one coroutine on the session's event loop."""
    if any(code.co_flags & _CO_COROUTINE for code in codes):
        from era_driver import aio

        return aio.run(_awaiting(codes, namespace))
    value = None
    for code in codes:
        value = eval(code, namespace)
    return value


async def _awaiting(codes, namespace):
    value = None
    for code in codes:
        value = eval(code, namespace)
        if code.co_flags & _CO_COROUTINE:
            value = await value
    return value


def _guard_loops(asyncio):
    from era_driver import aio  # noqa: F401 (from now on it guards every loop)


def new_namespace():
    """The dict of a fresh `__main__`: what cells define can be pickled, and `__name__` is what it should be."""
    hooks.when_imported("linecache", _publish)
    hooks.when_imported("asyncio", _guard_loops)
    main = type(sys)("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main.__dict__
