"""What a live object is: signature, documentation, source. Nothing of it is called."""

import inspect

from era_driver import names
from era_driver.display import pretty

_SHORT = 500


def inspect_at(code, position, detail, namespace):
    """The content of an inspect_reply."""
    dotted = names.dotted_around(code, position)
    found, value = names.resolve(dotted, namespace) if dotted else (False, None)
    if not found:
        return inspect_at.nothing()
    return {
        "status": "ok",
        "found": True,
        "data": {"text/plain": "\n".join(_parts(dotted, value, detail))},
        "metadata": {},
    }


inspect_at.nothing = lambda *arguments: {"status": "ok", "found": False, "data": {}, "metadata": {}}


def _parts(dotted, value, detail):
    if callable(value):
        yield f"Signature: {dotted}{_signature(value)}"
    else:
        yield f"Value:     {pretty(value)[:_SHORT]}"
    yield f"Type:      {type(value).__name__}"
    source = _source(value) if detail else ""
    if source:
        yield f"Source:\n{source}"
    else:
        yield "Docstring: %s" % (inspect.getdoc(value) or "<none>")


def _signature(value):
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"


def _source(value):
    try:
        return inspect.getsource(value)
    except (TypeError, OSError):
        return ""
