"""The whole test run has a state folder of its own, and leaves no VM behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

CLEAN_TIMEOUT = 120

# Examples run on a noisy machine: how long one takes says nothing. The time-out of the whole test holds.
settings.register_profile("era", deadline=None)
settings.load_profile("era")


def heed_signals() -> None:
    """Started in the background, we may ignore signals; the processes under test must not inherit that."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_configure(config: pytest.Config) -> None:
    heed_signals()
    folder = tempfile.mkdtemp(prefix="era-tests-")
    os.environ["AGENT_STATE_DIR"] = folder
    os.environ["JUPYTER_CONFIG_DIR"] = str(Path(folder) / "jupyter")  # what the user configured is not tested
    os.environ.pop("AGENT_VM_RUNTIME", None)
    config.stash[STATE] = Path(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash[STATE]
    command = [sys.executable, "-m", "era_kernel", "vm", "clean", "--all"]
    env = {**os.environ, "AGENT_STATE_DIR": str(folder)}
    if (folder / "registry.json").exists():
        subprocess.run(command, env=env, timeout=CLEAN_TIMEOUT, check=False, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


STATE = pytest.StashKey[Path]()


@pytest.fixture(scope="session")
def state_dir(pytestconfig: pytest.Config) -> Path:
    """The state folder that all tests share; its VMs are cleaned at the end of the run."""
    return pytestconfig.stash[STATE]
