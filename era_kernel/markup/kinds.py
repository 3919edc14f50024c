"""The MIME types that become harmless HTML."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """In the order in which one bundle's are preferred."""

    HTML = "text/html"
    MARKDOWN = "text/markdown"
    SVG = "image/svg+xml"
