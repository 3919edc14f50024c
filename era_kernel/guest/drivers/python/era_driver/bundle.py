"""Objects as mime bundles that JSON can carry."""

import sys

_METHODS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)
_WIDTH = 79
_PRETTY_LIMIT = 100_000
_TEXT_LIMIT = 1 << 20
_DEPTH = 100
_CONTAINERS = (list, dict, tuple, set, frozenset)


def bundle(value):
    """(data, metadata) of a value; its text/plain is always there."""
    data, metadata = {}, {}
    # Looked up on the class: a proxy that has every attribute would be asked over its network.
    kind = type(value)
    if not isinstance(value, type):
        if hasattr(kind, "_repr_mimebundle_"):
            _add_bundle(value, data, metadata)
        for name, mime in _METHODS:
            if hasattr(kind, name) and mime not in data:
                _add_method(value, name, mime, data, metadata)
        if "matplotlib.figure" in sys.modules:
            from era_driver import figures

            figures.add(value, data)
    if data:
        data, metadata = checked(data), checked(metadata)
    if "text/plain" not in data:
        data["text/plain"] = pretty(value)
    return data, metadata


def pretty(value):
    """The value as text, containers wider than a line over several lines. A repr that fails is told, not raised."""
    try:
        text = repr(value)
        if _WIDTH < len(text) < _PRETTY_LIMIT and isinstance(value, _CONTAINERS):
            import pprint

            text = pprint.pformat(value, width=_WIDTH, sort_dicts=False)
    except Exception as error:
        return f"<{type(value).__name__} object whose repr failed: {type(error).__name__}>"
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "... (cut)"


def _call(value, name, **options):
    """What the method gives, or None; a failure is told on stderr."""
    try:
        return getattr(value, name)(**options)
    except NotImplementedError:
        return None
    except Exception as error:
        _tell(f"{type(value).__name__}.{name} failed: {type(error).__name__}: {error}")
        return None


def _tell(text):
    print(text, file=sys.stderr)


def _add_bundle(value, data, metadata):
    found = _call(value, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(found, tuple) and len(found) == 2:
        found, extra = found
        if isinstance(extra, dict):
            metadata.update(extra)
    if isinstance(found, dict):
        data.update(found)


def _add_method(value, name, mime, data, metadata):
    found = _call(value, name)
    if isinstance(found, tuple) and len(found) == 2:
        found, metadata[mime] = found
    if found is not None:
        data[mime] = found


def checked(data):
    """A dict as JSON has it: bytes as base64, text as it is, what is no JSON left out and told on stderr."""
    fit = {}
    for key, value in data.items():
        try:
            fit[str(key)] = value if type(value) is str else _json(value, _DEPTH)
        except Exception as error:
            _tell(f"the {key} of an output cannot be shown: {error}")
    for mime in [mime for mime in fit if "/" in mime and not _fits(mime, fit[mime])]:
        del fit[mime]
    return fit


def _fits(mime, value):
    """Only JSON types carry something else than text."""
    return isinstance(value, str) or mime.endswith("json") or isinstance(value, dict)


def _json(value, depth):
    """Only what every JSON reader takes: no NaN, whole numbers of 64 bits, text as keys, bounded nesting."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return int(value) if -(1 << 63) <= value < 1 << 63 else float(value)
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if isinstance(value, (bytes, bytearray, memoryview)):
        import binascii

        return binascii.b2a_base64(value, newline=False).decode()
    if depth == 0:
        raise ValueError(f"it is nested more than {_DEPTH} deep")
    if isinstance(value, dict):
        return {str(key): _json(each, depth - 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(each, depth - 1) for each in value]
    raise TypeError(f"a {type(value).__name__} is no JSON")
