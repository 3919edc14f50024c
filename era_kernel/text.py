"""Text that strangers wrote, made harmless where people read it."""

from __future__ import annotations

_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if code != 0x09}


def printable(text: str) -> str:
    """`text` on one line, harmless to a terminal: control characters are shown as \\xNN.

    Errors may quote what a guest said.
    """
    return text.replace("\n", " ").translate(_VISIBLE)


def whole(text: str) -> str:
    """`text` with U+FFFD for each half of a surrogate pair, of which UTF-8 knows nothing: browsers send them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
