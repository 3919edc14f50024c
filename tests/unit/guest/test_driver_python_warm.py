"""Sessions of the python driver that were forked: nothing shared that must differ, nothing other than if executed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.unit.guest.driver_peer import DRIVER, DriverPeer, Started, running_driver, start_cold
from tests.unit.guest.test_agent_processes import wait_gone
from tests.unit.guest.warm_driver import Zygote

pytestmark = pytest.mark.timeout(60)

STATE = """
import os, signal, sys, threading, asyncio, gc, locale
{
    'fds': sorted(os.listdir('/proc/self/fd'), key=int),
    'signals': [signal.getsignal(n) for n in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGCHLD)],
    'masks': [line for line in open('/proc/self/status') if line[:6] in ('SigBlk', 'SigIgn', 'SigCgt')],
    'group': (os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()),
    'streams': [(s.encoding, s.errors, s.fileno(), s.isatty()) for s in (sys.stdin, sys.stdout, sys.stderr)],
    'main': (sys.modules['__main__'].__dict__ is globals(), __name__, sorted(globals())),
    'sys': (sys.argv, sys.path, sys.orig_argv[1:], sys.flags, sys.executable, sys.getrecursionlimit()),
    'threads': (len(os.listdir('/proc/self/task')), threading.current_thread() is threading.main_thread()),
    'thread id': threading.main_thread().native_id == os.getpid(),
    'locale': (locale.setlocale(locale.LC_CTYPE), locale.getpreferredencoding(), sys.getfilesystemencoding()),
    'finders': [getattr(each, '__name__', type(each)) for each in sys.meta_path],
    'loop': asyncio.get_event_loop_policy()._local._loop,
    'gc': (gc.isenabled(), gc.get_threshold(), gc.callbacks),
    'files': (os.getcwd(), oct(os.umask(0o22)), open(0).read()),
    'environment': dict(os.environ),
}
"""
USUAL = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/root"}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as running:
        yield running


@contextlib.contextmanager
def cold_and_warm(zygote: Zygote, env: Mapping[str, str], cwd: Path) -> Iterator[tuple[DriverPeer, DriverPeer]]:
    def cold(fds: Sequence[int]) -> Started:
        return start_cold(fds, env, cwd)

    def warm(fds: Sequence[int]) -> Started:
        return zygote.start(fds, env, str(cwd), (sys.executable, "-I", str(DRIVER)))

    with running_driver(cold) as first, running_driver(warm) as second:
        yield first, second


@pytest.mark.parametrize(
    ("env", "is_warm"),
    [
        (USUAL, True),
        ({**USUAL, "A": "=", "B": "ä", "TZ": "Asia/Tokyo", "PYTHONPATH": "/ignored"}, True),
        # What follows is decided when an interpreter starts: its encoding, its own place.
        ({**USUAL, "LC_ALL": "no_SUCH"}, False),
        ({**USUAL, "PATH": "/bin"}, False),
    ],
)
def test_a_session_finds_just_what_one_that_was_executed_finds(
    env: dict[str, str], is_warm: bool, tmp_path: Path
) -> None:
    with Zygote(env=USUAL) as zygote, cold_and_warm(zygote, env, tmp_path) as (cold, warm):
        assert ("--warm" in Path(f"/proc/{warm.process.pid}/cmdline").read_text()) == is_warm
        programs = "import os; os.system('env | sort; ls /proc/self/fd | wc -l')"
        for expression in (STATE, "__import__('time').tzname", programs):
            assert warm.value(expression).split("\n") == cold.value(expression).split("\n")
        assert warm.stdout(b"PATH") == cold.stdout(b"PATH")


DRAWS = (
    "__import__('random').random()",
    "__import__('random').Random().random()",
    "__import__('uuid').uuid4()",
    "__import__('secrets').token_hex()",
    "__import__('ssl').RAND_bytes(8)",
    "next(__import__('tempfile')._get_candidate_names())",
    "__import__('multiprocessing').current_process().authkey + b''",
)


def test_twenty_sessions_draw_twenty_different_numbers(zygote: Zygote) -> None:
    has_numpy = importlib.util.find_spec("numpy") is not None
    draws = (*DRAWS, "__import__('numpy').random.random()") if has_numpy else DRAWS
    found: list[list[str]] = []
    for _ in range(20):
        with running_driver(zygote.start_driver) as peer:
            found.append([peer.value(draw) for draw in draws])
    for draw, values in zip(draws, zip(*found, strict=True), strict=True):
        assert len(set(values)) == 20, draw


@pytest.mark.parametrize("module", ["random", "numpy.random"])
def test_a_session_draws_none_of_the_numbers_that_its_spare_would_have_drawn(module: str) -> None:
    """A spare is cloned with its template, so that seeding it when it is forked, as `random` does, is not enough."""
    pytest.importorskip(module)
    code = (
        f"import {module}\nfrom era_driver import warm\n"
        f"for _ in range(5):\n    {module}.seed(1); warm._refresh([]); print({module}.random())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(DRIVER.parent)}, capture_output=True, text=True, timeout=60, check=True
    )
    assert len(set(done.stdout.split())) == 5


def test_nothing_that_can_be_upgraded_and_no_secret_is_loaded_before(zygote: Zygote) -> None:
    with running_driver(zygote.start_driver) as peer:
        loaded = peer.value("import sys; ' '.join(sys.modules)").strip("'").split()
        foreign = "[n for n, m in sys.modules.items() if '-packages' in (getattr(m, '__file__', None) or '')]"
        with running_driver() as cold:
            cold.run("import sys")
            assert peer.value(foreign) == cold.value(foreign)
    assert {"json", "asyncio", "random", "era_driver.complete", "era_driver.tracebacks"} <= set(loaded)
    assert not {"ctypes", "multiprocessing.process", "numpy", "IPython", "matplotlib"} & set(loaded)


def test_a_folder_that_is_not_there_is_told_as_an_errno(zygote: Zygote) -> None:
    session = zygote.start([0, 1, 2, os.dup(0), os.dup(1)], cwd="/nonexistent")
    assert session.answer() == (2).to_bytes(4, sys.byteorder)
    assert session.wait(5) == 127


def test_a_session_in_a_changed_environment_of_packages_is_executed(tmp_path: Path) -> None:
    """As after `pip install -e`: an interpreter reads .pth files when it starts, and only then."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    script = tmp_path / "zygote.py"
    script.write_text(
        f"import site, sys\nsite.getsitepackages = lambda: [{str(packages)!r}]\n"
        f"sys.path.insert(0, {str(DRIVER.parent)!r})\nfrom era_driver.warm import become_session\nbecome_session()\n"
        "from era_driver.loop import main\nmain()\n"
    )
    argv = (sys.executable, "-I", str(DRIVER))
    with Zygote([str(script)]) as zygote:

        def command_line() -> str:
            with running_driver(lambda fds: zygote.start(fds, argv=argv)) as peer:
                return peer.value("open('/proc/self/cmdline').read()")

        assert "zygote.py" in command_line()
        (packages / "module.py").touch()
        assert "zygote.py" in command_line()
        (packages / "editable.pth").touch()
        found = command_line()
        assert "zygote.py" not in found
        assert "driver.py" in found


