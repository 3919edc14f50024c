"""Completion, on live objects. Positions are code points, as in Jupyter."""

import builtins
import keyword
import os
import re
import sys

from era_driver import names

_IMPORT = re.compile(r"^\s*(?:import\s+(?:.*,\s*)?|from\s+)([\w.]*)\Z")
_FROM = re.compile(r"^\s*from\s+([\w.]+)\s+import\s+(?:.*,\s*)?(\w*)\Z")
_KEY = re.compile(r"([^\W\d][\w.]*)\[\s*(['\"])([^'\"\]]*)\Z")
_PATH = re.compile(r"(['\"])([^'\"]*/[^'\"/]*|[^'\"]*)\Z")
_MAX = 1000


def complete(code, position, namespace):
    """The content of a complete_reply."""
    before = code[:position]
    line = before.rpartition("\n")[2]
    found, start = _matches(line, before, namespace)
    return _reply(sorted(set(found), key=_order)[:_MAX], position - start, position)


def _reply(matches, start, end):
    return {"matches": matches, "cursor_start": start, "cursor_end": end, "metadata": {}, "status": "ok"}


complete.nothing = lambda code, position, namespace: _reply([], position, position)


def _order(name):
    """Public names before private ones."""
    last = name.rpartition(".")[2]
    return (last.startswith("__"), last.startswith("_"), name)


def _matches(line, before, namespace):
    """(matches, how many code points before the cursor they replace)."""
    match = _FROM.match(line)
    if match:
        return _members(match[1], match[2]), len(match[2])
    match = _IMPORT.match(line)
    if match:
        return _modules(match[1]), len(match[1])
    match = _KEY.search(line)
    if match:
        return _keys(match, namespace), len(match[3])
    if _in_string(line):
        match = _PATH.search(line)
        return (_paths(match[2]), len(match[2])) if match else ([], 0)
    dotted = names.dotted_before(line)
    if "." in dotted:
        return _attributes(dotted, namespace, before), len(dotted)
    if line[-1:] == "." or (not dotted and line[-1:].strip() and line[-1] not in "([{,=+-*/%<>!&|^~: "):
        return [], 0
    return _names(dotted, before, namespace), len(dotted)


def _in_string(line):
    quote = ""
    for char in line:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
    return bool(quote)


def _names(prefix, before, namespace):
    pool = set(namespace) | set(dir(builtins)) | set(keyword.kwlist)
    found = [name for name in pool if name.startswith(prefix) and (prefix or not name.startswith("_"))]
    return found + _keyword_arguments(prefix, before, namespace)


def _keyword_arguments(prefix, before, namespace):
    import inspect

    start = names.call_start(before, len(before))
    callee = names.dotted_before(before[:start]) if start else ""
    found, function = names.resolve(callee, namespace) if callee else (False, None)
    if not found:
        return []
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each.name + "=" for each in parameters if each.kind in kinds and each.name.startswith(prefix)]


def _attributes(dotted, namespace, code):
    owner, _, prefix = dotted.rpartition(".")
    found, value = names.resolve(owner, namespace, code)
    if not found:
        return []
    try:
        members = dir(value)
    except Exception:
        return []
    return [
        f"{owner}.{name}"
        for name in members
        if isinstance(name, str) and name.startswith(prefix) and (prefix or not name.startswith("_"))
    ]


def _keys(match, namespace):
    found, value = names.resolve(match[1], namespace)
    if not found or not isinstance(value, dict):
        return []
    return [key for key in list(value)[:_MAX] if isinstance(key, str) and key.startswith(match[3])]


def _paths(text):
    folder, _, prefix = text.rpartition("/")
    root = os.path.expanduser(folder + "/" if folder or text.startswith("/") else ".")
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        return []
    lead = text[: len(text) - len(prefix)]
    return [lead + each.name + ("/" if each.is_dir() else "") for each in entries if each.name.startswith(prefix)]


def _modules(dotted):
    import pkgutil

    parent, _, prefix = dotted.rpartition(".")
    if parent:
        module = sys.modules.get(parent)
        pool = [each.name for each in pkgutil.iter_modules(getattr(module, "__path__", []))] if module else []
        return [f"{parent}.{name}" for name in pool if name.startswith(prefix)]
    pool = {each.name for each in pkgutil.iter_modules()} | set(sys.builtin_module_names)
    return [name for name in pool if name.startswith(prefix) and (prefix or not name.startswith("_"))]


def _members(module, prefix):
    loaded = sys.modules.get(module)
    pool = dir(loaded) if loaded else []
    found = [name for name in pool if name.startswith(prefix) and (prefix or not name.startswith("_"))]
    return found + [name.rpartition(".")[2] for name in _modules(f"{module}.{prefix}")]
