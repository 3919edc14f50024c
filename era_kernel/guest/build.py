"""Builds the guest agent: one static, stripped Linux program out of the C files in `agent/`.

Stdlib only, and nothing of era_kernel is imported: the wheel's build hook loads this file by its path before the
package is installed.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SOURCES = Path(__file__).parent / "agent"
COMPILE_TIMEOUT = 300.0
"""Seconds; the compiler needs about 3."""

_WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror")
_STATIC = ("-O2", "-static", "-s", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
_SANITIZED = ("-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


class AgentBuildError(Exception):
    """The agent could not be built; the text says why and what to install."""


def agent_name(machine: str | None = None) -> str:
    """The file name of the agent for a machine (`platform.machine()`, this one by default)."""
    return f"era-agent-{machine or platform.machine()}"


def agent_sources() -> list[Path]:
    """The C files, in a fixed order."""
    return sorted(SOURCES.glob("*.c"))


def find_compiler() -> list[str]:
    """The command of a C compiler for Linux guests: $ERA_AGENT_CC, or the first of the usual ones on the PATH."""
    if told := os.environ.get("ERA_AGENT_CC", "").strip():
        return shlex.split(told)
    for name in _candidates():
        if shutil.which(name):
            return [name]
    raise AgentBuildError(f"No C compiler for the guest agent was found. {_remedy()}")


def _candidates() -> tuple[str, ...]:
    if platform.system() == "Linux":
        return ("musl-gcc", "cc", "gcc", "clang")
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    return (f"{machine}-linux-musl-gcc",)


def _remedy() -> str:
    if platform.system() == "Darwin":
        return "Install one that makes Linux programs: `brew install filosottile/musl-cross/musl-cross`."
    return (
        "Install it with its static C library: `apt-get install gcc libc6-dev` (Debian, Ubuntu), "
        "`dnf install gcc glibc-static` (Fedora)."
    )


def compile_command(cc: Sequence[str], sources: Sequence[Path], output: Path, sanitize: bool = False) -> list[str]:
    """The command that makes the agent. `sanitize`: for tests, with ASan and UBSan, not static."""
    flags = _SANITIZED if sanitize else _STATIC
    return [*cc, "-std=c11", "-D_GNU_SOURCE", *_WARNINGS, *flags, "-o", str(output), *map(str, sources)]


def compile_agent(output: Path, cc: Sequence[str] | None = None, sanitize: bool = False) -> Path:
    """Build the agent as `output`, which appears whole or not at all. AgentBuildError carries the compiler's words."""
    command = cc or find_compiler()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".build-") as folder:
        made = Path(folder) / output.name
        _run(compile_command(command, agent_sources(), made, sanitize))
        made.replace(output)
    return output


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=COMPILE_TIMEOUT)
    except OSError as error:
        raise AgentBuildError(f"{command[0]} could not be run: {error.strerror}. {_remedy()}") from error
    except subprocess.TimeoutExpired as error:
        raise AgentBuildError(f"{command[0]} took more than {COMPILE_TIMEOUT:.0f} s for the guest agent.") from error
    if done.returncode:
        words = done.stderr.strip()
        hint = f" {_remedy()}" if _lacks_library(words) else ""
        raise AgentBuildError(f"{command[0]} could not build the guest agent.{hint}\n{words}")


def _lacks_library(words: str) -> bool:
    signs = ("cannot find -lc", "unable to find library -lc", "file not found", "No such file")
    return any(sign in words for sign in signs)


def build(output_dir: Path) -> Path:
    """Build this machine's agent into `output_dir` and give its path. Raises AgentBuildError."""
    return compile_agent(output_dir / agent_name())


if __name__ == "__main__":
    try:
        print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES.parent / "bin"))
    except AgentBuildError as problem:
        sys.exit(f"era: {problem}")