def test_a_spare_that_dies_is_replaced_but_not_in_haste() -> None:
    with Zygote() as zygote:
        start = time.monotonic()
        for _ in range(3):
            pid, channel = zygote.spare()
            os.kill(pid, signal.SIGKILL)
            channel.close()
        assert 1.5 < time.monotonic() - start < 10
        with running_driver(zygote.start_driver) as peer:
            assert peer.value("1 + 1") == "2"


def test_a_spare_whose_socket_is_closed_ends(zygote: Zygote) -> None:
    pid, channel = zygote.spare()
    channel.close()
    wait_gone(pid)


def test_sessions_outlive_their_zygote_and_it_ends_with_the_agent() -> None:
    with Zygote() as zygote:
        session = running_driver(zygote.start_driver)
        peer = session.__enter__()
    assert zygote.process.poll() == 0
    assert peer.value("1 + 1") == "2"
    os.kill(peer.process.pid, signal.SIGKILL)
    session.__exit__(None, None, None)


def test_a_waiting_zygote_and_its_spare_never_wake_up(zygote: Zygote) -> None:
    pid, channel = zygote.spare()

    def switches() -> list[str]:
        paths = [Path(f"/proc/{each}/status") for each in (pid, zygote.process.pid)]
        return [line for path in paths for line in path.read_text().splitlines() if "ctxt" in line]

    time.sleep(0.2)
    before = switches()
    time.sleep(1)
    assert switches() == before
    channel.close()
