"""What cells of the Node driver print, show and ask; completion and help."""

from __future__ import annotations

import pytest

from era_kernel.protocol import driver
from tests.conformance.samples.node import NODE
from tests.unit.guest.driver_peer import DriverPeer, plain

pytestmark = pytest.mark.timeout(60)


def test_all_is_printed_before_the_reply(node_peer: DriverPeer) -> None:
    node_peer.run(NODE.megabytes)
    assert node_peer.stdout(b"124999\n").count(b"\n") == 125_000


@pytest.mark.parametrize("stages", ["", "async function* (lines) { yield* lines }, "])
def test_a_pipeline_may_end_in_stdout(node_peer: DriverPeer, stages: str) -> None:
    lines = "require('stream').Readable.from(['a', 'b'])"
    code = f"await require('stream/promises').pipeline({lines}, {stages}process.stdout)"
    assert node_peer.run(code).reply.status == "ok"
    node_peer.run("process.stdout.end('c', () => console.log('d'))")
    assert node_peer.stdout(b"d\n") == b"abcd\n"


def test_a_child_prints(node_peer: DriverPeer) -> None:
    node_peer.run("console.log('first')\n" + NODE.child + "\nconsole.log('last')")
    assert node_peer.stdout(b"last\n") == b"first\nfrom a child\nlast\n"


def test_a_child_has_no_pipes_of_the_host(node_peer: DriverPeer) -> None:
    shown = node_peer.value(
        "require('child_process').execSync('ls /proc/self/fd').toString().trim().split('\\n').length"
    )
    assert int(shown) == 4  # three, and the folder that ls reads


@pytest.mark.parametrize("mime", NODE.displays)
def test_displays(node_peer: DriverPeer, mime: str) -> None:
    assert {mime, "text/plain"} == node_peer.run(NODE.displays[mime]).only(driver.DisplayData).data.keys()


def test_small_and_large_displays_keep_their_order(node_peer: DriverPeer) -> None:
    code = "for (const size of [1, 200000, 2, 5000, 3]) display.text('x'.repeat(size)); 1"
    shown = [plain(each.content).data for each in node_peer.run(code).events]
    assert [len(each["text/plain"]) for each in shown if "text/plain" in each] == [1, 200000, 2, 5000, 3, 1]


@pytest.mark.parametrize("code", ["display.text('x'.repeat(70e6))", "throw new Error('x'.repeat(70e6))"])
def test_what_is_too_long_to_be_shown_ends_the_cell_only(node_peer: DriverPeer, code: str) -> None:
    assert "too long" in node_peer.run(code).only(driver.ErrorEvent).traceback[0]
    assert node_peer.value("1 + 1") == "2"


def test_a_display_is_updated(node_peer: DriverPeer) -> None:
    shown = node_peer.run("display.html('a', {id: 1})").only(driver.DisplayData)
    assert shown.transient == {"display_id": "1"}
    node_peer.run("era.html('b', {id: 1, update: true})").only(driver.UpdateDisplayData)
    node_peer.run("era.clearOutput()").only(driver.ClearOutput)


def test_a_question_is_answered(node_peer: DriverPeer) -> None:
    request = node_peer.start(NODE.asks, allow_stdin=True)
    asked = node_peer.next_message()
    assert (asked.id, asked.content.prompt) == (request, "name? ")
    node_peer.send("input_reply", request, value="Bob")
    assert node_peer.answer(request).reply.status == "ok"
    assert node_peer.stdout(b"\n") == b"hello Bob\n"


def test_a_front_end_without_input_is_not_asked(node_peer: DriverPeer) -> None:
    assert "no input" in node_peer.run(NODE.asks).reply.evalue


@pytest.mark.parametrize(
    ("status", "codes"), [(each, getattr(NODE, each)) for each in ("complete", "incomplete", "invalid")]
)
def test_completeness(node_peer: DriverPeer, status: str, codes: tuple[str, ...]) -> None:
    more = {"complete": ("await 1", ""), "incomplete": ("f(1", "await f({"), "invalid": ("await = = 2", "f(1 2")}
    for code in codes + more[status]:
        assert node_peer.request("is_complete_request", code=code).reply.status == status, code


@pytest.mark.parametrize(
    ("text", "whole"), [*NODE.completes, ("era.ht", "era.html"), ("'😀'.toUp", "'😀'.toUpperCase")]
)
def test_completion(node_peer: DriverPeer, text: str, whole: str) -> None:
    node_peer.run(NODE.assign)
    reply = node_peer.request("complete_request", code=text + " + 1", cursor_pos=len(text)).reply
    assert whole in [text[: reply.cursor_start] + match for match in reply.matches]


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("list[0].na", ["name"]),
        ("list[0]['a b'][1].de", ["deep"]),
        ("list?.[0]?.na", ["name"]),
        ("f().na", []),
        ("list[i].na", []),
        ("[...lis", ["list"]),
        ("größ", ["größe"]),
        ("Big.sta", ["static1"]),
    ],
)
def test_completion_follows_plain_steps(node_peer: DriverPeer, text: str, matches: list[str]) -> None:
    node_peer.run("const list = [{name: 1, 'a b': [0, {deep: 1}]}]; const f = () => list[0]; let i = 0; var größe = 1")
    node_peer.run("class Big { static static1 = 1 }")
    reply = node_peer.request("complete_request", code=text, cursor_pos=len(text)).reply
    assert reply.matches == matches


def test_no_getter_is_called(node_peer: DriverPeer) -> None:
    node_peer.run("let called = 0; const o = {get a() { called++; return {b: 1} }, c: {d: 1}}")
    node_peer.run("const p = new Proxy({}, {ownKeys() { called++; return [] }, get() { called++ }})")
    for code in ("o.a.", "o.c.", "p.x", "p."):
        node_peer.request("complete_request", code=code, cursor_pos=len(code))
        node_peer.request("inspect_request", code=code + "b", cursor_pos=len(code), detail_level=1)
    assert node_peer.value("called") == "0"


def test_help(node_peer: DriverPeer) -> None:
    node_peer.run("function twice(n) { return 2 * n }")
    for code, text in (("parseInt", "parseInt"), ("twice(2)", "function twice(n)"), ("Math.PI", "3.14")):
        reply = node_peer.request("inspect_request", code=code, cursor_pos=3, detail_level=0).reply
        if code != "Math.PI":
            assert text in reply.data["text/plain"]
    assert not node_peer.request("inspect_request", code="nothing", cursor_pos=3, detail_level=0).reply.found
