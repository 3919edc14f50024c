"""How the Go driver ends, and what its children cannot do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.guest.driver_peer import DriverPeer, plain, running_driver
from tests.unit.guest.go_driver import SOURCES, GoProgram, build

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ('import "os"\nos.Exit(0)', 0),
        ('import "os"\nos.Exit(3)', 3),
        ('import "log"\nlog.Fatal("bye")', 1),
        ('import "syscall"\nsyscall.Exit(9)', 9),
    ],
)
def test_exit_ends_the_driver_with_that_status(go_peer: DriverPeer, code: str, status: int) -> None:
    go_peer.start(f'import "fmt"\nfmt.Println("said")\n{code}')
    assert go_peer.wait() == status
    assert go_peer.stdout(b"said") == b"said\n"


def test_all_is_said_before_the_end(go_peer: DriverPeer) -> None:
    go_peer.start('import ("fmt"; "os")\ndisplay.Text("shown")\nfmt.Print("printed")\nos.Exit(0)')
    assert plain(go_peer.next_message().content).data == {"text/plain": "shown"}
    assert go_peer.wait() == 0
    assert go_peer.stdout(b"printed") == b"printed"


def test_what_ends_every_go_program_ends_the_session(go_peer: DriverPeer) -> None:
    go_peer.start(
        "m := map[int]int{}\ngo func() { for i := 0; ; i++ { m[i%9] = i } }()\nfor i := 0; ; i++ { m[i%9] = i }"
    )
    assert go_peer.wait() == 2
    assert b"fatal error: concurrent map" in go_peer.stderr(b"\n")


@pytest.mark.parametrize(
    "code",
    [
        "func f(n int) int { return f(n+1) + 1 }\nf(0)",
        "func a(n int) int { return b(n) }\nfunc b(n int) int { return a(n) }\ngo a(1)\nselect {}",
        "type T struct{ t *T }\nfunc (t *T) String() string { return t.String() }\n&T{}",
    ],
)
def test_calls_without_end_are_stopped(go_peer: DriverPeer, code: str) -> None:
    assert go_peer.run(code).reply.ename == "stack overflow"
    assert go_peer.value("func g(n int) int { if n == 0 { return 0 }; return g(n-1) + 1 }\ng(10_000)") == "10000"


def test_a_panic_of_a_goroutine_tells_its_place(go_peer: DriverPeer) -> None:
    go_peer.start('import "time"\ngo func() {\n\tpanic("in a goroutine")\n}()\ntime.Sleep(time.Minute)')
    assert go_peer.wait() == 2
    text = go_peer.stderr(b"goroutine\n")
    assert b"Cell In[1]:3" in text or b"Cell In[1]:2" in text
    assert b"panic: in a goroutine" in text


def test_goexit_ends_the_cell_alone(go_peer: DriverPeer) -> None:
    assert go_peer.run('import "runtime"\nx := 1\nruntime.Goexit()').reply.ename == "runtime.Goexit"
    assert go_peer.value("x") == "1"


@pytest.mark.parametrize("asks", [False, True])
def test_the_host_s_end_of_file_ends_the_driver(go_peer: DriverPeer, asks: bool) -> None:
    if asks:
        go_peer.start('import "fmt"\nvar s string\nfmt.Scan(&s)', allow_stdin=True)
        go_peer.next_message()
    else:
        go_peer.run("1")
    go_peer.end_input()
    assert go_peer.wait() == 0


def test_a_host_that_is_gone_ends_the_driver(go_peer: DriverPeer) -> None:
    go_peer.stop_listening()
    go_peer.start("for { display.Text(`x`) }")
    assert go_peer.wait() == 74


@pytest.mark.parametrize("data", [b"\x04\x00\x00\x01", b"\0\0\0\2[]", b"\0\0\0\1x", b"\0\0\0\2\xff\xff", b"\0\0\0\2{}"])
def test_what_is_no_message_ends_the_driver_with_a_word(go_peer: DriverPeer, data: bytes) -> None:
    go_peer.send_bytes(data)
    assert go_peer.wait() == 76
    assert go_peer.stderr(b"\n").startswith(b"era driver: the host ")


def test_lone_surrogates_are_text(go_peer: DriverPeer) -> None:
    text = rb'{"type":"execute_request","id":"%s","content":{"code":"\"\ud800\"","execution_count":1}}' % (b"a" * 32)
    go_peer.send_bytes(len(text).to_bytes(4, "big") + text)
    assert go_peer.answer("a" * 32).reply.status == "ok"


def test_children_hold_no_pipe_of_the_session(go_peer: DriverPeer) -> None:
    code = 'import ("fmt"; "os/exec")\nout, _ := exec.Command("ls", "/proc/self/fd").Output()\nfmt.Print(string(out))'
    go_peer.run(code)
    assert set(go_peer.stdout(b"\n").split()) <= {b"0", b"1", b"2", b"3"}
    assert go_peer.value('out, _ := exec.Command("cat").Output()\nlen(out)') == "0"


@pytest.mark.slow
def test_an_image_of_other_sources_is_refused(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(SOURCES, sources)
    driver = build(tmp_path / "driver", sources)
    assert "no pipe to the host" in refusal(driver, 76)
    with (sources / "main.go").open("a") as main:
        main.write("\n")
    assert refusal(driver, 78).startswith("era driver: this image was built for another version")


def refusal(binary: Path, status: int) -> str:
    """What a driver says that does not become a session."""
    ended = subprocess.run([binary], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert ended.returncode == status, ended.stderr
    return ended.stderr


def test_a_program_for_go_s_own_compiler(go_driver: Path) -> None:
    with running_driver(GoProgram(go_driver)) as peer:
        answer = peer.run(
            '%%go run a b\nimport ("fmt"; "os")\n\nfunc main() {\n\tfmt.Println(os.Args[1:])\n\tos.Exit(3)\n}'
        )
        assert peer.stdout(b"\n") == b"[a b]\n"
        assert (answer.reply.ename, answer.reply.evalue) == ("exit", "the program ended with status 3")
        answer = peer.run("%%go run\npackage main\n\nfunc main() { x }")
        assert answer.reply.ename == "compile error"
        assert b"Cell In[2]:4:15" in peer.stderr(b"\n")
        request = peer.start('%%go run\nfunc main() { println("runs"); for {} }')
        peer.stderr(b"runs")
        peer.interrupt()
        assert peer.answer(request).reply.ename == "KeyboardInterrupt"
        assert peer.value("1") == "1"
