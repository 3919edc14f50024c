"""What is logged where, by one process and by several at once."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path

SAY = (
    "import logging, sys; from pathlib import Path; from era_kernel.logs import set_up;"
    "set_up(sys.argv[1] or None, Path(sys.argv[2])); log = logging.getLogger('era_kernel.some.part');"
    "log.debug('deep'); log.info('note', extra={'vm': 'a b'}); log.warning('beware\\n\\x1b[2J'); log.error('bad');"
    "logging.getLogger('other').debug('not ours')"
)
WRITE = (
    "import logging, sys; from pathlib import Path; from era_kernel.logs import set_up;"
    "set_up('error', Path(sys.argv[1])); log = logging.getLogger('era_kernel.part');"
    "[log.info('%s', sys.argv[2] * length) for length in (1, 100, 5_000, 50_000) * 25]"
)
ROTATE = (
    "import logging, sys; from pathlib import Path; from era_kernel.logs import set_up;"
    "file = Path(sys.argv[1]); set_up('error', file); log = logging.getLogger('era_kernel.part');"
    "log.info('before'); file.rename(file.with_suffix('.1')); log.info('after'); file.unlink(); log.info('anew')"
)
SHIM = (
    "import logging, sys; from era_kernel.logs import set_up_shim, in_use;"
    "set_up_shim(*sys.argv[1:]); log = logging.getLogger('era_kernel.shim'); log.debug('deep'); log.info('note')"
)
TIMEOUT = 60


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-c", *argv], capture_output=True, text=True, timeout=TIMEOUT, check=True)
    assert done.stdout == ""
    return done


def entries(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def say(level: str, file: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Log a line of each level; the lines on stderr and the file's entries."""
    return run(SAY, level, str(file)).stderr.splitlines(), entries(file)


def test_stderr_gets_warnings_and_the_file_what_happened_too(tmp_path: Path) -> None:
    lines, found = say("", tmp_path / "log")
    assert [line.split(" ", 1)[1] for line in lines] == ["warn beware \\x1b[2J", "error bad"]
    assert [entry["level"] for entry in found] == ["info", "warn", "error"]
    assert found[0] | {"time": "", "pid": 0} == {
        "time": "",
        "level": "info",
        "logger": "era_kernel.some.part",
        "pid": 0,
        "message": "note",
        "vm": "a b",
    }
    assert datetime.fromisoformat(found[0]["time"]).tzname() == "UTC"


def test_the_level_is_obeyed(tmp_path: Path) -> None:
    lines, found = say("error", tmp_path / "error")
    assert len(lines) == 1
    assert [entry["message"] for entry in found] == ["note", "beware\n\x1b[2J", "bad"]
    lines, found = say("debug", tmp_path / "debug")
    assert len(lines) == len(found) == 4
    assert lines[1].endswith(" info note vm='a b'")


def test_the_file_is_closed_to_others_and_only_grows(tmp_path: Path) -> None:
    file = tmp_path / "log"
    say("", file)
    _, found = say("", file)
    assert len(found) == 6
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "log"
    words = "abcd"
    processes = [subprocess.Popen([sys.executable, "-c", WRITE, str(file), word]) for word in words]
    assert [process.wait(TIMEOUT) for process in processes] == [0] * len(words)
    messages = [entry["message"] for entry in entries(file)]
    assert len(messages) == len(words) * 100
    assert all(message == message[0] * len(message) for message in messages)


def test_a_file_that_was_moved_or_removed_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "log"
    run(ROTATE, str(file))
    assert [entry["message"] for entry in entries(file.with_suffix(".1"))] == ["before"]
    assert [entry["message"] for entry in entries(file)] == ["anew"]


def test_a_shim_says_what_happened_in_its_own_file_and_in_the_log(tmp_path: Path) -> None:
    file = tmp_path / "log"
    own = run(SHIM, "error", str(file)).stderr.splitlines()
    assert [json.loads(line)["message"] for line in own] == ["note"]
    assert [entry["message"] for entry in entries(file)] == ["note"]
    assert [json.loads(line)["message"] for line in run(SHIM, "debug", "").stderr.splitlines()] == ["deep", "note"]


def test_a_log_file_that_went_away_does_not_keep_a_shim_from_running() -> None:
    (complaint, note) = map(json.loads, run(SHIM, "warn", "/nowhere/at/all").stderr.splitlines())
    assert "cannot be written" in complaint["message"]
    assert note["message"] == "note"


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = subprocess.run(
        [sys.executable, "-c", SAY, "", str(fifo)], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert "cannot be written" in done.stderr
