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
