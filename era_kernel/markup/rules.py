"""What stays of a guest's HTML, Markdown or SVG. Pure; run it in a process that can be killed (cleaner.py).

A live output of text/html may hold a script, and a script of a notebook's page can do what its user can: open a
terminal on the host. Nothing that runs, loads from elsewhere, styles or covers the page, or links into the Jupyter
server comes through.
"""

from __future__ import annotations

import base64
import re

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from era_kernel.markup.kinds import Kind

MAX_DEPTH = 256
"""Elements within elements. Browsers take time and stack that grow with it."""

TAGS = nh3.ALLOWED_TAGS - {"area", "map"} | {"tfoot"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"title", "lang", "dir", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "table": {"class", "border"},
    "td": {"align", "colspan", "rowspan", "headers"},
    "th": {"align", "colspan", "rowspan", "headers", "scope"},
    "tr": {"align"},
    "ol": {"start"},
    "details": {"open"},
}
STYLES = {
    *("color", "background-color", "font-weight", "font-style", "text-decoration", "text-align", "vertical-align"),
    "white-space",
}
"""Nothing that takes an element out of its place or loads a file."""

_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)
_ELEMENT = re.compile(r'<(/?)([a-z][a-z0-9]*)(?:"[^"]*"|[^">])*>')
_EMPTY = frozenset({"br", "col", "hr", "img", "wbr"})


def clean(kind: Kind, text: str) -> str | None:
    """Harmless HTML; None for what is nested too deep, and where nothing is left."""
    if kind is Kind.SVG:
        return svg_image(text)
    html = _CLEANER.clean(text if kind is Kind.HTML else _MARKDOWN.render(text))
    return html if html.strip() and depth(html) <= MAX_DEPTH else None


def svg_image(text: str) -> str:
    """The drawing as an image: within one, browsers run no scripts and load nothing."""
    data = base64.b64encode(text.encode("utf-8", "replace")).decode()
    return f'<img alt="drawing" src="data:image/svg+xml;base64,{data}">'


def depth(html: str) -> int:
    """The deepest nesting of HTML as the cleaner writes it: every element closed, attributes in double quotes."""
    deepest = level = 0
    for closing, name in _ELEMENT.findall(html):
        if name in _EMPTY:
            continue
        level += -1 if closing else 1
        deepest = max(deepest, level)
    return deepest


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if _IMAGE.fullmatch(value) else None
    if name == "href":
        return value if _LINK.match(value) else None
    if name == "class":
        return "dataframe" if "dataframe" in value.split() else None
    return value


_CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto", "data"},
    url_relative="deny",
    filter_style_properties=STYLES,
    set_tag_attribute_values={"a": {"target": "_blank"}},
)


def _mathematics(state: StateInline, silent: bool) -> bool:
    """`$…$` and `$$…$$` stay as they are: they are LaTeX, in which `\\` and `_` are not Markdown's."""
    found = _FORMULA.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("text", "", 0).content = found[0]
    state.pos = found.end()
    return True


_FORMULA = re.compile(r"\$\$[^$]{1,4000}\$\$|\$(?![\s\d])[^$\n]{1,1000}(?<!\s)\$(?!\d)")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_MARKDOWN.inline.ruler.before("escape", "mathematics", _mathematics)
