"""Go's switches as Go has them, where the interpreter by itself departs from it."""

from __future__ import annotations

import pytest

from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)

ERRORS = """import ("errors"; "fmt"; "os")
type Missing struct{ Key string }
func (e *Missing) Error() string { return "no " + e.Key }
type Denied struct{ Who string; Code int }
func (e *Denied) Error() string { return "denied " + e.Who }
func find(key string) error {
	switch key {
	case "me": return &Denied{key, 1}
	case "file": _, err := os.Open("/nowhere"); return err
	case "plain": return errors.New("plain")
	case "": return nil
	}
	return &Missing{key}
}
"""
KEYS = '[]string{"x", "me", "file", "plain", ""}'


@pytest.mark.parametrize(
    ("cases", "printed"),
    [
        ('case n < 0, n > 1: fmt.Print("far "); default: fmt.Print("near ")', "far near near far"),
        ('case n == 5, n == 6, n == 2: fmt.Print("a "); case n == 0, n == 9: fmt.Print("b ")', "b a"),
        ('case n == 1, n == 0: fmt.Print("a "); fallthrough; case false, n == 2: fmt.Print("b ")', "a b a b b"),
    ],
)
def test_all_conditions_of_a_case_count(go_peer: DriverPeer, cases: str, printed: str) -> None:
    go_peer.run(f'import "fmt"\nfor n := -1; n < 3; n++ {{ switch {{ {cases} }} }}; fmt.Print("end")')
    assert go_peer.stdout(wait_for=b"end").decode().removesuffix("end").split() == printed.split()


@pytest.mark.parametrize(
    ("switch", "printed"),
    [
        (
            (
                "switch e := err.(type) { case nil: return `nil`; case *Missing: return e.Key;"
                " case *Denied: return e.Who; case *os.PathError: return e.Path; default: return e.Error() }"
            ),
            "x me /nowhere plain nil",
        ),
        ("switch err.(type) { case *Missing, *Denied: return `ours` }; return `other`", "ours ours other other other"),
        ("switch e := err.(type) { case *Denied, nil: return fmt.Sprint(e != nil) }; return `-`", "- true - - false"),
        (
            (
                "switch again := err; e := again.(type) { case *Missing: if e.Key == `x` { break }; return `wrong` };"
                " return `-`"
            ),
            "- - - - -",
        ),
    ],
)
def test_a_switch_finds_errors_of_cells(go_peer: DriverPeer, switch: str, printed: str) -> None:
    each = "fmt.Println(kind(find(key)))"
    code = f"{ERRORS}func kind(err error) string {{ {switch} }}\nfor _, key := range {KEYS} {{ {each} }}"
    assert go_peer.run(code).reply.status == "ok"
    go_peer.run('fmt.Print("end")')
    assert go_peer.stdout(wait_for=b"end").decode().removesuffix("end").split() == printed.split()


def test_a_switch_over_errors_has_variables_of_its_turn(go_peer: DriverPeer) -> None:
    go_peer.run(ERRORS)
    code = """var kept []func() string
for _, key := range []string{"a", "me", "b"} {
	switch e := find(key).(type) {
	case *Denied: continue
	case *Missing: kept = append(kept, func() string { return e.Key })
	}
}
kept[0]() + kept[1]()"""
    assert go_peer.value(code) == '"ab"'


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("again: for { select { case <-time.After(time.Millisecond): break again } }", ""),
        ("again: for { select { case n := <-queue: fmt.Print(n, ` `); if n == 3 { break again } } }", "0 1 2 3"),
        (
            (
                "again: for i := 0; i < 3; i++ { for {"
                " select { case n := <-queue: fmt.Print(i, n, `,`); continue again } } }"
            ),
            "0 0,1 1,2 2,",
        ),
        (
            (
                "again: for i := range []int{7, 8} { for { select { case n := <-queue: if n < 3 { continue again };"
                " default: break again } }; fmt.Print(i) }"
            ),
            "",
        ),
        ("again: for { select { case n := <-queue: switch { case n == 2: fmt.Print(n); break again } } }", "2"),
    ],
)
def test_a_label_leads_out_of_a_select(go_peer: DriverPeer, code: str, printed: str) -> None:
    go_peer.run(
        'import ("fmt"; "time")\nqueue := make(chan int, 9)\nfor n := 0; n < 5; n++ { queue <- n }\n_ = time.Now'
    )
    assert go_peer.run(f"func try() {{ {code}; fmt.Print(`end`) }}\ntry()").reply.status == "ok"
    assert go_peer.stdout(wait_for=b"end").decode().removesuffix("end").strip() == printed


TYPES = """import ("fmt"; "time")
type Circle struct{ R int }
func (c Circle) Area() int { return 3 * c.R * c.R }
type Square struct{ R int }
func (s Square) Area() int { return s.R * s.R }
type Counter struct{ N int }
func (c *Counter) Add() { c.N++ }
type Level int
func (l Level) Next() Level { return l + 1 }
type Plain struct{ N int }
type Shape interface{ Area() int }
values := []interface{}{
	nil, Circle{1}, Square{2}, &Counter{3}, Level(4), Plain{5}, 6, "s", []int{7}, time.Second,
}
"""


@pytest.mark.parametrize(
    ("switch", "printed"),
    [
        (
            (
                "switch v := v.(type) { case nil: return `nil`; case Circle: return fmt.Sprint(`c`, v.R);"
                " case Square: return fmt.Sprint(`s`, v.Area()); case *Counter: return fmt.Sprint(`n`, v.N);"
                " case Level: return fmt.Sprint(`l`, int(v.Next())); case Plain: return fmt.Sprint(`p`, v.N);"
                " case int, string: return fmt.Sprint(v); case []int: return fmt.Sprint(len(v));"
                " case time.Duration: return v.String(); case error: return `e` }; return `?`"
            ),
            "nil c1 s4 n3 l5 p5 6 s 1 1s",
        ),
        (
            (
                "switch v.(type) { case Circle, *Counter: return `a`; case Plain: return `p`; case int: return `i`;"
                " default: return `?` }"
            ),
            "? a ? a ? p i ? ? ?",
        ),
    ],
)
def test_a_switch_finds_types_of_cells(go_peer: DriverPeer, switch: str, printed: str) -> None:
    go_peer.run(TYPES)
    code = (
        f"func kind(v interface{{}}) string {{ {switch} }}\nfor _, each := range values {{ fmt.Println(kind(each)) }}"
    )
    assert go_peer.run(code).reply.status == "ok"
    go_peer.run('fmt.Print("end")')
    assert go_peer.stdout(wait_for=b"end").decode().removesuffix("end").split() == printed.split()


def test_a_switch_over_an_interface_of_a_cell_finds_types_of_cells(go_peer: DriverPeer) -> None:
    go_peer.run(TYPES)
    go_peer.run(
        "func side(s Shape) int {\n"
        "switch s := s.(type) { case Square: return s.R; case Circle: return -s.R }\nreturn 0 }"
    )
    assert go_peer.value("[]int{side(Circle{1}), side(Square{2})}") == "[]int{-1, 2}"
