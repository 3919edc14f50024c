"""The expression before a cursor, and the live object that it means, found without calling anything."""

import ast
import builtins
import inspect
import re
import sys

_LITERALS = {ast.List: [], ast.ListComp: [], ast.Tuple: (), ast.Dict: {}, ast.DictComp: {}, ast.JoinedStr: ""}
_LITERALS.update({ast.Set: set(), ast.SetComp: set()})
_INDEXED = (list, tuple, dict, str, bytes)


class Unknown(Exception):
    """What an expression means cannot be told without running it."""


def is_name(char):
    return char.isalnum() or char == "_"


def word_start(text):
    """Where the name that ends where the text ends begins."""
    start = len(text)
    while start and is_name(text[start - 1]):
        start -= 1
    return start


def primary_start(text, place):
    """Where the expression that ends where the text ends begins: names, dots, brackets, strings. len(text): none.

    `place` is scan.at_end(text).
    """
    position = len(text)
    while position:
        if position in place.strings:
            return place.strings[position]
        last = text[position - 1]
        if last in ")]}" and position - 1 in place.pairs:
            position = place.pairs[position - 1]
            if text[position] == "{" or not position or not (is_name(text[position - 1]) or text[position - 1] in ")]"):
                return position
        elif is_name(last):
            position = word_start(text[:position])
            if text[position - 1 : position] != ".":
                return position
            position -= 1
        else:
            return len(text)
    return position


def evaluate(source, namespace, code=""):
    """The object that an expression means. Raises Unknown for calls, properties, operators, and what does not exist.

    A loaded module that `code` is about to import counts as there.
    """
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unknown(source) from None
    return _value(tree, namespace, code)


def _value(node, namespace, code):
    if isinstance(node, ast.Name):
        return _name(node.id, namespace, code)
    if isinstance(node, ast.Constant):
        return node.value
    if type(node) in _LITERALS:
        return _LITERALS[type(node)]
    if isinstance(node, ast.Attribute):
        return _attribute(_value(node.value, namespace, code), node.attr)
    if isinstance(node, ast.Subscript):
        return _item(_value(node.value, namespace, code), node.slice)
    raise Unknown


def _name(name, namespace, code):
    for pool in (namespace, builtins.__dict__):
        if name in pool:
            return pool[name]
    if name in sys.modules and re.search(rf"\bimport\s[^\n;]*\b{name}\b", code):
        return sys.modules[name]
    raise Unknown


def _attribute(value, name):
    """getattr, unless that would run a property or another descriptor of the user's."""
    try:
        static = inspect.getattr_static(value, name)
    except AttributeError:
        static = None
    if isinstance(static, property):
        raise Unknown
    try:
        return getattr(value, name)
    except Exception:
        raise Unknown from None


def _item(value, index):
    try:
        key = ast.literal_eval(index)
        if type(value) in _INDEXED:
            return value[key]
    except Exception:
        raise Unknown from None
    raise Unknown
