"""display(), update_display(), clear_output(), and what shows a cell's last expression."""

import builtins
import os
import sys

from era_driver import hooks
from era_driver.bundle import bundle, checked

_send = None


def install(send):
    """`send(kind, content)` sends an event of the running cell."""
    global _send
    _send = send
    for function in (display, update_display, clear_output):
        setattr(builtins, function.__name__, function)
    if "inline" in os.environ.get("MPLBACKEND", "inline"):  # IPython's backend does not work without IPython
        os.environ["MPLBACKEND"] = "agg"
    hooks.when_imported("matplotlib.pyplot", _pyplot)
    hooks.when_imported("IPython.core.display_functions", _ipython)


def _pyplot(module):
    from era_driver import figures

    module.show = figures.show


def _ipython(module):
    """IPython's display functions, for those who import them, are ours."""
    for function in (display, update_display, clear_output, publish_display_data):
        setattr(module, function.__name__, function)
    module.DisplayHandle = DisplayHandle


class DisplayHandle:
    """What was shown, to show something else in its place."""

    def __init__(self, display_id=None):
        self.display_id = os.urandom(16).hex() if display_id is None else str(display_id)

    def display(self, value, **options):
        display(value, display_id=self.display_id, **options)

    def update(self, value, **options):
        update_display(value, display_id=self.display_id, **options)

    def __repr__(self):
        return f"<DisplayHandle display_id={self.display_id}>"


def display(*values, display_id=None, update=False, raw=False, clear=False, metadata=None, transient=None, **options):
    """Show values in the cell. With a display_id (True: a new one) gives a DisplayHandle to replace them later."""
    handle = None if display_id is None else DisplayHandle(None if display_id is True else display_id)
    if handle is not None:
        transient = dict(transient or {}, display_id=handle.display_id)
    if clear:
        clear_output(wait=True)
    for value in values:
        data, found = (checked(value), {}) if raw else bundle(value)
        publish_display_data(data, dict(found, **(metadata or {})), transient=transient, update=update)
    return handle


def update_display(value, *, display_id, **options):
    """Replace what was shown with this display_id."""
    display(value, display_id=display_id, update=True, **options)


def clear_output(wait=False):
    """Remove what the cell has shown; with `wait` when the next output comes."""
    _send("clear_output", {"wait": bool(wait)})


def publish_display_data(data, metadata=None, *, transient=None, update=False, **options):
    """Show a mime bundle as it is."""
    kind = "update_display_data" if update else "display_data"
    _send(kind, {"data": checked(data), "metadata": checked(metadata or {}), "transient": checked(transient or {})})


def displayhook(namespace, show):
    """A sys.displayhook: shows what is not None and keeps the last three in `_`, `__`, `___`.

    As in IPython, these stay the user's once a cell gave `_` a value of its own.
    """
    last = None

    def hook(value):
        nonlocal last
        if value is None or not show(value):
            return
        if namespace.get("_") is last:
            namespace["___"] = namespace.get("__")
            namespace["__"] = last
            namespace["_"] = last = value

    return hook


def show_figures():
    """At the end of a cell: the figures that it left open."""
    if "matplotlib.pyplot" in sys.modules:
        from era_driver import figures

        figures.show()
