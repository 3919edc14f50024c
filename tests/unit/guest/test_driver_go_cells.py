"""Cells of the Go driver: what persists, what they show, their errors."""

from __future__ import annotations

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)


def test_it_says_that_it_is_ready(go_peer: DriverPeer) -> None:
    assert isinstance(go_peer.ready, driver.Ready)
    assert go_peer.ready.content.language_version.startswith("1.")


def test_values_functions_types_and_imports_persist(go_peer: DriverPeer) -> None:
    go_peer.run('import "strings"\nx := 6\ntype P struct{ A, b int }\nfunc (p P) Sum() int { return p.A + p.b }')
    go_peer.run("func double(n int) int { return 2 * n }")
    assert go_peer.value("double(x)") == "12"
    assert go_peer.value("P{1, 2}.Sum()") == "3"
    assert go_peer.value('strings.ToUpper("a")') == '"A"'


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("6 * 7", "42"),
        ('"a\\"b"', '"a\\"b"'),
        ('"a\\nb"', "`a\nb`"),
        ("1.5", "1.5"),
        ("1e100", "1e+100"),
        ("true", "true"),
        ("[]int{1, 2}", "[]int{1, 2}"),
        ("[2]string{}", '[2]string{"", ""}'),
        ('map[string]int{"b": 2, "a": 1}', 'map[string]int{"a": 1, "b": 2}'),
        ('[]byte("hi")', '[]byte("hi")'),
        ("struct{ A int; b string }{1, `x`}", '{A: 1, b: "x"}'),
        ('import "errors"\nerrors.New("bad")', "bad"),
        ('import "time"\n90 * time.Second', "1m30s"),
        ("func() (int, string) { return 1, `a` }()", '(1, "a")'),
        ('import "strconv"\nstrconv.Atoi("5")', "5"),
        ("var p *int\np", "(*int)(nil)"),
        (
            "type Node struct { Next *Node; V int }\n&Node{&Node{nil, 2}, 1}",
            "&Node{Next: &Node{Next: (*Node)(nil), V: 2}, V: 1}",
        ),
        ("type C struct{ Me *C }\nc := &C{}\nc.Me = c\nc", "&C{Me: (*C)("),
        ("type S struct{}\nfunc (S) String() string { return `mine` }\nS{}", "mine"),
        ("type I interface{ M() }\ntype A struct{ n int }\nfunc (A) M() {}\n[]I{A{1}}", "[]interface {}{A{n: 1}}"),
    ],
)
def test_the_last_expression_is_shown(go_peer: DriverPeer, expression: str, shown: str) -> None:
    assert go_peer.value(expression).startswith(shown)


@pytest.mark.parametrize(
    "code", ["x := 1", "1 + 1;", "nil", "var e error\ne", "func f() {}\nf()", "// only this", "", ";;"]
)
def test_what_has_no_value_shows_nothing(go_peer: DriverPeer, code: str) -> None:
    answer = go_peer.run(code)
    assert (answer.events, answer.reply.status) == ([], "ok")


def test_silent_shows_no_result(go_peer: DriverPeer) -> None:
    assert go_peer.run("1", silent=True).events == []


def test_declarations_and_statements_come_in_any_order(go_peer: DriverPeer) -> None:
    code = (
        "a := twice(b()) + c\nfunc twice(n int) int { return 2 * n }\nfunc b() int { return twice(k) }\nconst k = 5\na"
    )
    assert go_peer.value("c := 1\n" + code.replace(" + c", "") + " + c") == "21"
    assert go_peer.value("total := 1\nfunc add(n int) { total += n }\nadd(4)\ntotal") == "5"
    assert go_peer.value("var (\n\tp = q + 1\n\tq = r()\n)\nfunc r() int { return 7 }\np") == "8"


def test_a_whole_program_runs(go_peer: DriverPeer) -> None:
    code = (
        'package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nvar greeting = hello("you")\n\n'
        'func init() { greeting += "!" }\n\n'
        'func main() {\n\tfmt.Println(greeting)\n\tfmt.Fprintln(os.Stderr, "err")\n}\n\n'
        'func hello(s string) string { return "hello " + s }\n'
    )
    for _ in range(2):
        go_peer.output[1].clear()
        assert go_peer.run(code).reply.status == "ok"
        assert go_peer.stdout(b"\n") == b"hello you!\n"
    go_peer.run("1")
    go_peer.run("main()")
    assert go_peer.stdout(b"hello you!\n" * 2) == b"hello you!\n" * 2


def test_blocks_have_variables_of_their_own(go_peer: DriverPeer) -> None:
    assert go_peer.value("x := 1\nif x := 5; x > 2 { x++ }\nfor x := 0; x < 3; x++ {}\n{ x := 9; _ = x }\nx") == "1"


