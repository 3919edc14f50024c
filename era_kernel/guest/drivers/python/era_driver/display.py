"""Objects as mime bundles; display(), update_display(), clear_output(); matplotlib's figures."""

import os
import sys

from era_driver import hooks

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

_send = None


def install(send, namespace):
    """`send(kind, content)` sends an event of the running cell."""
    global _send
    _send = send
    namespace.update(display=display, update_display=update_display, clear_output=clear_output)
    os.environ.setdefault("MPLBACKEND", "agg")
    hooks.when_imported("matplotlib.pyplot", lambda module: setattr(module, "show", show_figures))
    hooks.when_imported("IPython.core.display_functions", _take_over)


def _take_over(module):
    """IPython's display functions, for those who import them, are ours."""
    for function in (display, update_display, clear_output):
        setattr(module, function.__name__, function)


def pretty(value):
    """The value as text, containers wider than a line over several lines. A repr that fails is told, not raised."""
    try:
        text = repr(value)
        if len(text) > _WIDTH and len(text) < _PRETTY_LIMIT and isinstance(value, (list, dict, tuple, set, frozenset)):
            import pprint

            text = pprint.pformat(value, width=_WIDTH, compact=True, sort_dicts=False)
    except Exception as error:
        return f"<{type(value).__name__} object whose repr failed: {type(error).__name__}>"
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "... (cut)"


def bundle(value):
    """(data, metadata) of a value."""
    data, metadata = {}, {}
    if not isinstance(value, type):
        _add_bundle(value, data, metadata)
        for name, mime in _METHODS:
            if mime not in data:
                _add_method(value, name, mime, data, metadata)
    if "text/plain" not in data:
        data["text/plain"] = pretty(value)
    return data, metadata


def _call(value, name, **options):
    """What the method gives, or None; a failure is told on stderr."""
    method = getattr(value, name, None)
    if not callable(method):
        return None
    try:
        return method(**options)
    except NotImplementedError:
        return None
    except Exception as error:
        print(f"{type(value).__name__}.{name} failed: {type(error).__name__}: {error}", file=sys.stderr)
        return None


def _add_bundle(value, data, metadata):
    found = _call(value, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(found, tuple) and len(found) == 2:
        found, extra = found
        if isinstance(extra, dict):
            metadata.update(extra)
    if isinstance(found, dict):
        data.update((mime, _text(content)) for mime, content in found.items())


def _add_method(value, name, mime, data, metadata):
    found = _call(value, name)
    if isinstance(found, tuple) and len(found) == 2:
        found, metadata[mime] = found
    if found is not None:
        data[mime] = _text(found)


def _text(content):
    """Bytes as base64, as Jupyter has them."""
    if isinstance(content, (bytes, bytearray)):
        import base64

        return base64.b64encode(content).decode()
    return content


def display(*values, display_id=None, update=False, raw=False, **options):
    """Show values in the cell; with a display_id they can be replaced by update_display()."""
    if display_id is True:
        display_id = os.urandom(8).hex()
    transient = {} if display_id is None else {"display_id": str(display_id)}
    kind = "update_display_data" if update else "display_data"
    for value in values:
        data, metadata = (value, {}) if raw else bundle(value)
        _send(kind, {"data": data, "metadata": metadata, "transient": transient})


def update_display(value, *, display_id, **options):
    """Replace what was shown with this display_id."""
    display(value, display_id=display_id, update=True, **options)


def clear_output(wait=False):
    """Remove what the cell has shown; with `wait` when the next output comes."""
    _send("clear_output", {"wait": bool(wait)})


def show_figures(*args, **options):
    """Show and close matplotlib's open figures."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not hasattr(pyplot, "get_fignums"):
        return
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        _send("display_data", {"data": _figure(figure), "metadata": {}, "transient": {}})
    pyplot.close("all")


def _figure(figure):
    import base64
    import io

    image = io.BytesIO()
    figure.savefig(image, format="png", bbox_inches="tight", dpi=figure.dpi)
    return {"text/plain": repr(figure), "image/png": base64.b64encode(image.getvalue()).decode()}
