"""The python driver, as a real process: cells, output, errors, interrupts, questions, the end."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer, plain, running_driver

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def peer() -> Iterator[DriverPeer]:
    with running_driver() as running:
        yield running


def test_it_says_that_it_is_ready(peer: DriverPeer) -> None:
    assert isinstance(peer.ready, driver.Ready)
    assert peer.ready.content.language_version.startswith("3.")


# ---- cells


def test_the_namespace_lasts_and_the_last_expression_is_shown(peer: DriverPeer) -> None:
    assert peer.run("x = 6").events == []
    assert peer.value("x * 7") == "42"
    assert peer.value("_ + 1") == "43"


def test_none_and_a_semicolon_show_nothing(peer: DriverPeer) -> None:
    assert peer.run("None").events == []
    assert peer.run("1 + 1;  # no").events == []
    assert peer.run("'a;b'").events != []


def test_names_are_those_of_a_main_module(peer: DriverPeer) -> None:
    assert peer.value("__name__") == "'__main__'"
    peer.run("import pickle\nclass A: pass")
    assert "A object" in peer.value("pickle.loads(pickle.dumps(A()))")


def test_await_works_at_the_top(peer: DriverPeer) -> None:
    assert peer.value("import asyncio\nawait asyncio.sleep(0, 'done')") == "'done'"
    peer.run("task = asyncio.get_event_loop().create_task(asyncio.sleep(0, 5))")
    assert peer.value("await task") == "5"


def test_statements_before_an_awaited_expression_run_on_the_loop(peer: DriverPeer) -> None:
    assert peer.value("import asyncio\ntask = asyncio.create_task(asyncio.sleep(0, 5))\nawait task") == "5"
    assert peer.value("asyncio.run(asyncio.sleep(0, 6))") == "6"
    assert peer.value("await asyncio.sleep(0, 7)") == "7"


def test_tasks_go_on_between_cells_and_cannot_hang_the_session(peer: DriverPeer) -> None:
    peer.run(
        "import asyncio\nasync def late():\n    await asyncio.sleep(0.2); print('late')\n    while True: pass\n"
        "task = asyncio.create_task(late())\nawait asyncio.sleep(0)"
    )
    peer.stdout(b"late\n")
    request = peer.start("1 + 1")
    time.sleep(0.1)
    peer.interrupt()
    assert peer.answer(request).reply.status == "ok"


def test_a_task_that_exits_ends_the_driver(peer: DriverPeer) -> None:
    peer.run(
        "import asyncio\nasync def leave(): await asyncio.sleep(0.1); raise SystemExit(5)\n"
        "task = asyncio.create_task(leave())\nawait asyncio.sleep(0)"
    )
    assert peer.wait() == 5


def test_future_annotations_last(peer: DriverPeer) -> None:
    peer.run("from __future__ import annotations")
    assert peer.run("def f(x: unknown): pass").reply.status == "ok"


def test_underscore_is_the_user_s_once_it_was_assigned(peer: DriverPeer) -> None:
    assert [peer.value(code) for code in ("1", "2", "3", "(_, __, ___)")] == ["1", "2", "3", "(3, 2, 1)"]
    peer.run("_ = 'mine'")
    assert [peer.value(code) for code in ("4", "_")] == ["4", "'mine'"]


def test_user_modules_and_the_driver_s_own(peer: DriverPeer) -> None:
    assert (
        peer.value("import sys; (sys.path[0], sys.argv, [p for p in sys.path if 'drivers' in p])") == "('', [''], [])"
    )


def test_wide_containers_are_shown_over_several_lines(peer: DriverPeer) -> None:
    assert peer.value("list(range(3))") == "[0, 1, 2]"
    assert "\n" in peer.value("list(range(100))")


def test_a_repr_that_fails_is_told(peer: DriverPeer) -> None:
    assert "repr failed" in peer.value("class Bad:\n    def __repr__(self): raise ValueError\nBad()")


def test_silent_shows_no_result(peer: DriverPeer) -> None:
    assert peer.run("1", silent=True).events == []


def test_user_expressions(peer: DriverPeer) -> None:
    found = peer.run("x = 2", user_expressions={"a": "x + 1", "b": "y"}).reply.user_expressions
    assert found["a"]["data"] == {"text/plain": "3"}
    assert found["b"]["ename"] == "NameError"


# ---- errors


def trace(peer: DriverPeer, code: str) -> str:
    answer = peer.run(code)
    error = answer.only(driver.ErrorEvent)
    assert answer.reply.status == "error"
    assert answer.reply.ename == error.ename
    text = "\n".join(error.traceback)
    assert "era_driver" not in text
    return text


def test_an_error_shows_the_cell_s_lines(peer: DriverPeer) -> None:
    peer.run("def f(x):\n    y = x\n    return 1 / y")
    text = trace(peer, "a = 1\nf(0)")
    assert "Cell In[2], line 2, in <module>" in text
    assert "Cell In[1], line 3, in f" in text
    assert "return 1 / y" in text
    assert text.endswith("ZeroDivisionError: division by zero")


def test_a_syntax_error_shows_its_place_and_no_traceback(peer: DriverPeer) -> None:
    lines = trace(peer, "a = 1\nb = = 2").split("\n")
    assert lines[0].strip() == "Cell In[1], line 2"
    assert lines[1].strip() == "b = = 2"
    assert lines[2].strip() == "^"
    assert lines[3].startswith("SyntaxError: ")


def test_a_syntax_error_of_code_that_the_cell_compiles_shows_the_cell_too(peer: DriverPeer) -> None:
    text = trace(peer, "eval('1 +')")
    assert "Cell In[1], line 1, in <module>" in text
    assert 'File "<string>", line 1' in text


def test_an_interrupt_shows_where_the_cell_was(peer: DriverPeer) -> None:
    for code in ("while True: pass", "import asyncio\nawait asyncio.sleep(60)", "input()"):
        request = peer.start(f"print('running', flush=True)\n{code}", allow_stdin=True)
        if code == "input()":
            peer.next_message()
        peer.stdout(b"running\n")
        time.sleep(0.2)
        peer.output[1].clear()
        peer.interrupt()
        lines = peer.answer(request).reply.traceback
        assert lines[1].startswith("  Cell In["), lines
        assert not [line for line in lines if "era_driver" in line]
        assert lines[-1] == "KeyboardInterrupt"


def test_chains_and_groups_are_shown(peer: DriverPeer) -> None:
    text = trace(peer, "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e")
    assert "direct cause" in text
    assert "ValueError: one" in trace(peer, "raise ExceptionGroup('g', [ValueError('one'), TypeError('two')])")


@pytest.mark.parametrize(
    "code",
    [
        "def f(): f()\nf()",
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "raise ValueError('x' * 10_000_000)",
        "x = []\nfor _ in range(100_000): x = [x]\nrepr(x)",
        "raise BaseException('base')",
        "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
        "raise ValueError('\\ud800')",
        "\0",
        "'\\ud800'.encode()",
        "(" * 1000,
        "import traceback; traceback.TracebackException = None; 1 / 0",
    ],
)
def test_hard_errors_leave_the_session_alive(peer: DriverPeer, code: str) -> None:
    answer = peer.run(code)
    assert answer.reply.status == "error" or "repr failed" in str(answer.events)
    assert sum(map(len, answer.reply.traceback)) < 600_000
    assert peer.value("1 + 1") == "2"


def test_magics_are_explained(peer: DriverPeer) -> None:
    for code in ("%timeit 1", "x = 1\n%%bash\nls"):
        text = trace(peer, code)
        assert "a cell runs plain Python" in text
        assert "subprocess.run" in text


def test_shell_lines_are_run_where_a_statement_can_be(peer: DriverPeer) -> None:
    code = 'x = 1\nif x:\n    !echo "it\'s" $((40 + 2))\ntext = """\n!echo no\n"""\n%matplotlib inline\n!exit 3'
    assert peer.run(code).reply.status == "ok"
    assert peer.stdout(b"42\n") == b"it's 42\n"
    assert peer.value("_exit_code") == "3"
    assert peer.value("text") == "'\\n!echo no\\n'"


def test_python_is_never_taken_for_a_shell_line(peer: DriverPeer) -> None:
    assert peer.value("x = 7 \\\n% 4\nx") == "3"
    assert peer.value("(9\n% 4)") == "1"


# ---- output


def test_output_arrives_while_the_cell_runs(peer: DriverPeer) -> None:
    request = peer.start("import time\nprint('early')\ntime.sleep(1)")
    start = time.monotonic()
    peer.stdout(b"early\n")
    assert time.monotonic() - start < 0.9
    peer.answer(request)


def test_what_programs_and_c_code_print_keeps_its_place(peer: DriverPeer) -> None:
    peer.run(
        "import ctypes, os, subprocess\nprint(1)\nos.system('echo 2')\nprint(3)\n"
        "subprocess.run(['echo', '4'])\nprint(5)\n"
        "libc = ctypes.CDLL(None)\nlibc.puts(b'6')"
    )
    assert peer.stdout(b"6\n") == b"1\n2\n3\n4\n5\n6\n"


def test_stdout_and_stderr_keep_their_order(peer: DriverPeer) -> None:
    peer.run(
        "import os, sys\nos.dup2(1, 2)\nfor i in range(5):\n    print(i)\n    print(-i, file=sys.stderr)\n"
        "    sys.stdout.buffer.write(b'b\\n')"
    )
    expected = "".join(f"{i}\n{-i}\nb\n" for i in range(5)).encode()
    assert peer.stdout(expected[-6:]) == expected


def test_a_fork_prints_nothing_twice_and_does_not_speak_for_the_session(peer: DriverPeer) -> None:
    answer = peer.run(
        "import os\nprint('once')\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse: display('child'); print('end')"
    )
    assert answer.events == []
    assert peer.value("os.getpid() != 0") == "True"
    assert peer.stdout(b"end\n") == b"once\n'child'\nend\n"


def test_a_forked_child_s_error_is_its_own(peer: DriverPeer) -> None:
    assert peer.value("import os\npid = os.fork()\nif not pid: 1 / 0\nos.waitpid(pid, 0)[1] >> 8") == "1"
    assert b"Cell In[1], line 3" in peer.stderr(b"ZeroDivisionError")


def test_a_child_that_lives_on_holds_no_pipe_of_the_session() -> None:
    with running_driver() as peer:
        peer.run("import os, time\nif os.fork() == 0:\n    os.close(1), os.close(2)\n    time.sleep(30)")
        peer.end_input()
        assert peer.wait() == 0
        with pytest.raises(EOFError):
            peer.next_message(5)


def test_processes_of_multiprocessing_work(peer: DriverPeer) -> None:
    code = (
        "import multiprocessing\ndef square(x):\n    print('worker')\n    return x * x\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: found = pool.map(square, range(4))\nfound"
    )
    assert peer.value(code) == "[0, 1, 4, 9]"
    assert peer.stdout(b"worker\n" * 4) == b"worker\n" * 4


def test_threads_print_after_their_cell(peer: DriverPeer) -> None:
    peer.run(
        "import threading, time\ndef late():\n    time.sleep(0.3)\n    print('late')\n"
        "threading.Thread(target=late).start()"
    )
    peer.stdout(b"late\n")


def test_odd_text_breaks_nothing(peer: DriverPeer) -> None:
    peer.run("import sys\nprint('é\\0\\ud800')\nsys.stdout.write('no newline')")
    assert peer.stdout(b"no newline") == "é\0\\ud800\nno newline".encode()


def test_a_closed_stdout_hurts_only_its_cell(peer: DriverPeer) -> None:
    assert peer.run("import sys; sys.stdout.close(); print(1)").reply.ename == "ValueError"
    assert peer.run("print('again')").reply.status == "ok"
    assert peer.stdout(b"again\n") == b"again\n"


def test_stdout_is_what_programs_expect(peer: DriverPeer) -> None:
    assert (
        peer.value("import sys; (sys.stdout.fileno(), sys.stderr.fileno(), sys.stdout.encoding)") == "(1, 2, 'utf-8')"
    )
    assert peer.value("sys.stdout.isatty() or sys.stdout.closed") == "False"
    peer.run("sys.stdout.reconfigure(encoding='latin-1', line_buffering=True); print('\\xe9')")
    assert peer.stdout(b"\n") == b"\xe9\n"


def test_redirected_output_is_the_cell_s_own(peer: DriverPeer) -> None:
    code = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as out: print('kept')\nout.getvalue()"
    assert peer.value(code) == "'kept\\n'"
    assert peer.stdout() == b""


def test_programs_find_their_input_at_its_end(peer: DriverPeer) -> None:
    assert peer.value("import subprocess; subprocess.run(['cat'], timeout=10).returncode") == "0"


def test_much_output_is_whole(peer: DriverPeer) -> None:
    peer.run("for i in range(100_000): print(f'{i:079}')")
    expected = "".join(f"{i:079}\n" for i in range(100_000)).encode()
    assert peer.stdout(expected[-80:]) == expected


@pytest.mark.parametrize(
    "before", ["print(1)", "import threading; threading.Thread(target=threading.Event().wait).start()"]
)
def test_an_idle_driver_never_wakes_up(peer: DriverPeer, before: str) -> None:
    peer.run(before)
    time.sleep(0.2)
    earlier = int(peer.value("__import__('resource').getrusage(0).ru_nvcsw"))
    time.sleep(1)
    assert int(peer.value("__import__('resource').getrusage(0).ru_nvcsw")) - earlier < 10


# ---- display


def test_rich_output(peer: DriverPeer) -> None:
    answer = peer.run(
        "class Both:\n    def _repr_png_(self): return b'png'\n    def _repr_latex_(self): return '$x$'\n"
        "    def __repr__(self): return 'both'\ndisplay(Both(), display_id='a')"
    )
    shown = answer.only(driver.DisplayData)
    assert shown.data == {
        "text/plain": "both",
        "image/png": base64.b64encode(b"png").decode(),
        "text/latex": "$x$",
    }
    assert shown.transient == {"display_id": "a"}
    assert peer.run("update_display(1, display_id='a')").only(driver.UpdateDisplayData).data == {"text/plain": "1"}
    assert peer.run("clear_output(wait=True)").only(driver.ClearOutput).wait


def test_a_rich_repr_that_fails_falls_back(peer: DriverPeer) -> None:
    answer = peer.run("class Bad:\n    def _repr_html_(self): 1 / 0\n    def __repr__(self): return 'plain'\nBad()")
    assert answer.only(driver.ExecuteResult).data == {"text/plain": "plain"}


def test_text_comes_before_the_message_that_followed_it(peer: DriverPeer) -> None:
    request = peer.start("print('before')\ndisplay(1)\nimport time; time.sleep(0.2)")
    message = peer.next_message()
    assert isinstance(message, driver.DisplayData)
    assert peer.stdout(b"before\n")
    peer.answer(request)


# ---- interrupts


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "import subprocess; subprocess.run(['sleep', '60'])",
        "import os; os.system('sleep 60')",
        "!sleep 60",
        "import threading; threading.Event().wait()",
        "while True: display('x' * 100_000)",
        "import asyncio; await asyncio.sleep(60)",
        "while True: print('x' * 100)",
        "class Slow:\n    def __repr__(self):\n        while True: pass\nSlow()",
    ],
)
def test_an_interrupt_stops_the_cell_and_keeps_its_variables(peer: DriverPeer, code: str) -> None:
    request = peer.start(f"kept = 1\nprint('running', flush=True)\n{code}")
    peer.stdout(b"running\n")
    time.sleep(0.2)
    start = time.monotonic()
    peer.interrupt()
    answer = peer.answer(request)
    assert time.monotonic() - start < 1
    assert answer.reply.ename == "KeyboardInterrupt"
    assert peer.value("kept") == "1"


def test_interrupts_between_cells_do_nothing(peer: DriverPeer) -> None:
    for number in range(50):
        peer.interrupt()
        assert peer.value(str(number)) == str(number)
        peer.interrupt()


def test_an_interrupt_at_any_time_tears_no_message(peer: DriverPeer) -> None:
    for number in range(40):
        request = peer.start("display('started')\nwhile True: display('x' * 50_000)")
        peer.next_message()
        time.sleep(number / 2000)
        peer.interrupt()
        assert peer.answer(request).reply.ename == "KeyboardInterrupt"
    assert peer.value("1 + 1") == "2"


ALARM = "import signal\ndef late(*_): raise TimeoutError('late')\nsignal.signal(signal.SIGALRM, late)"


def test_a_cell_s_own_alarm_tears_no_message(peer: DriverPeer) -> None:
    # Not a mere Exception: raised within a repr that would be taken for the repr's own.
    peer.run(f"class TimeoutError(BaseException): pass\n{ALARM}")
    for number in range(40):
        seconds = 0.002 + number * 0.0005
        reply = peer.run(f"signal.setitimer(signal.ITIMER_REAL, {seconds})\nwhile True: display('x' * 300_000)").reply
        assert reply.ename == "TimeoutError"


def test_a_cell_s_own_alarm_ends_its_printing(peer: DriverPeer) -> None:
    peer.run(ALARM)
    for _ in range(10):
        reply = peer.run("signal.setitimer(signal.ITIMER_REAL, 0.02)\nwhile True: print('x' * 10_000)").reply
        assert reply.ename == "TimeoutError"


def test_an_alarm_after_its_cell_is_told_and_ends_nothing(peer: DriverPeer) -> None:
    peer.run(f"{ALARM}\nsignal.setitimer(signal.ITIMER_REAL, 0.1);")
    peer.stderr(b"TimeoutError: late\n")
    assert peer.value("1 + 1") == "2"


@pytest.mark.parametrize("last", ["await main()", "asyncio.run(main())"])
def test_interrupts_of_an_event_loop_are_never_lost(peer: DriverPeer, last: str) -> None:
    """In asyncio's own code KeyboardInterrupt loses the task's next step: 5 % of these cells once hung for ever."""
    code = (
        "import asyncio\nasync def main():\n    print('running', flush=True)\n    while True: await asyncio.sleep(0)\n"
        + last
    )
    for number in range(150):
        peer.output[1].clear()
        request = peer.start(code)
        peer.stdout(b"running\n")
        time.sleep(number % 7 / 10_000)
        peer.interrupt()
        assert peer.answer(request).reply.ename == "KeyboardInterrupt"


@pytest.mark.parametrize("body", ["while True: pass", "await asyncio.sleep(60)"])
def test_tasks_beside_the_cell_s_own_can_be_interrupted(peer: DriverPeer, body: str) -> None:
    request = peer.start(
        f"import asyncio\nasync def other():\n    print('running', flush=True)\n    {body}\n"
        "await asyncio.gather(other(), asyncio.sleep(60))"
    )
    peer.stdout(b"running\n")
    time.sleep(0.1)
    peer.interrupt()
    assert peer.answer(request).reply.ename == "KeyboardInterrupt"
    assert peer.value("1 + 1") == "2"


def test_a_handler_of_a_cell_holds_for_that_cell(peer: DriverPeer) -> None:
    peer.run("import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)")
    peer.interrupt()
    assert peer.value("1 + 1") == "2"


def test_an_interrupted_await_runs_its_finally_clauses(peer: DriverPeer) -> None:
    request = peer.start(
        "import asyncio\ntry:\n    print('running', flush=True); await asyncio.sleep(60)\nfinally: cleaned = True"
    )
    peer.stdout(b"running\n")
    peer.interrupt()
    assert peer.answer(request).reply.ename == "KeyboardInterrupt"
    assert peer.value("cleaned") == "True"


# ---- questions


def test_input_is_asked_and_answered(peer: DriverPeer) -> None:
    request = peer.start("import getpass\nname = input('name? ') + getpass.getpass('secret? ')", allow_stdin=True)
    for prompt, password, value in (("name? ", False, "a"), ("secret? ", True, "b")):
        question = peer.next_message()
        assert (question.content.prompt, question.content.password) == (prompt, password)
        peer.send("input_reply", request, value=value)
    assert peer.answer(request).reply.status == "ok"
    assert peer.value("name") == "'ab'"


def test_input_can_be_interrupted(peer: DriverPeer) -> None:
    request = peer.start("input()", allow_stdin=True)
    peer.next_message()
    peer.interrupt()
    assert peer.answer(request).reply.ename == "KeyboardInterrupt"


def test_requests_that_come_during_a_question_wait(peer: DriverPeer) -> None:
    request = peer.start("input()", allow_stdin=True)
    peer.next_message()
    following = peer.start("6 * 7")
    peer.send("input_reply", "0" * 32, value="to another cell")
    peer.send("input_reply", request, value="x" * 1_000_000)
    assert len(peer.answer(request).only(driver.ExecuteResult).data["text/plain"]) == 1_000_002
    assert peer.answer(following).only(driver.ExecuteResult).data["text/plain"] == "42"


def test_an_interrupted_question_leaves_the_stream_whole(peer: DriverPeer) -> None:
    for _ in range(20):
        request = peer.start("input()", allow_stdin=True)
        peer.next_message()
        answer = driver.encode_request("input_reply", request, {"value": "x" * 100_000})
        peer.send_bytes(answer[:50_000])
        peer.interrupt()
        assert peer.answer(request).reply.ename == "KeyboardInterrupt"
        peer.send_bytes(answer[50_000:])
        assert peer.value("1 + 1") == "2"


def test_a_refused_question_and_one_of_a_thread_are_errors(peer: DriverPeer) -> None:
    request = peer.start("input()", allow_stdin=True)
    peer.next_message()
    peer.send("input_reply", request, error="the front end has gone")
    assert "the front end has gone" in peer.answer(request).reply.evalue
    peer.run(
        "import threading\nthread = threading.Thread(target=input); thread.start(); thread.join()", allow_stdin=True
    )
    assert b"not in threads" in peer.stderr(b"not in threads")


def test_input_where_nobody_answers_is_an_error(peer: DriverPeer) -> None:
    assert "answers no questions" in peer.run("input()").reply.evalue


# ---- the end


@pytest.mark.parametrize(
    ("code", "status"), [("exit()", 0), ("exit(3)", 3), ("raise SystemExit('why')", 1), ("import os; os._exit(9)", 9)]
)
def test_exit_ends_the_driver_with_that_status(peer: DriverPeer, code: str, status: int) -> None:
    peer.start(f"print('bye', flush=True)\n{code}")
    assert peer.wait() == status
    assert peer.stdout(b"bye") == b"bye\n"


def test_exit_functions_run_and_all_is_said_before_the_end(peer: DriverPeer) -> None:
    peer.start("import atexit\natexit.register(print, 'at exit')\ndisplay('shown'); print('printed')\nexit()")
    assert plain(peer.next_message().content).data == {"text/plain": "'shown'"}
    assert peer.wait() == 0
    assert peer.stdout(b"at exit") == b"printed\nat exit\n"


@pytest.mark.parametrize("before", ["1", "await __import__('asyncio').sleep(0)", None])
def test_the_host_s_end_of_file_ends_the_driver(peer: DriverPeer, before: str | None) -> None:
    if before is None:
        peer.start("input()", allow_stdin=True)
        peer.next_message()
    else:
        peer.run(before)
    peer.end_input()
    assert peer.wait() == 0


def test_a_host_that_is_gone_ends_the_driver(peer: DriverPeer) -> None:
    peer.stop_listening()
    peer.start("while True: display(1)")
    assert peer.wait() == 74


@pytest.mark.parametrize("data", [b"\x04\x00\x00\x01", b"\0\0\0\2[]", b"\0\0\0\1x", b"\0\0\0\2\xff\xff"])
def test_what_is_no_message_ends_the_driver_with_a_word(peer: DriverPeer, data: bytes) -> None:
    peer.send_bytes(data)
    assert peer.wait() == 76
    assert peer.stderr(b"\n").startswith(b"era driver: the host ")


def test_children_cannot_write_messages(peer: DriverPeer) -> None:
    answer = peer.run("import os, subprocess\nsubprocess.run(['ls', '-l', '/proc/self/fd'], check=True);")
    assert answer.reply.status == "ok"
    descriptors = [
        line.split(" -> ")[0].split()[-1] for line in peer.stdout(b"->").decode().splitlines() if "->" in line
    ]
    assert {int(number) for number in descriptors} <= {0, 1, 2, 3}
