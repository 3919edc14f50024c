"""Tables as HTML: everything is there, and nothing of it is markup of a stranger's."""

from __future__ import annotations

from html.parser import HTMLParser

from era_kernel.models import VmState
from era_kernel.panel.cells import Bar, State
from era_kernel.panel.html import note_html, output_html, row_html, table
from era_kernel.panel.model import COLUMNS, Note, Row, cells
from tests.unit.panel.support import STOPPED, view

EVIL = "<img src=x onerror=alert(1)>\"'&\x1b[31m\n"


class Page(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def test_the_table_holds_every_cell_and_needs_no_script() -> None:
    shown = table(COLUMNS, [cells(Row(each, 0.5)) for each in (view(1), STOPPED)])
    page = Page(shown)
    assert page.texts[: len(COLUMNS)] == list(COLUMNS)
    assert {"python-00000001", "ready", "50%", "64/256 MiB", "stopped", "yes"} <= set(page.texts)
    assert {tag for tag, _ in page.tags} <= {"table", "thead", "tbody", "tr", "th", "td", "span"}


def test_bars_and_states_say_what_they_mean_to_those_who_see_no_colours() -> None:
    page = Page(row_html("label", [State(VmState.READY), Bar(0.333, "a third"), Bar(7.0, "too much")]))
    meters = [attributes for _, attributes in page.tags if attributes.get("role") == "meter"]
    assert [each["aria-valuenow"] for each in meters] == ["33", "100"]
    assert [each["aria-label"] for each in meters] == ["a third", "too much"]
    assert "ready" in page.texts


def test_what_strangers_say_is_text() -> None:
    for shown in (table([EVIL], [[EVIL, Bar(0.5, EVIL)]]), row_html(EVIL, [EVIL]), note_html(Note(EVIL, failed=True))):
        page = Page(shown)
        assert "img" not in {tag for tag, _ in page.tags}
        assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
        assert "\x1b" not in shown


def test_output_keeps_its_lines() -> None:
    page = Page(output_html("<b>one</b>\n  two\n"))
    assert page.texts == ["<b>one</b>\n  two"]
    assert output_html("") == ""
