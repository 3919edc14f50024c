"""What an editor asks the Ruby driver: completions, inspections, completeness."""

from __future__ import annotations

import time

import pytest

from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("code", "completed"),
    [
        ("'größe'; x.bit_le", "'größe'; x.bit_length"),
        ("Comparab", "Comparable"),
        ("pri", "print"),
        ("my_l", "my_list"),
        ("my_list.each_w", "my_list.each_with_index"),
        ("my_list&.each_w", "my_list&.each_with_index"),
        ("@inst", "@instance"),
        ("$glob", "$global_one"),
        ("File::SEPAR", "File::SEPARATOR"),
        ("File.expan", "File.expand_path"),
        ("'😀'.upca", "'😀'.upcase"),
        ("[1].fla", "[1].flatten"),
        ("1.bit_l", "1.bit_length"),
        ("1.5.infin", "1.5.infinite?"),
        ("whi", "while"),
        ("größ", "größe_x"),
        ("my_me", "my_method"),
        ("{}.transform_v", "{}.transform_values"),
        ("x = [[1], 2].fla", "x = [[1], 2].flatten"),
        ("f({a: {}}.transform_v", "f({a: {}}.transform_values"),
        (":my_met", ":my_method"),
    ],
)
def test_completions(ruby_peer: DriverPeer, code: str, completed: str) -> None:
    ruby_peer.run("x = 41; my_list = [1]; @instance = 1; $global_one = 1; größe_x = 1\ndef my_method = 1")
    reply = ruby_peer.request("complete_request", code=code, cursor_pos=len(code)).reply
    assert completed in [code[: reply.cursor_start] + each + code[reply.cursor_end :] for each in reply.matches]


@pytest.mark.parametrize("code", ["nothing.here", "f(1).abc", "x.y.z", "Nope::A", ".", "::", "", "'", "@", "a.b::C"])
def test_what_cannot_be_known_is_no_error(ruby_peer: DriverPeer, code: str) -> None:
    for place in (0, len(code), len(code) + 5):
        assert ruby_peer.request("complete_request", code=code, cursor_pos=place).reply.cursor_start <= len(code)
        ruby_peer.request("inspect_request", code=code, cursor_pos=place, detail_level=0)
    assert ruby_peer.value("1") == "1"


@pytest.mark.parametrize("code", ["my_list[0].", "my_list.map { |n| n }.", "-> {}.", "f(1)."])
def test_what_is_no_literal_is_not_taken_for_one(ruby_peer: DriverPeer, code: str) -> None:
    assert ruby_peer.request("complete_request", code=code, cursor_pos=len(code)).reply.matches == []


@pytest.mark.parametrize("code", ["[" * 5000 + ".", "[[" * 2000 + "]" * 2000 + ".", "{" * 5000 + "}.", "a" * 100_000])
def test_long_code_is_answered_soon(ruby_peer: DriverPeer, code: str) -> None:
    began = time.monotonic()
    for kind in ("complete_request", "inspect_request"):
        ruby_peer.request(kind, code=code, cursor_pos=len(code), detail_level=0)
    assert time.monotonic() - began < 3


def test_a_completion_runs_nothing_of_the_cell(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("$called = 0\ndef touch = $called += 1")
    ruby_peer.request("complete_request", code="touch.x", cursor_pos=7)
    assert ruby_peer.value("$called") == "0"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("puts", "puts(*_)"),
        ("puts(1", "puts(*_)"),
        ("x", "Integer: 41"),
        ("x.bit_length", "method of Integer"),
        ("Comparable", "module Comparable"),
        ("File::SEPARATOR", 'String: "/"'),
        ("area", "area(w, h = ..., unit: ...)\nmethod of Object\ndefined in cell 1, line 2"),
    ],
)
def test_inspections(ruby_peer: DriverPeer, code: str, text: str) -> None:
    ruby_peer.run("x = 41\ndef area(w, h = 2, unit: 1) = w * h")
    reply = ruby_peer.request("inspect_request", code=code, cursor_pos=min(len(code), 50), detail_level=0).reply
    assert reply.found
    assert text.replace("*_", "*") in reply.data["text/plain"].replace("*_", "*")


def test_what_is_unknown_is_not_found(ruby_peer: DriverPeer) -> None:
    assert not ruby_peer.request("inspect_request", code="nope", cursor_pos=4, detail_level=0).reply.found


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1", "complete"),
        ("", "complete"),
        ("puts 'hello, world'", "complete"),
        ("def f(x)\n  x * 2\nend", "complete"),
        ("puts 'hello", "incomplete"),
        ("def f(x)", "incomplete"),
        ("3.times do |n|", "incomplete"),
        ("text = <<~END\n  hello", "incomplete"),
        ("1 +", "incomplete"),
        ("[1,", "incomplete"),
        ("f(", "incomplete"),
        ("=begin\nx", "incomplete"),
        ("%w[a", "incomplete"),
        ("/a", "incomplete"),
        ("class A\n  def f\n  end", "incomplete"),
        ("def = 7q", "invalid"),
        ("x = = 2", "invalid"),
        ("end", "invalid"),
        (")", "invalid"),
        ("A = 1\ndef f; A = 2; end", "invalid"),
    ],
)
def test_completeness(ruby_peer: DriverPeer, code: str, status: str) -> None:
    assert ruby_peer.request("is_complete_request", code=code).reply.status == status


@pytest.mark.parametrize(
    ("code", "indent"), [("def f(x)", "  "), ("  3.times do |n|", "    "), ("[1,", ""), ("if x\n  y", "  ")]
)
def test_the_next_line_is_indented(ruby_peer: DriverPeer, code: str, indent: str) -> None:
    assert ruby_peer.request("is_complete_request", code=code).reply.indent == indent
