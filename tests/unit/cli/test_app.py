"""Arguments, errors and exit statuses, on the real command."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.support import ROOT, Era

COMMANDS: list[tuple[str, ...]] = [
    ("vm", name) for name in ("create", "start", "stop", "clean", "list", "exec", "temp")
]
TOP: list[tuple[str, ...]] = [("doctor",), ("install",), ("uninstall",)]


def test_help_names_every_command(era: Era) -> None:
    top = era("--help")
    assert top.status == 0
    assert all(name in top.stdout for name in ("vm", "doctor", "install", "uninstall"))
    vm = era("vm", "-h")
    assert all(f"\n  {name} " in vm.stdout for *_, name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS + TOP, ids=" ".join)
def test_every_command_has_help_and_the_common_options(era: Era, command: tuple[str, ...]) -> None:
    ended = era(*command, "--help")
    assert (ended.status, ended.stderr) == (0, "")
    assert all(option in ended.stdout for option in ("--vm-runtime", "--log-level", "--log-file"))


def test_without_a_command_the_help_comes_on_stderr(era: Era) -> None:
    ended = era("vm")
    assert (ended.status, ended.stdout) == (2, "")
    assert "Usage: era vm" in ended.stderr


def test_version(era: Era) -> None:
    assert era("--version").stdout.startswith("era ")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("vm", "lst"), "list"),
        (("vm", "exce"), "exec"),
        (("docter",), "doctor"),
        (("vm", "help", "creat"), "create"),
        (("vm", "create", "--langauge", "python"), "--language"),
        (("vm", "clean", "--keep-persit", "--all"), "--keep-persist"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(era: Era, arguments: tuple[str, ...], meant: str) -> None:
    ended = era(*arguments)
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert f"'{meant}'" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("vm", "stop"),
        ("vm", "start"),
        ("vm", "clean"),
        ("vm", "exec", "--cmd", "true"),
        ("vm", "stop", "--all", "--vm", "python-00000000"),
        ("vm", "exec", "--vm", "python-00000000"),
        ("vm", "exec", "--all", "--cmd", "true", "--timeout", "0"),
        ("vm", "exec", "--all", "--cmd", "true", "--timeout", "nan"),
        ("vm", "exec", "--all", "--cmd", "true", "--timeout", "soon"),
        ("vm", "create"),
        ("vm", "create", "--language", "cobol"),
        ("vm", "create", "--language", "python", "--cpu", "0"),
        ("vm", "create", "--language", "python", "--mem", "1"),
        ("vm", "create", "--language", "python", "--network", "some"),
        ("vm", "list", "--status", "asleep"),
        ("vm", "list", "surplus"),
        ("--vm-runtime", "docker", "vm", "list"),
        ("--log-level", "loud", "vm", "list"),
        ("--log-file", "/nowhere/at/all", "vm", "list"),
        ("install", "--user", "--sys-prefix"),
        ("install", "--language", "cobol"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_asked_is_a_usage_error_on_one_line(era: Era, arguments: tuple[str, ...]) -> None:
    ended = era(*arguments)
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.startswith("era: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("verb", "said"), [("stop", "stop"), ("start", "start"), ("clean", "clean")])
def test_with_no_vms_all_is_no_error(era: Era, verb: str, said: str) -> None:
    ended = era("vm", verb, "--all")
    assert (ended.status, ended.stdout, ended.stderr) == (0, f"No VMs to {said}.\n", "")


@pytest.mark.parametrize("verb", ["stop", "start", "clean"])
def test_every_unknown_vm_is_listed(era: Era, verb: str) -> None:
    ended = era("vm", verb, "--vm", "python-00000001", "--vm", "../x", "--vm", "python-00000001")
    assert (ended.status, ended.stdout) == (1, "")
    assert [line.split(": ")[1] for line in ended.stderr.splitlines()] == ["python-00000001", "../x"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--vm-runtime", "qemu", "vm", "create", "--language", "python"),
        ("vm", "--vm-runtime", "qemu", "create", "--language", "python"),
        ("vm", "create", "--language", "python", "--vm-runtime", "qemu"),
        ("--vm-runtime", "krunvm", "vm", "create", "--vm-runtime", "QEMU", "--language", "python"),
    ],
    ids=" ".join,
)
def test_the_common_options_may_stand_anywhere(toy_era: Era, arguments: tuple[str, ...]) -> None:
    assert toy_era(*arguments).status == 0
    assert "runtime=qemu" in (toy_era.state / "notes").read_text()


def test_the_command_line_goes_before_the_environment(era: Era, tmp_path: Path) -> None:
    said, unsaid = tmp_path / "said", tmp_path / "unsaid"
    era("--log-file", str(said), "vm", "list", env={"AGENT_LOG_FILE": str(unsaid)})
    assert said.exists()
    assert not unsaid.exists()


def test_create_prints_the_id_and_nothing_else_on_stdout(toy_era: Era) -> None:
    ended = toy_era("vm", "create", "--language", "python", "--cpu", "2", "--mem", "512", "--persist")
    assert ended.stdout == "python-0000000a\n"
    assert ended.stderr == "making a disk\nbooting\\x1b[31m\n"
    notes = (toy_era.state / "notes").read_text()
    assert all(part in notes for part in ("('cpu', 2)", "('mem', 512)", "('persist', True)", "('network', None)"))


def test_an_error_of_ours_is_one_line(toy_era: Era) -> None:
    ended = toy_era("vm", "create", "--language", "broken")
    assert (ended.status, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1] == "era: The guest hangs. Try again."
    assert "last words" not in ended.stderr


def test_the_console_of_a_failed_boot_is_in_the_log(toy_era: Era) -> None:
    ended = toy_era("vm", "create", "--language", "broken", "--log-level", "debug")
    assert "| last words" in ended.stderr


def test_a_bug_is_one_line_that_says_where_the_details_are(toy_era: Era, tmp_path: Path) -> None:
    ended = toy_era("vm", "create", "--language", "bug")
    assert ended.status == 1
    assert ended.stderr.splitlines()[-1] == (
        "era: ZeroDivisionError: 1/0. This is a bug; run it with --log-level debug."
    )
    assert "Traceback" not in ended.stderr
    file = tmp_path / "log"
    ended = toy_era("vm", "create", "--language", "bug", "--log-file", str(file), "--log-level", "error")
    assert ended.stderr.splitlines()[-1].endswith(f"This is a bug; the details are in {file}.")
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert "ZeroDivisionError: 1/0" in entries[-1]["traceback"]
    assert "Traceback" in toy_era("vm", "create", "--language", "bug", "--log-level", "debug").stderr


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_a_signal_lets_a_command_clean_up(toy_era: Era, number: signal.Signals, status: int) -> None:
    with toy_era.started("vm", "create", "--language", "slow") as process:
        assert process.stderr is not None
        while process.stderr.readline() != b"up\n":
            pass
        process.send_signal(number)
        assert process.wait(20) == status
        assert b"Traceback" not in process.stderr.read()
    assert (toy_era.state / "notes").read_text() == "undone\n"


def test_an_interrupt_while_modules_load_ends_it_without_a_word(era: Era) -> None:
    """The command must neither go on nor print a traceback."""
    code = (
        "import sys, time\n"
        "slow = sys.argv.pop(1)\n"
        "class Slow:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == slow:\n"
        "            print('loading', flush=True); time.sleep(30)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from era_kernel.cli import main; main()\n"
    )
    for module in ("era_kernel.commands.table", "era_kernel.commands.machines"):
        command = [sys.executable, "-c", code, module, "vm", "clean", "--all"]
        with subprocess.Popen(
            command, env=era.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"loading\n"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (-signal.SIGINT, b"", b""), module


def test_an_interrupt_that_strikes_a_callback_is_not_lost() -> None:
    code = (
        "import os, signal, time, weakref\n"
        "from era_kernel.cli import app\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL); app._catch_interrupts()\n"
        "class Thing: pass\n"
        "def callback(gone): os.kill(os.getpid(), signal.SIGINT); time.sleep(0.1)\n"
        "thing = Thing(); watch = weakref.ref(thing, callback)\n"
        "try:\n"
        "    del thing; time.sleep(20)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True, cwd=ROOT)
    assert (ended.stdout, ended.stderr) == (b"interrupted\n", b"")


def test_a_state_folder_that_cannot_be_made_is_said(era: Era, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = era("vm", "list", env={"AGENT_STATE_DIR": str(tmp_path / "file" / "state")})
    assert ended.status == 1
    assert "Set AGENT_STATE_DIR" in ended.stderr


def test_what_the_system_refuses_is_no_bug_and_names_the_file(era: Era) -> None:
    folder = f"/tmp/{'x' * 300}"
    for arguments in (("cache", "list"), ("install", "--prefix", folder)):
        ended = era(*arguments, env={"ERA_CACHE_DIR": folder})
        assert (ended.status, ended.stdout) == (1, "")
        assert ended.stderr.startswith(f"era: {folder}/")
        assert ended.stderr.count("\n") == 1
        assert ": File name too long. Check its name" in ended.stderr
        assert "bug" not in ended.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams_harm_nothing(era: Era, closed: str) -> None:
    line = f"{shlex.join(era.command('vm', 'list'))} {closed}"
    ended = subprocess.run(["/bin/sh", "-c", line], env=era.env, capture_output=True, timeout=60, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, b"")
    files = [path for path in era.state.rglob("*") if path.is_file()]
    assert files
    assert not any(b"No VMs" in path.read_bytes() for path in files)


@pytest.mark.parametrize("arguments", [("vm", "list"), ("vm", "exec", "--vm", "python-0000000a", "--cmd", "yes")])
def test_a_full_disk_under_stdout_is_said(toy_era: Era, era: Era, arguments: tuple[str, ...]) -> None:
    runner = toy_era if "exec" in arguments else era
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        ended = subprocess.run(
            runner.command(*arguments),
            env=runner.env,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
    assert ended.returncode == 1
    assert ended.stderr == b"era: The output cannot be written: No space left on device\n"


def test_a_full_disk_under_the_version_is_said(era: Era) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        command = era.command("--version")
        ended = subprocess.run(
            command, env=era.env, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False, cwd=ROOT
        )
    assert (ended.returncode, ended.stderr) == (1, b"era: The output cannot be written: No space left on device\n")


def test_help_and_list_load_neither_rich_nor_a_launcher(era: Era) -> None:
    code = (
        "import sys; from era_kernel.cli.app import run; run(sys.argv[1:]);"
        "heavy = {'rich', 'ipykernel', 'zmq', 'jupyter_client', 'era_kernel.launchers.qemu'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    for arguments in (("--help",), ("vm", "list"), ("vm", "list", "--json")):
        era.command = lambda *given: [sys.executable, "-c", code, *given]  # type: ignore[method-assign]
        ended = era(*arguments)
        assert (ended.status, ended.stderr) == (0, "")


def test_the_help_needs_no_service(era: Era) -> None:
    code = (
        "import sys; from era_kernel.cli.app import run; run(['--help']);"
        "heavy = {'msgspec', 'psutil', 'tinydb', 'asyncio', 'logging'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    era.command = lambda *given: [sys.executable, "-c", code]  # type: ignore[method-assign]
    assert era().stderr == ""


def test_the_command_of_a_guest_is_not_logged(toy_era: Era, tmp_path: Path) -> None:
    file = tmp_path / "log"
    ended = toy_era(
        "vm", "temp", "--language", "python", "--cmd", "true canary", "--log-file", str(file), "--log-level", "debug"
    )
    assert "canary" not in file.read_text() + ended.stderr
