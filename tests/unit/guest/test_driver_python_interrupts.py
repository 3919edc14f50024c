"""Interrupts of the python driver's cells, and the questions that these ask."""

from __future__ import annotations

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


def test_only_the_main_thread_takes_interrupts(peer: DriverPeer) -> None:
    """The system may give a signal to any thread that does not block it; elsewhere it would wake nobody."""
    code = (
        "import os\n"
        "def blocks(task):\n"
        "    status = dict(line.split(':', 1) for line in open(f'/proc/self/task/{task}/status'))\n"
        "    return bool(int(status['SigBlk'], 16) & 2)\n"
        "sorted((blocks(task), int(task) == os.getpid()) for task in os.listdir('/proc/self/task'))"
    )
    assert peer.value(code) == "[(False, True), (True, False)]"
