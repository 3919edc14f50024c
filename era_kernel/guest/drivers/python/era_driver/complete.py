"""Completion, on live objects. Positions are code points, as in Jupyter."""

import builtins
import keyword
import os
import re

from era_driver import modules, names, scan

_IMPORT = re.compile(r"(?:^|[;:])\s*(?:import\s+(?:[\w.\s]+,\s*)*|from\s+)([\w.]*)\Z")
_FROM = re.compile(r"(?:^|[;:])\s*from\s+([\w.]+)\s+import\s+\(?\s*(?:[\w\s]+,\s*)*(\w*)\Z", re.M)
_DOTTED = re.compile(r"[\w.]+\Z")
_MAX = 1000


def complete(code, position, namespace):
    """The content of a complete_reply."""
    before = code[:position]
    found, length = _matches(before, namespace)
    return _reply(sorted(set(found), key=_order)[:_MAX], position - length, position)


def nothing(code, position, namespace):
    """The content of a complete_reply without matches."""
    return _reply([], position, position)


def _reply(matches, start, end):
    return {"matches": matches, "cursor_start": start, "cursor_end": end, "metadata": {}, "status": "ok"}


def _order(name):
    """Public names before private ones."""
    last = name.rpartition(".")[2]
    return (last.startswith("__"), last.startswith("_"), name)


def starting(pool, prefix):
    """The names that go on from the prefix; private ones only when it is not empty."""
    return [
        name
        for name in pool
        if isinstance(name, str) and name.startswith(prefix) and (prefix or not name.startswith("_"))
    ]


def _matches(before, namespace):
    """(matches, how many code points before the cursor they replace)."""
    place = scan.at_end(before)
    if place.comment:
        return [], 0
    if place.string is not None:
        return _in_string(before, place, namespace)
    line = before[before.rfind("\n") + 1 :]
    match = _FROM.search(before if place.brackets else line)
    if match:
        return starting(modules.members(match[1]), match[2]), len(match[2])
    match = _IMPORT.search(line)
    if match:
        return modules.modules(match[1]), len(match[1])
    start = names.word_start(before)
    word = before[start:]
    if before[start - 1 : start] == ".":
        return _attributes(before, start - 1, word, namespace)
    if word[:1].isdigit() or before[-1:] in (")", "]", "}", '"', "'"):
        return [], 0
    pool = {*namespace, *dir(builtins), *keyword.kwlist}
    return starting(pool, word) + starting(_keywords(before, place, namespace), word), len(word)


def _attributes(before, dot, word, namespace):
    owner_end = before[:dot]
    start = names.primary_start(owner_end, scan.at_end(owner_end))
    if start == dot:
        return [], 0
    owner = before[start:dot]
    if owner[0].isdigit():
        return [], 0
    try:
        members = dir(names.evaluate(owner, namespace, before))
    except names.Unknown:
        return [], 0
    found = starting(members, word)
    if _DOTTED.match(owner):
        return [f"{owner}.{name}" for name in found], len(owner) + 1 + len(word)
    return found, len(word)


def _keywords(before, place, namespace):
    """`name=` of the parameters of the call that the cursor is in."""
    import inspect

    if not place.brackets or before[place.brackets[-1]] != "(":
        return []
    callee = before[: place.brackets[-1]]
    start = names.primary_start(callee, scan.at_end(callee))
    if start == len(callee):
        return []
    try:
        parameters = inspect.signature(names.evaluate(callee[start:], namespace, before)).parameters.values()
    except (names.Unknown, TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each.name + "=" for each in parameters if each.kind in kinds]


# ---- in a string


def _in_string(before, place, namespace):
    text = before[place.string :]
    if "f" in place.prefix:
        brace = _open_brace(text)
        if brace is not None:
            return _matches(text[brace + 1 :], namespace)
    keys = _keys(before, place, text, namespace)
    return (keys, len(text)) if keys else _paths(text)


def _open_brace(text):
    """Where the expression of an f-string that is still open begins."""
    open_at, position = None, 0
    while position < len(text):
        if text[position : position + 2] == "{{" and open_at is None:
            position += 1
        elif text[position] in "{}":
            open_at = position if text[position] == "{" else None
        position += 1
    return open_at


def _keys(before, place, text, namespace):
    """Text keys of what the string is an index of."""
    opening = before[: place.string].rstrip("\"'")
    opening = opening[: len(opening) - len(place.prefix)].rstrip()
    if not opening.endswith("["):
        return []
    owner = opening[:-1]
    start = names.primary_start(owner, scan.at_end(owner))
    try:
        value = names.evaluate(owner[start:], namespace, before)
    except names.Unknown:
        return []
    if isinstance(value, (dict, os._Environ)):
        keys = value
    elif hasattr(type(value), "_ipython_key_completions_"):  # IPython's protocol; pandas and others have it
        keys = value._ipython_key_completions_()
    else:
        return []
    return [key for key in list(keys) if isinstance(key, str) and key.startswith(text)][:_MAX]


def _paths(text):
    folder, slash, prefix = text.rpartition("/")
    try:
        with os.scandir(os.path.expanduser(folder + slash) or ".") as entries:
            found = [(each.name, each.is_dir()) for each in entries]
    except (OSError, ValueError):
        return [], 0
    hidden = prefix.startswith(".")
    return [
        folder + slash + name + ("/" if is_dir else "")
        for name, is_dir in found
        if name.startswith(prefix) and (hidden or not name.startswith("."))
    ], len(text)
