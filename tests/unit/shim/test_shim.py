"""A real shim, a real client and the real agent, which here runs as a plain process in place of a VMM.

What depends on a VM (boot, power, the disk) is in tests/vm; what the three say to each other is here.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from era_kernel import process
from era_kernel.errors import BootError, UsageError, VmLostError
from era_kernel.guest import build
from era_kernel.launchers.base import BootPlan
from era_kernel.paths import StatePaths, VmPaths
from era_kernel.shim.client import ExitKind, Scope, ShimClient
from era_kernel.shim.spawn import ShimStarted, shim_alive, start_shim

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]


@dataclass
class Shim:
    paths: VmPaths
    started: ShimStarted


def folder(tmp_path: Path, argv: tuple[str, ...], boot_timeout: float = 10.0) -> VmPaths:
    paths = StatePaths(tmp_path).vm("python-0badcafe")
    paths.folder.mkdir(mode=0o700, parents=True)
    plan = BootPlan("python-0badcafe", argv, {"PATH": os.environ["PATH"]}, str(paths.console), boot_timeout)
    paths.boot_plan.write_bytes(msgspec.json.encode(plan))
    return paths


@pytest.fixture(scope="module")
def agent_binary(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(build.build(tmp_path_factory.mktemp("agent")))


@pytest.fixture
def shim(tmp_path: Path, agent_binary: str) -> Iterator[Shim]:
    paths = folder(tmp_path, (agent_binary,))
    running = Shim(paths, start_shim(paths))
    yield running
    process.end(running.started.shim)
    process.end(running.started.vmm)


@pytest_asyncio.fixture
async def client(shim: Shim) -> AsyncIterator[ShimClient]:
    connected = await ShimClient.connect(shim.paths)
    yield connected
    await connected.close()


class Collected:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.bytes: dict[int, bytearray] = {1: bytearray(), 2: bytearray(), 4: bytearray()}

    def __call__(self, fd: int, data: bytes) -> None:
        self.bytes[fd] += data


def ignore(fd: int, data: bytes) -> None:
    """A sink for those who do not look."""


async def test_a_command_s_output_and_status(client: ShimClient) -> None:
    got = Collected()
    running = await client.spawn(["sh", "-c", "echo out; echo err >&2; exit 7"], got, cwd="/")
    ended = await running.wait()
    assert (ended.kind, ended.value, ended.status) == (ExitKind.EXITED, 7, 7)
    assert (bytes(got.bytes[1]), bytes(got.bytes[2])) == (b"out\n", b"err\n")


async def test_a_program_that_is_not_there(client: ShimClient) -> None:
    ended = await (await client.spawn(["/no/such/program"], ignore, cwd="/")).wait()
    assert (ended.kind, ended.status) == (ExitKind.FAILED, 127)


async def test_sixty_four_mebibytes_both_ways_unchanged(client: ShimClient) -> None:
    data = os.urandom(1 << 20) * 64
    digest = hashlib.sha256()
    running = await client.spawn(["cat"], lambda fd, piece: digest.update(piece), cwd="/")
    await running.write(0, data)
    running.close_fd(0)
    assert (await running.wait()).status == 0
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()


async def test_a_flood_that_nobody_takes_does_not_delay_another_command(client: ShimClient) -> None:
    flood = await client.spawn(["sh", "-c", "yes"], ignore, cwd="/")
    for _ in range(5):
        got = Collected()
        ended = await asyncio.wait_for((await client.spawn(["echo", "x"], got, cwd="/")).wait(), 5)
        assert ended.status == 0
        assert got.bytes[1] == b"x\n"
    flood.signal(signal.SIGKILL, Scope.ALL)
    assert (await flood.wait()).status == 137


async def test_two_clients_at_once(shim: Shim, client: ShimClient) -> None:
    other = await ShimClient.connect(shim.paths)
    mine, theirs = Collected(), Collected()
    ends = [
        (await each.spawn(["sh", "-c", f"seq {count}"], sink, cwd="/")).wait()
        for each, sink, count in ((client, mine, 1000), (other, theirs, 2000))
    ]
    await asyncio.gather(*ends)
    assert mine.bytes[1].count(b"\n") == 1000
    assert theirs.bytes[1].count(b"\n") == 2000
    await other.close()


async def test_a_client_that_leaves_ends_its_processes_and_no_others(shim: Shim, client: ShimClient) -> None:
    other = await ShimClient.connect(shim.paths)
    mine = await client.spawn(["sleep", "50"], ignore, cwd="/")
    await other.spawn(["sh", "-c", "sleep 50 & wait"], ignore, cwd="/")
    while (await client.status()).processes < 2:
        await asyncio.sleep(0.01)
    await other.close()
    async with asyncio.timeout(5):
        while (await client.status()).processes > 1:
            await asyncio.sleep(0.01)
    mine.signal(signal.SIGKILL)
    assert (await mine.wait()).status == 137


async def test_stats_are_the_guest_s(client: ShimClient) -> None:
    stats = await client.stats()
    assert 0 < stats.mem_available < stats.mem_total
    assert stats.processes > 0


async def test_stop_ends_the_vm_the_shim_and_tells_everybody(shim: Shim, client: ShimClient) -> None:
    other = await ShimClient.connect(shim.paths)
    waiting = await other.spawn(["sleep", "50"], ignore, cwd="/")
    await client.stop()
    with pytest.raises(VmLostError, match="was stopped"):
        await waiting.wait()
    assert process.wait_gone(shim.started.shim, 5)
    assert not process.is_alive(shim.started.vmm)
    assert not shim_alive(shim.paths)
    assert not shim.paths.socket.exists()


async def test_the_death_of_the_vmm_is_told(shim: Shim, client: ShimClient) -> None:
    waiting = await client.spawn(["sleep", "50"], ignore, cwd="/")
    process.send_signal(shim.started.vmm, signal.SIGKILL)
    with pytest.raises(VmLostError, match="The VM ended"):
        await asyncio.wait_for(waiting.wait(), 5)
    with pytest.raises(VmLostError):
        await client.spawn(["true"], ignore)


async def test_the_death_of_the_shim_is_told(shim: Shim, client: ShimClient) -> None:
    waiting = await client.spawn(["sleep", "50"], ignore, cwd="/")
    assert shim_alive(shim.paths)
    process.send_signal(shim.started.shim, signal.SIGKILL)
    with pytest.raises(VmLostError, match="shim"):
        await asyncio.wait_for(waiting.wait(), 5)
    assert process.wait_gone(shim.started.shim, 5)
    assert not shim_alive(shim.paths)


async def test_only_one_shim_holds_a_vm(shim: Shim) -> None:
    with pytest.raises(BootError, match="holds python-0badcafe already"):
        start_shim(shim.paths)


async def test_nobody_else_can_reach_the_socket(shim: Shim) -> None:
    assert stat.S_IMODE(shim.paths.socket.stat().st_mode) == 0o600


@pytest.mark.parametrize("data", [b"\0" * 9, b"\xff" * 100, b"\0\0\0\x06\x20\0\0\0\0{"])
async def test_a_client_that_speaks_nonsense_loses_only_itself(shim: Shim, client: ShimClient, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(5)
        stranger.connect(str(shim.paths.socket))
        stranger.sendall(data)
        assert await asyncio.to_thread(stranger.recv, 100) == b""
    assert (await client.status()).processes == 0


async def test_a_command_with_a_nul_is_a_usage_error(client: ShimClient) -> None:
    with pytest.raises(UsageError, match="NUL"):
        await client.spawn(["a\0b"], ignore)


async def test_nobody_there(tmp_path: Path) -> None:
    paths = folder(tmp_path, ("true",))
    with pytest.raises(VmLostError, match="does not answer"):
        await ShimClient.connect(paths)
    assert not shim_alive(paths)


async def test_a_path_longer_than_a_socket_s_name_may_be(tmp_path: Path, agent_binary: str) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    paths = folder(deep, (agent_binary,))
    started = start_shim(paths)
    try:
        client = await ShimClient.connect(paths)
        assert (await client.status()).processes == 0
        await client.stop()
    finally:
        process.end(started.shim)


async def test_an_ephemeral_vm_ends_with_its_last_client(tmp_path: Path, agent_binary: str) -> None:
    paths = folder(tmp_path, (agent_binary,))
    started = start_shim(paths, ephemeral=True)
    client = await ShimClient.connect(paths)
    await client.spawn(["/bin/sleep", "60"], ignore)
    await client.close()
    assert await asyncio.to_thread(process.wait_gone, started.shim, 5)
    assert not process.is_alive(started.vmm)


async def test_an_ephemeral_vm_does_not_end_because_somebody_looked_at_it(tmp_path: Path, agent_binary: str) -> None:
    paths = folder(tmp_path, (agent_binary,))
    started = start_shim(paths, ephemeral=True)
    try:
        looker = await ShimClient.connect(paths)
        await looker.status()
        await looker.close()
        assert not await asyncio.to_thread(process.wait_gone, started.shim, 0.5)
    finally:
        process.end(started.shim)


@pytest.mark.parametrize(
    ("argv", "boot_timeout", "why"),
    [
        (("sh", "-c", "echo 'Kernel panic: no root' >&2; exit 3"), 10.0, "ended with status 3"),
        (("sh", "-c", "echo 'starting' >&2; exec sleep 50"), 0.3, "did not answer within 0 s"),
        (("sh", "-c", "echo 'garbage on the frame stream, and much of it'; exec sleep 50"), 10.0, "broke the protocol"),
        (("/no/such/vmm",), 10.0, "not installed"),
    ],
)
async def test_a_vm_that_does_not_come_up_says_why_and_leaves_nothing(
    tmp_path: Path, argv: tuple[str, ...], boot_timeout: float, why: str
) -> None:
    paths = folder(tmp_path, argv, boot_timeout)
    with pytest.raises(BootError, match=why) as caught:
        start_shim(paths)
    assert "\x1b" not in caught.value.console
    assert not shim_alive(paths)
    if "panic" in argv[-1]:
        assert "Kernel panic: no root" in caught.value.console