def test_comma_ok_forms(go_peer: DriverPeer) -> None:
    go_peer.run('m := map[string]int{"a": 1}\nvar i interface{} = 5\nch := make(chan int, 1)\nch <- 3')
    assert go_peer.value('v, ok := m["a"]\nfmt := []interface{}{v, ok}\nfmt') == "[]interface {}{1, true}"
    assert go_peer.value("n, ok := i.(int)\nn") == "5"
    assert go_peer.value("r, ok := <-ch\nr") == "3"
    assert go_peer.value('_, there := m["b"]\nthere') == "false"


def test_a_name_can_get_another_meaning(go_peer: DriverPeer) -> None:
    go_peer.run("x := 5\nfunc f() int { return g() + x }\nfunc g() int { return 1 }")
    assert go_peer.value("f()") == "6"
    assert go_peer.value("func g() int { return 100 }\nf()") == "105"
    assert go_peer.value("x := 7\nf()") == "107"
    assert go_peer.value('x := "text"\nx') == '"text"'
    assert go_peer.value("x := 1\nf()") == "101"
    go_peer.run("type T struct{ A int }\nfunc (t T) Get() int { return t.A }\nt := T{1}")
    assert go_peer.value("func (t T) Get() int { return -t.A }\nt.Get()") == "-1"
    assert go_peer.value("type T struct{ A, B int }\nT{3, 4}.Get()") == "-3"
    assert go_peer.value("const f = 3\nf") == "3"


def test_an_assignment_keeps_the_variable(go_peer: DriverPeer) -> None:
    go_peer.run("n := 1\np := &n\nread := func() int { return n }")
    go_peer.run("n := 2")
    assert go_peer.value("*p + read()") == "4"


def test_what_no_longer_fits_is_told(go_peer: DriverPeer) -> None:
    go_peer.run("func g() int { return 1 }\nfunc f() int { return g() + 1 }")
    go_peer.run('func g() string { return "s" }')
    assert b"f of cell 1 no longer compiles" in go_peer.stderr(b"\n")
    assert go_peer.run("f()").reply.ename == "compile error"
    go_peer.run("func g() int { return 2 }")
    assert go_peer.value("f()") == "3"


def test_a_cell_that_does_not_compile_does_nothing(go_peer: DriverPeer) -> None:
    go_peer.run("x := 1\nfunc f() int { return 1 }")
    assert (
        go_peer.run('x := "a"\nfunc f() int { return 2 }\nnew := 3\nfresh := 4\nfresh + undefined').reply.status
        == "error"
    )
    assert go_peer.value("x + f()") == "2"
    assert go_peer.run("fresh").reply.ename == "compile error"


def test_unused_imports_and_variables_are_no_errors(go_peer: DriverPeer) -> None:
    assert go_peer.run('import "os"\nfunc f() { x := 1 }').reply.status == "ok"


def test_generic_functions_and_types(go_peer: DriverPeer) -> None:
    go_peer.run("func Max[T int | float64](a, b T) T { if a > b { return a }; return b }")
    assert go_peer.value("Max(2, 3)") == "3"
    assert go_peer.value("Max[float64](2, 3.5)") == "3.5"
    assert go_peer.value("type T struct{ A int }\nT{1}") == "T{A: 1}"


def test_deferred_calls_wait_for_the_end_of_the_cell(go_peer: DriverPeer) -> None:
    go_peer.run('import "fmt"\ndefer fmt.Println("last")\ndefer fmt.Println("first")\nx := 1\nfmt.Println("cell", x)')
    assert go_peer.stdout(b"last\n") == b"cell 1\nfirst\nlast\n"


def test_goroutines_and_locks(go_peer: DriverPeer) -> None:
    code = (
        'import "sync"\nvar wg sync.WaitGroup\nvar mu sync.Mutex\ncount := 0\n'
        "for i := 0; i < 50; i++ {\n\twg.Add(1)\n\tgo func() {\n\t\tdefer wg.Done()\n\t\tmu.Lock()\n"
        "\t\tdefer mu.Unlock()\n\t\tcount++\n\t}()\n}\nwg.Wait()\ncount"
    )
    assert go_peer.value(code) == "50"


CONDITION = """import "sync"
var mu sync.Mutex
c := sync.NewCond(&mu)
ready, done := 0, make(chan bool, 3)
wait := func() {
	mu.Lock()
	ready++
	c.Wait()
	mu.Unlock()
	done <- true
}
for i := 0; i < 3; i++ {
	go wait()
}
for all := false; !all; {
	mu.Lock()
	all = ready == 3
	mu.Unlock()
}
c.Signal()
<-done
left := len(done)
c.Broadcast()
<-done
<-done
left
"""


def test_conditions(go_peer: DriverPeer) -> None:
    assert go_peer.value(CONDITION) == "0"
    assert go_peer.value("&sync.Cond{L: &mu}").startswith("&sync.Cond{")


def test_user_expressions(go_peer: DriverPeer) -> None:
    answer = go_peer.run("x := 2", user_expressions={"a": "x + 1", "b": "y", "c": '"t"'})
    found = answer.reply.user_expressions
    assert (found["a"]["status"], found["a"]["data"]) == ("ok", {"text/plain": "3"})
    assert found["b"]["ename"] == "compile error"
    assert found["c"]["data"] == {"text/plain": '"t"'}
    assert answer.events == []


