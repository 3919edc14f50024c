"""The python driver, as a real process: cells, output, errors, interrupts, questions, the end."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer, running_driver

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
    assert 'File "Cell In[2]", line 2' in text
    assert 'File "Cell In[1]", line 3, in f' in text
    assert "return 1 / y" in text
    assert text.endswith("ZeroDivisionError: division by zero")


def test_a_syntax_error_shows_its_place(peer: DriverPeer) -> None:
    text = trace(peer, "a = 1\nb = = 2")
    assert 'File "Cell In[1]", line 2' in text
    assert "b = = 2" in text
    assert "^" in text


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
        "import traceback; traceback.TracebackException = None; 1 / 0",
    ],
)
def test_hard_errors_leave_the_session_alive(peer: DriverPeer, code: str) -> None:
    answer = peer.run(code)
    assert answer.reply.status == "error" or "repr failed" in str(answer.events)
    assert sum(map(len, answer.reply.traceback)) < 600_000
    assert peer.value("1 + 1") == "2"


def test_lines_of_ipython_s_own_are_explained(peer: DriverPeer) -> None:
    assert "subprocess.run" in trace(peer, "!ls")
    assert "%magic" in trace(peer, "%timeit 1")


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


def test_a_fork_prints_nothing_twice_and_does_not_speak_for_the_session(peer: DriverPeer) -> None:
    peer.run("import os\nprint('once')\npid = os.fork()\nif pid: os.waitpid(pid, 0)")
    assert peer.value("os.getpid() != 0") == "True"
    assert peer.stdout(b"once\n") == b"once\n"


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
    peer.run("import sys; sys.stdout.close()")
    assert peer.value("1 + 1") == "2"


def test_an_idle_driver_uses_no_cpu(peer: DriverPeer) -> None:
    peer.run("print(1)")
    time.sleep(0.2)
    ticks = [peer.value("__import__('resource').getrusage(0).ru_nvcsw") for _ in range(1)]
    time.sleep(1)
    later = peer.value("__import__('resource').getrusage(0).ru_nvcsw")
    assert int(later) - int(ticks[0]) < 20


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
    for number in range(20):
        peer.interrupt()
        assert peer.value(str(number)) == str(number)
        peer.interrupt()


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


def test_the_host_s_end_of_file_ends_the_driver() -> None:
    with running_driver() as peer:
        import os

        os.close(peer._to_driver)
        assert peer.wait() == 0
        peer._to_driver = os.open(os.devnull, os.O_WRONLY)


def test_children_cannot_write_messages(peer: DriverPeer) -> None:
    answer = peer.run("import os, subprocess\nsubprocess.run(['ls', '-l', '/proc/self/fd'], check=True);")
    assert answer.reply.status == "ok"
    descriptors = [
        line.split(" -> ")[0].split()[-1] for line in peer.stdout(b"->").decode().splitlines() if "->" in line
    ]
    assert {int(number) for number in descriptors} <= {0, 1, 2, 3}


def test_reseeding_gives_other_numbers(peer: DriverPeer) -> None:
    peer.run("import random; random.seed(1)")
    peer.request("reseed", entropy="00" * 32)
    first = peer.value("random.random()")
    peer.request("reseed", entropy="11" * 32)
    assert peer.value("random.random()") != first
