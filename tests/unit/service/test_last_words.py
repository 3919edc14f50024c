"""What a dying runtime says: found in stderr however it comes, bounded, harmless; and in a session's error."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.errors import DriverError
from era_kernel.languages.go import GO
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths
from era_kernel.protocol import driver
from era_kernel.service.dial import dial_running
from era_kernel.service.last_words import LIMIT, LastWords
from era_kernel.service.manager import Manager
from era_kernel.service.session import Session
from tests.unit.guest.go_driver import build
from tests.unit.service.support import IMAGE

pytestmark = pytest.mark.timeout(120)

THROWN = b"runtime: epollwait on fd 3 failed with 22\nfatal error: runtime: netpoll failed\n\nruntime stack:\n"


def words_of(*pieces: bytes) -> str:
    words = LastWords()
    for each in pieces:
        words.feed(each)
    return words.line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (THROWN + b"goroutine 1 [running]:\n" * 1000, "fatal error: runtime: netpoll failed"),
        (b"panic: first\npanic: second", "panic: second"),
        (b"era driver: the host is odd\n", "era driver: the host is odd"),
        (b"no panic: here\n fatal error: nor here\n", ""),
        (b"panic: \x1b[31mred\xff\0\n", "panic: \\x1b[31mred\ufffd\\x00"),
        (b"panic: " + b"x" * 10_000, "panic: " + "x" * (LIMIT - 7)),
        (b"x" * LIMIT + b"panic: in the middle of a line", ""),
    ],
)
def test_the_last_line_of_a_runtime_s_end_is_found(text: bytes, line: str) -> None:
    assert words_of(text) == line
    assert words_of(*(text[at : at + 1] for at in range(len(text)))) == line


@given(st.lists(st.sampled_from([b"panic: ", b"fatal error: ", b"\n", b"p", b"x" * LIMIT]), max_size=12), st.data())
def test_it_does_not_matter_where_the_text_is_cut(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    edges = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    assert words_of(*pieces) == words_of(text)


def test_what_an_earlier_cell_said_is_forgotten() -> None:
    words = LastWords()
    words.feed(b"panic: old\npanic: unfinished")
    words.forget()
    words.feed(b"\n")
    assert words.line == ""


# ---- in a session, of the real Go driver


class Events:
    """A front end that looks at nothing."""

    def text(self, name: str, data: bytes) -> None: ...

    def event(self, request: str, event: driver.Event) -> None: ...


@pytest.fixture(scope="module")
def go_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("go") / "driver")


@pytest.fixture
def vm(manager: Manager, state: StatePaths, monkeypatch: pytest.MonkeyPatch) -> VmRecord:
    monkeypatch.setenv("AGENT_STATE_DIR", str(state.root))
    return manager.kernel_vm("go", image=IMAGE)


async def error_of(go_driver: Path, *cells: str) -> str:
    """The error with which the last of some cells ends its session."""
    dialed = dial_running(dataclasses.replace(GO, driver=(str(go_driver),), warm=()), "")
    assert dialed is not None
    client, session = await Session.take_over(dialed, Events())
    await session.wait_ready()
    try:
        for number, code in enumerate(cells, 1):
            content = {"code": code, "user_expressions": {}, "allow_stdin": False, "execution_count": number}
            await session.execute({**content, "silent": False}, on_start=lambda request: None)
    except DriverError as error:
        return error.message
    finally:
        await client.close()
    raise AssertionError("the session lives")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "m := map[int]int{}\ngo func() { for i := 0; ; i++ { m[i%9] = i } }()\nfor i := 0; ; i++ { m[i%9] = i }",
            "fatal error: concurrent map",
        ),
        ('import "time"\ngo func() { panic("in a goroutine") }()\ntime.Sleep(time.Minute)', "panic: in a goroutine"),
    ],
)
def test_a_session_s_error_tells_them(vm: VmRecord, go_driver: Path, code: str, words: str) -> None:
    message = asyncio.run(error_of(go_driver, code))
    assert message.startswith(f"The session ended (exit status 2): {words}")


def test_more_memory_than_there_is_is_named(vm: VmRecord, go_driver: Path) -> None:
    message = asyncio.run(error_of(go_driver, "big := make([]byte, 1<<46)\nbig[0]"))
    assert message == "The VM ran out of its 256 MiB and ended the session"


def test_a_session_s_error_tells_no_other_cell_s(vm: VmRecord, go_driver: Path) -> None:
    cells = ['import "os"\nos.Stderr.WriteString("panic: long ago\\n")', "os.Exit(3)"]
    assert asyncio.run(error_of(go_driver, *cells)) == "The session ended (exit status 3)"
