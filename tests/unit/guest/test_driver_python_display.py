"""Rich output of the python driver: mime bundles, display handles, what a host's JSON reader takes, libraries."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer, StartDriver, plain, running_driver

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def peer(start_driver: StartDriver) -> Iterator[DriverPeer]:
    with running_driver(start_driver) as running:
        yield running


def needs(module: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


def shown(peer: DriverPeer, body: str, show: str = "Shown()") -> dict[str, Any]:
    """The data of an object whose class has this body."""
    answer = peer.run(f"class Shown:\n    def __repr__(self): return 'plain'\n    {body}\n{show}")
    assert answer.reply.status == "ok", answer.reply
    data: dict[str, Any] = answer.only(driver.ExecuteResult).data
    return data


@pytest.mark.parametrize(
    ("method", "mime"),
    [
        ("_repr_html_", "text/html"),
        ("_repr_markdown_", "text/markdown"),
        ("_repr_svg_", "image/svg+xml"),
        ("_repr_latex_", "text/latex"),
    ],
)
def test_text_as_it_is(peer: DriverPeer, method: str, mime: str) -> None:
    assert shown(peer, f"def {method}(self): return 'é<b>'") == {"text/plain": "plain", mime: "é<b>"}


@pytest.mark.parametrize(("method", "mime"), [("_repr_png_", "image/png"), ("_repr_jpeg_", "image/jpeg")])
def test_bytes_as_base64(peer: DriverPeer, method: str, mime: str) -> None:
    assert shown(peer, f"def {method}(self): return b'\\x89P'")[mime] == base64.b64encode(b"\x89P").decode()


def test_a_mime_bundle_with_metadata(peer: DriverPeer) -> None:
    answer = peer.run(
        "class A:\n    def _repr_mimebundle_(self, include, exclude):\n"
        "        return {'text/html': 'h', 'image/png': b'p'}, {'image/png': {'width': 3}}\nA()"
    )
    content = answer.only(driver.ExecuteResult)
    assert content.data["text/html"] == "h"
    assert content.data["image/png"] == base64.b64encode(b"p").decode()
    assert "object" in content.data["text/plain"]
    assert content.metadata == {"image/png": {"width": 3}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{'a': float('nan'), 1: float('inf')}", {"a": None, "1": None}),
        ("[2 ** 70, True, None, 1.5, '\\ud800']", [float(2**70), True, None, 1.5, "\\ud800"]),
        ("(b'x',)", ["eA=="]),
    ],
)
def test_json_is_such_that_every_reader_takes_it(peer: DriverPeer, value: str, expected: Any) -> None:
    assert shown(peer, f"def _repr_json_(self): return {value}")["application/json"] == expected


@pytest.mark.parametrize("value", ["object()", "{1, 2}", "deep", "10 ** 5000"])
def test_what_is_no_json_is_left_out_and_told(peer: DriverPeer, value: str) -> None:
    peer.run("deep = []\nfor _ in range(100_000): deep = [deep]")
    assert shown(peer, f"def _repr_json_(self): return {value}") == {"text/plain": "plain"}
    peer.stderr(b"cannot be shown")


def test_a_result_too_big_for_the_wire_is_the_cell_s_error(peer: DriverPeer) -> None:
    reply = peer.run("class A:\n    def _repr_html_(self): return 'x' * 70_000_000\nA()").reply
    assert (reply.status, reply.ename) == ("error", "ValueError")
    reply = peer.run("1", user_expressions={"big": "A()"}).reply
    assert (reply.status, reply.ename) == ("error", "ValueError")
    assert peer.value("1 + 1") == "2"


def test_proxies_are_not_asked_for_what_their_class_has_not(peer: DriverPeer) -> None:
    body = "asked = []\n    def __getattr__(self, name): self.asked.append(name); return lambda **_: name"
    assert shown(peer, body) == {"text/plain": "plain"}
    assert peer.value("[name for name in Shown.asked if name.startswith('_repr')]") == "[]"
    assert "Mock" in peer.value("from unittest.mock import MagicMock; MagicMock()")


def test_handles_replace_what_was_shown(peer: DriverPeer) -> None:
    first = peer.run("handle = display(1, display_id=True);").only(driver.DisplayData)
    again = peer.run("handle.update(2)").only(driver.UpdateDisplayData)
    assert first.transient == again.transient
    assert first.transient["display_id"]
    assert again.data == {"text/plain": "2"}


def test_raw_bundles_and_metadata(peer: DriverPeer) -> None:
    content = peer.run("display({'text/html': 'h'}, raw=True, metadata={'m': 1}, transient={'t': 2})").only(
        driver.DisplayData
    )
    assert (content.data, content.metadata, content.transient) == ({"text/html": "h"}, {"m": 1}, {"t": 2})


def test_display_is_there_for_modules_too(peer: DriverPeer) -> None:
    assert peer.value("import builtins; [hasattr(builtins, n) for n in ('display', 'clear_output')]") == "[True, True]"
    assert peer.value("'display' in globals()") == "False"


def test_threads_show_things_whole_and_after_their_cell(peer: DriverPeer) -> None:
    code = (
        "import threading, time\ndef work():\n    for _ in range(100): display('y' * 50_000)\n"
        "threads = [threading.Thread(target=work) for _ in range(3)]\nfor t in threads: t.start()\nwork()\n"
        "for t in threads: t.join()"
    )
    assert len(peer.run(code).events) == 400
    request = peer.start("threading.Timer(0.2, display, ['late']).start()")
    peer.answer(request)
    late = peer.next_message()
    assert (late.id, plain(late.content).data) == (request, {"text/plain": "'late'"})


@needs("IPython")
def test_ipython_s_display_functions_are_ours(peer: DriverPeer) -> None:
    assert peer.value("import sys; 'IPython' in sys.modules") == "False"
    content = peer.run("from IPython.display import HTML, clear_output, display\ndisplay(HTML('<b>'))").only(
        driver.DisplayData
    )
    assert content.data["text/html"] == "<b>"
    assert peer.run("clear_output(wait=True)").only(driver.ClearOutput).wait
    answer = peer.run("from IPython.core.display_functions import publish_display_data as p\np({'text/html': 'h'})")
    assert answer.only(driver.DisplayData).data == {"text/html": "h"}


PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"


@needs("matplotlib")
def test_figures_are_shown_at_the_end_of_a_cell_once_and_closed(peer: DriverPeer) -> None:
    for code in (PLOT, f"{PLOT}\nplt.show()", f"{PLOT}\nfig = plt.gcf(); display(fig)"):
        content = peer.run(code).only(driver.DisplayData)
        assert base64.b64decode(content.data["image/png"]).startswith(b"\x89PNG")
        assert content.data["text/plain"].startswith("<Figure")
        assert peer.value("plt.get_fignums()") == "[]"
    assert "image/png" in peer.run("fig").only(driver.ExecuteResult).data


@needs("matplotlib")
def test_figures_are_shown_when_the_cell_fails(peer: DriverPeer) -> None:
    answer = peer.run(f"{PLOT}\n1 / 0")
    assert [type(event) for event in answer.events] == [driver.DisplayData, driver.ErrorEvent]
