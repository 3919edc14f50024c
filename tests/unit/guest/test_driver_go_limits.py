"""What the Go driver says where the interpreter, the memory or the width of a line ends."""

from __future__ import annotations

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)

USES_COMPILER = "With %%go run as its first line a cell is a program of its own"
GENERIC = "type Pair[K comparable, V any] struct{ Key K; Val V }\n"
NUMBERS = (
    "type Number interface{ ~int | ~float64 }\n"
    "func Sum[T Number](all ...T) (t T) { for _, each := range all { t += each }; return }\n"
)
MAP = "func Map[T, U any](all []T, f func(T) U) (r []U) { for _, each := range all { r = append(r, f(each)) }; return }"


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ('import "C"\nC.puts(C.CString("hi"))', "has no cgo"),
        ('// #include <stdio.h>\nimport "C"', "has no cgo"),
        (f'{GENERIC}Pair[string, int]{{"a", 1}}', "knows few generics"),
        (
            NUMBERS + "func Sum[T Number](all ...T) (t T) { for _, x := range all { t += x }; return }\nSum(1, 2)",
            "few generics",
        ),
    ],
)
def test_what_only_the_compiler_can_do_is_said_to_be_so(go_peer: DriverPeer, code: str, limit: str) -> None:
    evalue = go_peer.run(code).reply.evalue
    assert limit in evalue
    assert USES_COMPILER in evalue
    assert go_peer.value("6 * 7") == "42"


def test_a_cell_that_uses_an_earlier_generic_is_told_too(go_peer: DriverPeer) -> None:
    go_peer.run(MAP)
    assert USES_COMPILER in go_peer.run("Map([]int{1}, func(n int) string { return `a` })").reply.evalue


@pytest.mark.parametrize("code", ["undefined + 1", "x := 1\nx = `a`", "var a []int\na.b"])
def test_an_ordinary_mistake_is_not_blamed_on_the_interpreter(go_peer: DriverPeer, code: str) -> None:
    reply = go_peer.run(code).reply
    assert reply.ename == "compile error"
    assert "yaegi" not in reply.evalue


def test_the_compiler_runs_what_the_interpreter_cannot(go_peer: DriverPeer) -> None:
    cell = (
        '%%go run\n/*\n#include <stdio.h>\nstatic int twice(int n) { return 2 * n; }\n*/\nimport "C"\nimport "fmt"\n\n'
    )
    assert go_peer.run(cell + "func main() { fmt.Println(C.twice(21)) }").reply.status == "ok"
    assert go_peer.stdout(b"\n") == b"42\n"
    assert go_peer.run(cell + "func main() { fmt.Println(C.thrice(21)) }").reply.ename == "compile error"
    assert b"Cell In[2]:9:27" in go_peer.stderr(b"thrice")


def test_goroutines_without_end_are_named(go_peer: DriverPeer) -> None:
    reply = go_peer.run("for {\n\tgo func() { select {} }()\n}").reply
    assert reply.ename == "too many goroutines"
    assert go_peer.value("6 * 7") == "42"


def test_a_long_line_is_shown_in_part(go_peer: DriverPeer) -> None:
    code = "x := `" + "é" * 100_000 + "`; y := nope + 1; z := `" + "é" * 100_000 + "`"
    shown = "\n".join(go_peer.run(code).only(driver.ErrorEvent).traceback).split("\n")
    assert shown[0] == "  Cell In[1], line 1, column 100015"
    assert max(map(len, shown)) < 1000
    assert shown[1][len(shown[2]) - 1 :].startswith("nope + 1")
    trace = go_peer.run("panic(`" + "é" * 100_000 + "`)").only(driver.ErrorEvent).traceback
    assert all(len(line) < 1000 for line in "\n".join(trace).split("\n")[:-1])
