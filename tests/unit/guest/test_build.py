"""How the agent is built: the command, the compiler, its errors, other compilers and machines, and the wheel's hook."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from era_kernel.guest import build as agent_build
from era_kernel.guest.build import AgentBuildError, agent_name, compile_agent, compile_command, find_compiler
from tests.unit.guest.agent_peer import AgentPeer

REPOSITORY = Path(agent_build.__file__).parents[2]


def fake_compiler(folder: Path, script: str) -> Path:
    path = folder / "cc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_command_makes_a_static_stripped_program_and_takes_no_warning() -> None:
    command = compile_command(["cc", "-m64"], [Path("a.c"), Path("b.c")], Path("out"))
    assert command[:2] == ["cc", "-m64"]
    assert command[-4:] == ["-o", "out", "a.c", "b.c"]
    assert {"-static", "-s", "-Wall", "-Wextra", "-Werror", "-std=c11"} <= set(command)
    assert not any("sanitize" in part for part in command)


def test_the_sanitized_command_is_not_static() -> None:
    command = compile_command(["cc"], [Path("a.c")], Path("out"), sanitize=True)
    assert "-fsanitize=address,undefined" in command
    assert "-static" not in command
    assert "-Werror" in command


def test_the_name_tells_the_machine() -> None:
    assert agent_name() == f"era-agent-{platform.machine()}"
    assert agent_name("aarch64") == "era-agent-aarch64"


def test_a_compiler_that_was_told_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERA_AGENT_CC", "zig cc -target 'x86_64-linux-musl'")
    assert find_compiler() == ["zig", "cc", "-target", "x86_64-linux-musl"]


def test_the_first_of_the_usual_compilers_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ERA_AGENT_CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("clang", "gcc", "musl-gcc"):
        fake_compiler(tmp_path, "exit 0").rename(tmp_path / name)
        assert find_compiler() == [name]


def test_no_compiler_is_an_error_that_names_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ERA_AGENT_CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AgentBuildError, match=r"apt-get install gcc libc6-dev.*dnf install gcc glibc-static"):
        find_compiler()


def test_on_a_mac_one_for_linux_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ERA_AGENT_CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    fake_compiler(tmp_path, "exit 0")
    with pytest.raises(AgentBuildError, match="brew install"):
        find_compiler()
    fake_compiler(tmp_path, "exit 0").rename(tmp_path / "aarch64-linux-musl-gcc")
    assert find_compiler() == ["aarch64-linux-musl-gcc"]


def test_a_compiler_that_is_not_there_is_an_error_that_names_packages(tmp_path: Path) -> None:
    with pytest.raises(AgentBuildError, match=r"no-such-cc could not be run.*apt-get install"):
        compile_agent(tmp_path / "agent", ["no-such-cc"])


@pytest.mark.parametrize(
    "words", ["/usr/bin/ld: cannot find -lc: No such file or directory", "unable to find library -lc"]
)
def test_no_static_library_is_an_error_that_names_packages(tmp_path: Path, words: str) -> None:
    compiler = fake_compiler(tmp_path, f"echo '{words}' >&2; exit 1")
    with pytest.raises(AgentBuildError, match="glibc-static") as caught:
        compile_agent(tmp_path / "out" / "agent", [str(compiler)])
    assert words in str(caught.value)


def test_a_failed_build_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "out" / "agent"
    output.parent.mkdir()
    output.write_text("old")
    compiler = fake_compiler(tmp_path, "echo broken >&2; exit 1")
    with pytest.raises(AgentBuildError, match="broken"):
        compile_agent(output, [str(compiler)])
    assert [path.name for path in output.parent.iterdir()] == ["agent"]
    assert output.read_text() == "old"


def test_the_file_builds_alone_as_the_build_hook_runs_it(tmp_path: Path) -> None:
    file = Path(agent_build.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-S", file, tmp_path], capture_output=True, text=True, timeout=120, check=True
    )
    binary = tmp_path / agent_name()
    assert done.stdout.strip() == str(binary)
    assert os.access(binary, os.X_OK)


def exchange(command: list[str | Path]) -> None:
    """HELLO, RESUME and SPAWN of an agent."""
    with AgentPeer(command) as peer:
        log = peer.run(["/bin/sh", "-c", "cat; echo err >&2; exit 3"], b"in and out")
        assert (log.out, log.err) == (b"in and out", b"err\n")
        assert log.exit is not None
        assert (log.exit.kind, log.exit.value) == (0, 3)
        peer.ping()


def is_static(binary: Path) -> bool:
    """Whether an ELF program asks for no interpreter (program header of type 3)."""
    data = binary.read_bytes()
    assert data[:5] == b"\x7fELF\2"
    start = int.from_bytes(data[32:40], "little")
    size, count = int.from_bytes(data[54:56], "little"), int.from_bytes(data[56:58], "little")
    return all(int.from_bytes(data[start + i * size :][:4], "little") != 3 for i in range(count))


@pytest.mark.parametrize("compiler", ["gcc", "clang", "musl-gcc"])
def test_each_compiler_that_is_there_builds_a_small_static_agent(tmp_path: Path, compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    binary = compile_agent(tmp_path / "agent", [compiler])
    assert is_static(binary)
    assert binary.stat().st_size < 1_500_000
    exchange([binary])


def test_the_agent_for_aarch64_builds_and_runs(tmp_path: Path) -> None:
    compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")
    if compiler is None or emulator is None:
        pytest.skip("gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user are not all installed")
    binary = compile_agent(tmp_path / "agent", [compiler])
    assert is_static(binary)
    exchange([emulator, binary])


@pytest.mark.slow
def test_the_wheel_holds_an_agent_that_runs_and_is_for_this_platform(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    source = tmp_path / "source"
    for folder in ("era_kernel", "setup_scripts", "kernelspecs"):
        shutil.copytree(REPOSITORY / folder, source / folder, ignore=shutil.ignore_patterns("bin", "__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(REPOSITORY / file, source)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (wheel,) = (tmp_path / "dist").iterdir()
    assert f"-py3-none-{platform.system().lower()}_{platform.machine()}" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        name = f"era_kernel/guest/bin/{agent_name()}"
        binary = Path(archive.extract(name, tmp_path))
        assert archive.getinfo(name).external_attr >> 16 & 0o111
        about = next(entry for entry in archive.namelist() if entry.endswith(".dist-info/WHEEL"))
        assert b"Root-Is-Purelib: false" in archive.read(about)
    binary.chmod(0o755)
    exchange([binary])
