"""What the cells of the python driver print and display: whole, in order, soon."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer, StartDriver, running_driver

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def peer(start_driver: StartDriver) -> Iterator[DriverPeer]:
    with running_driver(start_driver) as running:
        yield running


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


def test_a_fork_of_a_fork_has_nothing_to_complain_of(peer: DriverPeer) -> None:
    peer.run("import os\nif not (pid := os.fork()):\n    os.fork()\n    os._exit(0)\nos.waitpid(pid, 0)")
    peer.run("import sys; print('end', file=sys.stderr)")
    assert peer.stderr(b"end\n") == b"end\n"


def test_a_forked_child_s_error_is_its_own(peer: DriverPeer) -> None:
    assert peer.value("import os\npid = os.fork()\nif not pid: 1 / 0\nos.waitpid(pid, 0)[1] >> 8") == "1"
    assert b"Cell In[1], line 3" in peer.stderr(b"ZeroDivisionError")


def test_a_child_that_lives_on_holds_no_pipe_of_the_session(start_driver: StartDriver) -> None:
    with running_driver(start_driver) as peer:
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
