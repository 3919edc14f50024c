"""One suite for every launcher: what the service, the shim and the kernel rely on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from era_kernel import process
from era_kernel.errors import EraError, VmLostError
from era_kernel.launchers.krunvm import Krunvm
from era_kernel.models import ExecResult, VmRecord, VmState
from era_kernel.paths import StatePaths
from era_kernel.service.files import collect_out, put_file
from era_kernel.service.manager import Manager
from era_kernel.service.results import Outcome
from era_kernel.shim.client import ExitKind, ShimClient
from tests.unit.service.support import Collected, eventually

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

COMMAND_SECONDS = 60.0
STREAM_SECONDS = 150.0
STREAM_BYTES = 64 << 20
RESTARTS = 20


def run(manager: Manager, vm_id: str, command: str) -> tuple[int, str]:
    output = Collected()
    [result] = asyncio.run(manager.execute([vm_id], command, timeout=COMMAND_SECONDS, output=output))
    assert isinstance(result, ExecResult), result
    return result.status, output.texts.get((vm_id, 1), b"").decode()


def hypervisors(vm_id: str) -> list[list[str]]:
    """Command lines of all that runs a VM, jailed or not: its id is on them."""
    programs = ("qemu", "bwrap", "krunvm", "python", "virtiofsd")
    return [
        each.info["cmdline"]
        for each in psutil.process_iter(["name", "cmdline", "status"])
        if each.info["name"].startswith(programs)
        and each.info["status"] != psutil.STATUS_ZOMBIE
        and vm_id in (each.info["cmdline"] or [])
    ]


def test_a_vm_from_its_making_to_its_end(manager: Manager) -> None:
    made = manager.create("python", mem=192)
    assert made.digest.startswith("sha256:")
    script = "uname -s; id -u; hostname; nproc; echo kept > /root/file; ls -d /in /out /persist"
    assert run(manager, made.id, script) == (0, f"Linux\n0\n{made.id}\n1\n/in\n/out\n/persist\n")
    _, total = run(manager, made.id, "grep MemTotal /proc/meminfo")
    assert 100 * 1024 < int(total.split()[1]) <= 192 * 1024
    assert manager.stop([made.id]) == [Outcome(made.id)]
    assert eventually(lambda: hypervisors(made.id) == [])
    assert manager.get(made.id).state is VmState.STOPPED
    manager.start(made.id)
    assert run(manager, made.id, "cat /root/file") == (0, "kept\n")
    assert manager.clean([made.id]) == [Outcome(made.id)]
    assert eventually(lambda: hypervisors(made.id) == [])


@pytest.mark.parametrize("volumes", ["", "1"], ids=["by the agent", "guest volumes"])
def test_persist_outlives_the_vm(
    manager: Manager, state: StatePaths, runtime: str, volumes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if volumes and runtime != "krunvm":
        pytest.skip("only krunvm has guest volumes")
    monkeypatch.setenv("AGENT_ENABLE_GUEST_VOLUMES", volumes)
    made = manager.create("python", persist=True)
    source = state.root / "given"
    source.write_text("from the host\n")
    asyncio.run(put_file(state.vm(made.id), source))
    assert run(manager, made.id, "cat /in/given | tee /persist/kept > /out/answer") == (0, "")
    collected = asyncio.run(collect_out(state.vm(made.id), state.root / "collected"))
    assert [(label, path.read_text()) for label, path in collected.items()] == [("answer", "from the host\n")]
    assert manager.stop([made.id]) == [Outcome(made.id)]
    if runtime == "krunvm":  # lost, as when somebody deletes it by hand: it is made again
        host = Krunvm(state.root)
        host.run(["krunvm", "delete", made.id])
    manager.start(made.id)
    assert run(manager, made.id, "cat /persist/kept") == (0, "from the host\n")
    assert manager.clean([made.id], keep_persist=True) == [Outcome(made.id)]
    kept = state.vm(made.id).persist
    assert any(path.is_file() for path in kept.rglob("*"))
    assert kept.stat().st_mode & 0o077 == 0
    shutil.rmtree(kept)


def test_an_image_that_is_not_there_leaves_nothing(manager: Manager, state: StatePaths) -> None:
    before = {folder.name for folder in state.vms.iterdir()}
    with pytest.raises(EraError, match="localhost/no/such"):
        manager.create("python", image="localhost/no/such")
    assert {folder.name for folder in state.vms.iterdir()} == before


@pytest.mark.parametrize(
    ("command", "status"), [("true", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("no-such", 127)]
)
def test_commands_end_as_they_ended(manager: Manager, vm: VmRecord, command: str, status: int) -> None:
    assert run(manager, vm.id, command)[0] == status


def test_bytes_come_back_as_they_went(vm: VmRecord, state: StatePaths) -> None:
    """64 MiB of random bytes in, and out again, at once."""
    sent, got = hashlib.sha256(), hashlib.sha256()
    size = 0

    def sink(fd: int, data: bytes) -> None:
        nonlocal size
        assert fd == 1
        size += len(data)
        got.update(data)

    async def through() -> None:
        client = await ShimClient.connect(state.vm(vm.id))
        try:
            cat = await client.spawn(["cat"], sink)
            for _ in range(STREAM_BYTES >> 20):
                block = os.urandom(1 << 20)
                sent.update(block)
                await cat.write(0, block)
            cat.close_fd(0)
            assert (await cat.wait()).status == 0
        finally:
            await client.close()

    asyncio.run(asyncio.wait_for(through(), STREAM_SECONDS))
    assert size == STREAM_BYTES
    assert got.digest() == sent.digest()


def test_two_clients_do_not_meet(vm: VmRecord, state: StatePaths) -> None:
    async def talk(word: bytes, together: asyncio.Barrier) -> bytes:
        heard = bytearray()
        client = await ShimClient.connect(state.vm(vm.id))
        try:
            cat = await client.spawn(["cat"], lambda _, data: heard.extend(data))
            await together.wait()
            for _ in range(200):
                await cat.write(0, word)
            cat.close_fd(0)
            ended = await cat.wait()
            assert (ended.kind, ended.value) == (ExitKind.EXITED, 0)
        finally:
            await client.close()
        return bytes(heard)

    async def both() -> list[bytes]:
        together = asyncio.Barrier(2)
        return list(await asyncio.gather(talk(b"one ", together), talk(b"two ", together)))

    assert asyncio.run(asyncio.wait_for(both(), COMMAND_SECONDS)) == [b"one " * 200, b"two " * 200]


def test_network_none_reaches_neither_host_nor_world(manager: Manager, vm: VmRecord) -> None:
    """Whatever device a guest has: what listens on the host, on all its addresses, is not reached."""
    reached: list[object] = []
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104
        port = listener.getsockname()[1]
        listener.settimeout(0.2)
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    reached.append(listener.accept()[1])
                except TimeoutError:
                    continue

        waiting = threading.Thread(target=accept)
        waiting.start()
        script = (
            "import socket\n"
            f"for address in ('127.0.0.1', '10.0.2.2', '{own_address()}', '192.0.2.1'):\n"
            "    try:\n"
            f"        socket.create_connection((address, {port}), 3)\n"
            "        print(address, 'reached')\n"
            "    except OSError:\n"
            "        pass\n"
        )
        try:
            assert run(manager, vm.id, f'python3 -c "{script}"') == (0, "")
        finally:
            stop.set()
            waiting.join()
    assert reached == []


def own_address() -> str:
    """The address from which this host speaks with others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("192.0.2.1", 9))
        return str(sender.getsockname()[0])


