"""What the cells of the Go driver print and display: whole, in order, soon."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer, plain

pytestmark = pytest.mark.timeout(60)


def test_output_arrives_while_the_cell_runs(go_peer: DriverPeer) -> None:
    request = go_peer.start('import ("fmt"; "time")\nfmt.Print("early")\ntime.Sleep(time.Second)')
    start = time.monotonic()
    go_peer.stdout(b"early")
    assert time.monotonic() - start < 0.9
    go_peer.answer(request)


def test_all_ways_to_print_keep_their_order(go_peer: DriverPeer) -> None:
    go_peer.run(
        'import ("fmt"; "log"; "os"; "os/exec"; "bufio")\nos.Stderr = os.Stdout\nfmt.Println(1)\nprintln(2)\n'
        'os.Stdout.WriteString("3\\n")\nfmt.Fprintln(os.Stderr, 4)\nout, _ := exec.Command("echo", "5").Output()\n'
        'fmt.Print(string(out))\ncmd := exec.Command("echo", "6")\ncmd.Stdout = os.Stdout\ncmd.Run()\n'
        "w := bufio.NewWriter(os.Stdout)\nfmt.Fprintln(w, 7)\nw.Flush()\nprintln(8)\n"
        "log.SetFlags(0)\nlog.SetOutput(os.Stdout)\nlog.Println(9)"
    )
    assert go_peer.stdout(b"9\n") == b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"


def test_log_and_stderr_are_stderr(go_peer: DriverPeer) -> None:
    go_peer.run(
        'import ("fmt"; "log"; "os")\nlog.SetFlags(0)\nlog.Print("a")\n'
        'fmt.Fprintln(os.Stderr, "b")\nlog.New(os.Stderr, "p ", 0).Print("c")'
    )
    assert go_peer.stderr(b"c\n") == b"a\nb\np c\n"


def test_a_goroutine_prints_after_its_cell(go_peer: DriverPeer) -> None:
    go_peer.run('import ("fmt"; "time")\ngo func() { time.Sleep(200 * time.Millisecond); fmt.Println("late") }()')
    go_peer.stdout(b"late\n")


def test_odd_text_breaks_nothing(go_peer: DriverPeer) -> None:
    go_peer.run('import "fmt"\nfmt.Print("é\\x00\\xff😀\\n", string([]byte{0, 0, 0, 2}), "{}")')
    assert go_peer.stdout(b"{}") == b"\xc3\xa9\0\xff\xf0\x9f\x98\x80\n\0\0\0\2{}"
    assert go_peer.value('"\\xff\\x00é😀"') == '"\\xff\\x00é😀"'


def test_much_output_is_whole_and_fast(go_peer: DriverPeer) -> None:
    start = time.monotonic()
    go_peer.run('import "fmt"\nfor i := 0; i < 125_000; i++ { fmt.Printf("%079d\\n", i) }')
    assert time.monotonic() - start < 5
    expected = "".join(f"{number:079}\n" for number in range(125_000)).encode()
    assert go_peer.stdout(expected[-80:]) == expected


def test_much_in_one_result_and_one_display(go_peer: DriverPeer) -> None:
    text = go_peer.value('import "strings"\nstrings.Repeat("x", 10_000_000)')
    assert text.endswith("(cut)")
    shown = go_peer.run('display.Text(strings.Repeat("y", 10_000_000))').only(driver.DisplayData)
    assert len(shown.data["text/plain"]) == 10_000_000
    answer = go_peer.run('display.Text(strings.Repeat("z", 65 << 20))')
    assert answer.events == []
    assert b"at most 64" in go_peer.stderr(b"\n")


def test_text_that_looks_like_messages_is_text(go_peer: DriverPeer) -> None:
    frame = "\\x00\\x00\\x00\\x02{}"
    go_peer.run(f'import "fmt"\nfmt.Print("{frame}")')
    assert go_peer.value("1") == "1"


def test_rich_output(go_peer: DriverPeer) -> None:
    def shown(code: str) -> dict[str, Any]:
        data: dict[str, Any] = go_peer.run(code).only(driver.DisplayData).data
        return data

    assert shown('display.HTML("<b>x</b>")')["text/html"] == "<b>x</b>"
    assert shown('display.Markdown("# x")')["text/markdown"] == "# x"
    assert shown('display.LaTeX("$x$")')["text/latex"] == "$x$"
    assert shown('display.SVG("<svg/>")')["image/svg+xml"] == "<svg/>"
    assert shown('display.PNG([]byte("png"))')["image/png"] == base64.b64encode(b"png").decode()
    assert shown('display.JPEG([]byte("jpg"))')["image/jpeg"] == base64.b64encode(b"jpg").decode()
    assert shown('display.JSON(map[string]int{"a": 1})')["application/json"] == {"a": 1}
    assert shown("display.Show(1, `a`)") == {"text/plain": '(1, "a")'}
    mixed = shown('display.Mime(map[string]interface{}{"text/plain": "p", "image/png": []byte("png")})')
    assert mixed == {"text/plain": "p", "image/png": base64.b64encode(b"png").decode()}
    assert (
        base64.b64decode(shown('import "image"\ndisplay.Image(image.NewRGBA(image.Rect(0, 0, 2, 2)))')["image/png"])[
            1:4
        ]
        == b"PNG"
    )


def test_images_are_shown_as_results(go_peer: DriverPeer) -> None:
    found = go_peer.run('import "image"\nimage.NewGray(image.Rect(0, 0, 3, 4))').only(driver.ExecuteResult)
    assert found.data["text/plain"] == "<*image.Gray of 3 × 4>"
    assert base64.b64decode(found.data["image/png"])[1:4] == b"PNG"


def test_outputs_are_replaced_and_cleared(go_peer: DriverPeer) -> None:
    first, second = (plain(each.content) for each in go_peer.run('h := display.Text("a")\nh.Text("b")').events)
    assert (first.data, second.data) == ({"text/plain": "a"}, {"text/plain": "b"})
    assert first.transient == second.transient
    assert first.transient["display_id"]
    answer = go_peer.run('display.ID("mine").HTML("x")')
    assert answer.only(driver.DisplayData).transient == {"display_id": "mine"}
    assert go_peer.run('display.Update("mine").HTML("y")').only(driver.UpdateDisplayData).transient == {
        "display_id": "mine"
    }
    assert go_peer.run("display.Clear(true)").only(driver.ClearOutput).wait


def test_text_comes_before_the_message_that_followed_it(go_peer: DriverPeer) -> None:
    request = go_peer.start(
        'import ("fmt"; "time")\nfmt.Println("before")\ndisplay.Text("x")\ntime.Sleep(200 * time.Millisecond)'
    )
    assert isinstance(go_peer.next_message(), driver.DisplayData)
    assert go_peer.stdout() == b"before\n"
    go_peer.answer(request)


def test_an_idle_driver_never_wakes_up(go_peer: DriverPeer) -> None:
    go_peer.run('import "time"\ntime.Sleep(50 * time.Millisecond)')
    time.sleep(0.5)
    before = wakes(go_peer.process.pid)
    time.sleep(1)
    assert wakes(go_peer.process.pid) - before < 10


def wakes(pid: int) -> int:
    """How often threads of a process have begun to run."""
    return sum(
        int(line.split()[1])
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if "ctxt_switches" in line
    )
