"""Cells of the Ruby driver: what persists, what they show, their errors."""

from __future__ import annotations

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)


def test_it_says_that_it_is_ready(ruby_peer: DriverPeer) -> None:
    assert isinstance(ruby_peer.ready, driver.Ready)
    assert ruby_peer.ready.content.language_version.startswith("3.")


def test_variables_methods_classes_and_requires_persist(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("require 'set'\nx = 6\n@y = 2\n$z = 3\nclass P\n  def get = 5\nend\ndef double(n) = 2 * n")
    assert ruby_peer.value("[double(x), @y, $z, P.new.get, Set[1].size]") == "[12, 2, 3, 5, 1]"
    assert ruby_peer.value("[x].map { |n| double(n) }") == "[12]"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("6 * 7", "42"),
        ("'a\"b'", '"a\\"b"'),
        ("'größe 😀'", '"größe 😀"'),
        ("false", "false"),
        ("{a: [1, 2.5]}.size", "1"),
        ("(1..3).map { |n| n * n }", "[1, 4, 9]"),
        ("self", "main"),
        ("__FILE__", '"cell 1"'),
        ("local_variables", "[]"),
        ("BasicObject.new", "#<BasicObject>"),
        ("class Mute; undef inspect; end; Mute.new", "#<Mute>"),
        ('"\\xff".b', '"\\xFF"'),
        ('Class.new { def inspect = "\\xff" }.new', "\ufffd"),
        ('Class.new { def inspect = "\\xff".b }.new', "\ufffd"),
        ("ObjectSpace.each_object(IO).map { |io| io.fileno rescue 0 }.count { |fd| [3, 4].include?(fd) }", "0"),
    ],
)
def test_the_last_value_is_shown(ruby_peer: DriverPeer, code: str, shown: str) -> None:
    assert ruby_peer.value(code) == shown


@pytest.mark.parametrize("code", ["", "nil", "# only this", "\n\n", "puts"])
def test_what_is_nil_shows_nothing(ruby_peer: DriverPeer, code: str) -> None:
    answer = ruby_peer.run(code)
    assert (answer.events, answer.reply.status) == ([], "ok")


def test_silent_shows_no_result(ruby_peer: DriverPeer) -> None:
    assert ruby_peer.run("1", silent=True).events == []


def test_user_expressions(ruby_peer: DriverPeer) -> None:
    answer = ruby_peer.run("x = 2", silent=True, user_expressions={"a": "x + 1", "b": "y", "c": "("})
    found = answer.reply.user_expressions
    assert (found["a"]["status"], found["a"]["data"]) == ("ok", {"text/plain": "3"})
    assert found["b"]["ename"] == "NameError"
    assert found["c"]["ename"] == "SyntaxError"


