"""What of a guest's rich output is published: the browser that shows it is a way out of the VM.

Only text/plain, text/latex and images that are what they say. Everything else is dropped, and named so that the user
can be told.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from era_kernel.protocol.driver import MimeBundle

MAX_TEXT = 1 << 20
MAX_IMAGE = 16 << 20
MAX_DISPLAY_ID = 200
_IMAGE_STARTS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_TEXT_TYPES = frozenset({"text/plain", "text/latex"})
_SIZES = ("width", "height")


def filter_bundle(data: MimeBundle, metadata: dict[str, Any]) -> tuple[MimeBundle, dict[str, Any], list[str]]:
    """(data to publish, its metadata, types that were dropped). A bundle with nothing left becomes a line of text."""
    kept: MimeBundle = {}
    dropped: list[str] = []
    for kind, value in data.items():
        shown = _shown(kind, value)
        if shown is None:
            dropped.append(kind[:100])
        else:
            kept[kind] = shown
    if not kept:
        kept["text/plain"] = f"<{', '.join(dropped) or 'empty'} output, not shown>"
    return kept, _filter_metadata(metadata, kept), dropped


def _shown(kind: str, value: object) -> str | None:
    """The value to publish, None to drop it."""
    if not isinstance(value, str):
        return None
    if kind in _TEXT_TYPES:
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "\n… (cut)"
    start = _IMAGE_STARTS.get(kind)
    if start is None or len(value) > MAX_IMAGE * 4 // 3:
        return None
    try:
        image = base64.b64decode(value, validate=False)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(image).decode() if image.startswith(start) else None


def _filter_metadata(metadata: dict[str, Any], kept: MimeBundle) -> dict[str, Any]:
    """Sizes of published images, nothing else."""
    result: dict[str, Any] = {}
    for kind in kept:
        sizes = metadata.get(kind)
        if kind in _IMAGE_STARTS and isinstance(sizes, dict):
            wanted = {key: sizes[key] for key in _SIZES if isinstance(sizes.get(key), int | float)}
            if wanted:
                result[kind] = wanted
    return result


def filter_transient(transient: dict[str, Any]) -> dict[str, str]:
    """The display id, when it is a short string."""
    display_id = transient.get("display_id")
    return {"display_id": display_id} if isinstance(display_id, str) and len(display_id) <= MAX_DISPLAY_ID else {}
