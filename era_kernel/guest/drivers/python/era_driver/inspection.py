"""What a live object is: signature, documentation, source. Nothing of it is called but its repr."""

import inspect

from era_driver import names, scan
from era_driver.bundle import pretty

_SHORT = 500
_LONG = 100_000


def inspect_at(code, position, detail, namespace):
    """The content of an inspect_reply: on the name at the cursor, else on the callable whose arguments it is in."""
    for source in _candidates(code, position):
        try:
            value = names.evaluate(source, namespace, code[:position])
        except names.Unknown:
            continue
        text = "\n".join(_parts(source, value, detail))
        return {"status": "ok", "found": True, "data": {"text/plain": text}, "metadata": {}}
    return nothing()


def nothing(*arguments):
    """The content of an inspect_reply on nothing."""
    return {"status": "ok", "found": False, "data": {}, "metadata": {}}


def _candidates(code, position):
    end = position
    while end < len(code) and names.is_name(code[end]):
        end += 1
    place = scan.at_end(code[:end])
    if place.comment:
        return
    if place.string is None and (names.is_name(code[end - 1 : end] or " ") or code[end - 1] == "]"):
        yield _primary(code[:end])
    for bracket in reversed(place.brackets):
        if code[bracket] == "(":
            yield _primary(code[:bracket])


def _primary(text):
    text = text.rstrip()
    return text[names.primary_start(text, scan.at_end(text)) :]


def _parts(source, value, detail):
    signature = _signature(value) if callable(value) else ""
    if signature:
        yield f"Signature:   {source}{signature}"
    yield f"Type:        {type(value).__name__}"
    if not callable(value) and not inspect.ismodule(value):
        text = pretty(value)
        yield "String form: %s" % (text if len(text) <= _SHORT else text[:_SHORT] + "...")
        if hasattr(type(value), "__len__"):
            yield f"Length:      {len(value)}"
    file = _quiet(inspect.getsourcefile, value)
    if file:
        yield f"File:        {file}"
    code = _quiet(inspect.getsource, value) if detail else None
    if code:
        yield f"Source:\n{code[:_LONG]}"
    else:
        document = inspect.getdoc(value) or "<none>"
        yield f"Docstring:   {document[:_LONG]}"


def _signature(value):
    signature = _quiet(inspect.signature, value)
    return "" if signature is None else str(signature)


def _quiet(function, value):
    try:
        return function(value)
    except Exception:  # many objects have none, and each says so in its own way
        return None
