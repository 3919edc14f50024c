"""Cells of the bash driver: what persists, what they show, their errors."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from era_kernel.protocol import driver
from tests.conformance.samples.bash import BASH
from tests.unit.guest.bash_driver import start_bash
from tests.unit.guest.driver_peer import Answer, DriverPeer, plain, running_driver

pytestmark = pytest.mark.timeout(60)


def printed(peer: DriverPeer, code: str, end: bytes = b"\n") -> str:
    """What a cell prints."""
    peer.output[1].clear()
    answer = peer.run(code)
    assert answer.reply.status == "ok", answer.reply
    return peer.stdout(end).decode()


def trace(answer: Answer) -> list[str]:
    return list(answer.only(driver.ErrorEvent).traceback)


def test_it_says_that_it_is_ready(bash_peer: DriverPeer) -> None:
    assert isinstance(bash_peer.ready, driver.Ready)
    assert bash_peer.ready.content.language_version[0].isdigit()
    assert bash_peer.output == {1: b"", 2: b""}


def test_variables_functions_aliases_and_the_folder_persist(bash_peer: DriverPeer, tmp_path: Path) -> None:
    bash_peer.run(f"x=41; declare -A map=([a]=b); f() {{ echo \"<$1>\"; }}; alias say='echo said'; cd '{tmp_path}'")
    assert printed(bash_peer, "echo $((x + 1)) ${map[a]}; f 2; say it; pwd; set -o noclobber") == (
        f"42 b\n<2>\nsaid it\n{tmp_path}\n"
    )


def test_both_streams(bash_peer: DriverPeer) -> None:
    assert printed(bash_peer, BASH.mixes, b"out2\n") == "out1\nout2\n"
    assert bash_peer.stderr(b"\n") == b"err1\n"


def test_odd_and_long_output_comes_as_it_is(bash_peer: DriverPeer) -> None:
    assert printed(bash_peer, BASH.odd) == "é€😀\0\n"
    assert printed(bash_peer, BASH.long_line) == "x" * 1_000_000 + "\n"


@pytest.mark.parametrize(
    ("code", "place", "end"),
    [
        ("x=41\n\nno-such-command", ["  Cell In[1], line 3", "    no-such-command"], "ExitStatus: 127"),
        ("f() {\n  false\n}\nf", ["  Cell In[1], line 4", "    f"], "ExitStatus: 1"),
        ("set -e\nfalse\necho never", ["  Cell In[1], line 2", "    false"], "ExitStatus: 1"),
        (
            "set -euo pipefail\nf() {\n  false\n  echo never\n}\nf",
            ["  Cell In[1], line 3", "      false"],
            "ExitStatus: 1",
        ),
        ("set -e\ntrap 'true' ERR\n(exit 3)", ["  Cell In[1], line 3", "    (exit 3)"], "ExitStatus: 3"),
        ("declare -i n=08", [], "ExitStatus: 1"),
        ("true\nreturn 4", [], "ExitStatus: 4"),
        (
            "echo 1\nfi",
            ["  Cell In[1], line 2", "    fi"],
            "SyntaxError: syntax error near unexpected token `fi'",
        ),
        ("echo ${none?gone}", [], "ExitStatus: 1"),
    ],
)
def test_an_error_tells_its_line(bash_peer: DriverPeer, code: str, place: list[str], end: str) -> None:
    answer = bash_peer.run(code)
    assert trace(answer) == [*place, end]
    assert (answer.reply.status, f"{answer.reply.ename}: {answer.reply.evalue}") == ("error", end)
    assert printed(bash_peer, "echo here") == "here\n"
    assert b"never" not in bash_peer.output[1]


def test_a_cell_that_is_to_end_at_errors_is_none_where_they_are_expected(bash_peer: DriverPeer) -> None:
    bash_peer.run("set -euo pipefail; f() { false; echo on; }")
    assert printed(bash_peer, "f || :; if ! f; then :; fi; (set +e; false; echo sub); echo $(f)", b"sub\non\n") == (
        "on\non\nsub\non\n"
    )
    assert bash_peer.run("(f)").reply.evalue == "1"


def test_traps_run_for_cells_and_for_nothing_else(bash_peer: DriverPeer) -> None:
    bash_peer.run("trap 'echo \"E $LINENO $?\"' ERR; trap 'echo \"D $BASH_COMMAND\"' DEBUG")
    bash_peer.request("complete_request", code="echo $HOM", cursor_pos=9)
    assert printed(bash_peer, "true\nfalse || :\nfalse\necho b", b"\nb\n").splitlines() == [
        *("D true", "D false", "D :", "D false", "E 3 1", "D echo b", "b")
    ]
    failed = bash_peer.run("trap - DEBUG ERR\n\nfalse")
    assert trace(failed) == ["  Cell In[4], line 3", "    false", "ExitStatus: 1"]
    assert printed(bash_peer, "echo a") == "a\n"


def test_traps_are_listed_as_they_were_set(bash_peer: DriverPeer) -> None:
    assert printed(bash_peer, "trap -p; trap; echo") == "\n"
    bash_peer.run("trap 'echo e' ERR; trap -- 'echo d' DEBUG; trap 'echo u' USR1; trap 'echo x' 0")
    listed = "trap -- 'echo x' EXIT\ntrap -- 'echo u' SIGUSR1\ntrap -- 'echo d' DEBUG\ntrap -- 'echo e' ERR\n"
    assert printed(bash_peer, "trap -p", b"ERR\n") == f"d\n{listed}"
    assert printed(bash_peer, "trap - DEBUG ERR EXIT USR1; trap; echo end", b"end\n") == "d\nend\n"
    assert bash_peer.run("trap true NONE").reply.status == "error"


def test_a_trap_on_return_is_the_function_s(bash_peer: DriverPeer) -> None:
    bash_peer.run("f() { trap 'echo back; trap - RETURN' RETURN; echo in; }; g() { :; }")
    assert printed(bash_peer, "f; g; f; g", b"back\nin\nback\n") == "in\nback\nin\nback\n"


def test_what_is_traced_is_the_cell_s(bash_peer: DriverPeer) -> None:
    bash_peer.run("set -x")
    assert printed(bash_peer, "# first\necho a\nread x <<<b; false || trap 'echo u' USR1") == "a\n"
    assert bash_peer.run("set +x").reply.status == "ok"
    assert bash_peer.stderr(b"set +x\n").decode().splitlines() == [
        *("++ echo a", "++ read x", "++ false", "++ trap 'echo u' USR1", "++ set +x")
    ]


def test_what_bash_prints_of_a_syntax_error_names_the_cell(bash_peer: DriverPeer) -> None:
    bash_peer.run("true\nfi", execution_count=9)
    assert b"/In[9]: line 2: syntax error" in bash_peer.stderr(b"line 2: `fi'\n")


@pytest.mark.parametrize("code", ["", "# only this", "false || true", "! true || true", "if false; then :; fi", "\0"])
def test_what_does_not_fail_is_no_error(bash_peer: DriverPeer, code: str) -> None:
    answer = bash_peer.run(code)
    assert (answer.events, answer.reply.status) == ([], "ok")


@pytest.mark.parametrize("code", [")" * 10_000, "(" * 10_000, "é€😀" * 100, "\\", "cat <<E\nx"])
def test_what_is_no_bash_hurts_nobody(bash_peer: DriverPeer, code: str) -> None:
    bash_peer.run(code)
    assert printed(bash_peer, "echo here").endswith("here\n")


def test_nothing_is_read_from_the_driver_s_own_pipes(bash_peer: DriverPeer) -> None:
    assert printed(bash_peer, "cat; exec <&-; echo $?") == "0\n"
    assert printed(bash_peer, "ls -1 /proc/self/fd") == "0\n1\n2\n3\n"


@pytest.mark.parametrize(
    ("code", "prompt", "password", "printed"),
    [
        (BASH.asks, "name? ", False, b"hello a  b\\c\n"),
        ('read -s -p Key: a b; echo "$a-$b"', "Key:", True, b"a-bc\n"),
        ('IFS= read -r line; echo "<$line>"', "", False, b"<  a  b\\c >\n"),
        ('f() { local x; read -r x; echo "$x"; }; f', "", False, b"a  b\\c\n"),
        ('read -n 3 x; echo "$x."', "", False, b"a.\n"),
    ],
)
def test_read_asks_the_notebook_s_user(
    bash_peer: DriverPeer, code: str, prompt: str, password: bool, printed: bytes
) -> None:
    request = bash_peer.start(code, allow_stdin=True)
    question = bash_peer.next_message()
    assert (question.content.prompt, question.content.password) == (prompt, password)
    bash_peer.send("input_reply", request, value="  a  b\\c ")
    assert bash_peer.answer(request).reply.status == "ok"
    assert bash_peer.stdout(b"\n") == printed


def test_read_with_a_stdin_of_its_own_asks_nobody(bash_peer: DriverPeer, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("1\n2\n")
    bash_peer.run(f"cd '{tmp_path}'")
    answer = bash_peer.run(
        "while read -r n; do echo $n; done <lines\necho 3 | { read n; echo $n; }; read n <<<4; echo $n\n"
        "exec 7<lines; read -u 7 n; echo $n; sort </dev/null; cat",
        allow_stdin=True,
    )
    assert (answer.events, answer.reply.status) == ([], "ok")
    assert bash_peer.stdout(b"4\n1\n") == b"1\n2\n3\n4\n1\n"


def test_a_question_that_nobody_answers_is_no_input(bash_peer: DriverPeer) -> None:
    assert bash_peer.run("read x").reply.ename == "ExitStatus"
    assert b"takes no input" in bash_peer.stderr(b"\n")
    request = bash_peer.start("read x", allow_stdin=True)
    bash_peer.next_message()
    bash_peer.send("input_reply", request, error="the user left")
    assert bash_peer.answer(request).reply.ename == "ExitStatus"


def test_a_question_is_interrupted(bash_peer: DriverPeer) -> None:
    request = bash_peer.start("x=1; read y; x=2", allow_stdin=True)
    bash_peer.next_message()
    bash_peer.interrupt()
    assert bash_peer.answer(request).reply.ename == "KeyboardInterrupt"
    bash_peer.send("input_reply", request, value="too late")
    assert printed(bash_peer, "echo $x$y") == "1\n"


def test_what_cells_show(bash_peer: DriverPeer) -> None:
    answer = bash_peer.run(
        "era_html '<b>é</b>'\necho '# x' | era_markdown\nprintf '\\x89PNG' | era_png\nera_clear_output wait\n"
        'echo \'{"a": [1, true, "x"]}\' | era_json'
    )
    html, markdown, png, clear, json = [plain(event.content) for event in answer.events]
    assert html.data == {"text/html": "<b>é</b>", "text/plain": "<text/html>"}
    assert markdown.data["text/markdown"] == "# x\n"
    assert base64.b64decode(png.data["image/png"]) == b"\x89PNG"
    assert clear.wait is True
    assert json.data["application/json"] == {"a": [1, True, "x"]}


def test_what_cannot_be_shown_is_told(bash_peer: DriverPeer) -> None:
    assert bash_peer.run("era_json '{'; era_png /no/such/file || true").events == []
    assert b"no JSON" in bash_peer.stderr(b"no JSON")


def test_user_expressions_are_commands(bash_peer: DriverPeer) -> None:
    found = bash_peer.run("x=5", user_expressions={"good": "echo $x", "bad": "false"}).reply.user_expressions
    assert found["good"]["data"] == {"text/plain": "5"}
    assert (found["bad"]["status"], found["bad"]["evalue"]) == ("error", "1")


def test_a_cell_may_empty_tmp(bash_peer: DriverPeer) -> None:
    bash_peer.run('rm -rf "$__era_folder"')
    assert printed(bash_peer, "echo here") == "here\n"


def test_sessions_have_luck_of_their_own(bash_peer: DriverPeer) -> None:
    bash_peer.run("RANDOM=1")
    draw = "echo $RANDOM$RANDOM"
    first = printed(bash_peer, draw)
    bash_peer.run("RANDOM=1")
    assert printed(bash_peer, draw) == first
    with running_driver(start_bash) as other:
        assert printed(other, draw) != printed(bash_peer, draw)


def test_lone_surrogates_are_text(bash_peer: DriverPeer) -> None:
    text = rb'{"type":"execute_request","id":"%s","content":{"code":"echo \"\ud800\"","execution_count":1}}' % (
        b"a" * 32
    )
    bash_peer.send_bytes(len(text).to_bytes(4, "big") + text)
    assert bash_peer.answer("a" * 32).reply.status == "ok"
