"""One cell: compiled as Python compiles a module, run in the session's namespace, its last expression shown."""

import ast
import builtins
import inspect
import linecache
import sys

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_loop = None


def compile_cell(source, number):
    """[(code object, whether it is the expression to show)] of a cell. Raises SyntaxError and what else compile() does.

    The cell's lines are kept where tracebacks look for them.
    """
    name = f"Cell In[{number}]"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    _explain_magics(source)
    tree = ast.parse(source, name)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or _ends_with_semicolon(source, last):
        return [(compile(tree, name, "exec", _AWAIT), False)]
    tree.body.pop()
    shown = compile(ast.Interactive([last]), name, "single", _AWAIT)
    return [(compile(tree, name, "exec", _AWAIT), False), (shown, True)] if tree.body else [(shown, True)]


def _explain_magics(source):
    first = source.lstrip()[:1]
    if first in ("!", "%"):
        what = "!command" if first == "!" else "%magic"
        raise SyntaxError(
            f"a cell runs plain Python: {what} lines are IPython's; "
            "for programs there is subprocess.run([...], check=True)"
        )


def _ends_with_semicolon(source, node):
    line = source.splitlines()[node.end_lineno - 1].encode()
    return line[node.end_col_offset :].lstrip().startswith(b";")


def run(code, namespace):
    """Run one code object; a coroutine (top-level await) on the session's event loop."""
    if code.co_flags & inspect.CO_COROUTINE:
        _run_async(eval(code, namespace))
    else:
        exec(code, namespace)


def _run_async(coroutine):
    global _loop
    import asyncio
    import contextlib

    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    task = _loop.create_task(coroutine)
    try:
        _loop.run_until_complete(task)
    except KeyboardInterrupt:
        task.cancel()
        with contextlib.suppress(BaseException):
            _loop.run_until_complete(task)
        raise


def displayhook(namespace, show):
    """A sys.displayhook: shows what is not None and keeps the last three in `_`, `__`, `___`."""

    def hook(value):
        if value is None:
            return
        show(value)
        namespace["___"] = namespace.get("__")
        namespace["__"] = namespace.get("_")
        namespace["_"] = value

    return hook


def new_namespace():
    """The dict of a fresh `__main__`: what cells define can be pickled, and `__name__` is what it should be."""
    main = type(sys)("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main.__dict__
