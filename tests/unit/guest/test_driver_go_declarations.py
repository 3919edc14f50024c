"""What Go cells declare in groups and declare anew, and what is wrong with what they do not declare."""

from __future__ import annotations

import pytest

from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("group", "expression", "value"),
    [
        ("const ( a, b = iota, 10 * iota; c, d; _, _; e, f )", "[]int{a, b, c, d, e, f}", "[]int{0, 0, 1, 10, 3, 30}"),
        ('const ( a, b = "x", len("yy"); c, d )', "c + a", '"xx"'),
        ("type B uint8; const ( a, b B = 1 << iota, 1<<iota - 1; c, d )", "[]B{a, b, c, d}", "[]uint8{1, 0, 2, 1}"),
        ("const ( _ = iota; a = 1 << (10 * iota); b )", "a + b", "1049600"),
        ("func try() []int { const ( a, b = iota, -iota; c, d ); return []int{c, d} }", "try()", "[]int{1, -1}"),
    ],
)
def test_constants_of_a_group(go_peer: DriverPeer, group: str, expression: str, value: str) -> None:
    assert go_peer.run(group).reply.status == "ok"
    assert go_peer.value(expression) == value


def test_one_name_of_a_group_can_be_declared_anew(go_peer: DriverPeer) -> None:
    go_peer.run("const ( a = 10; b = a * 2; c = 5 )\ntype ( T struct{ n int }; U struct{ t T } )")
    assert go_peer.value("type a struct{ n int }\na{1}") != ""
    assert go_peer.value("c := 7\nc") == "7"
    assert go_peer.value("const a = 1\nb + c") == "9"
    assert go_peer.value("type T struct{ s string }\nU{T{`x`}}") == 'U{t: T{s: "x"}}'


def test_an_import_can_take_its_name_back(go_peer: DriverPeer) -> None:
    go_peer.run('import "strings"')
    assert go_peer.value("strings := 5\nstrings") == "5"
    assert go_peer.value('import "strings"\nstrings.ToUpper("a")') == '"A"'


@pytest.mark.parametrize(
    ("code", "text", "column"),
    [
        ("[]int{nowhere, 2}", "undefined: nowhere", 7),
        ('map[string]int{"a": nowhere}', "undefined: nowhere", 21),
        ("Nowhere{1, 2}", "undefined: Nowhere", 1),
        ("1 << 70", "1180591620717411303424 overflows int", 1),
    ],
)
def test_an_expression_that_does_not_compile_says_why(go_peer: DriverPeer, code: str, text: str, column: int) -> None:
    reply = go_peer.run(code).reply
    assert reply.evalue == text
    assert f"line 1, column {column}\n" in reply.traceback[0]


def test_values_have_no_name_of_a_type_that_looks_the_same(go_peer: DriverPeer) -> None:
    go_peer.run('type words []string\nimport "os"')
    assert go_peer.value("os.Args") == '[]string{"cell"}'


def test_a_failed_assertion_says_nothing_of_the_interpreter(go_peer: DriverPeer) -> None:
    reply = go_peer.run("var x interface{} = 5\nx.(string)").reply
    assert reply.evalue == "interface conversion: interface {} is int, not string"
