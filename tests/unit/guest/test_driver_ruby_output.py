"""What cells of the Ruby driver print, show and read."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)


def test_output_goes_to_both_streams(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("print 'a'; puts 'é'; $stderr.print 'b'; warn 'c'; system('echo child')")
    assert ruby_peer.stdout(b"child\n") == "aé\nchild\n".encode()
    assert ruby_peer.stderr(b"c\n") == b"bc\n"


def test_output_comes_before_the_cell_ends(ruby_peer: DriverPeer) -> None:
    request = ruby_peer.start("print 'now'; sleep 0.2 until File.exist?('/nonexistent') || defined?(@over); sleep 30")
    assert ruby_peer.stdout(b"now") == b"now"
    ruby_peer.interrupt()
    assert ruby_peer.answer(request).reply.ename == "KeyboardInterrupt"


def test_programs_do_not_inherit_the_pipes(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("system('ls /proc/self/fd')")
    fds = {int(each) for each in ruby_peer.stdout(b"2\n").split()}
    assert max(fds) < 10


@pytest.mark.parametrize(
    ("call", "mime", "data"),
    [
        ("html('<b>x</b>')", "text/html", "<b>x</b>"),
        ("markdown('*x*')", "text/markdown", "*x*"),
        ("latex('$x$')", "text/latex", "$x$"),
        ("svg('<svg/>')", "image/svg+xml", "<svg/>"),
        ('png("\\x89PNG".b)', "image/png", base64.b64encode(b"\x89PNG").decode()),
        ('jpeg("\\xff\\xd8\\xff".b)', "image/jpeg", base64.b64encode(b"\xff\xd8\xff").decode()),
        ("json({a: [1, nil]})", "application/json", {"a": [1, None]}),
        ("display([1])", "text/plain", "[1]"),
        ('html("\\xff")', "text/html", "\ufffd"),
    ],
)
def test_displays(ruby_peer: DriverPeer, call: str, mime: str, data: object) -> None:
    answer = ruby_peer.run(f"Era.{call}")
    assert answer.only(driver.DisplayData).data[mime] == data
    assert answer.reply.status == "ok"


@pytest.mark.parametrize(
    ("method", "mime", "shown"),
    [
        ("to_html", "text/html", "x"),
        ("to_markdown", "text/markdown", "x"),
        ("to_latex", "text/latex", "x"),
        ("to_svg", "image/svg+xml", "x"),
        ("to_png", "image/png", "eA=="),
        ("to_jpeg", "image/jpeg", "eA=="),
    ],
)
def test_a_result_shows_itself(ruby_peer: DriverPeer, method: str, mime: str, shown: str) -> None:
    data = ruby_peer.run(f"class C; def {method} = 'x'; end; C.new").only(driver.ExecuteResult).data
    assert data[mime] == shown
    assert "C" in data["text/plain"]


def test_a_value_that_cannot_show_itself_is_shown_as_text(ruby_peer: DriverPeer) -> None:
    data = ruby_peer.run("class C; def to_html = raise('no'); end; C.new").only(driver.ExecuteResult).data
    assert list(data) == ["text/plain"]
    assert b"to_html of a C: no" in ruby_peer.stderr(b"\n")


def test_a_display_is_updated(ruby_peer: DriverPeer) -> None:
    assert ruby_peer.run("Era.display(1, display_id: :a)").only(driver.DisplayData).transient == {"display_id": "a"}
    updated = ruby_peer.run("Era.display(2, display_id: :a, update: true)").only(driver.UpdateDisplayData)
    assert (updated.transient, updated.data) == ({"display_id": "a"}, {"text/plain": "2"})


def test_clear_output(ruby_peer: DriverPeer) -> None:
    assert ruby_peer.run("Era.clear_output").only(driver.ClearOutput).wait is False
    assert ruby_peer.run("Era.clear_output(wait: true)").only(driver.ClearOutput).wait is True


def test_what_is_too_big_is_an_error(ruby_peer: DriverPeer) -> None:
    assert ruby_peer.run("Era.html('x' * (65 << 20))").reply.ename == "ArgumentError"
    assert ruby_peer.run("'x' * (65 << 20)").reply.ename == "ArgumentError"
    assert ruby_peer.run("raise 'x' * (65 << 20)").reply.ename == "RuntimeError"
    assert ruby_peer.value("1") == "1"


def test_threads_show_whole_messages(ruby_peer: DriverPeer) -> None:
    answer = ruby_peer.run("8.times.map { |n| Thread.new { 50.times { Era.html(n.to_s * 5000) } } }.each(&:join); nil")
    assert len(answer.events) == 400


@pytest.mark.parametrize("call", ["gets", "STDIN.gets", "$stdin.gets", "Kernel.gets", "readline", "$stdin.readline"])
def test_input_is_asked_of_the_front_end(ruby_peer: DriverPeer, call: str) -> None:
    request = ruby_peer.start(call, allow_stdin=True)
    asked = ruby_peer.next_message()
    assert isinstance(asked, driver.InputRequest)
    ruby_peer.send("input_reply", request, value="você")
    assert ruby_peer.answer(request).only(driver.ExecuteResult).data["text/plain"] == '"você\\n"'


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("STDIN.read", '"1 2\\n"'),
        ("$stdin.readlines(chomp: true)", '["1 2"]'),
        ("readlines", '["1 2\\n"]'),
        ("[$stdin.each_line { |line| break line }]", '["1 2\\n"]'),
        ("ARGF.gets", '"1 2\\n"'),
        ("ARGF.each_line { |line| break line }", '"1 2\\n"'),
        ("$<.read.split.sum(&:to_i)", "3"),
    ],
)
def test_all_of_the_input_is_asked_for(ruby_peer: DriverPeer, code: str, shown: str) -> None:
    request = ruby_peer.start(code, allow_stdin=True)
    assert isinstance(ruby_peer.next_message(), driver.InputRequest)
    ruby_peer.send("input_reply", request, value="1 2")
    assert ruby_peer.answer(request).only(driver.ExecuteResult).data["text/plain"] == shown


def test_files_in_place_of_the_input_are_read(ruby_peer: DriverPeer, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("1\n2\n3\n")
    ruby_peer.run(f"path = '{tmp_path}/lines'")
    assert ruby_peer.value("ARGV << path; [ARGF.gets, ARGF.read, ARGF.gets]") == '["1\\n", "2\\n3\\n", nil]'
    assert ruby_peer.value("STDIN.reopen(path); [gets, STDIN.read, gets]") == '["1\\n", "2\\n3\\n", nil]'
    assert ruby_peer.run("$stdin.readline").reply.ename == "EOFError"


def test_a_password_is_asked_for(ruby_peer: DriverPeer) -> None:
    request = ruby_peer.start("require 'io/console'; STDIN.getpass('Key: ')", allow_stdin=True)
    asked = ruby_peer.next_message()
    assert (asked.content.prompt, asked.content.password) == ("Key: ", True)
    ruby_peer.send("input_reply", request, value="s")
    assert ruby_peer.answer(request).only(driver.ExecuteResult).data["text/plain"] == '"s"'


def test_no_input_is_an_error_that_says_so(ruby_peer: DriverPeer) -> None:
    reply = ruby_peer.run("gets", allow_stdin=False).reply
    assert reply.ename == "IOError"
    assert "does not support input" in reply.evalue
    request = ruby_peer.start("gets", allow_stdin=True)
    ruby_peer.next_message()
    ruby_peer.send("input_reply", request, error="the user left")
    assert ruby_peer.answer(request).reply.evalue == "the user left"


def test_a_question_can_be_interrupted(ruby_peer: DriverPeer) -> None:
    request = ruby_peer.start("gets", allow_stdin=True)
    ruby_peer.next_message()
    ruby_peer.interrupt()
    assert ruby_peer.answer(request).reply.ename == "KeyboardInterrupt"
    assert ruby_peer.value("1") == "1"
