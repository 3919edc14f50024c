"""What the Go driver tells an editor: completion, inspection, whether a cell is whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)

SESSION = (
    'import ("fmt"; "strings"; tm "time")\n'
    "type Inner struct{ Deep int }\nfunc (Inner) Touch() {}\n"
    "type Point struct { X, y int; In Inner; Next *Point; Tags []Inner }\n"
    "func (p *Point) Move(dx int) Point { return *p }\n"
    "// Far tells how far it is.\nfunc Far(a, b Point) (distance float64) { return 1 }\n"
    "pt := Point{X: 1}\nlist := []Point{pt}\nptr := &pt\nsb := &strings.Builder{}\nnow := tm.Now()\n"
    'größe := 3\nm := map[string]Inner{"a": {1}}\nconst Limit = 10\n'
)


@pytest.fixture
def peer(go_peer: DriverPeer) -> DriverPeer:
    assert go_peer.run(SESSION).reply.status == "ok"
    return go_peer


def completed(peer: DriverPeer, code: str) -> Any:
    """The reply for a cursor at `|`."""
    position = code.index("|")
    return peer.request("complete_request", code=code.replace("|", ""), cursor_pos=position).reply


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("fmt.Printl|", ["Println"]),
        ("x := strings.ToUp|per(1)", ["ToUpper", "ToUpperSpecial"]),
        ("tm.Dura|", ["Duration"]),
        ("math.Sq|", ["Sqrt", "Sqrt2", "SqrtE", "SqrtPhi", "SqrtPi"]),
        ("pt.|", ["In", "Move", "Next", "Tags", "X", "y"]),
        ("pt.M|", ["Move"]),
        ("ptr.In.|", ["Deep", "Touch"]),
        ("list[0].Next.M|", ["Move"]),
        ("pt.Move(3).X|", ["X"]),
        ("pt.Tags[0].T|", ["Touch"]),
        ('m["a"].D|', ["Deep"]),
        ("now.Unix|", ["Unix", "UnixMicro", "UnixMilli", "UnixNano"]),
        ("now.Add(5).Wee|", ["Weekday"]),
        ("sb.WriteS|", ["WriteString"]),
        ("grö|", ["größe"]),
        ('"größe😀"; lis|', ["list"]),
        ("Lim|", ["Limit"]),
        ("Far|", ["Far"]),
        ("fal|", ["fallthrough", "false"]),
        ('import "encoding/j|', ["encoding/json"]),
        ('import (\n\t"fmt"\n\t"text/tem|', ["text/template", "text/template/parse"]),
        ("display.HT|", ["HTML"]),
        ('"fmt.Pri|', []),
        ("// fmt.Pri|", []),
        ("unknown.X|", []),
        ("12|", []),
    ],
)
def test_completion(peer: DriverPeer, code: str, expected: list[str]) -> None:
    reply = completed(peer, code)
    assert [each for each in reply.matches if each in expected or expected == []] == expected
    if expected:
        assert reply.matches == expected
    assert code.replace("|", "")[reply.cursor_start : reply.cursor_end] == code[reply.cursor_start : code.index("|")]


def test_names_of_the_driver_s_own_are_not_told(peer: DriverPeer) -> None:
    matches = completed(peer, "|").matches
    assert not [name for name in matches if "·" in name or "/" in name]
    assert {"pt", "Point", "Far", "fmt", "display", "func", "len"} <= set(matches)


def inspected(peer: DriverPeer, code: str, detail: int = 0) -> str:
    position = code.index("|")
    content = {"code": code.replace("|", ""), "cursor_pos": position, "detail_level": detail}
    reply = peer.request("inspect_request", **content).reply
    return str(reply.data.get("text/plain", "")) if reply.found else ""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("p|t", ["var pt Point", "Point{X: 1, y: 0"]),
        ("pt|r", ["var ptr *Point", "&Point{"]),
        ("Lim|it", ["Limit = 10"]),
        ("Far|(", ["func Far(a, b Point) (distance float64)", "cell 1"]),
        ("Poi|nt", ["type Point struct"]),
        ("pt.Mo|ve", ["func (p *Point) Move(dx int) Point"]),
        ("fmt.Prin|tln", ["func Println(a ...any) (n int, err error)", "Spaces are always added"]),
        ("fmt.Println(|", ["func Println("]),
        ("strings.Buil|der", ["type Builder struct", "efficiently build a string"]),
        ("sb.WriteSt|ring", ["func (b *Builder) WriteString(s string) (int, error)"]),
        ("now.Unix|", ["func (t Time) Unix() int64"]),
        ("fm|t", ["package fmt", "formatted I/O"]),
        ("ap|pend", ["func append(slice []Type, elems ...Type) []Type"]),
        ("tm.Sec|ond", ["Second"]),
    ],
)
def test_inspection(peer: DriverPeer, code: str, expected: list[str]) -> None:
    text = inspected(peer, code)
    for each in expected:
        assert each in text


def test_details_are_the_source(peer: DriverPeer) -> None:
    assert "return 1" in inspected(peer, "F|ar", 1)
    assert "return 1" not in inspected(peer, "F|ar", 0)


@pytest.mark.parametrize("code", ["nothing|", '"p|t"', "// p|t", "|", "pt.none|", "(|)"])
def test_what_means_nothing_is_not_found(peer: DriverPeer, code: str) -> None:
    assert inspected(peer, code) == ""


def test_looking_calls_nothing_of_the_user_s(peer: DriverPeer) -> None:
    peer.run(
        "type Loop struct{ n int }\nfunc (Loop) String() string { for {} }\nloop := Loop{}\nvar _ fmt.Stringer = loop"
    )
    assert "var loop Loop" in inspected(peer, "loo|p")
    assert completed(peer, "loop.S|").matches == ["String"]


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("x := 1", "complete", ""),
        ("", "complete", ""),
        ("func f() int {\n\treturn 1\n}", "complete", ""),
        ('import "fmt"\nfmt.Println(1)', "complete", ""),
        ("func f() {", "incomplete", "\t"),
        ("if x {\n\tfor {", "incomplete", "\t\t"),
        ("if x {\n\ty()", "incomplete", "\t"),
        ("f(1,", "incomplete", ""),
        ("x := 1 +", "incomplete", ""),
        ("fmt.", "incomplete", ""),
        ("s := `raw", "incomplete", ""),
        ("/* comment", "incomplete", ""),
        ('s := "open', "invalid", ""),
        ("x := := 1", "invalid", ""),
        ("}", "invalid", ""),
        ("f(]", "invalid", ""),
        ("%%go run\nfunc main() {\n}", "complete", ""),
        ("a\0b", "invalid", ""),
    ],
)
def test_is_complete(go_peer: DriverPeer, code: str, status: str, indent: str) -> None:
    reply = go_peer.request("is_complete_request", code=code).reply
    assert (reply.status, reply.indent) == (status, indent)


@pytest.mark.parametrize("position", [-1, 0, 10**9])
def test_any_position_is_answered(peer: DriverPeer, position: int) -> None:
    for code in ("", "fmt.", "\ud800"[:0] + "😀.x", "\0", "x" * 100_000, "((((", '"'):
        peer.request("complete_request", code=code, cursor_pos=position)
        peer.request("inspect_request", code=code, cursor_pos=position, detail_level=0)
