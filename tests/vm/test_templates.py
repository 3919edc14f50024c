"""VMs that start from a template: each is its own, and a template that is no good harms nobody."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from era_kernel import process
from era_kernel.errors import HostMemoryError, ToolError
from era_kernel.loop import run_async
from era_kernel.models import ExecResult, VmRecord
from era_kernel.paths import StatePaths, open_state
from era_kernel.service.manager import Manager
from era_kernel.service.memory import available
from era_kernel.templates.prune import templates
from era_kernel.templates.template import METADATA, STATE, Template, seal
from tests.unit.service.support import eventually
from tests.vm.session import Cells

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

CLONES = 3
SPAWN = multiprocessing.get_context("spawn")
IDENTITY = """
import random, socket, time, uuid
try:
    import numpy
    drawn = numpy.random.random()
except ImportError:
    drawn = random.random()
machine = open("/etc/machine-id").read().strip()
noise = open("/dev/urandom", "rb").read(16).hex()
print(random.random(), uuid.uuid4(), socket.gethostname(), machine, noise, drawn, time.time())
"""


def shell(manager: Manager, record: VmRecord, command: str) -> str:
    """What a command in a VM prints."""
    printed = bytearray()
    results = run_async(
        lambda: manager.execute([record.id], command, timeout=60, output=lambda vm, fd, data: printed.extend(data))
    )
    assert isinstance(results[0], ExecResult), results
    assert results[0].status == 0, printed
    return printed.decode()


def the_template() -> Template:
    (template,) = templates()
    return template


async def identity(state: StatePaths, record: VmRecord) -> list[str]:
    cells = await Cells.open(state.vm(record.id))
    words = (await cells.run(IDENTITY)).split()
    await cells.client.close()
    skew = abs(time.time() - float(words.pop()))
    assert skew < 1, f"the guest's clock is {skew:.1f} s off"
    return words


def test_each_clone_is_a_machine_of_its_own(manager: Manager, state: StatePaths) -> None:
    records = [manager.create("python") for _ in range(CLONES)]
    found = [run_async(lambda record=record: identity(state, record)) for record in records]  # type: ignore[misc]
    for values, what in zip(zip(*found, strict=True), IDENTITY.split("print(")[1].split(", "), strict=False):
        assert len(set(values)) == CLONES, f"{what} is the same in several clones"
    assert [words[2] for words in found] == [record.id for record in records]


def test_a_second_session_is_another_fork(manager: Manager, state: StatePaths) -> None:
    record = manager.create("python")

    async def both() -> tuple[list[str], list[str]]:
        return await asyncio.gather(identity(state, record), identity(state, record))

    first, second = run_async(both)
    assert first[0] != second[0], "random.random()"
    assert first[5] != second[5], "numpy's generator"


def test_a_clone_writes_neither_to_the_template_s_memory_nor_to_its_disk(
    own_cache: Path, manager: Manager, state: StatePaths
) -> None:
    record = manager.create("python")
    template = the_template()
    shell(manager, record, "echo mine >/root/mine; head -c 50000000 /dev/zero >/dev/shm/x; sync")
    assert [each.key for each in templates()] == [template.key], "it is as it was made"
    another = manager.create("python")
    assert shell(manager, another, "ls /root /dev/shm") == "/dev/shm:\n\n/root:\n"
    qemu = next(each for each in psutil.Process(record.vmm.pid).children(recursive=True) if "qemu" in each.name())  # type: ignore[union-attr]
    maps = [line for line in Path(f"/proc/{qemu.pid}/maps").read_text().splitlines() if line.endswith("/era/ram")]
    assert maps, "it runs on the template's memory"
    assert all(line.split()[1] == "rw-p" for line in maps), "mapped privately"
    flags = [
        int(Path(f"/proc/{qemu.pid}/fdinfo/{fd.name}").read_text().split()[3], 8)
        for fd in Path(f"/proc/{qemu.pid}/fd").iterdir()
        if str(fd.readlink()).endswith("/era/ram")
    ]
    assert flags
    assert all(flag & os.O_ACCMODE == os.O_RDONLY for flag in flags), "opened for reading only"


@pytest.mark.parametrize("harm", ["cut", "altered", "false"])
def test_a_template_that_is_no_good_is_made_again(
    own_cache: Path, manager: Manager, state: StatePaths, said: list[str], harm: str
) -> None:
    manager.create("python")
    template = the_template()
    state_file = template.folder / STATE
    if harm == "cut":
        os.truncate(state_file, 1000)
    elif harm == "altered":
        state_file.write_bytes(state_file.read_bytes()[:-1] + b"x")
    else:  # as it was sealed, and yet nothing that QEMU can load
        state_file.write_bytes(os.urandom(state_file.stat().st_size))
        record = VmRecord("python-00000000", template.metadata.spec, manager.list()[0].record.purpose, "", "", 0.0)
        seal(template.folder, record, template.metadata.fingerprint, template.metadata.base, time.time())
    del said[:]
    started = manager.create("python")
    assert shell(manager, started, "echo up") == "up\n"
    assert sum("making a template" in line for line in said) == 1, said
    assert not any("booting" in line for line in said), said
    assert the_template().metadata.created > template.metadata.created
    assert len(list(state.disks.glob("template-*.raw"))) == 2, "its VMs are on its own disk, not on the last one's"


@contextlib.contextmanager
def disk_of(mib: int, folder: Path) -> Iterator[None]:
    """A file system of its own for a folder."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    try:
        process.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder], timeout=10)
    except ToolError as error:
        pytest.skip(f"no tmpfs may be mounted here: {error}")
    try:
        yield
    finally:
        process.run(["umount", "--lazy", folder], timeout=10)


