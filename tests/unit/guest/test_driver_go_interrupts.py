"""Interrupts and questions of the Go driver: the cell ends, the session stays."""

from __future__ import annotations

import time

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)

IMPORTS = 'import ("bufio"; "fmt"; "math/big"; "net"; "net/http"; "os"; "os/exec"; "sync"; "time")\n'


def interrupted(peer: DriverPeer, code: str, limit: float = 1.0) -> None:
    """Run a cell until it says that it is busy, interrupt it, and wait for its end."""
    peer.output[1].clear()
    request = peer.start(f'{IMPORTS}fmt.Println("busy")\n{code}', allow_stdin=True)
    peer.stdout(b"busy\n")
    time.sleep(0.1)
    start = time.monotonic()
    peer.interrupt()
    answer = peer.answer(request)
    assert time.monotonic() - start < limit
    assert answer.reply.ename == "KeyboardInterrupt"


@pytest.mark.parametrize(
    "code",
    [
        "for {}",
        "i := 0\nfor { i++ }",
        "func spin() int { for { } }\nspin()",
        "func deep(n int) int { if n > 0 { return deep(n-1) }; for { time.Sleep(time.Microsecond) } }\ndeep(50)",
        "time.Sleep(time.Hour)",
        "<-make(chan int)",
        "make(chan int) <- 1",
        "for range make(chan int) {}",
        "select {}",
        "select { case <-make(chan int): case <-time.After(time.Hour): }",
        "var wg sync.WaitGroup; wg.Add(1); wg.Wait()",
        "var mu sync.Mutex; mu.Lock(); mu.Lock()",
        "var rw sync.RWMutex; rw.Lock(); rw.RLock()",
        "c := sync.NewCond(&sync.Mutex{}); c.L.Lock(); c.Wait()",
        "bufio.NewScanner(os.Stdin).Scan()",
        'exec.Command("sleep", "60").Run()\nfor {}',
        'for { fmt.Print("") }',
        "x := 0\nfmt.Scan(&x)",
        "defer time.Sleep(time.Hour)\nfor {}",
        'door, _ := net.Listen("tcp", "127.0.0.1:0")\ndoor.Accept()',
        'deaf, _ := net.Listen("tcp", "127.0.0.1:0")\nhttp.Get("http://" + deaf.Addr().String())',
    ],
)
def test_an_interrupt_ends_the_cell_and_keeps_variables(go_peer: DriverPeer, code: str) -> None:
    go_peer.run("kept := 1\nclosure := func() int { return kept + 1 }\nqueue := make(chan int)")
    interrupted(go_peer, code)
    assert go_peer.value("kept") == "1"
    assert go_peer.value("closure()") == "2"
    assert go_peer.value("go func() { queue <- closure() }()\n<-queue") == "2"


def test_interrupted_code_never_goes_on(go_peer: DriverPeer) -> None:
    go_peer.run('n := 0\nimport ("time"; "fmt")')
    interrupted(go_peer, 'time.Sleep(1500 * time.Millisecond)\nn = 7\nfmt.Println("late")')
    time.sleep(1.7)
    assert go_peer.value("n") == "0"
    assert b"late" not in go_peer.stdout()


def test_busy_goroutines_end_with_the_cell(go_peer: DriverPeer) -> None:
    go_peer.run('import ("time"; "runtime")\nn := 0\ngo func() { for { n++ } }()')
    interrupted(go_peer, "for {}")
    before = go_peer.value("n")
    time.sleep(0.1)
    assert go_peer.value("n") == before


def test_interrupts_again_and_again(go_peer: DriverPeer) -> None:
    go_peer.run("f := func(n int) int { return n * 2 }")
    for number in range(40):
        request = go_peer.start("for { f(3) }")
        time.sleep(number / 4000)
        go_peer.interrupt()
        # An interrupt that comes before the cell runs is none.
        try:
            message = go_peer.next_message(1.5)
        except AssertionError:
            go_peer.interrupt()
            message = go_peer.next_message()
        assert message.content.ename == "KeyboardInterrupt"
        assert go_peer.answer(request).reply.ename == "KeyboardInterrupt"
        assert go_peer.value(f"f({number})") == str(number * 2)