def trace(peer: DriverPeer, code: str, name: str) -> list[str]:
    """The lines of the error that a cell ends with."""
    answer = peer.run(code)
    error = answer.only(driver.ErrorEvent)
    assert (answer.reply.status, answer.reply.ename, error.ename) == ("error", name, name)
    return "\n".join(error.traceback).split("\n")


@pytest.mark.parametrize(
    ("code", "place", "source", "text"),
    [
        ("a := 1\nb := = 2", "line 2, column 6", "b := = 2", "expected operand, found '='"),
        ("a := 1\n\té := a + undefd", "line 2, column 11", "\té := a + undefd", "undefined: undefd"),
        ("func f() int {\n\treturn nope\n}", "line 2, column 9", "\treturn nope", "undefined: nope"),
        ("x := 1; y := x + none", "line 1, column 18", "x := 1; y := x + none", "undefined: none"),
        ("x := 1; y := none + x", "line 1, column 14", "x := 1; y := none + x", "undefined: none"),
        ("y := none + 1", "line 1, column 6", "y := none + 1", "undefined: none"),
        ("a := b + 1\nb := 2", "line 1, column 6", "a := b + 1", "undefined: b"),
        ("var wg sync2.WaitGroup", "line 1, column 8", "var wg sync2.WaitGroup", "undefined: sync2"),
        ("return", "line 1, column 1", "return", "return outside a function"),
        ("a := 1\nf(a", "line 2, column 2", "f(a", "( is never closed"),
        ("}", "line 1, column 1", "}", "unexpected }"),
        ("a\0b", "line 1, column 2", "a\0b", "illegal character NUL"),
        ('import "no/such"', "line 1, column 8", 'import "no/such"', "no/such"),
    ],
)
def test_an_error_of_the_compiler_tells_its_place(
    go_peer: DriverPeer, code: str, place: str, source: str, text: str
) -> None:
    answer = go_peer.run(code)
    lines = "\n".join(answer.only(driver.ErrorEvent).traceback).split("\n")
    assert lines[0] == f"  Cell In[1], {place}"
    assert lines[1] == "    " + source
    assert lines[2].endswith("^")
    assert text in answer.reply.evalue
    assert go_peer.value("1 + 1") == "2"


def test_a_panic_tells_the_lines_that_led_to_it(go_peer: DriverPeer) -> None:
    go_peer.run("func div(a, b int) int {\n\tc := a\n\treturn c / b\n}")
    lines = trace(
        go_peer,
        "x := 0\nfunc outer(n int) int {\n\tif n > 0 {\n\t\treturn outer(n-1)\n\t}\n\treturn div(1, n)\n}\n\nouter(2)",
        "panic",
    )
    assert lines == [
        "  Cell In[2], line 9",
        "    outer(2)",
        "  Cell In[2], line 6, in outer",
        "    return div(1, n)",
        "  Cell In[1], line 3, in div",
        "    return c / b",
        "panic: runtime error: integer divide by zero",
    ]
    assert go_peer.value("div(4, 2)") == "2"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('panic("oh")', "oh"),
        ('import "fmt"\npanic(fmt.Errorf("no %d", 3))', "no 3"),
        ("panic(42)", "42"),
        ("var s []int\ns[5]", "runtime error: index out of range"),
        ("var m map[string]int\nm[`a`] = 1", "assignment to entry in nil map"),
        ("type P struct{ X int }\nvar p *P\np.X", "runtime error: invalid memory address or nil pointer dereference"),
        ("var i interface{} = 1\ni.(string)", "interface conversion"),
    ],
)
def test_panics_are_told_as_go_tells_them(go_peer: DriverPeer, code: str, text: str) -> None:
    reply = go_peer.run(code).reply
    assert (reply.ename, text in reply.evalue) == ("panic", True), reply.evalue


def test_names_of_what_did_not_come_to_run_are_not_there(go_peer: DriverPeer) -> None:
    go_peer.run("old := 1")
    go_peer.run('a := 1\npanic("x")\nb := 2')
    assert go_peer.value("a") == "1"
    assert go_peer.run("b").reply.ename == "compile error"


def test_a_big_cell_compiles_in_a_moment(go_peer: DriverPeer) -> None:
    lines = "\n".join(f"v{n} := {n}" for n in range(1000))
    assert go_peer.value(lines + "\nv999") == "999"
    assert go_peer.run("s := `" + "x" * 1_000_000 + "`").reply.status == "ok"
    assert go_peer.value("len(s)") == "1000000"


def test_cells_share_no_state_of_math_rand_with_other_sessions(go_peer: DriverPeer) -> None:
    # 5577006791947779410 is what Go 1.19 begins with when nobody seeds it.
    assert go_peer.value('import "math/rand"\nrand.Int()') != "5577006791947779410"
