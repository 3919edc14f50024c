"""Go's variables and arguments as Go has them, where the interpreter by itself departs from it."""

from __future__ import annotations

import pytest

from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)

SETUP = """import ("fmt"; "sync"; "time")
type T struct{ k int }
func (t T) show(n int) { fmt.Print(t.k, ",", n, " ") }
func (t *T) add(n int) { t.k += n }
func named(n int) { fmt.Print(n, " ") }
func half(x float64) { fmt.Print(x / 2, " ") }
func pair() (int, int) { return 7, 2 }
func one(n int) int { return n }
func leaving(n int) func() { fmt.Print("in", n, " "); return func() { fmt.Print("out", n, " ") } }
func spread(s string, all ...interface{}) {
	fmt.Print(s, " ", len(all), " ")
	for _, each := range all { fmt.Print(each, " ") }
}
func (t T) spread(all ...interface{}) { spread(fmt.Sprint(t.k), all...) }
_ = time.Now
var wg sync.WaitGroup
channel := make(chan int, 9)
table := map[int]int{0: 4, 1: 5, 2: 6}"""


def words(go_peer: DriverPeer, code: str) -> list[str]:
    go_peer.run(SETUP)
    answer = go_peer.run(f'func try() {{\n{code}\n}}\ntry(); time.Sleep(20 * time.Millisecond); fmt.Print("end")')
    assert answer.reply.status == "ok", answer.events
    return go_peer.stdout(wait_for=b"end").decode().removesuffix("end").split()


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        ('func(n int) { fmt.Print(n, " ") }(i)', "0 1 2"),
        ('func(n, twice int, s string) { fmt.Print(n, twice, s, " ") }(i, 2*i, "x")', "0 0x 1 2x 2 4x"),
        ('func(a string, ns ...int) { fmt.Print(a, ns[1], " ") }("a", 1, i)', "a0 a1 a2"),
        ('func(ns ...int) { fmt.Print(ns[0], " ") }([]int{i}...)', "0 1 2"),
        ('func(any interface{}, e error) { fmt.Print(any, e == nil, " ") }(i, nil)', "0 true 1 true 2 true"),
        ('fmt.Print(i, " ")', "0 1 2"),
        ("named(i)", "0 1 2"),
        ("named(one(i))", "0 1 2"),
        ("named(len(make([]int, i)))", "0 1 2"),
        ("half(float64(i))", "0 0.5 1"),
        ("each.show(i)", "0,0 1,1 2,2"),
        ("all[i].show(i)", "5,0 5,1 5,2"),
        ("function(i)", "0 1 2"),
    ],
)
def test_what_go_calls_has_the_arguments_of_its_turn(go_peer: DriverPeer, call: str, printed: str) -> None:
    code = f"""all := []T{{{{5}}, {{5}}, {{5}}}}
function := func(n int) {{ fmt.Print(n, " ") }}
for i := 0; i < 3; i++ {{ each := T{{i}}; go {call}; _, _, _ = each, all, function }}"""
    assert sorted(words(go_peer, code)) == sorted(printed.split())


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ('x := 1; defer fmt.Print(x, " "); x = 2', "1"),
        ('x := 1; defer func(n int) { fmt.Print(n, x, " ") }(x); x = 2', "1 2"),
        ("for i := 0; i < 3; i++ { defer named(i) }", "2 1 0"),
        ('defer fmt.Print(pair()); defer fmt.Print(" ")', "7 2"),
        ("const c = 5; defer half(c); defer half(3); defer half(1 << 2)", "2 1.5 2.5"),
        ('for i := 0; i < 3; i++ { x := i; defer func() { fmt.Print(x, " ") }() }', "2 1 0"),
        ('for i := 0; i < 2; i++ { x := 2*i; defer func(n int) { fmt.Print(n, x, " ") }(i) }', "1 2 0 0"),
        ('for i := 0; i < 1; i++ { defer func() { fmt.Print(recover()) }() }; panic("caught")', "caught"),
        ('defer func() { fmt.Print(recover()) }(); panic("caught")', "caught"),
        ("for i := 0; i < 2; i++ { defer leaving(i)() }", "in0 in1 out1 out0"),
        ('for i := 0; i < 2; i++ { all := []interface{}{i, "x"}; defer spread("n", all...) }', "n 2 1 x n 2 0 x"),
        ("all := []interface{}{5}; defer T{1}.spread(all...); all = nil", "1 1 5"),
        (
            'all := []string{"x"}; defer func(s ...string) { fmt.Print(len(s), s[0], recover()) }(all...); panic(1)',
            "1x1",
        ),
        ('i := 0\nagain: if i < 3 { x := i; defer func() { fmt.Print(x, " ") }(); i++; goto again }', "2 1 0"),
    ],
)
def test_what_defer_calls_has_the_arguments_of_then(go_peer: DriverPeer, code: str, printed: str) -> None:
    assert words(go_peer, code) == printed.split()