def test_a_cache_on_another_disk_than_the_vms(own_cache: Path, manager: Manager, state: StatePaths) -> None:
    with disk_of(1000, own_cache / "templates"):
        record = manager.create("python")
        assert shell(manager, record, "echo kept >/root/kept; cat /root/kept") == "kept\n"
        (base,) = state.disks.glob("template-*.raw")
        assert base.stat().st_size == 16 << 30
        assert base.stat().st_blocks * 512 < 200 << 20, "copied without its holes"
    manager.stop([record.id], power_off=True)
    assert shell(manager, manager.start(record.id), "cat /root/kept") == "kept\n", "without the template too"


def test_without_room_for_a_template_a_vm_boots_and_says_so(own_cache: Path, manager: Manager, said: list[str]) -> None:
    with disk_of(200, own_cache / "templates"):
        record = manager.create("python")
        made = [each for each in (own_cache / "templates").iterdir() if each.is_dir()]
        assert made == [], "nothing of it stays"
    assert shell(manager, record, "echo up") == "up\n"
    assert any("no template could be made" in line and "no room" in line for line in said), said
    assert any("booting" in line for line in said)


def create(root: Path, cache: Path, said: Path) -> None:
    os.environ["ERA_CACHE_DIR"] = str(cache)
    with said.open("a") as lines:
        Manager(open_state(root), report=lambda line: print(line, file=lines, flush=True)).create("python")


def test_two_processes_that_want_the_same_template_make_it_once(
    own_cache: Path, manager: Manager, state: StatePaths, tmp_path: Path
) -> None:
    logs = [tmp_path / "one", tmp_path / "two"]
    workers = [SPAWN.Process(target=create, args=(state.root, own_cache, log)) for log in logs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    said = "".join(log.read_text() for log in logs)
    assert said.count("making a template") == 1
    assert "booting" not in said
    assert len(manager.list()) == 2


def builders() -> list[int]:
    """The VMMs that make templates."""
    found = psutil.process_iter(["cmdline"])
    return [each.pid for each in found if any("making-" in word for word in each.info["cmdline"] or [])]


def test_a_build_that_is_killed_leaves_nothing_broken(
    own_cache: Path, manager: Manager, state: StatePaths, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    for moment in (0.3, 1.5, 3.0):
        worker = SPAWN.Process(target=create, args=(state.root, own_cache, log))
        worker.start()
        assert eventually(lambda: log.exists() and "making a template" in log.read_text(), 30)
        time.sleep(moment)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join(10)
        log.unlink()
        assert eventually(lambda: builders() == []), "its VMM ends with it"
    record = manager.create("python")
    assert shell(manager, record, "echo up") == "up\n"
    assert (the_template().folder / METADATA).exists()
    assert not list((own_cache / "templates").glob(".*making-*"))


def test_a_vm_that_the_host_has_no_memory_for_is_refused(manager: Manager, state: StatePaths) -> None:
    most = psutil.virtual_memory().total >> 20
    if most - 64 < available():
        pytest.skip("this host gives all of its memory")
    with pytest.raises(HostMemoryError, match="MiB to give"):
        manager.create("python", mem=most)
    assert manager.list(include_stopped=True) == []
