"""Nothing of a guest's markup runs, loads, covers the page or reaches into the Jupyter server."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.markup import rules
from era_kernel.markup.kinds import Kind

PIXEL = "data:image/png;base64,iVBORw0KGgo="
PIECES = st.sampled_from(
    [
        *("<", ">", '"', "'", "/", "=", " ", "\n", "<!--", "-->", "<![CDATA[", "]]>", "&lt;", "&#x6a;", "\0", "`", "$"),
        *("script", "style", "svg", "math", "iframe", "a", "img", "table", "div", "template", "noscript", "textarea"),
        *("onerror", "onclick", "href", "src", "style", "id", "data-commandlinker-command", "class", "xlink:href"),
        *("javascript:", "data:text/html,", "position:fixed", "url(//x)", "alert(1)", "x", "](", "[a]: ", "*"),
    ]
)


def html(text: str) -> str | None:
    return rules.clean(Kind.HTML, text)


@pytest.mark.parametrize(
    ("hostile", "left"),
    [
        ("<p>a<script>fetch('/api/terminals')</script>", "<p>a</p>"),
        ("<p onclick=x onerror=y>a", "<p>a</p>"),
        ("<p id=main name=x data-commandlinker-command=x class='jp-Notebook lm-Widget'>a", "<p>a</p>"),
        (
            "<table class='jp-x dataframe'><tr><td>1",
            '<table class="dataframe"><tbody><tr><td>1</td></tr></tbody></table>',
        ),
        ("<p style='position:fixed;color:red;background:url(//x)'>a", '<p style="color:red">a</p>'),
        ("<style>*{display:none}</style>a", "a"),
        ("<iframe src=//x></iframe><object data=x></object><embed src=x>a", "a"),
        ("<form action=/api><input><button>a", "a"),
        ("<img src=//x/y.png onerror=x>a", "<img>a"),
        ("<img src='/user/x/api'>a", "<img>a"),
        ("<img src='data:text/html;base64,AAAA'>a", "<img>a"),
        (f"<img src='{PIXEL}'>", f'<img src="{PIXEL}">'),
        ("<a href='javascript:x'>a</a>", '<a target="_blank" rel="noopener noreferrer">a</a>'),
        ("<a href=' java&#x09;script:x'>a</a>", '<a target="_blank" rel="noopener noreferrer">a</a>'),
        ("<a href='/lab?reset'>a</a>", '<a target="_blank" rel="noopener noreferrer">a</a>'),
        ("<a href='//host/x'>a</a>", '<a target="_blank" rel="noopener noreferrer">a</a>'),
        ("<a href='data:text/html,x'>a</a>", '<a rel="noopener noreferrer" target="_blank">a</a>'),
        (
            "<a href='https://a.example'>a</a>",
            '<a href="https://a.example" target="_blank" rel="noopener noreferrer">a</a>',
        ),
        ("<svg><script>x</script></svg>a", "a"),
        ("<math><mtext><style><img src=x onerror=y></style>a", None),
        ("<meta http-equiv=refresh content='0;url=//x'><base href=//x>a", "a"),
    ],
)
def test_what_is_left_of_hostile_html(hostile: str, left: str | None) -> None:
    assert html(hostile) == left


@pytest.mark.parametrize(
    "plain",
    [
        "<h1>T</h1><p>a <b>b</b> <code>c</code></p>",
        "<ul><li>a</li></ul>",
        '<td style="text-align:right"></td>',
        "<details open><summary>s</summary>t</details>",
    ],
)
def test_ordinary_html_stays(plain: str) -> None:
    cleaned = html(f"<table><tr>{plain}" if plain.startswith("<td") else plain)
    assert cleaned is not None
    assert plain.replace(" open>", ' open="">') in cleaned


@given(st.lists(PIECES, max_size=40), st.sampled_from([Kind.HTML, Kind.MARKDOWN]))
def test_whatever_is_put_together_stays_harmless(pieces: list[str], kind: Kind) -> None:
    cleaned = rules.clean(kind, "".join(pieces)) or ""
    for tag, attributes in re.findall(r'<([a-zA-Z][^\s/>]*)((?:"[^"]*"|[^">])*)>', cleaned):
        assert tag in rules.TAGS
        names = set(re.findall(r'([^\s="]+)="[^"]*"', attributes))
        allowed = rules.ATTRIBUTES["*"] | rules.ATTRIBUTES.get(tag, set()) | {"rel", "target"}
        assert names <= allowed
        for link in re.findall(r'href="([^"]*)"', attributes):
            assert link.lower().startswith(("http:", "https:", "mailto:"))
        for source in re.findall(r'src="([^"]*)"', attributes):
            assert source.startswith("data:image/")


def test_what_nests_too_deep_is_not_shown() -> None:
    assert html("<div>" * rules.MAX_DEPTH + "a") is not None
    assert html("<div>" * (rules.MAX_DEPTH + 1) + "a") is None


def test_a_title_cannot_lie_about_the_depth() -> None:
    assert html("<div title='</div></div>'>" * (rules.MAX_DEPTH + 1) + "a") is None


def test_markdown_keeps_formulas_and_code_and_no_html() -> None:
    text = "# T\n$a_b \\\\ c_d$ costs $5 or $6\n\n```\nif a < b:\n```\n| x |\n|---|\n| 1 |\n\n<script>x</script>"
    cleaned = rules.clean(Kind.MARKDOWN, text) or ""
    assert "<h1>T</h1>" in cleaned
    assert "$a_b \\\\ c_d$ costs $5 or $6" in cleaned
    assert "<pre><code>if a &lt; b:\n</code></pre>" in cleaned
    assert "<td>1</td>" in cleaned
    assert "<script" not in cleaned


def test_markdown_links_go_nowhere_but_out() -> None:
    cleaned = rules.clean(
        Kind.MARKDOWN, "[a](javascript:x) [b](https://b.example) ![c](https://c.example/x.png) [d][d]\n\n[d]: /lab"
    )
    assert cleaned is not None
    assert re.findall(r'(?:href|src)="([^"]*)"', cleaned) == ["https://b.example"]


def test_a_drawing_is_an_image() -> None:
    cleaned = rules.clean(Kind.SVG, "<svg onload='alert(1)'>ü\ud800</svg>")
    assert cleaned is not None
    assert re.fullmatch(r'<img alt="drawing" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]+">', cleaned)