def test_a_goroutine_changes_the_receiver_itself(go_peer: DriverPeer) -> None:
    assert words(go_peer, 't := T{1}; go t.add(4); time.Sleep(20 * time.Millisecond); fmt.Print(t.k, " ")') == ["5"]


@pytest.mark.parametrize(
    ("definition", "printed"),
    [
        ("x := 2 * i", "0 2 4"),
        ("x := -i", "0 -1 -2"),
        ("var x = i + 1", "1 2 3"),
        ("var x int = i + 1", "1 2 3"),
        ("x := []int{i}", "[0] [1] [2]"),
        ("x := map[int]bool{i: true}", "map[0:true] map[1:true] map[2:true]"),
        ("x := T{i}", "{0} {1} {2}"),
        ("x, ok := table[i]; _ = ok", "4 5 6"),
        ("channel <- i; x, ok := <-channel; _ = ok", "0 1 2"),
        ("var any interface{} = i; x, _ := any.(int)", "0 1 2"),
        ("_, err := pair(); x := i * err", "0 2 4"),
        ('x, err := fmt.Sscan("5 6", &i, new(int)); x += i; _ = err; i = 2', "7"),
    ],
)
def test_functions_and_pointers_keep_the_variables_of_their_turn(
    go_peer: DriverPeer, definition: str, printed: str
) -> None:
    code = f"""var kept []func()
for i := 0; i < 3; i++ {{ {definition}; kept = append(kept, func() {{ fmt.Print(x, " ") }}) }}
for _, each := range kept {{ each() }}"""
    assert words(go_peer, code) == printed.split()


@pytest.mark.parametrize(
    ("function", "call", "printed"),
    [
        ("func f(ns ...int) (sum int) { for _, n := range ns { sum += n }; return }", "f(1, 2)", "3 3 3"),
        (
            'func f(n int) (s string, err error) { if n == 0 { err = fmt.Errorf("no") }; return }',
            "f(i)",
            " no  <nil>  <nil>",
        ),
        ("func f(n int) (_ int, all []int) { all = append(all, n); return 1, all }", "f(i)", "1 [0] 1 [1] 1 [2]"),
        ("var f = func(n int) (sum int) { sum += n; return }", "f(2)", "2 2 2"),
        ("func (t T) f() (sum T) { sum.k += t.k; return }", "T{i}.f()", "{0} {1} {2}"),
    ],
)
def test_named_results_are_zero_at_each_call(go_peer: DriverPeer, function: str, call: str, printed: str) -> None:
    go_peer.run(f'import "fmt"\ntype T struct{{ k int }}\n{function}')
    go_peer.run(f'for i := 0; i < 3; i++ {{ fmt.Println({call}) }}; fmt.Print("end")')
    assert go_peer.stdout(wait_for=b"end").decode().removesuffix("end").split() == printed.split()


