"""Are the programs that we call installed?"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from era_kernel import process
from era_kernel.doctor.finding import Finding, Grade, failed
from era_kernel.errors import ToolFailedError, ToolMissingError
from era_kernel.guest.build import AgentBuildError, find_compiler

VERSION_SECONDS = 20.0


@dataclass(frozen=True)
class Program:
    """A program, an option with which it ends well (most tell their version then), and what is lost without it."""

    name: str
    tool: str
    option: str = "--version"
    grade: Grade = Grade.FAILED


PROGRAMS = (
    Program("qemu", "qemu-system-x86_64"),
    Program("qemu-img", "qemu-img"),
    Program("buildah", "buildah"),
    Program("erofs-utils", "mkfs.erofs", "--help"),
    Program("e2fsprogs", "mkfs.ext4", "-V"),
    Program("bubblewrap", "bwrap"),
    Program("setpriv", "setpriv"),
    Program("pasta (--network allow_all)", "pasta", grade=Grade.WARNING),
)


def check_program(program: Program) -> Finding:
    """Installed, and able to tell its version."""
    try:
        path = process.find_tool(program.tool)
        completed = process.run([path, program.option], timeout=VERSION_SECONDS)
    except ToolMissingError as error:
        return failed(program.name, error, program.grade)
    except ToolFailedError as error:
        return Finding(program.name, program.grade, error.message, f"Install {program.tool} again.")
    said = (completed.stdout or completed.stderr).strip().partition("\n")[0]
    version = said if re.search(r"\d", said) else "it works"
    return Finding(program.name, Grade.OK, f"{path}: {version}")


def check_compiler() -> Finding:
    """Only whoever builds the agent out of its sources needs one."""
    try:
        command = find_compiler()
    except AgentBuildError:
        return Finding("C compiler", Grade.INFO, "none; only building the agent from its sources needs one")
    return Finding("C compiler", Grade.INFO, shutil.which(command[0]) or command[0])


def checks() -> list[tuple[str, Callable[[], Finding]]]:
    """This module's checks: (name, check)."""
    programs = [(program.name, _check_of(program)) for program in PROGRAMS]
    return [*programs, ("C compiler", check_compiler)]


def _check_of(program: Program) -> Callable[[], Finding]:
    return lambda: check_program(program)
