"""`era` as a real process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import era_kernel

ROOT = Path(era_kernel.__file__).parents[1]
TIMEOUT = 60


@dataclass(frozen=True)
class Ended:
    status: int
    stdout: str
    stderr: str


class Era:
    """Runs `python -m MODULE` with folders of its own; `toy` has the commands run on this host instead of in VMs."""

    def __init__(self, folder: Path, module: str = "era_kernel") -> None:
        self.state = folder / "state"
        self.module = module
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("AGENT_", "JUPYTER_"))}
        self.env |= {
            "AGENT_STATE_DIR": str(self.state),
            "ERA_CACHE_DIR": str(folder / "cache"),
            "HOME": str(folder / "home"),
            "PYTHONPATH": str(ROOT),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", self.module, *arguments]

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
        ended = subprocess.run(
            self.command(*arguments),
            env=self.env | dict(env or {}),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """The process while it runs; it is gone afterwards."""
        with subprocess.Popen(
            self.command(*arguments),
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                process.kill()