def test_interrupts_between_cells_do_nothing(go_peer: DriverPeer) -> None:
    for number in range(30):
        go_peer.interrupt()
        assert go_peer.value(str(number)) == str(number)
        go_peer.interrupt()


def test_what_cannot_be_stopped_ends_the_session_with_a_word(go_peer: DriverPeer) -> None:
    go_peer.run('import "math/big"')
    go_peer.start("new(big.Int).Exp(big.NewInt(3), new(big.Int).Lsh(big.NewInt(1), 40), nil)")
    time.sleep(0.3)
    start = time.monotonic()
    go_peer.interrupt()
    assert go_peer.wait() == 130
    assert time.monotonic() - start < 2
    assert b"cannot be stopped" in go_peer.stderr(b"\n")


def test_a_handler_of_a_cell_takes_no_interrupts_away(go_peer: DriverPeer) -> None:
    go_peer.run('import ("os"; "os/signal")\nsignal.Ignore(os.Interrupt)')
    interrupted(go_peer, "for {}")


def answered(peer: DriverPeer, code: str, *lines: str) -> str:
    """text/plain of a cell that asks for these lines."""
    request = peer.start(IMPORTS + code, allow_stdin=True)
    for line in lines:
        question = peer.next_message()
        assert isinstance(question, driver.InputRequest), question
        peer.send("input_reply", request, value=line)
    return str(peer.answer(request).only(driver.ExecuteResult).data["text/plain"])


def test_input_is_asked_line_by_line(go_peer: DriverPeer) -> None:
    assert answered(go_peer, "var a, b int\nfmt.Scan(&a, &b)\na + b", "2", "3") == "5"
    assert answered(go_peer, "var c, d int\nfmt.Scan(&c, &d)\nc + d", "4 5") == "9"
    code = "in := bufio.NewScanner(os.Stdin)\nin.Scan()\nfirst := in.Text()\nin.Scan()\nfirst + in.Text()"
    assert answered(go_peer, code, "é", "x y") == '"éx y"'
    assert answered(go_peer, "line, _ := bufio.NewReader(os.Stdin).ReadString('\\n')\nline", "all") == '"all\\n"'


def test_ctrl_d_ends_the_input(go_peer: DriverPeer) -> None:
    code = "all := 0\nfor in := bufio.NewScanner(os.Stdin); in.Scan(); { all++ }\nall"
    assert answered(go_peer, code, "a", "b", "\x04") == "2"


def test_input_where_nobody_answers_is_an_error(go_peer: DriverPeer) -> None:
    assert "answers no questions" in go_peer.run('import "fmt"\nvar x int\nfmt.Scan(&x)').reply.evalue


def test_a_refused_question_is_an_error_of_the_read(go_peer: DriverPeer) -> None:
    request = go_peer.start('import "fmt"\nvar x int\n_, err := fmt.Scan(&x)\nerr', allow_stdin=True)
    go_peer.next_message()
    go_peer.send("input_reply", request, error="the front end has gone")
    assert "has gone" in go_peer.answer(request).only(driver.ExecuteResult).data["text/plain"]


def test_requests_that_come_during_a_question_wait(go_peer: DriverPeer) -> None:
    request = go_peer.start(f"{IMPORTS}var s string\nfmt.Scanln(&s)\nlen(s)", allow_stdin=True)
    go_peer.next_message()
    following = go_peer.start("6 * 7")
    go_peer.send("input_reply", "0" * 32, value="to another cell")
    go_peer.send("input_reply", request, value="x" * 100_000)
    assert go_peer.answer(request).only(driver.ExecuteResult).data["text/plain"] == "100000"
    assert go_peer.answer(following).only(driver.ExecuteResult).data["text/plain"] == "42"