@pytest.mark.parametrize(
    ("assignment", "values"),
    [
        ('n, err = 5, errors.New("no")', "5 no 0"),
        ("n, err = 5, nil", "5 <nil> 0"),
        ('err, n = errors.New("no"), n + 1', "no 2 0"),
        ("n, m = m, one(n)", "0 1"),
        ("f, n = five, one(7)", "5 7"),
        ("t.k, n = n, one(t.k)", "1 3"),
        ('table["x"], n = one(4), one(2)', "4 2"),
        ('func() { n, err = -1, fmt.Errorf("no %d", n) }()', "-1 no 1 0"),
    ],
)
def test_all_values_of_an_assignment_are_assigned(go_peer: DriverPeer, assignment: str, values: str) -> None:
    places = assignment.removeprefix("func() { ").split(" = ")[0]
    go_peer.run('import ("errors"; "fmt")\nconst five = 5\nfunc one(n int) int { return n }\n_ = errors.New')
    code = f"""func try() {{
	n, m, f, t, table := 1, 0, 1.5, struct{{ k int }}{{3}}, map[string]int{{}}
	var err error
	{assignment}
	fmt.Println({places}{", m" if "err" in places else ""})
	_, _, _, _, _ = n, m, f, t, table
}}
try()"""
    assert go_peer.run(code).reply.status == "ok"
    assert go_peer.stdout(wait_for=b"\n").decode() == values + "\n"


@pytest.mark.parametrize("values", ["5, []int{1}", "5, map[string]int{}", "5, struct{ k int }{3}", "5, &struct{}{}"])
@pytest.mark.parametrize("definition", ["n, x := VALUES", "var n, x = VALUES", "n, x := 0, nothing; n, x = VALUES"])
def test_a_value_beside_a_literal_is_kept(go_peer: DriverPeer, definition: str, values: str) -> None:
    kind = values.removeprefix("5, ").removesuffix("{}").removesuffix("{1}").removesuffix("{3}").replace("&", "*")
    go_peer.run(f"var nothing {kind}")
    code = definition.replace("VALUES", values)
    assert go_peer.value(f"{code}; n") == "5"
    assert go_peer.value(f"func try() int {{ {code}; _ = x; return n }}\ntry()") == "5"


def test_a_condition_has_variables_of_its_turn(go_peer: DriverPeer) -> None:
    code = """var kept []func()
for i := 0; i < 3; i++ {
	if v, ok := table[i]; ok {
		kept = append(kept, func() { fmt.Print(v, " ") })
	}
}
for _, each := range kept { each() }"""
    assert words(go_peer, code) == ["4", "5", "6"]


def test_a_condition_behind_else_has_variables_of_its_turn(go_peer: DriverPeer) -> None:
    code = """var kept []func()
for i := 0; i < 3; i++ {
	if v, ok := table[i+9]; ok {
		fmt.Print(v)
	} else if w, ok := table[i]; ok {
		kept = append(kept, func() { fmt.Print(w, " ") })
	}
}
for _, each := range kept { each() }"""
    assert words(go_peer, code) == ["4", "5", "6"]


@pytest.mark.parametrize(
    ("received", "printed"),
    [("x := <-channel", "0 1 2"), ("x, _ := <-channel", "0 1 2"), ("_, x := <-channel", "true " * 3)],
)
def test_a_case_of_select_has_variables_of_its_turn(go_peer: DriverPeer, received: str, printed: str) -> None:
    code = f"""var kept []func()
for i := 0; i < 3; i++ {{
	channel <- i
	select {{
	case {received}:
		kept = append(kept, func() {{ fmt.Print(x, " ") }})
	}}
}}
for _, each := range kept {{ each() }}"""
    assert words(go_peer, code) == printed.split()


def test_a_deferred_call_at_the_top_has_the_arguments_of_then(go_peer: DriverPeer) -> None:
    go_peer.run('import "fmt"\nsum := 5\ndefer fmt.Print("sum ", sum)\nsum = 0')
    assert go_peer.stdout(wait_for=b"sum") == b"sum 5"


def test_a_field_that_is_not_there_is_told_where_it_is_asked_for(go_peer: DriverPeer) -> None:
    go_peer.run("type Planet struct{ Name string }\nplanets := []Planet{{`a`}}")
    answer = go_peer.run("\nsize := 2\nd := planets[0].Diameter")
    assert answer.reply.evalue == "undefined selector: Diameter"
    assert "line 3, column 6" in answer.reply.traceback[0]
    assert "d := planets[0].Diameter" in answer.reply.traceback[0]
