"""Output reaches the right cell, in order, in few messages."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from era_kernel.kernel import relay as relay_module
from era_kernel.kernel.relay import Cell, OutputRelay
from era_kernel.protocol import driver

Sent = list[tuple[str, dict[str, Any], dict[str, Any]]]
FIRST, SECOND = {"msg_id": "first"}, {"msg_id": "second"}


def new_relay() -> tuple[OutputRelay, Sent, list[str]]:
    sent: Sent = []
    asked: list[str] = []
    relay = OutputRelay(
        lambda kind, content, parent: sent.append((kind, content, parent)),
        lambda request, content: asked.append(f"{request} {content.prompt}"),
    )
    return relay, sent, asked


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def result(request: str, text: str) -> driver.ExecuteResult:
    return driver.ExecuteResult(request, driver.ResultContent(raw({"text/plain": text})))


@pytest.mark.asyncio
async def test_many_lines_are_few_messages() -> None:
    relay, sent, _ = new_relay()
    relay.begin("r", Cell(FIRST, 1, silent=False))
    for number in range(1000):
        relay.text("stdout", b"line %d\n" % number)
    assert sent == []
    await asyncio.sleep(relay_module.GATHER_SECONDS * 3)
    text = "".join(f"line {number}\n" for number in range(1000))
    assert sent == [("stream", {"name": "stdout", "text": text}, FIRST)]


@pytest.mark.asyncio
async def test_text_comes_before_what_followed_it() -> None:
    relay, sent, _ = new_relay()
    relay.begin("r", Cell(FIRST, 1, silent=False))
    relay.text("stdout", b"a")
    relay.text("stderr", b"b")
    relay.text("stdout", b"c")
    relay.event("r", result("r", "d"))
    order = [content.get("text") or content["data"]["text/plain"] for _, content, _ in sent]
    assert order == ["a", "b", "c", "d"]


@pytest.mark.asyncio
async def test_a_character_cut_in_two_is_put_together() -> None:
    relay, sent, _ = new_relay()
    relay.begin("r", Cell(FIRST, 1, silent=False))
    for byte in "é€😀".encode():
        relay.text("stdout", bytes([byte]))
    relay.end()
    assert "".join(content["text"] for _, content, _ in sent) == "é€😀"


@pytest.mark.asyncio
async def test_events_go_to_the_cell_that_asked_text_to_the_newest() -> None:
    relay, sent, _ = new_relay()
    relay.begin("one", Cell(FIRST, 1, silent=False))
    relay.begin("two", Cell(SECOND, 2, silent=False))
    relay.event("one", driver.DisplayData("one", driver.DisplayContent(raw({"text/plain": "late"}))))
    relay.text("stdout", b"now")
    relay.end()
    relay.event("never", result("never", "lost"))
    assert [(kind, parent) for kind, _, parent in sent] == [("display_data", FIRST), ("stream", SECOND)]


@pytest.mark.asyncio
async def test_a_silent_cell_shows_nothing_but_may_ask() -> None:
    relay, sent, asked = new_relay()
    relay.begin("r", Cell(FIRST, 1, silent=True))
    relay.text("stdout", b"x")
    relay.event("r", result("r", "y"))
    relay.event("r", driver.InputRequest("r", driver.InputContent("name?")))
    relay.end()
    assert sent == []
    assert asked == ["r name?"]


@pytest.mark.asyncio
async def test_a_flood_is_cut_and_its_size_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "TEXT_LIMIT", 1000)
    relay, sent, _ = new_relay()
    relay.begin("r", Cell(FIRST, 1, silent=False))
    for _ in range(300):
        relay.text("stdout", b"x" * 10_000)
    relay.end()
    assert len(sent[0][1]["text"]) == 10_000
    assert "3.0 MB of this cell's output were dropped" in sent[-1][1]["text"]


@pytest.mark.asyncio
async def test_a_dropped_type_is_told_once() -> None:
    relay, sent, _ = new_relay()
    relay.begin("r", Cell(FIRST, 1, silent=False))
    for _ in range(3):
        content = driver.ResultContent(raw({"application/javascript": "x", "text/plain": "b"}))
        relay.event("r", driver.ExecuteResult("r", content))
    notes = [content["text"] for kind, content, _ in sent if kind == "stream"]
    assert notes == [
        "[era] application/javascript from the VM is not shown; text, HTML, Markdown, LaTeX, JSON, SVG, PNG, JPEG are\n"
    ]


def test_an_error_is_bounded() -> None:
    content = relay_module.error_content("E" * 5000, "v", ["x" * 400_000] * 10)
    assert len(content["ename"]) == 1000
    assert sum(map(len, content["traceback"])) <= relay_module.MAX_ERROR_TEXT + 100
