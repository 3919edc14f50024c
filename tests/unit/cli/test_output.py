"""Lines and tables, on pipes and on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from era_kernel.text import printable
from tests.unit.cli.support import ROOT

TABLE = (
    "from era_kernel.cli.output import Console; console = Console();"
    "console.report('working');"
    "console.table(('ID', 'Note'), [('python-0000000a', '[red]' + 'word ' * 60), ('b', '\\x1b[2J')]);"
    "console.line('done')"
)


def test_control_characters_are_shown_not_sent() -> None:
    assert printable("a\x1b]0;x\x07\nb\x9b\tc é") == "a\\x1b]0;x\\x07 b\\x9b\tc é"


def test_a_piped_table_has_one_line_a_row_and_no_markup() -> None:
    ended = subprocess.run([sys.executable, "-c", TABLE], capture_output=True, timeout=60, check=True, cwd=ROOT)
    lines = ended.stdout.decode().splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r"ID +Note", lines[0])
    assert lines[1].startswith("python-0000000a")
    assert lines[1].endswith("word")
    assert "[red]word" in lines[1]
    assert lines[2].split() == ["b", "\\x1b[2J"]
    assert ended.stderr == b"working\n"


def test_a_table_on_a_terminal_fits_it_and_keeps_ids_whole() -> None:
    shown = on_terminal(TABLE, columns=60)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    table = plain[plain.index("ID") :].splitlines()
    assert max(map(len, table)) <= 60
    assert any("python-0000000a" in line for line in table)
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize("columns", [20, 0])
def test_short_columns_are_whole_on_any_terminal(columns: int) -> None:
    code = (
        "from era_kernel.cli.output import Console;"
        "Console().table(('ID', 'Language', 'Created'), [('python-0000000a', 'python', '2026-11-26 00:29:19')])"
    )
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", on_terminal(code, columns)).splitlines()
    assert [line.split() for line in lines if "python" in line] == [
        ["python-0000000a", "python", "2026-11-26", "00:29:19"]
    ]


def test_a_dumb_terminal_gets_all_columns_and_progress() -> None:
    code = (
        "from era_kernel.cli.output import Console; console = Console(); console.report('making it');"
        "console.table(['ID'] + ['x' * 25] * 4, [['a'] + ['y' * 25] * 3 + ['last']])"
    )
    shown = on_terminal(code, 80, TERM="dumb")
    assert shown.startswith("making it\r\n")
    assert "last" in shown
    assert "\x1b" not in shown


def test_a_reader_that_left_ends_a_command_quietly() -> None:
    code = "from era_kernel.cli.output import Console\nwhile True: Console().line('x' * 100)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read() == b""


def on_terminal(code: str, columns: int, **env: str) -> str:
    """What a program prints to a terminal of this width."""
    ours, theirs = pty.openpty()
    size = (
        f"import fcntl, struct, termios; fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, {columns}, 0, 0));"
    )
    with subprocess.Popen(
        [sys.executable, "-c", size + code],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=ROOT, env={**os.environ, "TERM": "xterm", **env},
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 65536):
                shown += data
        except OSError:  # Linux' way to say that the other end of a terminal was closed
            pass
        assert process.wait(20) == 0
    os.close(ours)
    return shown.decode()
