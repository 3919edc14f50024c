"""Cells of the python driver: their namespace, what they show, their errors, magics."""

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


def test_it_says_that_it_is_ready(peer: DriverPeer) -> None:
    assert isinstance(peer.ready, driver.Ready)
    assert peer.ready.content.language_version.startswith("3.")


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


def test_era_lines_where_they_do_not_count_are_told_where_they_do(peer: DriverPeer) -> None:
    for code in ("  %era list", "for i in range(2):\n    %era list"):
        text = trace(peer, code)
        assert "SyntaxError: %era counts at the begin of a line only, outside of blocks" in text
        assert "IPython magic" not in text
    assert "%%era counts at the begin of a cell only" in trace(peer, "x = 1\n%%era list")


def test_shell_lines_are_run_where_a_statement_can_be(peer: DriverPeer) -> None:
    code = 'x = 1\nif x:\n    !echo "it\'s" $((40 + 2))\ntext = """\n!echo no\n"""\n%matplotlib inline\n!exit 3'
    assert peer.run(code).reply.status == "ok"
    assert peer.stdout(b"42\n") == b"it's 42\n"
    assert peer.value("_exit_code") == "3"
    assert peer.value("text") == "'\\n!echo no\\n'"


def test_python_is_never_taken_for_a_shell_line(peer: DriverPeer) -> None:
    assert peer.value("x = 7 \\\n% 4\nx") == "3"
    assert peer.value("(9\n% 4)") == "1"
