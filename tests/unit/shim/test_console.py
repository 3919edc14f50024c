"""A guest prints to its console what it likes: bounded on disk and in memory, harmless in a terminal."""

from __future__ import annotations

from pathlib import Path

from era_kernel.shim.console import FILE_LIMIT, TAIL_BYTES, ConsoleLog, printable


def test_a_terminal_sees_no_control_characters() -> None:
    assert printable(b"\x1b]0;title\x07\x1b[31mred\r\n\tx\x00\x9b1m\xff") == "]0;title[31mred\n\tx\ufffd1m\ufffd"


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    log = ConsoleLog(tmp_path / "console")
    log.write(b"".join(b"line %d\r\n" % number for number in range(100)))
    assert log.tail(2) == "line 98\nline 99"
    assert (tmp_path / "console").read_bytes().startswith(b"line 0\r\n")


def test_a_flood_is_bounded_on_disk_and_its_end_kept(tmp_path: Path) -> None:
    log = ConsoleLog(tmp_path / "console")
    for number in range(100):
        log.write(b"%050000d" % number)
    assert (tmp_path / "console").stat().st_size <= FILE_LIMIT + TAIL_BYTES
    assert log.tail().endswith("99")


def test_a_folder_that_went_away_costs_the_log_only(tmp_path: Path) -> None:
    log = ConsoleLog(tmp_path / "gone/console")
    log.write(b"said")
    assert log.tail() == "said"