def test_an_error_tells_the_lines_of_cells_that_led_to_it(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("def div(a, b)\n  a / b\nend")
    answer = ruby_peer.run("x = 0\n\n[1].each { |n| div(n, x) }")
    error = answer.only(driver.ErrorEvent)
    assert (answer.reply.status, error.ename, error.evalue) == ("error", "ZeroDivisionError", "divided by 0")
    trace = "\n".join(error.traceback)
    assert error.traceback[0] == "ZeroDivisionError: divided by 0"
    assert "cell 1:2:in " in trace
    assert "cell 2:3:in " in trace
    assert "    [1].each { |n| div(n, x) }" in trace
    assert "driver" not in trace
    assert ruby_peer.value("x") == "0"


@pytest.mark.parametrize(
    ("code", "name", "text"),
    [
        ("raise 'no'", "RuntimeError", "no"),
        ("nope", "NameError", "undefined local variable or method"),
        ("x = = 2", "SyntaxError", "cell 1:1"),
        ("(" * 10_000, "SyntaxError", "cell 1:1"),
        (")" * 10_000, "SyntaxError", "cell 1:1"),
        ("def f = f\nf", "SystemStackError", "stack level too deep"),
        ("throw :x", "UncaughtThrowError", "uncaught throw :x"),
        ("raise Class.new(StandardError) { def message = raise('x') }", "#<Class:", "cannot be told"),
        ("raise Class.new(StandardError) { def message = nil }", "#<Class:", ""),
        ('raise "\\xff".b', "RuntimeError", "\ufffd"),
        ("raise Class.new(StandardError) { def self.name = raise('x') }, 'm'", "#<Class:", "m"),
        ("raise Class.new(StandardError) { def cause = raise('x') }, 'm'", "Exception", "cannot be told"),
        ("raise NoMemoryError", "NoMemoryError", "NoMemoryError"),
        ("raise Exception, 'all'", "Exception", "all"),
        ("Class.new { def inspect = raise('ouch') }.new", "RuntimeError", "ouch"),
        ("raise SignalException, 'TERM'", "SignalException", "SIGTERM"),
        ("break", "SyntaxError", "break"),
        ("Thread.new { Thread.current.report_on_exception = false; raise 'in it' }.join", "RuntimeError", "in it"),
    ],
)
def test_errors(ruby_peer: DriverPeer, code: str, name: str, text: str) -> None:
    answer = ruby_peer.run(code)
    assert answer.reply.ename.startswith(name)
    assert text in answer.reply.evalue
    assert "driver" not in "\n".join(answer.reply.traceback)
    assert ruby_peer.value("1 + 1") == "2"


def test_a_cause_is_told(ruby_peer: DriverPeer) -> None:
    reply = ruby_peer.run("begin\n  1 / 0\nrescue ZeroDivisionError\n  raise 'outer'\nend").reply
    assert reply.traceback[0] == "RuntimeError: outer"
    assert "caused by:" in reply.traceback
    assert "ZeroDivisionError: divided by 0" in reply.traceback


def test_a_misspelt_name_gets_a_hint(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("length = 1")
    reply = ruby_peer.run("lenght").reply
    assert "Did you mean?  length" in "\n".join(reply.traceback)


def test_a_recursion_without_end_has_a_short_trace(ruby_peer: DriverPeer) -> None:
    assert len(ruby_peer.run("def f = f\nf").reply.traceback) < 100


@pytest.mark.parametrize("code", ["return 5", "\0", "%", "é€😀" * 100, "puts 'a\0b'"])
def test_odd_cells_do_not_end_the_driver(ruby_peer: DriverPeer, code: str) -> None:
    ruby_peer.run(code)
    assert ruby_peer.value("1 + 1") == "2"


def test_a_lone_surrogate_does_not_end_the_driver(ruby_peer: DriverPeer) -> None:
    code = r"'\ud800|\udfff|\ud83d\ude00|\\ud800|\u00e9'"
    text = b'{"type":"execute_request","id":"5","content":{"code":"%s","execution_count":1}}' % code.encode()
    ruby_peer.send_bytes(len(text).to_bytes(4, "big") + text)
    shown = ruby_peer.answer("5").only(driver.ExecuteResult).data["text/plain"]
    assert shown == '"\ufffd|\ufffd|😀|\\\\ud800|é"'
    assert ruby_peer.value("1 + 1") == "2"


def test_a_driver_has_random_numbers_of_its_own(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("srand(1)")
    assert ruby_peer.value("a = rand; srand(1); a == rand") == "true"
    assert ruby_peer.value("Random.new.seed == Random.new.seed") == "false"


def test_a_cell_that_forks_has_one_reply(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("Era.html('child') unless (pid = fork)\nProcess.wait(pid) if pid")
    assert ruby_peer.value("1 + 1") == "2"
    assert ruby_peer.value("pid = fork { exit 4 }; Process.wait(pid); $?.exitstatus") == "4"


def test_a_constant_gets_another_value_after_a_ractor(ruby_peer: DriverPeer) -> None:
    assert ruby_peer.value("X = 1; Ractor.new { warn 'in it'; 5 }.take") == "5"
    assert ruby_peer.value("X = 2") == "2"
    assert b"in it\n" in ruby_peer.stderr(b"already initialized constant X")


def test_a_cell_is_a_program_and_no_library(ruby_peer: DriverPeer) -> None:
    assert ruby_peer.value("if __FILE__ == $0 then 'main' end") == '"main"'
    assert ruby_peer.value("__FILE__ == $PROGRAM_NAME") == "true"


def test_what_follows_the_end_of_a_cell_is_its_data(ruby_peer: DriverPeer) -> None:
    assert ruby_peer.value("DATA.each_line.map(&:chomp)\n__END__\none\n__END__") == '["one", "__END__"]'
    assert ruby_peer.value("text = <<T\n__END__\nT\n[text, DATA.read]") == '["__END__\\n", ""]'
    assert ruby_peer.value("DATA.read\n__END__\ntwo") == '"two"'
