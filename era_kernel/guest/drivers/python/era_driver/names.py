"""The dotted name before or around a cursor, and the live object that it means, found without running user code."""

import builtins
import inspect
import re
import sys

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\.?\Z")
_MISSING = object()


def dotted_before(text):
    """The dotted name that ends where `text` does, with its last dot if it ends with one; '' when there is none."""
    match = _DOTTED.search(text)
    if match is None:
        return ""
    before = text[: match.start()].rstrip()
    return "" if before.endswith((".", ")", "]")) and text[match.start() - 1 : match.start()] == "." else match[0]


def dotted_around(text, position):
    """The dotted name up to the end of the word at `position`; before an opening parenthesis that of the callable."""
    end = position
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    found = dotted_before(text[:end]).rstrip(".")
    if found:
        return found
    return dotted_before(text[: call_start(text, position)]).rstrip(".")


def call_start(text, position):
    """Where the innermost call that holds `position` has its parenthesis."""
    depth = 0
    for index in range(min(position, len(text)) - 1, -1, -1):
        if text[index] in ")]}":
            depth += 1
        elif text[index] in "([{":
            if depth == 0:
                return index if text[index] == "(" else 0
            depth -= 1
    return 0


def resolve(dotted, namespace, code=""):
    """(found, object) of a dotted name. Attributes are looked up without running properties.

    A loaded module that `code` is about to import counts as there.
    """
    first, *rest = dotted.split(".")
    value = namespace.get(first, getattr(builtins, first, _MISSING))
    if value is _MISSING and first in sys.modules and re.search(rf"\bimport\s[^\n;]*\b{first}\b", code):
        value = sys.modules[first]
    for name in rest:
        if value is _MISSING:
            break
        value = _attribute(value, name)
    return (False, None) if value is _MISSING else (True, value)


def _attribute(value, name):
    """getattr, unless that would run a property or another descriptor of the user's."""
    try:
        static = inspect.getattr_static(value, name)
    except AttributeError:
        static = _MISSING
    if isinstance(static, property):
        return _MISSING
    try:
        return getattr(value, name, _MISSING)
    except Exception:
        return _MISSING
