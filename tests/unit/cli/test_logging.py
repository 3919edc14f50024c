"""What is logged where."""

from __future__ import annotations

import json
import stat
import sys
from datetime import datetime
from pathlib import Path

from tests.unit.cli.support import Era

SAY = (
    "import logging, sys; from pathlib import Path; from era_kernel.cli.logging import set_up;"
    "set_up(sys.argv[1] or None, Path(sys.argv[2])); log = logging.getLogger('era_kernel.some.part');"
    "log.debug('deep'); log.info('note', extra={'vm': 'a b'}); log.warning('beware\\n\\x1b[2J'); log.error('bad');"
    "logging.getLogger('other').debug('not ours')"
)


def say(era: Era, level: str, file: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Log a line of each level; the lines on stderr and the file's entries."""
    era.command = lambda *given: [sys.executable, "-c", SAY, *given]  # type: ignore[method-assign]
    ended = era(level, str(file))
    assert ended.stdout == ""
    return ended.stderr.splitlines(), [json.loads(line) for line in file.read_text().splitlines()]


def test_stderr_gets_warnings_and_the_file_what_happened_too(era: Era, tmp_path: Path) -> None:
    lines, entries = say(era, "", tmp_path / "log")
    assert [line.split(" ", 1)[1] for line in lines] == ["warn beware \\x1b[2J", "error bad"]
    assert [entry["level"] for entry in entries] == ["info", "warn", "error"]
    assert entries[0] | {"time": ""} == {
        "time": "",
        "level": "info",
        "logger": "era_kernel.some.part",
        "message": "note",
        "vm": "a b",
    }
    assert datetime.fromisoformat(entries[0]["time"]).tzname() == "UTC"


def test_the_level_is_obeyed(era: Era, tmp_path: Path) -> None:
    lines, entries = say(era, "error", tmp_path / "error")
    assert len(lines) == 1
    assert [entry["message"] for entry in entries] == ["note", "beware\n\x1b[2J", "bad"]
    lines, entries = say(era, "debug", tmp_path / "debug")
    assert len(lines) == len(entries) == 4
    assert lines[1].endswith(" info note vm='a b'")


def test_the_file_is_closed_to_others_and_only_grows(era: Era, tmp_path: Path) -> None:
    file = tmp_path / "log"
    say(era, "", file)
    _, entries = say(era, "", file)
    assert len(entries) == 6
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_command_of_a_guest_is_not_logged_at_info(toy_era: Era, tmp_path: Path) -> None:
    file = tmp_path / "log"
    toy_era(
        "vm", "temp", "--language", "python", "--cmd", "echo secret", "--log-file", str(file), "--log-level", "info"
    )
    assert "secret" not in file.read_text()
