"""What of a guest's rich output is published: the browser that shows it is a way out of the VM.

Text, LaTeX, JSON and images that are what they say, and one text/html that is made of the guest's HTML, Markdown or SVG
(era_kernel.markup). Everything else is dropped without being decoded, and named so that the user can be told.
"""

from __future__ import annotations

import atexit
import base64
import binascii
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, field

from era_kernel.markup.cleaner import MAX_MARKUP, Cleaner
from era_kernel.markup.kinds import Kind

MAX_TEXT = 1 << 20
MAX_IMAGE = 16 << 20
MAX_SMALL = 1 << 20
"""Bytes of JSON of what is decoded whole: metadata, transient data, user expressions."""
MAX_DISPLAY_ID = 200
MAX_JSON_DEPTH = 100

_IMAGE_STARTS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_TEXT_TYPES = frozenset({"text/plain", "text/latex"})
_MARKUP = frozenset(Kind)
HTML, JSON = "text/html", "application/json"
_SCRIPT = b"<script"
_LIMITS: dict[str, int] = {
    **dict.fromkeys(_TEXT_TYPES, MAX_TEXT),
    **dict.fromkeys(_IMAGE_STARTS, MAX_IMAGE * 4 // 3),
    **dict.fromkeys(_MARKUP, MAX_MARKUP),
    JSON: MAX_TEXT,
}
"""By type: bytes of JSON, beside what escapes add."""
_OTHER = "output of another type"
ABSENT = Raw(b"")

MimeBundle = dict[str, Any]
T = TypeVar("T")


class _Bundle(msgspec.Struct, frozen=True):
    """The types that are shown or named; what else a bundle holds is skipped, not decoded."""

    plain: Raw = field(name="text/plain", default=ABSENT)
    latex: Raw = field(name="text/latex", default=ABSENT)
    png: Raw = field(name="image/png", default=ABSENT)
    jpeg: Raw = field(name="image/jpeg", default=ABSENT)
    json: Raw = field(name="application/json", default=ABSENT)
    html: Raw = field(name="text/html", default=ABSENT)
    markdown: Raw = field(name="text/markdown", default=ABSENT)
    svg: Raw = field(name="image/svg+xml", default=ABSENT)
    javascript: Raw = field(name="application/javascript", default=ABSENT)


class _Size(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of an image's metadata."""

    width: float | None = None
    height: float | None = None


class _Metadata(msgspec.Struct, frozen=True):
    png: _Size | None = field(name="image/png", default=None)
    jpeg: _Size | None = field(name="image/jpeg", default=None)


class _Transient(msgspec.Struct, frozen=True):
    display_id: str | None = None


class _Expression(msgspec.Struct, frozen=True):
    """One of a reply's user_expressions: a bundle, or an error."""

    status: str = ""
    data: Raw = Raw(b"{}")
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = []


_NAMES = [(each.name, each.encode_name) for each in msgspec.structs.fields(_Bundle)]
_cleaner = Cleaner()
atexit.register(_cleaner.close)


def filter_bundle(data: Raw, metadata: Raw) -> tuple[MimeBundle, dict[str, Any], list[str]]:
    """(data to publish, its metadata, types that were dropped). A bundle with nothing left becomes a line of text."""
    bundle = _decoded(data, _Bundle)
    kept: MimeBundle = {}
    dropped: list[str] = []
    for attribute, kind in _NAMES:
        raw = getattr(bundle, attribute)
        if raw is ABSENT:
            continue
        target = HTML if kind in _MARKUP else kind
        if target in kept:  # of several kinds of markup the first that can be shown
            continue
        shown = _shown(kind, raw)
        if shown is None:
            dropped.append(kind)
        else:
            kept[target] = shown
            if kind == HTML and _SCRIPT in bytes(raw).lower():
                dropped.append(f"a script in {HTML}")
    if not kept:
        kept["text/plain"] = f"<{', '.join(dropped) or _OTHER}, not shown>"
    return kept, _filter_metadata(metadata, kept), dropped


def _decoded(raw: Raw, kind: type[T]) -> T:
    """JSON of a guest as a struct whose fields all have defaults; what does not fit counts as empty."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return kind()


def _shown(kind: str, raw: Raw) -> Any:
    """The value to publish, None to drop it. Its JSON is measured before it is decoded."""
    limit = _LIMITS.get(kind, 0)
    if not limit or len(memoryview(raw)) > limit + MAX_SMALL:
        return None
    try:
        if kind == JSON:
            value = msgspec.json.decode(raw)
            return value if _depth_within(value, MAX_JSON_DEPTH) else None
        text = msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if kind in _MARKUP:
        return _cleaner.clean(Kind(kind), text)
    return text[:limit] if kind in _TEXT_TYPES else _image(kind, text)


def _depth_within(value: Any, levels: int) -> bool:
    """Whether JSON nests no deeper: front ends show it by recursion."""
    if not isinstance(value, dict | list):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_depth_within(part, levels - 1) for part in parts)


def _image(kind: str, value: str) -> str | None:
    """The image's base64, made anew from its bytes, so that nothing else can stand in it."""
    try:
        image = base64.b64decode(value, validate=False)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(image).decode() if image.startswith(_IMAGE_STARTS[kind]) else None


def _filter_metadata(raw: Raw, kept: MimeBundle) -> dict[str, Any]:
    """Sizes of published images, nothing else."""
    if len(memoryview(raw)) > MAX_SMALL:
        return {}
    metadata = _decoded(raw, _Metadata)
    sizes = {"image/png": metadata.png, "image/jpeg": metadata.jpeg}
    found = {kind: msgspec.to_builtins(size) for kind, size in sizes.items() if size is not None and kind in kept}
    return {kind: size for kind, size in found.items() if size}


def filter_transient(raw: Raw) -> dict[str, str]:
    """The display id, when it is a short string."""
    display_id = _decoded(raw, _Transient).display_id if len(memoryview(raw)) <= MAX_SMALL else None
    return {"display_id": display_id} if display_id is not None and len(display_id) <= MAX_DISPLAY_ID else {}


def filter_expressions(raw: Raw) -> dict[str, Any]:
    """user_expressions of a guest's reply: their bundles through the same filter, their errors as text."""
    if len(memoryview(raw)) > MAX_SMALL:
        return {}
    try:
        expressions = msgspec.json.decode(raw, type=dict[str, _Expression])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {name: _expression(value) for name, value in expressions.items()}


def _expression(value: _Expression) -> dict[str, Any]:
    if value.status == "ok":
        data, metadata, _ = filter_bundle(value.data, Raw(b"{}"))
        return {"status": "ok", "data": data, "metadata": metadata}
    return {"status": "error", "ename": value.ename, "evalue": value.evalue, "traceback": value.traceback}
