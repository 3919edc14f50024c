"""matplotlib's figures as PNG."""

import binascii
import io
import sys

_shown = set()


def show(*arguments, **options):
    """pyplot.show(), and the end of a cell: show the open figures that were not shown yet, and close all."""
    from era_driver.display import publish_display_data

    pyplot = sys.modules["matplotlib.pyplot"]
    for number in getattr(pyplot, "get_fignums", tuple)():
        figure = pyplot.figure(number)
        if id(figure) not in _shown:
            publish_display_data({"text/plain": repr(figure), "image/png": _png(figure)})
    _shown.clear()
    if hasattr(pyplot, "close"):  # not while it is being imported
        pyplot.close("all")


def add(value, data):
    """The image of a figure that is displayed as a value; it is not shown once more at the end."""
    kind = getattr(sys.modules["matplotlib.figure"], "Figure", ())
    if isinstance(value, kind) and "image/png" not in data:
        data["image/png"] = _png(value)
        _shown.add(id(value))


def _png(figure):
    image = io.BytesIO()
    figure.savefig(image, format="png", bbox_inches="tight", dpi=figure.dpi)
    return binascii.b2a_base64(image.getvalue(), newline=False).decode()