def kill_vmm(record: VmRecord) -> None:
    assert record.vmm is not None
    assert process.send_signal(record.vmm, signal.SIGKILL)


def kill_shim(record: VmRecord) -> None:
    assert record.shim is not None
    assert process.send_signal(record.shim, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_vmm, kill_shim])
def test_a_kill_ends_commands_with_an_error_and_keeps_the_disk(
    manager: Manager, state: StatePaths, kill: Callable[[VmRecord], None]
) -> None:
    made = manager.create("python")
    run(manager, made.id, "echo kept > /root/file; sync")

    async def lose_it() -> None:
        client = await ShimClient.connect(state.vm(made.id))
        try:
            forever = await client.spawn(["cat", "/dev/zero"], lambda fd, data: None)
            await asyncio.sleep(0.3)
            kill(manager.get(made.id))
            with pytest.raises(VmLostError):
                await forever.wait()
        finally:
            await client.close()

    asyncio.run(asyncio.wait_for(lose_it(), COMMAND_SECONDS))
    assert eventually(lambda: hypervisors(made.id) == []), hypervisors(made.id)
    assert [view.record.state for view in manager.list(include_stopped=True) if view.record.id == made.id] == [
        VmState.STOPPED
    ]
    manager.start(made.id)
    assert run(manager, made.id, "cat /root/file") == (0, "kept\n")
    manager.clean([made.id])


@pytest.mark.parametrize("moment", [0.3, 1.4])
def test_a_boot_that_is_killed_leaves_nothing_running(manager: Manager, state: StatePaths, moment: float) -> None:
    """The shim of a VM that is coming up dies: whoever waited hears of it, and the next start works."""
    made = manager.create("python")
    manager.stop([made.id])
    failures: list[BaseException] = []

    def start() -> None:
        try:
            manager.start(made.id)
        except EraError as error:
            failures.append(error)

    starting = threading.Thread(target=start)
    starting.start()
    time.sleep(moment)
    folder = str(state.vm(made.id).folder)
    for each in psutil.process_iter(["cmdline"]):
        command = each.info["cmdline"] or []
        if folder in command and "era_kernel.shim" in command:
            each.kill()
    starting.join(COMMAND_SECONDS)
    assert not starting.is_alive()
    assert eventually(lambda: hypervisors(made.id) == []), hypervisors(made.id)
    manager.start(made.id)
    assert run(manager, made.id, "echo well") == (0, "well\n")
    manager.clean([made.id])


def test_twenty_restarts(manager: Manager, vm: VmRecord) -> None:
    for number in range(RESTARTS):
        assert manager.stop([vm.id]) == [Outcome(vm.id)]
        manager.start(vm.id)
        assert run(manager, vm.id, "cat /root/count 2>/dev/null; echo x >> /root/count") == (0, "x\n" * number)
    assert Path(f"/proc/{manager.get(vm.id).vmm.pid}").exists()  # type: ignore[union-attr]
