"""Methods of types that cells declare, where compiled code is to call them."""

from __future__ import annotations

import pytest

from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)

SETUP = """import ("errors"; "fmt"; "os")
type Day int
func (d Day) String() string { return [...]string{"Sun", "Mon"}[d] }
type Missing struct{ Key string }
func (e *Missing) Error() string { return "no " + e.Key }
type Denied struct{ Who string; Code int }
func (e *Denied) Error() string { return "denied " + e.Who }
type Plain struct{ N int }
func (e Plain) Error() string { return fmt.Sprint("plain ", e.N) }
type Twin struct{ Key string }
func find(key string) error { return fmt.Errorf("find: %w", &Missing{key}) }
var missing *Missing
var denied *Denied
_ = os.Args"""


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("%v|%s|%q|%x", 'Mon|Mon|"Mon"|4d6f6e'),
        ("%d|%05d|%+d|%b", "1|00001|+1|1"),
        ("%5s|%-5v|%.1s", "  Mon|Mon  |M"),
        ("%+v|%#v", "Mon|1"),
    ],
)
def test_a_type_with_a_string_is_formatted_by_the_verb(go_peer: DriverPeer, format_: str, text: str) -> None:
    go_peer.run(SETUP)
    days = "Day(1), " * (format_.count("|") + 1)
    go_peer.run(f'fmt.Printf("{format_}!", {days})')
    assert go_peer.stdout(wait_for=b"!") == f"{text}!".encode()


def test_errors_are_printed_and_shown_by_their_text(go_peer: DriverPeer) -> None:
    go_peer.run(SETUP)
    go_peer.run('fmt.Println(&Missing{"it"}, Plain{3}, find("x"), error(nil))')
    assert go_peer.stdout(wait_for=b"\n") == b"no it plain 3 find: no x <nil>\n"
    assert go_peer.value('&Missing{"it"}') == "no it"


def test_errors_as_finds_an_error_of_a_cell(go_peer: DriverPeer) -> None:
    go_peer.run(SETUP)
    assert go_peer.value('errors.As(find("x"), &denied)') == "false"
    assert go_peer.value('errors.As(find("x"), &missing)') == "true"
    assert go_peer.value("missing.Key") == '"x"'


def test_errors_as_finds_compiled_errors(go_peer: DriverPeer) -> None:
    go_peer.run(SETUP)
    assert go_peer.value('var path *os.PathError\n_, err := os.Open("/nowhere")\nerrors.As(err, &path)') == "true"
    assert go_peer.value("path.Path") == '"/nowhere"'


def test_errors_as_does_not_guess(go_peer: DriverPeer) -> None:
    go_peer.run(SETUP)
    reply = go_peer.run("var plain Plain\nerrors.As(Plain{1}, &plain)").reply
    assert "cannot find errors that are no pointers" in reply.evalue
    go_peer.run("func (e *Twin) Error() string { return e.Key }\nvar twin *Twin\n_ = Twin{}")
    assert "cannot tell types with the same fields" in go_peer.run('errors.As(find("x"), &twin)').reply.evalue
